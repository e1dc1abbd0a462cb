"""Judge names: each function returns what is wrong with a text, or an empty text.

The forms are RFC 1123's and RFC 6335's, as k8s.io/apimachinery/pkg/util/validation states them.
"""

from __future__ import annotations

import re

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_CONFIG_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_SYSCTL = re.compile(r"[a-z0-9]([-_a-z0-9]*[a-z0-9])?([./][a-z0-9]([-_a-z0-9]*[a-z0-9])?)*")
_SEARCH = re.compile(r"[a-z0-9_]([-a-z0-9_]*[a-z0-9])?(\.[a-z0-9_]([-a-z0-9_]*[a-z0-9])?)*\.?|\.")


def dns_label(text: str) -> str:
    """A part of a host name: `web-1`, at most 63 characters."""
    if not text:
        return "is required"
    if len(text) > 63:
        return f"must be no more than 63 characters; it has {len(text)}"
    if _LABEL.fullmatch(text):
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
    if _SUBDOMAIN.fullmatch(text):
        return ""
    return (
        f'"{text}" is not a valid name: use lower-case letters, digits, "-" and ".", '
        "with a letter or digit at both ends and beside every dot"
    )


def port_name(text: str) -> str:
    """A service name of IANA's: `http`, at most 15 characters."""
    if len(text) > 15:
        return f"must be no more than 15 characters; it has {len(text)}"
    if not _LABEL.fullmatch(text) or "--" in text or not re.search("[a-z]", text):
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
    if not _QUALIFIED.fullmatch(name):
        return (
            f'"{text}" is not a valid key: use letters, digits, "-", "_" and ".", '
            "with a letter or digit at both ends"
        )
    return ""


def label_value(text: str) -> str:
    """The value of a label: empty, or at most 63 characters of a restricted set."""
    if len(text) > 63:
        return f"a label's value must be no more than 63 characters; it has {len(text)}"
    if text and not _QUALIFIED.fullmatch(text):
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
    if not _CONFIG_KEY.fullmatch(text):
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
    if len(text) > 253 or not _SYSCTL.fullmatch(text):
        return f'"{text}" is not a valid sysctl name (as net.core.somaxconn)'
    return ""


def search_domain(text: str) -> str:
    """A domain of a resolver's search list: "_" is allowed in it, and a dot at the end."""
    if len(text) > 254 or not _SEARCH.fullmatch(text):
        return f'"{text}" is not a valid search domain'
    return ""


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
