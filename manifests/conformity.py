"""Hold a document against the schema of its kind: its problems, with their places, come out.

The words are those of schemas.validator; this adds the file, line and column, and what to write
in quotes. Whether podpy honours a field that exists is manifests.support.
"""

from __future__ import annotations

from schemas import catalogue, validator

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.documents import Document
    from manifests.problems import Problem


def problems(document: Document) -> tuple[Problem, ...]:
    """Return all that is wrong with `document` by its schema; nothing of a kind that has none."""
    if not catalogue.known(document.api_version, document.kind):
        return ()
    found = []
    for violation in validator.violations(document.raw, document.api_version, document.kind):
        message = violation.message
        if violation.quote and (written := document.written(violation.path)):
            message += f' (quote it: "{written}")'
        found.append(document.problem(violation.path, message))
    return tuple(found)
