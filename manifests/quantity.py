"""Kubernetes quantities: `500m`, `64Mi`, `1e3` as exact numbers.

Grammar and suffixes: Kubernetes API reference, resource.Quantity. Kept as the text that the user
wrote; the number is computed when asked for.
"""

from __future__ import annotations

import re

from manifests.faults import Invalid

_FORM = re.compile(
    r"([+-]?)([0-9]+(?:\.[0-9]*)?|\.[0-9]+)((?:[eE][+-]?[0-9]{1,3})|[KMGTPE]i|[numkMGTPE])?"
)
_LONGEST = 64
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}


class Quantity(str):
    """A quantity as written. `Quantity("1.5Gi").whole() == 1610612736`."""

    __slots__ = ()

    def whole(self) -> int:
        """The value, rounded up to a whole number, as Kubernetes' Value() does."""
        return -(-self._scaled(0)[0] // self._scaled(0)[1])

    def milli(self) -> int:
        """The value in thousandths, rounded up, as Kubernetes' MilliValue() does."""
        number, unit = self._scaled(3)
        return -(-number // unit)

    def valid(self) -> bool:
        """Whether it is a quantity. What is longer than any amount on earth is refused."""
        return self._parts() is not None

    def negative(self) -> bool:
        """Whether it is below zero. Invalid if it is no quantity."""
        return self._scaled(0)[0] < 0

    def fraction(self) -> tuple[int, int]:
        """The exact value as numerator and denominator. Invalid if it is no quantity."""
        return self._scaled(0)

    def _parts(self) -> re.Match[str] | None:
        return _FORM.fullmatch(self) if len(self) <= _LONGEST else None

    def _scaled(self, power: int) -> tuple[int, int]:
        """The value times 10**power as numerator and denominator. Invalid if it is no quantity."""
        match = self._parts()
        if match is None:
            raise Invalid(
                f'"{self}" is not a quantity', hint="write a number with a suffix: 500m, 64Mi, 2G"
            )
        sign, digits, suffix = match.group(1), match.group(2), match.group(3) or ""
        integer, _, fraction = digits.partition(".")
        number = int((integer + fraction) or "0") * (-1 if sign == "-" else 1)
        exponent = power - len(fraction)
        if suffix in _BINARY:
            number <<= _BINARY[suffix]
        else:
            exponent += _DECIMAL[suffix] if suffix in _DECIMAL else int(suffix[1:])
        return (number * 10**exponent, 1) if exponent >= 0 else (number, 10**-exponent)
