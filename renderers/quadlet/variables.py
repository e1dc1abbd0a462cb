"""Say what a container's env and envFrom come to before it runs. Pure.

What only a running pod knows (its address, its uid) is told with its place, and left out. Values of
Secrets, and what is made of them, are marked, so that they get into no unit.
"""

from __future__ import annotations

from manifests import expansion, field_paths, resource_fields
from manifests.checks import names
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from manifests.container import (
        Container,
        EnvFromSource,
        EnvVar,
        EnvVarSource,
        FieldRef,
        KeyRef,
        ResourceFieldRef,
    )
    from manifests.problems import FieldPath
    from renderers.quadlet.rendering import Rendering

NODE = "spec.nodeName"
_SERVICE_ACCOUNT = "default"


class Variable(Value):
    """`path` is where it is written; `shared` is one of a whole ConfigMap's.

    One that is not `known` has no value here: it is left out, unless it is the `node`'s name,
    which systemd fills in.
    """

    path: FieldPath
    value: str = ""
    secret: bool = False
    shared: bool = False
    known: bool = True
    node: bool = False

    def __repr__(self) -> str:
        return f"Variable(path={self.path!r}, secret={self.secret!r})"


def declared(rendering: Rendering, where: FieldPath, container: Container) -> dict[str, Variable]:
    """Return the variables by name, in their order."""
    found: dict[str, Variable] = {}
    for number, source in enumerate(container.env_from):
        _whole(rendering, (*where, "envFrom", number), source, found)
    for number, entry in enumerate(container.env):
        path = (*where, "env", number)
        made = _variable(rendering, path, container, entry, found)
        if made is not None:
            found[entry.name] = made
    return found


def public(variables: Mapping[str, Variable]) -> dict[str, str]:
    """Return the values that may stand in a unit."""
    return {name: one.value for name, one in variables.items() if one.known and not one.secret}


def expanded(
    rendering: Rendering, path: FieldPath, text: str, variables: Mapping[str, Variable]
) -> str:
    """Return text for a unit; names whose value may not stand there are told of, and stay."""
    if "$" not in text:
        return text
    for name in expansion.names(text):
        one = variables.get(name)
        if one is not None and one.secret:
            rendering.lose(path, f"$({name}) stays as it is: the value of a Secret is in no unit")
        elif one is not None and not one.known:
            rendering.lose(path, f"$({name}) stays as it is: its value is not known here")
    return expansion.expand(text, public(variables))


def _variable(
    rendering: Rendering,
    path: FieldPath,
    container: Container,
    entry: EnvVar,
    earlier: Mapping[str, Variable],
) -> Variable | None:
    source = entry.value_from
    if source is None:
        asked = [earlier[name] for name in expansion.names(entry.value) if name in earlier]
        if not all(one.known for one in asked):
            rendering.lose((*path, "value"), "names a variable whose value is not known here")
        known = {name: one.value for name, one in earlier.items() if one.known}
        value = expansion.expand(entry.value, known)
        return Variable(path=path, value=value, secret=any(one.secret for one in asked))
    there: FieldPath = (*path, "valueFrom")
    held = source.config_map_key_ref or source.secret_key_ref
    if held is not None:
        return _key(rendering, there, source, held)
    if source.field_ref is not None:
        return _field(rendering, (*there, "fieldRef"), source.field_ref)
    if source.resource_field_ref is not None:
        where = (*there, "resourceFieldRef")
        text = resource(rendering, where, source.resource_field_ref, container)
        return _known(there, text)
    return Variable(path=path)


def _key(
    rendering: Rendering, path: FieldPath, source: EnvVarSource, wanted: KeyRef
) -> Variable | None:
    secret = source.secret_key_ref is not None
    content: Mapping[str, str | bytes] | None
    if secret:
        held = rendering.source.secrets.get(wanted.name)
        content = held.content() if held else None
    else:
        configmap = rendering.source.configmaps.get(wanted.name)
        content = configmap.data if configmap else None
    value = None if content is None else content.get(wanted.key)
    if value is None:
        if wanted.optional:
            return None
        kind = "Secret" if secret else "ConfigMap"
        rendering.lose(path, f'key "{wanted.key}" of the {kind} "{wanted.name}" is not given')
        return Variable(path=path, known=False)
    return _known(path, _text(rendering, path, value), secret=secret)


def _whole(
    rendering: Rendering, path: FieldPath, source: EnvFromSource, found: dict[str, Variable]
) -> None:
    """Add every key of a ConfigMap or Secret that can name a variable."""
    content: Mapping[str, str | bytes] | None
    if source.config_map_ref is not None:
        wanted, kind = source.config_map_ref, "ConfigMap"
        configmap = rendering.source.configmaps.get(wanted.name)
        content = configmap.data if configmap else None
    elif source.secret_ref is not None:
        wanted, kind = source.secret_ref, "Secret"
        secret = rendering.source.secrets.get(wanted.name)
        content = secret.content() if secret else None
    else:
        return
    if content is None:
        if not wanted.optional:
            rendering.lose(path, f'the {kind} "{wanted.name}" is not given')
        return
    for key, value in content.items():
        name = f"{source.prefix}{key}"
        if names.env_name(name):
            rendering.lose(path, f'"{name}" cannot name a variable and is left out')
            continue
        text = _text(rendering, path, value)
        if text is not None:
            secret_one = kind == "Secret"
            found.pop(name, None)
            found[name] = Variable(path=path, value=text, secret=secret_one, shared=not secret_one)


def _text(rendering: Rendering, path: FieldPath, value: str | bytes) -> str | None:
    try:
        text = value.decode() if isinstance(value, bytes) else value
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        rendering.lose(path, "is binary, which no variable can hold")
        return None
    return text


def _known(path: FieldPath, text: str | None, *, secret: bool = False) -> Variable:
    if text is None:
        return Variable(path=path, known=False)
    return Variable(path=path, value=text, secret=secret)


def _field(rendering: Rendering, path: FieldPath, wanted: FieldRef) -> Variable:
    if wanted.field_path == NODE:
        return Variable(path=path, known=False, node=True)
    return _known(path, field(rendering, path, wanted))


def field(rendering: Rendering, path: FieldPath, wanted: FieldRef) -> str | None:
    """Return what a fieldRef comes to; what is not known before the pod runs is told of."""
    if wanted.field_path == "spec.serviceAccountName":
        return _SERVICE_ACCOUNT
    metadata = rendering.source.pod.metadata
    found = field_paths.whole(wanted.field_path, metadata)
    if found is None:
        found = field_paths.of_metadata(wanted.field_path, metadata)
    if found is None:
        rendering.lose(path, f"{wanted.field_path} is not known before the pod runs; left out")
    return found


def resource(
    rendering: Rendering, path: FieldPath, wanted: ResourceFieldRef, own: Container | None
) -> str | None:
    """Return what a resourceFieldRef comes to, of `own` where it names no container."""
    spec = rendering.spec
    every = (*spec.init_containers, *spec.containers)
    named = next((one for one in every if one.name == wanted.container_name), own)
    amount = resource_fields.asked(named, wanted.resource) if named else None
    if amount is None:
        message = f"{wanted.resource} is not set, so it is the host's: not known here; left out"
        rendering.lose(path, message)
        return None
    return resource_fields.divided(wanted, amount)
