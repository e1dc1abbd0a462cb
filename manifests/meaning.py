"""What it means here that a field or kind of Kubernetes is not supported: a sentence for each.

Read by manifests.support, which explains how places are written. Two tables, no code.
"""

from __future__ import annotations

_ONE_HOST = "the pod runs on this host, the only one there is"
_NO_API = "there is no API server here that a pod could ask"

FIELD_MEANINGS: dict[str, str] = {
    "Job.spec.completionMode": "the pods get no index",
    "Job.spec.suspend": "the Job starts at once",
    "Job.spec.ttlSecondsAfterFinished": "the finished Job stays until it is deleted",
    "pod.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[]"
    ".matchFields": "hosts are chosen by their labels",
    "pod.affinity.podAffinity": _ONE_HOST,
    "pod.affinity.podAntiAffinity": _ONE_HOST,
    "pod.automountServiceAccountToken": _NO_API,
    "pod.containers[].restartPolicy": "the pod's restartPolicy holds for all its containers",
    "pod.hostUsers": "root in the container is root of the host",
    "pod.imagePullSecrets": "images are pulled with this host's own registry logins",
    "pod.nodeName": _ONE_HOST,
    "pod.os": "podpy runs Linux containers only",
    "pod.priority": "no pod is preferred to another",
    "pod.priorityClassName": "no pod is preferred to another",
    "pod.runtimeClassName": "the container runs under the default OCI runtime",
    "pod.schedulerName": _ONE_HOST,
    "pod.serviceAccount": _NO_API,
    "pod.serviceAccountName": _NO_API,
    "pod.shareProcessNamespace": "each container sees its own processes only",
    "pod.volumes[].projected.sources[].clusterTrustBundle": _NO_API,
    "pod.volumes[].projected.sources[].podCertificate": _NO_API,
    "pod.volumes[].projected.sources[].serviceAccountToken": f"{_NO_API}, so no token is shown",
    "pod.topologySpreadConstraints": _ONE_HOST,
}

KIND_MEANINGS: dict[str, str] = {
    "ClusterRole": _NO_API,
    "ClusterRoleBinding": _NO_API,
    "CustomResourceDefinition": "objects of that kind are left out",
    "Endpoints": "no name or address is made for it",
    "EndpointSlice": "no name or address is made for it",
    "HorizontalPodAutoscaler": "the number of pods stays what spec.replicas says",
    "Ingress": "nothing routes HTTP to the pods; give a container a hostPort",
    "LimitRange": "each container has the limits that it states itself",
    "NetworkPolicy": "traffic is not restricted",
    "PersistentVolume": "every claim gets a directory of this host",
    "PodDisruptionBudget": "podpy moves no pods between hosts, so there is nothing to hold back",
    "PriorityClass": "no pod is preferred to another",
    "ReplicationController": "its pods are not run; write a ReplicaSet",
    "ResourceQuota": "a namespace may use all of the host",
    "Role": _NO_API,
    "RoleBinding": _NO_API,
    "Service": "no name or address is made for it; pods are found by their own names, and from "
    "outside by hostPort",
    "ServiceAccount": _NO_API,
    "StatefulSet": "its pods are not run",
    "StorageClass": "every claim gets a directory of this host",
}
