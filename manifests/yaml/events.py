"""Give the events of a YAML text from ruamel.yaml's C parser, or from its pure one.

Everything about ruamel.yaml that is not plain use stands here. Its C extension
(`ruamel.yaml.clib`) asks for `ruamel.yaml` when it is loaded, which brings in the whole library:
45 ms, most of a one-pod start. Of that the extension needs the event classes and the names of
eight exceptions. So while it loads, a bare package stands for `ruamel.yaml`: the modules of the
event classes are the real ones, the exceptions are ours. Afterwards the stand-ins are gone, and
whoever imports ruamel.yaml later gets all of it. If anything about this fails, in a release that
we have not seen, the extension is imported in the plain way.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from types import ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_PACKAGE = "ruamel.yaml"
_EXCEPTIONS = {
    "reader": "ReaderError",
    "scanner": "ScannerError",
    "parser": "ParserError",
    "composer": "ComposerError",
    "constructor": "ConstructorError",
    "emitter": "EmitterError",
    "serializer": "SerializerError",
    "representer": "RepresenterError",
}


def source(text: str, *, thorough: bool = False) -> Callable[[], Any]:
    """Return a function that gives the next event of `text` at each call, StreamEnd at last.

    It raises one of `complaints` where the text is no YAML; see `misread` for `thorough`.
    """
    if PARSER is not None and thorough:
        from manifests.yaml import thorough as both

        return both.events(text, PARSER, StreamEnd, complaints()).__next__
    if PARSER is not None:
        parser = PARSER(text)
        return parser.get_event  # type: ignore[no-any-return]
    from ruamel.yaml import YAML

    return YAML(typ="safe", pure=True).parse(text).__next__  # type: ignore[no-any-return]


def misread(complaint: BaseException) -> bool:
    """Tell whether the C parser refuses what may be YAML, and is to be read thoroughly instead."""
    from manifests.yaml import thorough

    return PARSER is not None and thorough.is_misread(complaint)


def _load_alone() -> Any:
    """Load the C extension beside a bare `ruamel.yaml`; ImportError when that cannot be done."""
    from importlib.machinery import PathFinder

    import ruamel

    spec = PathFinder.find_spec(_PACKAGE, ruamel.__path__)
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError(f"{_PACKAGE} is not installed")
    package = ModuleType(_PACKAGE)
    package.__path__ = spec.submodule_search_locations
    stand_ins = {_PACKAGE: package}
    for module, exception in _EXCEPTIONS.items():
        stand_in = ModuleType(f"{_PACKAGE}.{module}")
        setattr(stand_in, exception, type(exception, (_ComplaintError,), {}))
        stand_ins[stand_in.__name__] = stand_in
    sys.modules.update(stand_ins)
    try:
        return importlib.import_module("_ruamel_yaml")
    finally:
        for name in stand_ins:
            sys.modules.pop(name, None)


class _ComplaintError(Exception):
    """What the parser says about a text: the same four fields as ruamel.yaml's MarkedYAMLError."""

    def __init__(
        self,
        context: object = None,
        context_mark: object = None,
        problem: object = None,
        problem_mark: object = None,
        *_rest: object,
    ) -> None:
        super().__init__(context, context_mark, problem, problem_mark)
        self.context = context
        self.context_mark = context_mark
        self.problem = problem
        self.problem_mark = problem_mark


def _load() -> tuple[Any, Any]:
    """Return the C parser (None without the extension) and the module of event classes."""
    extension = sys.modules.get("_ruamel_yaml")
    if extension is None and _PACKAGE not in sys.modules:
        # A release not seen yet may fail in any way; the plain import below then decides.
        with contextlib.suppress(Exception):
            extension = _load_alone()
    if extension is None:
        with contextlib.suppress(ImportError):
            extension = importlib.import_module("_ruamel_yaml")
    # Taken from the table: `import ruamel.yaml.events` would load the whole package around it.
    classes: Any = sys.modules.get(f"{_PACKAGE}.events")
    if extension is None or classes is None:
        classes = importlib.import_module(f"{_PACKAGE}.events")
    return getattr(extension, "CParser", None), classes


PARSER, classes = _load()

Alias = classes.AliasEvent
DocumentEnd = classes.DocumentEndEvent
DocumentStart = classes.DocumentStartEvent
MappingEnd = classes.MappingEndEvent
MappingStart = classes.MappingStartEvent
Scalar = classes.ScalarEvent
SequenceEnd = classes.SequenceEndEvent
SequenceStart = classes.SequenceStartEvent
StreamEnd = classes.StreamEndEvent


def complaints() -> tuple[type[BaseException], ...]:
    """The exceptions by which the parser in use refuses a text."""
    error: Any = sys.modules.get(f"{_PACKAGE}.error")
    known: tuple[type[BaseException], ...] = (_ComplaintError,)
    return (*known, error.YAMLError) if error is not None else known
