"""Say what a word is not, and what was likely meant: imported once something is wrong. Pure."""

from __future__ import annotations

from manifests import kinds
from manifests.faults import Invalid
from schemas import suggestions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NOT_YET = {
    "Service": ("services", "service", "svc"),
    "StatefulSet": ("statefulsets", "statefulset", "sts"),
    "Ingress": ("ingresses", "ingress", "ing"),
    "ServiceAccount": ("serviceaccounts", "serviceaccount", "sa"),
    "NetworkPolicy": ("networkpolicies", "networkpolicy", "netpol"),
    "PersistentVolume": ("persistentvolumes", "persistentvolume", "pv"),
    "StorageClass": ("storageclasses", "storageclass", "sc"),
    "HorizontalPodAutoscaler": ("horizontalpodautoscalers", "horizontalpodautoscaler", "hpa"),
}
"""Kinds that users of kubectl ask for and podpy does not run."""

ELSEWHERE = {
    ("events", "event", "ev"): ("events have a command of their own", "podpy events"),
    ("nodes", "node", "no"): ("this host is the only node", "podpy doctor"),
    ("images", "image"): ("images have a command of their own", "podpy image ls"),
    ("volumes", "volume"): ("volumes are claims", "podpy get pvc, podpy volume ls"),
    ("containers", "container"): ("containers are parts of pods", "podpy describe pod NAME"),
}

COMMANDS = {
    ("ps", "pods", "list", "ls", "pod ps", "pod list", "pod ls"): "podpy get pods",
    ("container ls", "container ps", "container list"): "podpy get pods, podpy describe pod NAME",
    ("images",): "podpy image ls",
    ("pull",): "podpy image pull NAME",
    ("build",): "podpy image build -t NAME DIR",
    ("rmi",): "podpy image rm NAME",
    ("secret ls", "secret list"): "podpy get secrets",
    ("secret inspect",): "podpy describe secret NAME",
    ("secret", "configmap"): "a manifest of that kind, then: podpy apply -f FILE",
    ("rm", "stop", "kill", "down", "pod rm", "pod stop", "pod kill", "container rm"): (
        "podpy delete pod NAME, podpy kube down FILE"
    ),
    ("run", "start", "up", "pod create", "pod start"): (
        "podpy apply -f FILE, podpy kube play FILE"
    ),
    ("restart", "pod restart"): "podpy rollout restart deploy NAME, podpy kube play --replace FILE",
    ("replace", "patch", "edit", "label", "annotate", "scale", "autoscale", "set"): (
        "change the manifest, then: podpy apply -f FILE"
    ),
    ("inspect", "pod inspect", "container inspect"): (
        "podpy get pod NAME -o yaml, podpy describe pod NAME"
    ),
    ("stats", "pod stats", "pod top"): "podpy top pods",
    ("pod logs", "container logs"): "podpy logs NAME",
    ("container exec",): "podpy exec NAME -- COMMAND",
    ("pod", "container"): "podpy get pods, podpy describe pod NAME",
    ("info", "system", "cluster-info", "cordon", "drain"): "podpy doctor",
    ("kube generate", "generate"): "podpy get pod NAME -o yaml",
    ("kube apply",): "podpy kube play FILE, podpy apply -f FILE",
    ("api-resources", "api-versions"): "podpy get --help names the kinds, podpy explain KIND tells",
    ("attach",): "podpy logs -f NAME, podpy exec -it NAME -- sh",
    ("debug",): "podpy exec -it NAME -- sh",
    ("copy", "container cp"): "podpy cp POD:PATH PATH, podpy cp PATH POD:PATH",
    ("port-forward", "expose", "proxy"): "a hostPort in the manifest; podpy get pods -o wide",
    ("auto-update",): "imagePullPolicy: Always, then: podpy apply -f FILE",
    ("login", "logout"): "skopeo or podman login; podpy reads the same authentication files",
    ("push", "tag", "save", "load"): "skopeo copy; podpy image pull takes oci:DIR[:NAME], too",
    ("config", "auth", "certificate"): "podpy works on this host: it has no server to be told of",
    ("kustomize",): "kubectl kustomize DIR | podpy apply -f -",
}
"""Words of kubectl and podman, and what does their work here."""

_SERVER = "podpy works on this host: it has no server to be told of"
FLAGS = {
    ("-k", "--kustomize"): "kubectl kustomize DIR | podpy apply -f -",
    (
        *("--context", "--kubeconfig", "--cluster", "--server", "-s", "--user", "--token", "--as"),
        *("--request-timeout", "--insecure-skip-tls-verify", "--raw", "--connection", "--url"),
    ): _SERVER,
    ("-v", "--v", "--log-level"): "podpy events and podpy describe tell what happened",
    ("--chunk-size", "--server-print", "--client", "--cache-dir"): f"leave it out; {_SERVER}",
    ("--force",): "leave it out: podpy replaces what cannot be changed in place",
    ("--record", "--save-config"): "leave it out: podpy remembers what was applied",
    ("--template",): "use -o jsonpath={...} or -o json",
    ("--format",): "use -o json, or podpy get -o jsonpath={...}",
    ("--show-managed-fields", "--subresource"): "leave it out: podpy keeps no such fields",
    ("-o", "--output"): "podpy get -o json",
}
"""Flags of kubectl and podman that podpy has not, and why, or what to write in their place."""


def command(words: Sequence[str]) -> str:
    """Return what does the work of a command that podpy has not, or "": the longer name counts."""
    for length in (2, 1):
        name = " ".join(words[:length])
        for known, instead in COMMANDS.items():
            if name in known:
                return instead
    return ""


def flag(name: str) -> str:
    """Return why podpy has no such flag, or what to write in its place, or ""."""
    return next((instead for known, instead in FLAGS.items() if name in known), "")


def kind(word: str) -> Invalid:
    """Return the complaint about a word that names no kind that podpy runs."""
    name = word.lower().partition(".")[0]
    for later, its_names in NOT_YET.items():
        if name in its_names:
            return Invalid(f"podpy does not run objects of kind {later} yet", hint=_known())
    for words, (what, hint) in ELSEWHERE.items():
        if name in words:
            return Invalid(f'there is no kind "{word}": {what}', hint=hint)
    close = suggestions.closest(name, kinds.BY_NAME)
    meant = f'; did you mean "{close}"?' if close else ""
    return Invalid(f'there is no kind "{word}"{meant}', hint=_known())


def _known() -> str:
    return f"kinds are: {', '.join(info.names[0] for info in kinds.KINDS)}"


def choice(what: str, word: str, known: Iterable[str]) -> Invalid:
    """Return the complaint about a word that is none of those that are known."""
    listed = list(known)
    close = suggestions.closest(word, listed)
    meant = f'; did you mean "{close}"?' if close else ""
    return Invalid(f'there is no {what} "{word}"{meant}', hint=f"they are: {', '.join(listed)}")
