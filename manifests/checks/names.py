"""Judge names: each function returns what is wrong with a text, or an empty text.

The forms are RFC 1123's and RFC 6335's, as k8s.io/apimachinery/pkg/util/validation states them.
"""

from __future__ import annotations

# Regular expressions would have to be compiled first, by every command that reads a manifest.
_LOWER = "abcdefghijklmnopqrstuvwxyz"
_DIGITS = "0123456789"
_SMALL = _LOWER + _DIGITS
_LETTERS = _SMALL + _LOWER.upper()


def dns_label(text: str) -> str:
    """A part of a host name: `web-1`, at most 63 characters."""
    if not text:
        return "is required"
    if len(text) > 63:
        return f"must be no more than 63 characters; it has {len(text)}"
    if _bounded(text, "-"):
        return ""
    return (
        f'"{text}" is not a valid name: use lower-case letters, digits and "-", '
        "with a letter or digit at both ends"
    )


def dns_subdomain(text: str) -> str:
    """A host name: `web.example`, at most 253 characters."""
    if not text:
        return "is required"
    if len(text) > 253:
        return f"must be no more than 253 characters; it has {len(text)}"
    if all(_bounded(part, "-") for part in text.split(".")):
        return ""
    return (
        f'"{text}" is not a valid name: use lower-case letters, digits, "-" and ".", '
        "with a letter or digit at both ends and beside every dot"
    )


def port_name(text: str) -> str:
    """A service name of IANA's: `http`, at most 15 characters."""
    if len(text) > 15:
        return f"must be no more than 15 characters; it has {len(text)}"
    if not _bounded(text, "-") or "--" in text or text.strip(_DIGITS + "-") == "":
        return (
            f'"{text}" is not a valid port name: use lower-case letters, digits and single "-" '
            "between them, with at least one letter"
        )
    return ""


def qualified(text: str) -> str:
    """The key of a label or annotation: `app` or `example.com/app`."""
    prefix, slash, name = text.rpartition("/")
    if slash:
        fault = dns_subdomain(prefix) if prefix else "is empty"
        if fault or "/" in prefix:
            return f'the key "{text}" must have a DNS name before its one "/"'
    if len(name) > 63:
        return f'the key "{text}" must have no more than 63 characters after any "/"'
    if not _bounded(name, "-_.", _LETTERS):
        return (
            f'"{text}" is not a valid key: use letters, digits, "-", "_" and ".", '
            "with a letter or digit at both ends"
        )
    return ""


def label_value(text: str) -> str:
    """The value of a label: empty, or at most 63 characters of a restricted set."""
    if len(text) > 63:
        return f"a label's value must be no more than 63 characters; it has {len(text)}"
    if text and not _bounded(text, "-_.", _LETTERS):
        return (
            f'"{text}" is not a valid label value: use letters, digits, "-", "_" and ".", '
            "with a letter or digit at both ends"
        )
    return ""


def config_key(text: str) -> str:
    """A key of a ConfigMap or Secret: it is also a file name."""
    if not text:
        return "is required"
    if len(text) > 253:
        return f"a key must be no more than 253 characters; it has {len(text)}"
    if text == "." or text.startswith(".."):
        return f'"{text}" is not a valid key: it may not be "." nor start with ".."'
    if text.strip(_LETTERS + "-._"):
        return f'"{text}" is not a valid key: use letters, digits, "-", "_" and "."'
    return ""


def env_name(text: str) -> str:
    """A variable's name: since Kubernetes 1.34 any printable ASCII but "="."""
    if not text:
        return "is required"
    if all(" " <= letter <= "~" and letter != "=" for letter in text):
        return ""
    return f'"{text}" is not a valid variable name: use printable ASCII characters without "="'


def sysctl(text: str) -> str:
    """A sysctl's name, with dots or slashes between its parts."""
    parts = text.replace("/", ".").split(".")
    if len(text) > 253 or not all(_bounded(part, "-_") for part in parts):
        return f'"{text}" is not a valid sysctl name (as net.core.somaxconn)'
    return ""


def search_domain(text: str) -> str:
    """A domain of a resolver's search list: "_" is allowed in it, and a dot at the end."""
    parts = text.removesuffix(".").split(".") if text != "." else []
    if len(text) > 254 or not all(_search_part(part) for part in parts):
        return f'"{text}" is not a valid search domain'
    return ""


def _bounded(text: str, within: str, letters: str = _SMALL) -> bool:
    """Whether `text` has `letters` at both ends, and only those and `within` between them."""
    made = text != "" and text.strip(letters + within) == ""
    return made and text[0] not in within and text[-1] not in within


def _search_part(text: str) -> bool:
    """Whether it is `_`, or a part of a name that may begin with one."""
    # The letter put before it takes the place of a `_` at the beginning.
    return text == "_" or _bounded("a" + text[1:] if text[:1] == "_" else text, "-_")


def address(text: str) -> str:
    """An IPv4 or IPv6 address."""
    import ipaddress

    try:
        ipaddress.ip_address(text)
    except ValueError:
        return f'"{text}" is not an IP address'
    return ""


def relative_path(text: str) -> str:
    """A path that stays below where it starts."""
    if text.startswith("/"):
        return f'"{text}" must be a relative path'
    return no_steps_back(text)


def no_steps_back(text: str) -> str:
    """A path without `..`."""
    return f'"{text}" must not contain ".."' if ".." in text.split("/") else ""
