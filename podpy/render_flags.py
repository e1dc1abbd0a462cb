"""Flags of the commands that write files for systemd and Podman: render, convert, generate."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse


def add_podman_version(parser: argparse.ArgumentParser) -> None:
    """Declare which Podman's Quadlet the files are for."""
    parser.add_argument(
        "--podman-version",
        default="5.4",
        metavar="VERSION",
        help="that reads Quadlet files; 5.4 if left out",
    )


def add_user(parser: argparse.ArgumentParser) -> None:
    """Declare whose systemd they are for."""
    parser.add_argument("--user", action="store_true", help="for systemd's user instance")


def add_strict(parser: argparse.ArgumentParser) -> None:
    """Declare what becomes of losses."""
    parser.add_argument(
        "--strict", action="store_true", help="write nothing where a field would be lost"
    )
