"""env, envFrom and $(NAME) of Quadlet files: what stands where, and what is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fixtures.rendered import configmap, lines, one, rendered, secret

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from manifests.problems import Problem
    from renderers.quadlet.unit import File

HELD = configmap("cm", level="debug", text="one\ntwo") + secret("key", word="hush", PLAIN="hush2")


def made(tmp_path: Path, **container: Any) -> tuple[File, dict[str, File], tuple[Problem, ...]]:
    files, lost = rendered(tmp_path, HELD + one(**container))
    return files["web-srv.container"], files, lost


def from_field(path: str) -> dict[str, Any]:
    return {"name": "X", "valueFrom": {"fieldRef": {"fieldPath": path}}}


def test_a_whole_configmap_is_an_environment_file_and_several_lines_are_in_the_unit(
    tmp_path: Path,
) -> None:
    source = {"prefix": "APP_", "configMapRef": {"name": "cm"}}
    unit, files, lost = made(tmp_path, envFrom=[source])

    assert lost == ()
    assert lines(unit, "EnvironmentFile") == ["./web-srv.env"]
    assert files["web-srv.env"].content.decode().splitlines()[1:] == ["APP_level=debug"]
    assert files["web-srv.env"].mode == 0o644
    assert lines(unit, "Environment") == [r'"APP_text=one\ntwo"']


def test_a_whole_secret_is_a_file_for_its_owner_and_env_wins(tmp_path: Path) -> None:
    unit, files, _ = made(
        tmp_path,
        envFrom=[{"secretRef": {"name": "key"}}],
        env=[{"name": "word", "value": "own"}],
    )
    file = files["web-srv.secret.env"]

    assert (file.content.decode().splitlines()[1:], file.mode) == (["PLAIN=hush2"], 0o600)
    assert lines(unit, "Environment") == ["word=own"]


def test_names_stand_for_earlier_variables(tmp_path: Path) -> None:
    unit, _, lost = made(
        tmp_path,
        env=[{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)-$(LATER)-$$(A)"}],
        command=["run", "$(B)"],
        args=["$(A)", "$$5"],
    )

    assert lines(unit, "Environment") == ["A=1", '"B=1-$$(LATER)-$$(A)"']
    assert lines(unit, "Entrypoint") == ['["run", "1-$$(LATER)-$$(A)"]']
    assert lines(unit, "Exec") == ["1 $$5"]
    assert lost == ()


def test_what_is_made_of_a_secret_is_a_secret(tmp_path: Path) -> None:
    taken = {"name": "W", "valueFrom": {"secretKeyRef": {"name": "key", "key": "word"}}}
    unit, files, lost = made(
        tmp_path,
        env=[taken, {"name": "URL", "value": "user:$(W)@host"}],
        args=["--password=$(W)"],
    )

    assert b"URL=user:hush@host\n" in files["web-srv.secret.env"].content
    assert b"hush" not in unit.content
    assert lines(unit, "Exec") == ['"--password=$$(W)"']
    assert [problem.path for problem in lost] == [".spec.containers[0].args[0]"]
    assert "Secret" in lost[0].message


def test_fields_of_the_pod_are_filled_in_and_the_hosts_name_by_systemd(tmp_path: Path) -> None:
    named, _, lost = made(tmp_path, env=[from_field("metadata.name")])
    node, _, _ = made(tmp_path, env=[from_field("spec.nodeName")])

    assert (lines(named, "Environment"), lost) == (["X=web"], ())
    assert lines(node, "Environment") == ["X=%H"]


def test_what_only_a_running_pod_knows_is_told_and_left_out(tmp_path: Path) -> None:
    unit, _, lost = made(tmp_path, env=[from_field("status.podIP")], args=["$(X)"])

    assert lines(unit, "Environment") == []
    assert [problem.path for problem in lost] == [
        ".spec.containers[0].args[0]",
        ".spec.containers[0].env[0].valueFrom.fieldRef",
    ]


def test_amounts_are_those_that_are_written(tmp_path: Path) -> None:
    def ref(resource: str) -> dict[str, Any]:
        wanted = {"resource": resource, "divisor": "1Mi" if "memory" in resource else "1m"}
        return {"name": resource.replace(".", "_"), "valueFrom": {"resourceFieldRef": wanted}}

    unit, _, lost = made(
        tmp_path,
        env=[ref("limits.memory"), ref("requests.cpu"), ref("limits.cpu")],
        resources={"limits": {"memory": "64Mi"}, "requests": {"cpu": "250m"}},
    )

    assert lines(unit, "Environment") == ["limits_memory=64", "requests_cpu=250"]
    assert [problem.path for problem in lost] == [
        ".spec.containers[0].env[2].valueFrom.resourceFieldRef"
    ]


def test_what_is_not_given_is_told_unless_it_is_optional(tmp_path: Path) -> None:
    def key(name: str, *, optional: bool) -> dict[str, Any]:
        wanted = {"name": "no-such", "key": "x", "optional": optional}
        return {"name": name, "valueFrom": {"configMapKeyRef": wanted}}

    _, _, lost = made(
        tmp_path,
        env=[key("A", optional=False), key("B", optional=True)],
        envFrom=[{"secretRef": {"name": "no-such", "optional": True}}],
    )

    assert [problem.path for problem in lost] == [".spec.containers[0].env[0].valueFrom"]
