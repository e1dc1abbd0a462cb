"""manifests.settings: which values podpy's annotations may have."""

from __future__ import annotations

import pytest

from manifests import settings


@pytest.mark.parametrize(
    ("key", "value", "good"),
    [
        (settings.ADDRESS, "10.88.0.7", True),
        (settings.ADDRESS, "web", False),
        (settings.MAC, "92:D0:c6:0a:29:33", True),
        (settings.MAC, "91:d0:c6:0a:29:33", False),
        (settings.MAC, "00:00:00:00:00:00", False),
        (settings.MAC, "92-d0-c6-0a-29-33", False),
        (settings.LOG_DRIVER, "none", True),
        (settings.LOG_DRIVER, "journald", False),
        (settings.LOG_SIZE, "10m", True),
        (settings.LOG_SIZE, "1023", False),
        (settings.HOSTS_FILE, "image", True),
        (settings.HOSTNAME_FILE, "yes", False),
        (settings.HOSTS, "web-*, db1.example", True),
        (settings.HOSTS, "", False),
        (settings.RECLAIM, "trash", True),
        (settings.RECLAIM, "delete", False),
        (settings.HOSTS, "web1,,web2", False),
        (settings.HOSTS, "web 1", False),
        ("team", "anything", True),
    ],
)
def test_values_are_judged(key: str, value: str, good: bool) -> None:
    assert (settings.fault(key, value) == "") is good
    assert [name for name, _ in settings.faults({key: value})] == ([] if good else [key])


@pytest.mark.parametrize(
    ("text", "size"),
    [("512", 512), ("10k", 10240), ("1mb", 1 << 20), ("2GiB", 2 << 30), ("x", None), ("-1", None)],
)
def test_sizes_are_read_as_podman_reads_them(text: str, size: int | None) -> None:
    assert settings.log_bytes(text) == size


def test_what_nobody_knows_of_podpys_own_is_told_with_what_was_meant() -> None:
    given = {
        "podpy.dev/log-drivr": "none",
        "podpy.dev/zzzz": "",
        "team/log-drivr": "",
        **dict.fromkeys(settings.KNOWN, ""),
    }

    assert dict(settings.unknown(given)) == {
        "podpy.dev/log-drivr": (
            'unknown annotation of podpy; did you mean "podpy.dev/log-driver"?'
        ),
        "podpy.dev/zzzz": "unknown annotation of podpy",
    }
