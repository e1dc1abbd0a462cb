"""Import argparse without what it would look for translations with.

argparse asks gettext for a translation of each of its own words. There is none for podpy, and the
module takes as long to import as argparse itself; looking then imports locale, too, and opens a
dozen files that do not exist. Called by podpy.parser.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
else:
    _GETTEXT = "gettext"
    _known = sys.modules.get(_GETTEXT)
    _stand_in = type(sys)(_GETTEXT)
    _stand_in.gettext = str
    _stand_in.ngettext = lambda one, many, count: one if count == 1 else many
    sys.modules[_GETTEXT] = _stand_in
    try:
        import argparse
    finally:
        # Whoever else asks for gettext gets it.
        if _known is None:
            del sys.modules[_GETTEXT]
        else:
            sys.modules[_GETTEXT] = _known

__all__ = ["argparse"]
