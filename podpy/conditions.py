"""What `wait --for` waits for: text in, a Condition out, which objects meet or do not. Pure.

condition=Ready          a condition of its status that is True; =false for one that is not
jsonpath={.a.b}=value    what stands at a path; without a value, that something does
create, delete           that it is there, or is not
"""

from __future__ import annotations

from manifests.faults import Invalid
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FORMS = "condition=Ready, jsonpath={.status.phase}=Running, create or delete"


class Condition(Value):
    """`kind` is the word before the first "=", `name` a condition's or a path, `value` wanted."""

    kind: str
    name: str = ""
    value: str = ""

    @property
    def about_presence(self) -> bool:
        return self.kind in ("create", "delete")

    def met(self, shown: dict[str, Any] | None) -> bool:
        """Tell whether an object, in Kubernetes' shape, meets it; None is one that is not there."""
        if self.about_presence:
            return (shown is None) is (self.kind == "delete")
        if shown is None:
            return False
        if self.kind == "condition":
            found = shown.get("status", {}).get("conditions", ())
            return any(
                one["type"].lower() == self.name.lower()
                and one["status"].lower() == self.value.lower()
                for one in found
            )
        from podpy import jsonpath

        values = [jsonpath.worded(one) for one in jsonpath.path(self.name).find(shown)]
        return self.value in values if self.value else bool(values)


def parse(text: str) -> Condition:
    """Return the condition. Raises Invalid for what is none."""
    kind, equals, rest = text.partition("=")
    if kind in ("create", "delete") and not equals:
        return Condition(kind=kind)
    if kind == "condition" and rest:
        name, _, value = rest.partition("=")
        return Condition(kind=kind, name=name, value=value or "true")
    if kind == "jsonpath" and rest and ("}" in rest or "{" not in rest):
        from podpy import jsonpath

        path, brace, value = rest.rpartition("}")
        if not brace:
            path, _, value = rest.partition("=")
        jsonpath.path(path.removeprefix("{"))
        return Condition(kind=kind, name=path.removeprefix("{"), value=value.removeprefix("="))
    raise Invalid(f'wait --for: "{text}" is not understood', hint=FORMS)
