"""Manifests become Quadlet files and are read back: what those files can express is still there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from manifests import cron, kinds, load
from manifests.pod import Pod
from manifests.problems import Severity
from manifests.workloads import CronJob, Job
from reconciler.targets.quadlet import files as quadlet_files
from renderers import quadlet_keys
from tests.fixtures import corpus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from manifests.loaded import Loaded

EXAMPLES = Path(__file__).parents[3] / "examples"
CORPUS = corpus.manifests()
RENDERED = load.APPLY.replace(unsupported=Severity.WARNING, rendered=True)

# Places of a Pod or Job that the files do not have, or have in another form.
ELSEWHERE = re.compile(
    "|".join(
        (
            r"spec\.nodeSelector|spec\.affinity|spec\.securityContext\.fsGroup",
            r"containers\.[^.]*\.ports\.[^.]*\.(containerPort|name|protocol)",
            r"containers\.[^.]*\.env\.(\w*PASSWORD|[^.]*\.valueFrom)|containers\.[^.]*\.envFrom",
            r"containers\.[^.]*\.resources\.requests",
            r"containers\.[^.]*\.(startup|liveness|readiness)Probe",
            r"containers\.[^.]*\.securityContext\.(runAsNonRoot|seccompProfile)",
            r"volumeMounts\..*\.(configMap|secret|downwardAPI|projected)",
            r"metadata\.annotations\.podpy\.dev/(hook|wave|depends-on|hosts)",
            r"spec\.(parallelism|completions|ttlSecondsAfterFinished)",
            r"spec\.template\.spec\.restartPolicy",
        )
    )
)


def rendered(loaded: Loaded, folder: Path, *, kube: bool = False) -> Loaded:
    """Write what is loaded as Quadlet files, and load those."""
    target = quadlet_keys.Target("5.4")
    files, _ = quadlet_files.render(loaded, quadlet_files.Options(target=target, kube=kube))
    for file in files:
        path = folder / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not file.name.endswith("/"):
            path.write_bytes(file.content)
    options = load.KUBE_PLAY.replace(missing=Severity.WARNING, rendered=True)
    return load.load([str(folder)], options)


def fields(raw: Any) -> dict[str, Any]:
    """Every value by its path; items by name, and mounts with what is mounted there."""
    if "jobTemplate" in raw["spec"]:
        job = fields({"spec": raw["spec"].pop("jobTemplate")["spec"]})
        schedule = raw["spec"].pop("schedule")
        return {**job, **dict(_flat(raw, "")), "schedule": cron.read(schedule)}
    spec = raw["spec"].get("template", raw)["spec"] if "template" in raw["spec"] else raw["spec"]
    volumes = {one["name"]: one for one in spec.pop("volumes", [])}
    for group in ("initContainers", "containers"):
        for container in spec.get(group, ()):
            for mount in container.get("volumeMounts", ()):
                volume = dict(volumes[mount["name"]])
                volume.pop("name")
                mount["name"] = mount["mountPath"]
                # One without a source is an emptyDir.
                mount["volume"] = volume or {"emptyDir": {}}
    return dict(_flat(raw, ""))


def _flat(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        if not value:
            yield path, {}
        for key, item in value.items():
            yield from _flat(item, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            name = item.get("name", index) if isinstance(item, dict) else index
            yield from _flat(item, f"{path}.{name}")
    else:
        yield path, value


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.yaml")), ids=lambda file: str(file.stem))
def test_fields_of_pods_and_jobs_survive(file: Path, tmp_path: Path) -> None:
    loaded = load.load([str(file)], RENDERED)
    back = rendered(loaded, tmp_path)

    assert not back.errors
    found = {kinds.ref(one.object): kinds.dump(one.object) for one in back.objects}
    for located in loaded.objects:
        ref = kinds.ref(located.object)
        # A Job of several containers is rendered as a pod.
        if ref.kind not in ("Pod", "Job", "CronJob") or (
            ref.kind == "Job" and file.stem == "sidecar"
        ):
            continue
        there = fields(found[ref])
        lost = {
            path: value
            for path, value in fields(kinds.dump(located.object)).items()
            if not ELSEWHERE.search(path) and there.get(path) != value
        }
        assert lost == {}


def _in_kube(thing: kinds.Object) -> bool:
    return kinds.pod_part(thing) is not None and not isinstance(thing, CronJob)


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.yaml")), ids=lambda file: str(file.stem))
def test_kube_units_keep_everything(file: Path, tmp_path: Path) -> None:
    loaded = load.load([str(file)], RENDERED)
    if not any(_in_kube(one.object) for one in loaded.objects):
        pytest.skip("nothing in it has pods")
    back = rendered(loaded, tmp_path, kube=True)

    assert not back.errors
    found = {kinds.ref(one.object): kinds.dump(one.object) for one in back.objects}
    for located in loaded.objects:
        if not _in_kube(located.object):
            continue
        there = fields(found[kinds.ref(located.object)])
        lost = {
            path: value
            for path, value in fields(kinds.dump(located.object)).items()
            if not path.startswith("metadata.annotations.podpy.dev/") and there.get(path) != value
        }
        assert lost == {}


def same(one: Any, other: Any) -> bool:
    """Compare texts as Kubernetes expands them: $$ is a dollar."""
    if isinstance(one, str) and isinstance(other, str):
        return one.replace("$$", "$") == other.replace("$$", "$")
    return bool(one == other)


# In the corpus: variables of variables are resolved, a size is written out, a pod's own profiles
# are its containers', a replica of several has a name of its own.
_CORPUS = re.compile(
    r"env\.(WORD|URL|BOTH|F\d)\b|log-max-size|securityContext\.(appArmorProfile|seLinuxOptions)"
    r"|spec\.hostname|b\.conf\.subPath|^spec\.restartPolicy"
)


@pytest.mark.parametrize("name", sorted(CORPUS))
def test_what_is_not_told_as_lost_survives(name: str, tmp_path: Path) -> None:
    source = tmp_path / name
    source.write_text(CORPUS[name])
    loaded = load.load([str(source)], RENDERED)
    target = quadlet_files.Options(target=quadlet_keys.Target("5.4"))
    _, losses = quadlet_files.render(loaded, target)
    told = {re.split(r"[.\[]", one.path.rstrip("]0123456789["))[-1] for one in losses} - {""}
    back = rendered(loaded, tmp_path / "units")

    assert not back.errors
    pods = {one.object.metadata.name: kinds.dump(one.object) for one in back.objects}
    for located in loaded.objects:
        if not isinstance(located.object, Pod | CronJob | Job):
            continue
        there = fields(pods[located.object.metadata.name])
        lost = {
            path: (value, there.get(path))
            for path, value in fields(kinds.dump(located.object)).items()
            if not (ELSEWHERE.search(path) or _CORPUS.search(path) or told & set(path.split(".")))
            and not same(there.get(path), value)
        }
        assert lost == {}
