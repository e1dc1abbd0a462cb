"""Say what a word is not, and what was likely meant: imported once something is wrong. Pure."""

from __future__ import annotations

from manifests import kinds
from manifests.faults import Invalid
from schemas import suggestions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

NOT_YET = {
    "Service": ("services", "service", "svc"),
    "StatefulSet": ("statefulsets", "statefulset", "sts"),
    "CronJob": ("cronjobs", "cronjob", "cj"),
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
    ("ps", "pods", "list", "ls"): "podpy get pods",
    ("images",): "podpy image ls",
    ("pull",): "podpy image pull NAME",
    ("build",): "podpy image build -t NAME DIR",
    ("rmi",): "podpy image rm NAME",
    ("rm", "stop", "kill", "down"): "podpy delete pod NAME, podpy kube down FILE",
    ("run", "create", "start", "up"): "podpy apply -f FILE, podpy kube play FILE",
    ("restart", "rollout"): "podpy kube play --replace FILE",
    ("replace", "patch", "edit", "label", "annotate", "scale", "set"): (
        "change the manifest, then: podpy apply -f FILE"
    ),
    ("inspect",): "podpy get pod NAME -o yaml, podpy describe pod NAME",
    ("stats",): "podpy top pods",
    ("info", "system", "cluster-info"): "podpy doctor",
    ("explain", "api-resources"): "podpy get --help names the kinds",
    ("attach",): "podpy logs -f NAME, podpy exec -it NAME -- sh",
    ("cp", "copy"): "podpy exec NAME -- cat FILE",
    ("port-forward", "expose", "proxy"): "a hostPort in the manifest; podpy get pods -o wide",
}
"""Words of kubectl and podman, and what does their work here."""


def command(name: str) -> str:
    """Return what does the work of a command that podpy has not, or ""."""
    word = name.split(" ")[0]
    return next((instead for words, instead in COMMANDS.items() if word in words), "")


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
