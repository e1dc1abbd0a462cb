"""Render Jinja2 templates: texts, values and host facts in, texts out, or what is wrong. Pure.

The one door to Jinja2. Templates are another's code: they run sandboxed, see nothing but what they
are given, and always give the same for the same. Time and memory are the caller's to limit.
"""

from __future__ import annotations

import functools
import os
import traceback

import jinja2
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    Source = tuple[str, str, Callable[[], bool]]

LARGEST = 16 << 20
"""Characters that all rendered texts together may have."""

# Each pass must find what the one before it has made.
_CHANCE_FILTERS, _CHANCE_GLOBALS = ("random",), ("lipsum",)
# What these say names fields and types, never a value.
_TELLING = (jinja2.TemplateError, TypeError, ZeroDivisionError, OverflowError)


class RenderError(Exception):
    """`message` says what is wrong at `file`:`line`; 0 where no line is to blame."""

    def __init__(self, file: str, line: int, message: str) -> None:
        super().__init__(message)
        self.file, self.line, self.message = file, line, message


class _Loader(jinja2.BaseLoader):
    """Finds templates by their paths in the source, and no others."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts

    def get_source(self, _: jinja2.Environment, template: str) -> Source:
        if template not in self._texts:
            raise jinja2.TemplateNotFound(template, f'the source has no file "{template}"')
        return self._texts[template], template, lambda: True


def render(
    texts: Mapping[str, str], wanted: Sequence[str], variables: Mapping[str, Any]
) -> tuple[dict[str, str], tuple[RenderError, ...]]:
    """Render the templates `wanted` of `texts`, which may include the others.

    Returns what each came to, and everything that is wrong.
    """
    environment = ImmutableSandboxedEnvironment(
        loader=_Loader(texts),
        undefined=jinja2.StrictUndefined,
        autoescape=False,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in _CHANCE_FILTERS:
        del environment.filters[name]
    for name in _CHANCE_GLOBALS:
        del environment.globals[name]
    found: dict[str, str] = {}
    wrong: list[RenderError] = []
    left = LARGEST
    for name in wanted:
        try:
            found[name] = _rendered(environment, name, variables, left)
            left -= len(found[name])
        except RenderError as error:
            wrong.append(error)
    return found, tuple(wrong)


def _rendered(
    environment: jinja2.Environment, name: str, variables: Mapping[str, Any], limit: int
) -> str:
    parts: list[str] = []
    try:
        for part in environment.get_template(name).generate(variables):
            limit -= len(part)
            if limit < 0:
                raise RenderError(name, 0, f"gives too much: the limit is {LARGEST >> 20} MiB")
            parts.append(part)
    except jinja2.TemplateSyntaxError as error:
        raise RenderError(error.name or name, error.lineno, error.message or "") from error
    except SecurityError as error:
        raise _told(name, error, f"may not be done by a template: {error}") from error
    except _TELLING as error:
        raise _told(name, error, str(error)) from error
    except MemoryError as error:
        raise _told(name, error, "takes too much memory") from error
    except RecursionError as error:
        raise _told(name, error, "includes or calls itself without an end") from error
    except RenderError:
        raise
    except Exception as error:
        raise _told(name, error, f"cannot be rendered: {type(error).__name__}") from error
    return "".join(parts)


def _told(name: str, error: BaseException, message: str) -> RenderError:
    """Find the template's line: Jinja2 writes its own into the traceback."""
    frames = traceback.extract_tb(error.__traceback__)
    file, line = next(
        ((one.filename, one.lineno or 0) for one in reversed(frames) if _is_template(one)),
        (name, 0),
    )
    return RenderError(file, line, message)


def _is_template(frame: traceback.FrameSummary) -> bool:
    """Templates are named by their paths in the source, Python's modules by whole ones."""
    return not frame.filename.startswith(("/", "<"))


@functools.cache
def _packaged() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(f"{os.path.dirname(__file__)}/templates"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 (unit files are no HTML; renderers.systemd_text quotes)
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def packaged(template: str, **values: Any) -> str:
    """Return the text of podpy's own renderers/templates/TEMPLATE; a missing value is a bug."""
    return _packaged().get_template(template).render(**values)
