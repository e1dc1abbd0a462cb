"""manifests.load: files in; objects, problems and digests out."""

from __future__ import annotations

import io
import pathlib
from typing import Any

import pytest

from manifests import documents, load, sharing
from manifests.kinds import Object
from manifests.load import APPLY, KUBE_PLAY, Loaded, Options
from manifests.problems import Severity
from manifests.ref import Ref

POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: app
      image: nginx:1.27
"""
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {a: b}\n"
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: web}\nstringData: {a: hunter2}\n"
CLAIM = "  volumes:\n    - {name: d, persistentVolumeClaim: {claimName: data}}\n"


def loaded(text: str, options: Options = APPLY, **more: Any) -> Loaded:
    return load.load(["-"], options, stdin=io.BytesIO(text.encode()), **more)


def lines(found: Loaded) -> list[str]:
    return [f"{problem.severity}: {problem}" for problem in found.problems]


def test_an_object_comes_with_its_place_and_defaults(folder: pathlib.Path) -> None:
    (folder / "a.yaml").write_text(f"{CONFIG}---\n{POD}")
    found = load.load(["a.yaml"])
    pod = found.objects[1]

    assert found.problems == ()
    assert (pod.file, pod.line, pod.index) == ("a.yaml", 6, 1)
    assert pod.object.metadata.namespace == "default"
    assert pod.digest == load.spec_digest(pod.object)


def test_all_problems_of_all_files_are_told_with_their_places(folder: pathlib.Path) -> None:
    (folder / "a.yaml").write_text(POD.replace("image:", "imagee:"))
    (folder / "b.yaml").write_text(POD.replace("name: web", "name: Web"))
    (folder / "c.yaml").write_text("a: [1\n")
    (folder / "d.yaml").write_text(CONFIG)
    found = load.load(["."])

    assert [(problem.file, problem.line, problem.path) for problem in found.problems] == [
        ("./a.yaml", 8, ".spec.containers[0].imagee"),
        ("./b.yaml", 4, ".metadata.name"),
        ("./c.yaml", 2, ""),
    ]
    assert str(found.problems[0]) == (
        './a.yaml:8:7: Pod/web .spec.containers[0].imagee: unknown field; did you mean "image"?'
    )
    assert found.objects == ()


def test_a_wrong_value_does_not_hide_the_other_problems() -> None:
    text = POD.replace("name: web", "name: Web").replace("nginx:1.27", "yes")

    assert [problem.path for problem in loaded(text).problems] == [
        ".metadata.name",
        ".spec.containers[0].image",
    ]


def test_a_wrong_item_of_a_list_does_not_hide_the_other_problems() -> None:
    pod = POD.replace("name: web", "name: Web") + "      args: [--port, 8080, yes]\n"

    assert [problem.path for problem in loaded(pod).problems] == [
        ".metadata.name",
        ".spec.containers[0].args[1]",
        ".spec.containers[0].args[2]",
    ]


MISSPELT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  annotations: {podpy.dev/netwrk: front}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      labels: {app: web}
      annotations:
        podpy.dev/log-drivr: none
    spec: {containers: [{name: app, image: "nginx:1.27"}]}
"""


@pytest.mark.parametrize(
    ("options", "severity"),
    [
        (APPLY, Severity.ERROR),
        (APPLY.replace(unknown=Severity.WARNING), Severity.WARNING),
        (KUBE_PLAY, Severity.WARNING),
    ],
)
def test_a_misspelt_annotation_of_podpys_is_told_with_its_place(
    options: Options, severity: Severity
) -> None:
    assert lines(loaded(MISSPELT, options)) == [
        f'{severity}: stdin:5:17: Deployment/web .metadata.annotations["podpy.dev/netwrk"]: '
        'unknown annotation of podpy; did you mean "podpy.dev/network"?',
        f"{severity}: stdin:12:9: Deployment/web "
        '.spec.template.metadata.annotations["podpy.dev/log-drivr"]: '
        'unknown annotation of podpy; did you mean "podpy.dev/log-driver"?',
    ]
    assert lines(loaded(MISSPELT, options.replace(unknown=None))) == []


def test_a_bad_limit_is_told_once_although_it_is_the_request_too() -> None:
    resources = "      resources: {limits: {memory: 12x, memry: 1}, requests: {cpu: 1y}}\n"

    assert [problem.path for problem in loaded(POD + resources).problems] == [
        ".spec.containers[0].resources.limits.memory",
        ".spec.containers[0].resources.limits.memry",
        ".spec.containers[0].resources.requests.cpu",
    ]


def test_a_number_where_text_is_wanted_asks_for_quotes() -> None:
    env = "      env: [{name: A, value: 1}]\n"

    assert lines(loaded(POD + env)) == [
        "error: stdin:9:23: Pod/web .spec.containers[0].env[0].value: "
        "must be a string, but is a number; put it in quotes"
    ]


@pytest.mark.parametrize(
    ("unknown", "severities"),
    [
        (Severity.ERROR, [Severity.ERROR]),
        (Severity.WARNING, [Severity.WARNING]),
        (None, []),
    ],
)
def test_unknown_fields_are_as_bad_as_the_caller_says(
    unknown: Severity | None, severities: list[Severity]
) -> None:
    found = loaded(POD.replace("spec:", "spec:\n  hostNetwrk: true"), Options(unknown=unknown))

    assert [problem.severity for problem in found.problems] == severities
    assert bool(found.objects) is (Severity.ERROR not in severities)


@pytest.mark.parametrize(("options", "runs"), [(APPLY, False), (KUBE_PLAY, True)])
def test_unsupported_fields_are_refused_or_warned_of(options: Options, runs: bool) -> None:
    found = loaded(POD.replace("spec:", "spec:\n  shareProcessNamespace: true"), options)

    assert [problem.path for problem in found.unsupported] == [".spec.shareProcessNamespace"]
    assert found.unsupported == found.problems
    assert bool(found.objects) is runs


def test_a_volume_that_loses_data_is_refused_even_by_kube_play() -> None:
    volume = "  volumes: [{name: d, nfs: {server: a, path: /b}}]\n"

    assert [problem.message for problem in loaded(POD + volume, KUBE_PLAY).errors] == [
        "nfs volumes are not supported yet"
    ]


@pytest.mark.parametrize(
    ("text", "message", "severity"),
    [
        ("apiVersion: v1\nkind: Service\nmetadata: {name: a}\n", "not supported yet", "warning"),
        ("apiVersion: example.com/v1\nkind: A\n", "is a custom resource", "warning"),
        ("apiVersion: example.com/v1\nkind: Service\n", "is a custom resource", "warning"),
        ("apiVersion: networking.k8s.oi/v1\nkind: Ingress\n", 'did you mean "netw', "error"),
        (
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n",
            "kubectl kustom",
            "error",
        ),
        ("apiVersion: apps/v1beta1\nkind: Deployment\n", 'did you mean "apps/v1"?', "error"),
        ("apiVersion: v1\nkind: Deploymnt\n", 'did you mean "Deployment"?', "error"),
        ("apiVersion: v1\nkind: Deployment\n", 'did you mean "apps/v1"?', "error"),
    ],
)
def test_kinds_that_podpy_does_not_run(text: str, message: str, severity: str) -> None:
    (problem,) = loaded(text, KUBE_PLAY).problems

    assert message in problem.message
    assert problem.severity == severity


def test_the_namespace_of_the_command_is_for_objects_without_one() -> None:
    found = loaded(POD, Options(namespace="shop"))

    assert found.objects[0].object.metadata.namespace == "shop"


def test_a_namespace_of_what_is_in_none_is_left_out_with_a_word() -> None:
    text = "apiVersion: v1\nkind: Namespace\nmetadata: {name: a, namespace: b}\n"

    found = loaded(text)

    assert found.objects[0].object.metadata.namespace == ""
    assert lines(found) == [
        "warning: stdin:3:21: Namespace/b/a .metadata.namespace: "
        "is left out: a Namespace is in no namespace"
    ]


def test_another_namespace_than_the_commands_is_an_error() -> None:
    text = POD.replace("name: web", "name: web\n  namespace: mine")

    assert lines(loaded(text, Options(namespace="shop"))) == [
        'error: stdin:5:3: Pod/mine/web .metadata.namespace: is "mine", '
        'but the command is for namespace "shop"'
    ]


def test_generate_name_is_refused() -> None:
    (problem, *_) = loaded(POD.replace("  name: web", "  generateName: web-")).errors

    assert problem.path == ".metadata.generateName"


@pytest.mark.parametrize(
    ("options", "severity"),
    [(APPLY, "warning"), (KUBE_PLAY.replace(podman=False), "error")],
)
def test_a_missing_claim_is_as_bad_as_the_caller_says(options: Options, severity: str) -> None:
    assert lines(loaded(POD + CLAIM, options)) == [
        f"{severity}: stdin:10:41: Pod/web .spec.volumes[0].persistentVolumeClaim.claimName: "
        'claim "data" is not declared'
    ]


def test_what_is_known_is_not_missing() -> None:
    ref = Ref(kind="PersistentVolumeClaim", name="data", namespace="default")

    assert loaded(POD + CLAIM, KUBE_PLAY, known={ref}).problems == ()


def test_an_object_with_a_flaw_is_not_missing_as_well(folder: pathlib.Path) -> None:
    broken = "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec: []\n"

    assert len(loaded(POD + CLAIM + broken, KUBE_PLAY).problems) == 1


def test_a_file_that_cannot_be_read_hides_what_is_missing() -> None:
    assert len(loaded(f"{POD}{CLAIM}---\na: [\n", KUBE_PLAY).problems) == 1


def test_a_duplicate_names_both_places(folder: pathlib.Path) -> None:
    (folder / "a.yaml").write_text(POD)
    (folder / "b.yaml").write_text(f"{CONFIG}---\n{POD}")

    assert lines(load.load(["a.yaml", "b.yaml"])) == [
        "error: b.yaml:9:3: Pod/web .metadata.name: Pod/web is declared twice "
        "(see Pod/web at a.yaml:1)"
    ]


def test_a_file_that_is_named_twice_is_read_once(folder: pathlib.Path) -> None:
    (folder / "a.yaml").write_text(POD)

    assert len(load.load(["a.yaml", "a.yaml"]).objects) == 1


def test_refs_names_objects_of_invalid_manifests_too() -> None:
    namespace = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: inner}\n---\n" + (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: 1}\n"
    )
    text = POD.replace("image", "imagee") + namespace
    options = load.APPLY.replace(namespace="shop")
    found, problems = load.refs(["-"], options, stdin=io.BytesIO(text.encode()))

    assert [ref.key() for ref in found] == [("Pod", "shop", "web"), ("Namespace", "", "inner")]
    assert [problem.line for problem in problems] == [16]


def test_refs_of_what_was_loaded_before_are_known_without_reading_it_again(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "app.yaml"
    file.write_text(POD)
    cache = str(tmp_path / "cache")
    load.load([str(file)], load.KUBE_PLAY, cache_dir=cache)
    monkeypatch.setattr(documents, "parse", None)

    found, problems = load.refs([str(file)], load.KUBE_PLAY, cache_dir=cache)

    assert ([ref.name for ref in found], problems) == (["web"], ())


def pod(text: str) -> Object:
    return loaded(text).objects[0].object


def test_the_digest_is_of_what_is_asked_for() -> None:
    written = POD.replace("name: web", "name: web\n  uid: x\n  resourceVersion: '1'")
    ordered = POD.replace("  name: web\n", "").replace("spec:", "  name: web\nspec:")

    assert load.spec_digest(pod(POD)) == load.spec_digest(pod(written + "status: {}\n"))
    assert load.spec_digest(pod(POD)) == load.spec_digest(pod(ordered))
    assert load.spec_digest(pod(POD)) != load.spec_digest(pod(POD.replace("1.27", "1.28")))


def test_the_digest_changes_with_a_secrets_content() -> None:
    digests = {loaded(SECRET.replace("hunter2", text)).objects[0].digest for text in "ab"}

    assert len(digests) == 2


def test_shared_parts_are_equal_and_one() -> None:
    pods = tuple(pod(POD.replace("name: web", f"name: web-{n}")) for n in range(2))
    first, second = sharing.shared(pods)

    assert (first, second) == pods
    assert first.spec.containers[0] is second.spec.containers[0]  # type: ignore[union-attr]


def test_sharing_keeps_apart_what_only_looks_equal() -> None:
    assert [type(one) for one in sharing.shared((1, True, 1.0, "1"))] == [int, bool, float, str]


def test_kube_play_makes_the_claims_that_nobody_declares(folder: pathlib.Path) -> None:
    found = loaded(f"{POD}{CLAIM}---\n{POD.replace('name: web', 'name: two')}{CLAIM}", KUBE_PLAY)

    assert [located.object.kind for located in found.objects] == [
        "PersistentVolumeClaim", "Pod", "Pod",
    ]  # fmt: skip
    assert [problem.severity for problem in found.problems] == [Severity.WARNING]
    assert 'claim "data" is not declared; it is made' in str(found.problems[0])


def test_a_claim_that_is_known_is_not_made_anew(folder: pathlib.Path) -> None:
    known = [Ref(kind="PersistentVolumeClaim", namespace="default", name="data")]

    assert len(loaded(f"{POD}{CLAIM}", KUBE_PLAY, known=known).objects) == 1


def test_podmans_notations_are_for_kube_play_only(folder: pathlib.Path) -> None:
    text = f"{POD}  volumes:\n    - {{name: d, hostPath: {{path: ./x}}}}\n"

    assert loaded(text, APPLY).errors
    found = loaded(text, KUBE_PLAY)
    assert not found.errors
    assert lines(found) == [
        'warning: stdin:10:28: Pod/web .spec.volumes[0].hostPath.path: "./x" is relative to '
        f"the current directory: {folder}/x"
    ]
