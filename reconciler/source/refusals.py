"""The faults of a source that was asked, and has what cannot be followed."""

from __future__ import annotations

from manifests.faults import Invalid


class RefusedError(Invalid):
    """What the source holds now cannot be followed, or may not be: the last good one stays."""


class UnverifiedError(RefusedError):
    """It may not be followed: nobody who may sign has signed it."""
