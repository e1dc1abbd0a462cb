"""Write a pod as a .kube unit, which has `podman kube play` run the YAML beside it. Pure.

The files are few, and what they keep is what Podman's kube play keeps: it takes no notice of the
fields that are told of here. That it gives all pods one set of volumes by their bare names is
mended: an emptyDir is called by its pod's name, too.
"""

from __future__ import annotations

from manifests import expansion, projection, settings
from renderers import systemd_text
from renderers.quadlet import honoured, network
from renderers.quadlet.rendering import Rendering, Source
from renderers.quadlet.unit import File

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from manifests.container import Container
    from manifests.problems import FieldPath
    from renderers.quadlet_keys import Target

    Raw = dict[str, Any]

_SECURITY = "containers[].securityContext"
_KEPT = frozenset(
    {
        *("hostname", "hostNetwork", "hostPID", "hostIPC", "hostAliases", "dnsConfig"),
        *("restartPolicy", "terminationGracePeriodSeconds", "securityContext.runAsUser"),
        *("securityContext.runAsGroup", "securityContext.supplementalGroups"),
        *("securityContext.seLinuxOptions", "securityContext.sysctls", "dnsPolicy"),
        *("volumes[].name", "volumes[].hostPath", "volumes[].emptyDir.medium"),
        *("volumes[].configMap", "volumes[].secret", "volumes[].image"),
        "volumes[].persistentVolumeClaim.claimName",
        *("containers[].name", "containers[].image", "containers[].imagePullPolicy"),
        *("containers[].command", "containers[].args", "containers[].workingDir"),
        *("containers[].ports", "containers[].resources", "containers[].tty"),
        *("containers[].env[].name", "containers[].env[].value"),
        *("containers[].env[].valueFrom.configMapKeyRef", "containers[].lifecycle.stopSignal"),
        *("containers[].env[].valueFrom.secretKeyRef", "containers[].env[].valueFrom.fieldRef"),
        *("containers[].envFrom[].configMapRef", "containers[].envFrom[].secretRef"),
        *("containers[].volumeMounts[].name", "containers[].volumeMounts[].mountPath"),
        *("containers[].volumeMounts[].readOnly", "containers[].volumeMounts[].subPath"),
        "containers[].volumeMounts[].mountPropagation",
        *(f"{_SECURITY}.runAsUser", f"{_SECURITY}.runAsGroup", f"{_SECURITY}.privileged"),
        *(f"{_SECURITY}.allowPrivilegeEscalation", f"{_SECURITY}.readOnlyRootFilesystem"),
        *(f"{_SECURITY}.capabilities", f"{_SECURITY}.procMount", f"{_SECURITY}.seLinuxOptions"),
        *(
            f"containers[].{kind}Probe.{field}"
            for kind in ("liveness", "startup")
            for field in (
                *("exec", "httpGet.port", "httpGet.path", "httpGet.host", "httpGet.scheme"),
                *("tcpSocket", "initialDelaySeconds", "periodSeconds", "timeoutSeconds"),
                *("successThreshold", "failureThreshold"),
            )
        ),
    }
)
"""The places that Podman's kube play keeps (5.4), as honoured.HONOURED."""
_FIELDS = ("metadata.name", "metadata.uid")
_KINDS = {"ReplicaSet": "Deployment"}
"""Kinds that it passes over, and one that means the same there."""


def adapted(thing: Raw, stem: str) -> Raw:
    """Return the raw object as Podman is to read it: emptyDirs called by the pod's name."""
    thing = {**thing, "kind": _KINDS.get(thing["kind"], thing["kind"])}
    template = thing["spec"].get("template")
    spec = template["spec"] if template else thing["spec"]
    renamed = {
        volume["name"]: f"{stem}-{volume['name']}"
        for volume in spec.get("volumes", ())
        if "emptyDir" in volume or set(volume) == {"name"}
    }
    changed = {**spec}
    if "volumes" in spec:
        changed["volumes"] = [
            {"emptyDir": {}, **volume, "name": renamed[volume["name"]]}
            if volume["name"] in renamed
            else volume
            for volume in spec["volumes"]
        ]
    for group in ("initContainers", "containers"):
        if group in spec:
            changed[group] = [_renamed(container, renamed) for container in spec[group]]
    if not template:
        return {**thing, "spec": changed}
    return {**thing, "spec": {**thing["spec"], "template": {**template, "spec": changed}}}


def _renamed(container: Raw, names: dict[str, str]) -> Raw:
    if "volumeMounts" not in container:
        return container
    mounts = [
        {**mount, "name": names.get(mount["name"], mount["name"])}
        for mount in container["volumeMounts"]
    ]
    return {**container, "volumeMounts": mounts}


def write(source: Source, text: str, target: Target, *, user: bool, secret: bool) -> Rendering:
    """Return the unit and its YAML, which is `text`; one with Secrets is for its owner alone."""
    rendering = Rendering(source, target, user)
    for path in honoured.others(rendering.spec, _KEPT):
        rendering.lose(path, "is passed over by `podman kube play`")
    _told(rendering)
    lines = rendering.section("Kube")
    lines.plain("Yaml", f"{systemd_text.literal(source.stem)}.yaml")
    if not rendering.spec.host_network:
        lines.text((), "Network", network.named(rendering))
    driver = source.pod.metadata.annotations.get(settings.LOG_DRIVER)
    if driver is not None:
        lines.either((), "LogDriver", "--log-driver", driver)
    description = systemd_text.line(f"Pod {source.stem}")
    rendering.write(
        f"{source.stem}.kube",
        {
            "Unit": [("Description", description)],
            "Kube": lines.lines,
            "Service": [("TimeoutStartSec", "900")],  # images are pulled within
            "Install": rendering.install,
        },
    )
    content = f"# {source.origin}\n{text}".encode()
    mode = 0o600 if secret else 0o644
    rendering.files.append(File(name=f"{source.stem}.yaml", content=content, mode=mode))
    return rendering


def _told(rendering: Rendering) -> None:
    """Tell of values that it takes otherwise."""
    for index, volume in enumerate(rendering.spec.volumes):
        if projection.shows_files(volume):
            for field in ("configMap", "secret"):
                message = "its files are copied into a volume that outlives it"
                held = volume.config_map if field == "configMap" else volume.secret
                if held is not None:
                    rendering.lose(("volumes", index, field), message)
    for group, containers in (
        ("initContainers", rendering.spec.init_containers),
        ("containers", rendering.spec.containers),
    ):
        for index, container in enumerate(containers):
            _told_of(rendering, (group, index), container)


def _told_of(rendering: Rendering, where: FieldPath, container: Container) -> None:
    for number, variable in enumerate(container.env):
        path = (*where, "env", number)
        if expansion.names(variable.value):
            rendering.lose((*path, "value"), "$(NAME) stays as it is in variables")
        field = variable.value_from.field_ref if variable.value_from else None
        if field is not None and not (field.field_path in _FIELDS or "['" in field.field_path):
            rendering.lose((*path, "valueFrom", "fieldRef"), "is refused by `podman kube play`")
    for kind, probe in (
        ("startupProbe", container.startup_probe),
        ("livenessProbe", container.liveness_probe),
    ):
        if probe is not None and probe.http_get is not None:
            rendering.lose((*where, kind, "httpGet"), "is asked by curl, which the image must have")
        if probe is not None and probe.tcp_socket is not None:
            rendering.lose((*where, kind, "tcpSocket"), "is asked by nc, which the image must have")
