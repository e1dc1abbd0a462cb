"""Kubernetes quantities: `500m`, `64Mi`, `1e3` as exact numbers.

Grammar and suffixes: Kubernetes API reference, resource.Quantity. Kept as the text that the user
wrote; the number is computed when asked for.
"""

from __future__ import annotations

from manifests.faults import Invalid

_LONGEST = 64
_DIGITS = "0123456789"
_EXPONENT_DIGITS = 3
_MOST = (1 << 63) - 1
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}


class Quantity(str):
    """A quantity as written. `Quantity("1.5Gi").whole() == 1610612736`."""

    __slots__ = ()

    def whole(self) -> int:
        """The value, rounded up to a whole number and 2**63-1 at most, as Kubernetes' Value()."""
        number, unit = self._scaled(0)
        return min(-(-number // unit), _MOST)

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

    def _parts(self) -> tuple[str, str, str] | None:
        """Sign, digits with a point, and suffix; None if it is no quantity."""
        sign = self[:1] if self[:1] in ("+", "-") else ""
        rest = self[len(sign) :]
        suffix = rest.lstrip(f"{_DIGITS}.")
        digits = rest[: len(rest) - len(suffix)]
        if len(self) > _LONGEST or digits in ("", ".") or digits.count(".") > 1:
            return None
        known = suffix in _DECIMAL or suffix in _BINARY or _is_exponent(suffix)
        return (sign, digits, suffix) if known else None

    def _scaled(self, power: int) -> tuple[int, int]:
        """The value times 10**power as numerator and denominator. Invalid if it is no quantity."""
        parts = self._parts()
        if parts is None:
            raise Invalid(
                f'"{self}" is not a quantity', hint="write a number with a suffix: 500m, 64Mi, 2G"
            )
        sign, digits, suffix = parts
        integer, _, fraction = digits.partition(".")
        number = int((integer + fraction) or "0") * (-1 if sign == "-" else 1)
        exponent = power - len(fraction)
        if suffix in _BINARY:
            number <<= _BINARY[suffix]
        else:
            exponent += _DECIMAL[suffix] if suffix in _DECIMAL else int(suffix[1:])
        return (number * 10**exponent, 1) if exponent >= 0 else (number, 10**-exponent)


def _is_exponent(suffix: str) -> bool:
    """Whether it is `e3`, `E+6` and the like."""
    digits = suffix[2:] if suffix[1:2] in ("+", "-") else suffix[1:]
    return suffix[0] in "eE" and 0 < len(digits) <= _EXPONENT_DIGITS and digits.strip(_DIGITS) == ""
