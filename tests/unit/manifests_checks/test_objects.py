"""manifests.checks.objects: every rule refuses what breaks it, and only that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.manifests_checks import rules_beside_pods
from tests.unit.manifests_checks.rules_beside_pods import LONG, T

Check = Callable[[str, dict[str, Any]], list[str]]

KINDS = (
    "Pod",
    "Deployment",
    "ReplicaSet",
    "DaemonSet",
    "Job",
    "ConfigMap",
    "Secret",
    "Namespace",
    "PersistentVolumeClaim",
    "Network",
    "Sync",
)
C = ".spec.containers[0]"
AFFINITY = (
    ".spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"
)


@pytest.mark.parametrize("kind", KINDS)
def test_the_valid_objects_have_no_flaw(check: Check, kind: str) -> None:
    assert check(kind, {}) == []


ALLOWED: list[tuple[str, dict[str, Any]]] = [
    ("Pod", {".metadata.name": "a.b-c.d"}),
    ("Pod", {".metadata.labels": {"example.com/app": "", "app": "A.b_c-1"}}),
    ("Pod", {".metadata.annotations": {"Example.COM/x": "any text\n"}}),
    ("Pod", {f"{C}.env[0].name": "my variable-1.x"}),
    (
        "Pod",
        {f"{C}.env[0]": {"name": "N", "valueFrom": {"fieldRef": {"fieldPath": "status.podIPs"}}}},
    ),
    (
        "Pod",
        {
            f"{C}.env[0]": {
                "name": "N",
                "valueFrom": {"fieldRef": {"fieldPath": "metadata.annotations['example.com/A']"}},
            }
        },
    ),
    (
        "Pod",
        {
            f"{C}.env[0]": {
                "name": "N",
                "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}},
            }
        },
    ),
    ("Pod", {f"{C}.ports[1]": {"containerPort": 80, "protocol": "UDP"}}),
    (
        "Pod",
        {
            f"{C}.ports[0].hostPort": 80,
            f"{C}.ports[1]": {"containerPort": 80, "hostPort": 80, "protocol": "UDP"},
        },
    ),
    (
        "Pod",
        {
            f"{C}.ports[0]": {"containerPort": 80, "hostPort": 80, "hostIP": "127.0.0.1"},
            f"{C}.ports[1]": {"containerPort": 81, "hostPort": 80, "hostIP": "10.0.0.1"},
        },
    ),
    ("Pod", {".spec.hostNetwork": True}),
    ("Pod", {f"{C}.resources": {"limits": {"cpu": "0.5"}, "requests": {"cpu": "500m"}}}),
    ("Pod", {f"{C}.resources.limits": {"nvidia.com/gpu": 1, "podman.io/device=/dev/fuse": 1}}),
    ("Pod", {f"{C}.securityContext.capabilities.add": ["NET_ADMIN", "CAP_CHOWN", "ALL"]}),
    ("Pod", {".spec.securityContext": {"sysctls": [{"name": "net.core.somaxconn", "value": "1"}]}}),
    ("Pod", {".spec.securityContext": {"sysctls": [{"name": "kernel/shmmax", "value": "1"}]}}),
    ("Pod", {".spec.dnsPolicy": "None", ".spec.dnsConfig": {"nameservers": ["::1"]}}),
    ("Pod", {".spec.dnsConfig": {"searches": ["_tcp.example.com.", "."]}}),
    ("Pod", {".spec.hostAliases": [{"ip": "10.0.0.1", "hostnames": ["a.b"]}]}),
    ("Pod", {".spec.volumes[1].hostPath.path": "/a..b/c"}),
    ("Pod", {".spec.volumes[0].emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}}),
    ("Deployment", {".spec.strategy": {}}),
    ("Deployment", {".spec.replicas": 0, f"{T}.containers[0].ports[0].hostPort": 80}),
    (
        "Deployment",
        {
            ".spec.selector": {
                "matchExpressions": [{"key": "app", "operator": "In", "values": ["web"]}]
            }
        },
    ),
    ("Job", {f"{T}.restartPolicy": "OnFailure", ".spec.backoffLimit": 0}),
    ("Secret", {".type": "kubernetes.io/basic-auth", ".stringData": {"password": "x"}}),
    (
        "Secret",
        {".type": "kubernetes.io/dockerconfigjson", ".stringData": {".dockerconfigjson": "{}"}},
    ),
    ("Secret", {".type": "kubernetes.io/tls", ".stringData": {"tls.crt": "", "tls.key": ""}}),
    ("Secret", {".type": "example.com/mine"}),
    ("ConfigMap", {".data": {"A_b-c.d": "x"}}),
    ("Network", {".spec": {}}),
    ("Network", {".spec": {"driver": "host"}}),
]


@pytest.mark.parametrize(("kind", "changes"), ALLOWED)
def test_what_kubernetes_takes_is_taken(check: Check, kind: str, changes: dict[str, Any]) -> None:
    assert check(kind, changes) == []


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    # names, labels, annotations
    ("Pod", {".metadata.name": "Web"}, ".metadata.name: \"Web\" is not a valid name"),
    ("Pod", {".metadata.name": "a_b"}, ".metadata.name: \"a_b\" is not"),
    ("Pod", {".metadata.name": "-a"}, ".metadata.name: \"-a\" is not"),
    ("Pod", {".metadata.name": "a..b"}, ".metadata.name: \"a..b\" is not"),
    ("Pod", {".metadata.name": "a" * 254}, ".metadata.name: must be no more than 253 characters"),
    ("Pod", {".metadata.name": ""}, ".metadata.name: is required"),
    ("Pod", {".metadata.name": "web\n"}, ".metadata.name: "),
    ("Pod", {".metadata.namespace": "a.b"}, ".metadata.namespace: \"a.b\" is not"),
    ("Pod", {".metadata.namespace": "../x"}, ".metadata.namespace: \"../x\" is not"),
    ("Namespace", {".metadata.name": "a.b"}, ".metadata.name: \"a.b\" is not"),
    ("Network", {".metadata.name": LONG}, ".metadata.name: must be no more than 63"),
    ("Pod", {".metadata.labels": {"a b": ""}}, '.metadata.labels["a b"]: "a b" is not a valid key'),
    ("Pod", {".metadata.labels": {"/a": ""}}, '.metadata.labels["/a"]: the key "/a" must have'),
    ("Pod", {".metadata.labels": {"a/b/c": ""}}, '.metadata.labels["a/b/c"]: the key'),
    ("Pod", {".metadata.labels": {LONG: ""}}, f".metadata.labels.{LONG}: the key"),
    ("Pod", {".metadata.labels": {"a": LONG}}, ".metadata.labels.a: a label's value must be no"),
    ("Pod", {".metadata.labels": {"a": "b c"}}, '.metadata.labels.a: "b c" is not a valid label'),
    ("Pod", {".metadata.annotations": {"a b": ""}}, '.metadata.annotations["a b"]: "a b" is not'),
    ("Pod", {".metadata.annotations": {"a": "x" * 262144}}, ".metadata.annotations: must be no"),
    ("Deployment", {".spec.template.metadata.labels": {"app": "web", "?": ""}},
     '.spec.template.metadata.labels["?"]: "?" is not a valid key'),
    # containers
    ("Pod", {".spec.containers": []}, ".spec.containers: must have at least one container"),
    ("Pod", {f"{C}.name": "a.b"}, f'{C}.name: "a.b" is not a valid name'),
    ("Pod", {f"{C}.name": LONG}, f"{C}.name: must be no more than 63"),
    ("Pod", {f"{C}.name": "init"}, f'{C}.name: the container name "init" is used twice'),
    ("Pod", {f"{C}.image": None}, f"{C}.image: is required"),
    ("Pod", {f"{C}.image": " a"}, f"{C}.image: must not start or end with white space"),
    ("Pod", {f"{C}.restartPolicy": "Always"}, f"{C}.restartPolicy: may be given for init"),
    # resources
    ("Pod", {f"{C}.resources.limits.cpu": "a lot"}, f'{C}.resources.limits.cpu: "a lot" is not a'),
    ("Pod", {f"{C}.resources.limits.cpu": "1e999999999"}, f"{C}.resources.limits.cpu: "),
    ("Pod", {f"{C}.resources": {"requests": {"memory": "-1"}}},
     f"{C}.resources.requests.memory: must not be negative"),
    ("Pod", {f"{C}.resources.requests.cpu": "1001m"},
     f"{C}.resources.requests.cpu: 1001m must be no more than the limit, 1"),
    ("Pod", {f"{C}.resources.limits.disk": "1"}, f'{C}.resources.limits.disk: "disk" is not a'),
    # ports
    ("Pod", {f"{C}.ports[0].containerPort": 0}, f"{C}.ports[0].containerPort: must be from 1"),
    ("Pod", {f"{C}.ports[0].containerPort": 65536}, f"{C}.ports[0].containerPort: must be from 1"),
    ("Pod", {f"{C}.ports[0].hostPort": 70000}, f"{C}.ports[0].hostPort: must be from 1"),
    ("Pod", {f"{C}.ports[0].hostIP": "localhost"}, f'{C}.ports[0].hostIP: "localhost" is not an'),
    ("Pod", {f"{C}.ports[0].name": "UPPER"}, f'{C}.ports[0].name: "UPPER" is not a valid port'),
    ("Pod", {f"{C}.ports[0].name": "80"}, f'{C}.ports[0].name: "80" is not a valid port'),
    ("Pod", {f"{C}.ports[0].name": "a--b"}, f'{C}.ports[0].name: "a--b" is not a valid port'),
    ("Pod", {f"{C}.ports[0].name": "a" * 16}, f"{C}.ports[0].name: must be no more than 15"),
    ("Pod", {f"{C}.ports[1]": {"containerPort": 81, "name": "http"}},
     f'{C}.ports[1].name: the port name "http" is used twice'),
    ("Pod", {f"{C}.ports": [{"containerPort": n, "hostPort": 80} for n in (80, 81)]},
     f"{C}.ports[1].hostPort: port 80/TCP of the host is claimed twice in this pod"),
    ("Pod", {f"{C}.ports[0].hostPort": 80,
             ".spec.containers[1].ports": [
                 {"containerPort": 1, "hostPort": 80, "hostIP": "127.0.0.1"}]},
     ".spec.containers[1].ports[0].hostPort: port 127.0.0.1:80/TCP of the host is claimed twice"),
    ("Pod", {".spec.hostNetwork": True, f"{C}.ports[0].hostPort": 8080},
     f"{C}.ports[0].hostPort: must be 80 as the containerPort, because of hostNetwork"),
    # variables
    ("Pod", {f"{C}.env[0].name": "A=B"}, f'{C}.env[0].name: "A=B" is not a valid variable name'),
    ("Pod", {f"{C}.env[0].name": ""}, f"{C}.env[0].name: is required"),
    ("Pod", {f"{C}.envFrom[0].prefix": "a=b"}, f'{C}.envFrom[0].prefix: "a=b" is not a valid'),
    ("Pod", {f"{C}.envFrom[0].secretRef": {"name": "x"}}, f"{C}.envFrom[0]: must have exactly one"),
    ("Pod", {f"{C}.envFrom[0]": {"prefix": "A"}}, f"{C}.envFrom[0]: must have exactly one"),
    ("Pod", {f"{C}.envFrom[0].configMapRef.name": ""}, f"{C}.envFrom[0].configMapRef.name: is req"),
    ("Pod", {f"{C}.env[0].valueFrom": {}}, f"{C}.env[0].valueFrom: must have exactly one of"),
    ("Pod", {f"{C}.env[0].valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
     f"{C}.env[0].valueFrom: value and valueFrom cannot both be given"),
    ("Pod", {f"{C}.env[0]": {"name": "A", "valueFrom": {
        "fieldRef": {"fieldPath": "metadata.name"}, "secretKeyRef": {"name": "a", "key": "b"}}}},
     f"{C}.env[0].valueFrom: must have exactly one of"),
    ("Pod", {f"{C}.env[0]": {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.x"}}}},
     f'{C}.env[0].valueFrom.fieldRef.fieldPath: "spec.x" is not a field'),
    ("Pod", {f"{C}.env[0]": {"name": "A", "valueFrom": {
        "fieldRef": {"fieldPath": "metadata.labels['a b']"}}}},
     f'{C}.env[0].valueFrom.fieldRef.fieldPath: "a b" is not a valid key'),
    ("Pod", {f"{C}.env[0]": {"name": "A", "valueFrom": {
        "fieldRef": {"fieldPath": "metadata.name", "apiVersion": "v2"}}}},
     f"{C}.env[0].valueFrom.fieldRef.apiVersion: must be v1"),
    ("Pod", {f"{C}.env[0]": {"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "cpu"}}}},
     f'{C}.env[0].valueFrom.resourceFieldRef.resource: "cpu" must be limits.cpu'),
    ("Pod", {f"{C}.env[0]": {"name": "A", "valueFrom": {
        "resourceFieldRef": {"resource": "limits.cpu", "containerName": "x"}}}},
     f'{C}.env[0].valueFrom.resourceFieldRef.containerName: the pod has no container "x"'),
    ("Pod", {f"{C}.env[0]": {"name": "A", "valueFrom": {
        "resourceFieldRef": {"resource": "limits.memory", "divisor": "3"}}}},
     f'{C}.env[0].valueFrom.resourceFieldRef.divisor: "3" must be'),
    ("Pod", {f"{C}.env[0]": {"name": "A", "valueFrom": {
        "configMapKeyRef": {"name": "A/b", "key": "../x"}}}},
     f'{C}.env[0].valueFrom.configMapKeyRef.name: "A/b" is not a valid name'),
    # volumes
    ("Pod", {".spec.volumes[0].name": "A"}, '.spec.volumes[0].name: "A" is not a valid name'),
    ("Pod", {".spec.volumes[1].name": "data"},
     '.spec.volumes[1].name: the volume name "data" is used twice'),
    ("Pod", {".spec.volumes[1].emptyDir": {}},
     ".spec.volumes[1]: must be one kind of volume only; it is emptyDir and hostPath"),
    ("Pod", {".spec.volumes[0].emptyDir": {"sizeLimit": "-1"}},
     ".spec.volumes[0].emptyDir.sizeLimit: must not be negative"),
    ("Pod", {".spec.volumes[0]": {"name": "data", "image": {"pullPolicy": "Never"}}},
     ".spec.volumes[0].image.reference: is required"),
    ("Pod", {".spec.volumes[1].hostPath.path": "srv"},
     '.spec.volumes[1].hostPath.path: "srv" must be an absolute path'),
    ("Pod", {".spec.volumes[1].hostPath.path": "/srv/../etc"},
     '.spec.volumes[1].hostPath.path: "/srv/../etc" must not contain ".."'),
    ("Pod", {".spec.volumes[2].configMap.name": ""}, ".spec.volumes[2].configMap.name: is req"),
    ("Pod", {".spec.volumes[2].configMap.items[0].path": "../x"},
     '.spec.volumes[2].configMap.items[0].path: "../x" must not start with ".."'),
    ("Pod", {".spec.volumes[2].configMap.items[0].path": "/x"},
     '.spec.volumes[2].configMap.items[0].path: "/x" must be a relative path'),
    ("Pod", {".spec.volumes[2].configMap.items[0].key": "a/b"},
     '.spec.volumes[2].configMap.items[0].key: "a/b" is not a valid key'),
    ("Pod", {".spec.volumes[2].configMap.items[0].mode": 512},
     ".spec.volumes[2].configMap.items[0].mode: must be from 0 to 0777"),
    ("Pod", {".spec.volumes[2].configMap.items[1]": {"key": "b", "path": "x/a"}},
     '.spec.volumes[2].configMap.items[1].path: the path "x/a" is used twice'),
    ("Pod", {".spec.volumes[3].secret.defaultMode": 644},
     ".spec.volumes[3].secret.defaultMode: must be from 0 to 0777 (octal; 511 in decimal)"),
    ("Pod", {".spec.volumes[4].persistentVolumeClaim.claimName": "../../etc"},
     '.spec.volumes[4].persistentVolumeClaim.claimName: "../../etc" is not a valid name'),
    # mounts
    ("Pod", {f"{C}.volumeMounts[0].name": "x"}, f'{C}.volumeMounts[0].name: the pod has no volume'),
    ("Pod", {f"{C}.volumeMounts[1]": {"name": "data", "mountPath": "/data/"}},
     f'{C}.volumeMounts[1].mountPath: the mountPath "/data/" is used twice'),
    ("Pod", {f"{C}.volumeMounts[0].mountPath": ""}, f"{C}.volumeMounts[0].mountPath: is required"),
    ("Pod", {f"{C}.volumeMounts[0].mountPath": "data"},
     f'{C}.volumeMounts[0].mountPath: "data" must be an absolute path'),
    ("Pod", {f"{C}.volumeMounts[0].mountPath": "/x:z"},
     f'{C}.volumeMounts[0].mountPath: "/x:z" must not contain ":"'),
    ("Pod", {f"{C}.volumeMounts[0].subPath": "/x"}, f'{C}.volumeMounts[0].subPath: "/x" must be a'),
    ("Pod", {f"{C}.volumeMounts[0].subPath": "a/../.."},
     f'{C}.volumeMounts[0].subPath: "a/../.." must not contain ".."'),
    ("Pod", {f"{C}.volumeMounts[0].subPathExpr": "$(A)"},
     f"{C}.volumeMounts[0].subPathExpr: subPath and subPathExpr cannot both be given"),
    ("Pod", {f"{C}.volumeMounts[0].mountPropagation": "Bidirectional"},
     f"{C}.volumeMounts[0].mountPropagation: Bidirectional is for privileged containers only"),
    ("Pod", {f"{C}.volumeMounts[0].recursiveReadOnly": "Enabled",
             f"{C}.volumeMounts[0].readOnly": False},
     f"{C}.volumeMounts[0].recursiveReadOnly: needs readOnly: true beside it"),
    ("Pod", {f"{C}.volumeMounts[0].recursiveReadOnly": "IfPossible",
             f"{C}.volumeMounts[0].readOnly": True,
             f"{C}.volumeMounts[0].mountPropagation": "HostToContainer"},
     f"{C}.volumeMounts[0].recursiveReadOnly: cannot stand beside a mountPropagation"),
    # security
    ("Pod", {f"{C}.securityContext.runAsUser": -1}, f"{C}.securityContext.runAsUser: must be from"),
    ("Pod", {f"{C}.securityContext.runAsGroup": 2**31},
     f"{C}.securityContext.runAsGroup: must be from 0 to 2147483647"),
    ("Pod", {".spec.securityContext": {"fsGroup": -1}}, ".spec.securityContext.fsGroup: must be"),
    ("Pod", {".spec.securityContext": {"supplementalGroups": [1, -1]}},
     ".spec.securityContext.supplementalGroups[1]: must be"),
    ("Pod", {f"{C}.securityContext.capabilities.add": ["NET_ADMN"]},
     f'{C}.securityContext.capabilities.add[0]: "NET_ADMN" is not a capability'),
    ("Pod", {f"{C}.securityContext": {"privileged": True, "allowPrivilegeEscalation": False}},
     f"{C}.securityContext.allowPrivilegeEscalation: cannot be false for a privileged container"),
    ("Pod", {f"{C}.securityContext": {
        "capabilities": {"add": ["SYS_ADMIN"]}, "allowPrivilegeEscalation": False}},
     f"{C}.securityContext.allowPrivilegeEscalation: cannot be false for a container that adds"),
    ("Pod", {f"{C}.securityContext": {"runAsUser": 0, "runAsNonRoot": True}},
     f"{C}.securityContext.runAsUser: runAsNonRoot forbids user 0"),
    ("Pod", {".spec.securityContext": {"seccompProfile": {"type": "Localhost"}}},
     ".spec.securityContext.seccompProfile.localhostProfile: is required with type Localhost"),
    ("Pod", {".spec.securityContext": {
        "seccompProfile": {"type": "Localhost", "localhostProfile": "/etc/x.json"}}},
     '.spec.securityContext.seccompProfile.localhostProfile: "/etc/x.json" must be a relative'),
    ("Pod", {".spec.securityContext": {
        "seccompProfile": {"type": "Unconfined", "localhostProfile": "x.json"}}},
     ".spec.securityContext.seccompProfile.localhostProfile: may be given with type Localhost"),
    ("Pod", {f"{C}.securityContext.appArmorProfile": {"type": "Localhost"}},
     f"{C}.securityContext.appArmorProfile.localhostProfile: is required"),
    ("Pod", {".spec.securityContext": {"sysctls": [{"name": "Net", "value": "1"}]}},
     '.spec.securityContext.sysctls[0].name: "Net" is not a valid sysctl name'),
    ("Pod", {".spec.securityContext": {"sysctls": [{"name": "vm.swappiness", "value": "1"}]}},
     ".spec.securityContext.sysctls[0].name: vm.swappiness is not a pod's own"),
    ("Pod", {".spec.securityContext": {"sysctls": [{"name": "net.core.somaxconn", "value": "1"}]},
             ".spec.hostNetwork": True},
     ".spec.securityContext.sysctls[0].name: net.core.somaxconn would change the host"),
    ("Pod", {".spec.securityContext": {"sysctls": [{"name": "net.a", "value": "1"}] * 2}},
     '.spec.securityContext.sysctls[1].name: the sysctl "net.a" is used twice'),
    # pods
    ("Pod", {".spec.terminationGracePeriodSeconds": -1},
     ".spec.terminationGracePeriodSeconds: must not be negative"),
    ("Pod", {".spec.nodeSelector": {"a b": "c"}}, '.spec.nodeSelector["a b"]: "a b" is not'),
    ("Pod", {f"{AFFINITY}": []}, f"{AFFINITY}: is required"),
    ("Pod", {f"{AFFINITY}": [{"matchExpressions": [{"key": "a", "operator": "In"}]}]},
     f"{AFFINITY}[0].matchExpressions[0].values: is required with In"),
    ("Pod", {f"{AFFINITY}": [{"matchExpressions": [
        {"key": "a", "operator": "Gt", "values": ["x"]}]}]},
     f"{AFFINITY}[0].matchExpressions[0].values: must be one whole number with Gt"),
    ("ConfigMap", {".metadata.annotations": {"podpy.dev/hosts": "a b"}},
     '.metadata.annotations["podpy.dev/hosts"]: "a b" must be the name of a host'),
    ("Pod", {".spec.activeDeadlineSeconds": 0}, ".spec.activeDeadlineSeconds: must be at least 1"),
    ("Deployment", {f"{T}.activeDeadlineSeconds": 9},
     f"{T}.activeDeadlineSeconds: must not be given in a Deployment"),
    ("Job", {".spec.activeDeadlineSeconds": -1},
     ".spec.activeDeadlineSeconds: must not be negative"),
    ("Pod", {".spec.hostname": "a.b"}, '.spec.hostname: "a.b" is not a valid name'),
    ("Pod", {".spec.hostAliases": [{"ip": "x", "hostnames": ["a"]}]},
     '.spec.hostAliases[0].ip: "x" is not an IP address'),
    ("Pod", {".spec.hostAliases": [{"ip": "::1", "hostnames": ["A_"]}]},
     '.spec.hostAliases[0].hostnames[0]: "A_" is not'),
    ("Pod", {".spec.dnsPolicy": "None"}, ".spec.dnsConfig.nameservers: is required with dnsPolicy"),
    ("Pod", {".spec.dnsConfig": {"nameservers": ["1.1.1.1"] * 4}},
     ".spec.dnsConfig.nameservers: must be no more than 3"),
    ("Pod", {".spec.dnsConfig": {"nameservers": ["x"]}},
     '.spec.dnsConfig.nameservers[0]: "x" is not an IP address'),
    ("Pod", {".spec.dnsConfig": {"searches": ["a"] * 33}},
     ".spec.dnsConfig.searches: must be no more than 32"),
    ("Pod", {".spec.dnsConfig": {"searches": [f"{'a' * 200}"] * 11}},
     ".spec.dnsConfig.searches: must be no more than 2048 characters"),
    ("Pod", {".spec.dnsConfig": {"searches": ["a b"]}},
     '.spec.dnsConfig.searches[0]: "a b" is not a valid search domain'),
    ("Pod", {".spec.dnsConfig": {"options": [{"name": "", "value": "x"}]}},
     ".spec.dnsConfig.options[0].name: is required"),
    ("Pod", {".metadata.annotations": {"podpy.dev/network": "../x"}},
     '.metadata.annotations["podpy.dev/network"]: "../x" is not a valid name'),
    ("Pod", {".metadata.annotations": {"podpy.dev/network": "x"}, ".spec.hostNetwork": True},
     '.metadata.annotations["podpy.dev/network"]: cannot be given with hostNetwork'),
    # volumes that are made of objects and fields
    ("Pod", {".spec.volumes[0].downwardAPI": {"items": [{"path": "a"}]}},
     ".spec.volumes[0].downwardAPI.items[0]: must have exactly one of fieldRef"),
    ("Pod", {".spec.volumes[0].downwardAPI": {"items": [
        {"path": "../a", "fieldRef": {"fieldPath": "metadata.name"}}]}},
     ".spec.volumes[0].downwardAPI.items[0].path: \"../a\" must not start with"),
    ("Pod", {".spec.volumes[0].downwardAPI": {"items": [
        {"path": "a", "fieldRef": {"fieldPath": "status.podIP"}}]}},
     ".spec.volumes[0].downwardAPI.items[0].fieldRef.fieldPath: \"status.podIP\" is not a field"),
    ("Pod", {".spec.volumes[0].downwardAPI": {"items": [
        {"path": "a", "resourceFieldRef": {"resource": "limits.cpu"}}]}},
     ".spec.volumes[0].downwardAPI.items[0].resourceFieldRef.containerName: is required"),
    ("Pod", {".spec.volumes[0].projected": {"sources": [{"secret": {"name": "A_b"}}]}},
     ".spec.volumes[0].projected.sources[0].secret.name: \"A_b\" is not"),
    ("Pod", {".spec.volumes[0].projected": {"defaultMode": 4096}},
     ".spec.volumes[0].projected.defaultMode: must be from 0 to 0777"),
    ("Pod", {".spec.volumes[0].ephemeral": {"volumeClaimTemplate": {"spec": {}}}},
     ".spec.volumes[0].ephemeral.volumeClaimTemplate.spec.accessModes: is required"),
    ("Pod", {f"{C}.volumeMounts[0].recursiveReadOnly": "Enabled"},
     f"{C}.volumeMounts[0].recursiveReadOnly: needs readOnly: true"),
    ("Pod", {f"{C}.lifecycle": {"stopSignal": "TERM"}}, f"{C}.lifecycle.stopSignal: \"TERM\""),
    ("Pod", {f"{C}.lifecycle": {"preStop": {"sleep": {"seconds": 31}}}},
     f"{C}.lifecycle.preStop.sleep.seconds: must be from 0 to the pod's termination"),
    ("Pod", {f"{C}.lifecycle": {"preStop": {}}}, f"{C}.lifecycle.preStop: must say what to do"),
    ("Pod", {f"{C}.lifecycle": {
        "postStart": {"sleep": {"seconds": 1}, "exec": {"command": ["a"]}}}},
     f"{C}.lifecycle.postStart: must be one thing to do only"),
    ("Pod", {f"{C}.lifecycle": {"postStart": {"exec": {}}}},
     f"{C}.lifecycle.postStart.exec.command: is required"),
    ("Pod", {".spec.initContainers": [
        {"name": "i", "image": "i", "lifecycle": {"preStop": {"exec": {"command": ["a"]}}}}]},
     ".spec.initContainers[0].lifecycle.preStop: may not be given for an init container"),
    ("Pod", {".spec.subdomain": "a.b"}, ".spec.subdomain: \"a.b\" is not"),
    ("Pod", {".metadata.annotations": {"podpy.dev/mac": "01:00:00:00:00:00"}},
     ".metadata.annotations[\"podpy.dev/mac\"]: \"01:00:00:00:00:00\" is an address of a group"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "changes", "expected"), [*REFUSED, *rules_beside_pods.REFUSED])
def test_what_breaks_a_rule_is_refused(
    check: Check, kind: str, changes: dict[str, Any], expected: str
) -> None:
    found = check(kind, changes)

    assert any(flaw.startswith(expected) for flaw in found), found


def test_all_flaws_are_found_at_once(check: Check) -> None:
    found = check(
        "Pod",
        {
            ".metadata.name": "Web",
            f"{C}.image": "",
            f"{C}.ports[0].containerPort": 0,
            f"{C}.volumeMounts[0].name": "x",
            ".spec.hostname": "_",
        },
    )

    assert len(found) == 5


def test_no_message_shows_what_a_secret_holds(check: Check) -> None:
    found = check(
        "Secret",
        {
            ".type": "kubernetes.io/dockerconfigjson",
            ".stringData": {".dockerconfigjson": "hunter2", "a b": "hunter2"},
        },
    )

    assert found
    assert "hunter2" not in "".join(found)
