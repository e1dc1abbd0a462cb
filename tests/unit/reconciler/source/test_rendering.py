"""reconciler.source.rendering, inputs and kustomize: what is rendered, with what, within limits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from manifests.faults import Fault, Invalid
from manifests.meta import ObjectMeta
from manifests.sources import File
from manifests.sync import DirectorySource, Jinja2, Sync, SyncSource, SyncSpec, Template
from manifests.targeting import HostIdentity
from reconciler.source import inputs, kustomize, rendering
from reconciler.source.repository import Repository

WEB = HostIdentity(name="web-1", labels={"role": "web"})


def sync(template: Template, **spec: Any) -> Sync:
    source = SyncSource(directory=DirectorySource(path="/srv"))
    made = SyncSpec(source=source, template=template, **spec)
    return Sync(metadata=ObjectMeta(name="shop"), spec=made)


def rendered(
    folder: Path, files: dict[str, str], wanted: Jinja2, identity: HostIdentity = WEB, **spec: Any
) -> dict[str, str]:
    repository = Repository(str(folder / "shop.git"))
    repository.ensure()
    commit = repository.store([File(name=name, data=text.encode()) for name, text in files.items()])
    one = sync(Template(jinja2=wanted), **spec)
    saved = File(name=inputs.PATH, data=inputs.gather(one, identity).dumps())
    revision = repository.bind(commit, saved)
    found, _ = rendering.rendered(one, repository, revision, None, str(folder / "scratch"))
    return {file.name: file.data.decode() for file in found}


def test_templates_below_the_path_are_rendered_with_values_of_source_and_host(
    tmp_path: Path,
) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("port: 9\n")
    files = {
        "deploy/web.yaml.j2": "{{ values.name }} {{ values.port }} {{ host.name }} {{ values.a }}",
        "deploy/lib.j2": "{{ broken",
        "other/x.yaml.j2": "{{ broken",
        "values/all.yaml": "name: shop\nport: 1\na: {b: 1, c: 2}\n",
        "values/web-1.yaml": "port: 2\na: {c: 3}\n",
    }
    wanted = Jinja2(values=("values/all.yaml", "values/{host}.yaml"), host_values=(str(own),))

    found = rendered(tmp_path, files, wanted, path="deploy")
    elsewhere = rendered(tmp_path, files, wanted, HostIdentity(name="db-1"), path="deploy")

    assert found == {"deploy/web.yaml.j2 (rendered)": "shop 9 web-1 {'b': 1, 'c': 3}"}
    assert elsewhere == {"deploy/web.yaml.j2 (rendered)": "shop 9 db-1 {'b': 1, 'c': 2}"}


def test_the_same_commit_and_inputs_are_the_same_revision(tmp_path: Path) -> None:
    repository = Repository(str(tmp_path / "shop.git"))
    repository.ensure()
    commit = repository.store([File(name="a.yaml.j2", data=b"a")])
    one = sync(Template(jinja2=Jinja2()))

    def bound(identity: HostIdentity) -> str:
        data = inputs.gather(one, identity).dumps()
        return repository.bind(commit, File(name=inputs.PATH, data=data))

    first, other, again = bound(WEB), bound(WEB.replace(labels={})), bound(WEB)

    assert first == again
    assert len({commit, first, other}) == 3


def test_a_missing_file_of_values_is_told(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="no file of values"):
        rendered(tmp_path, {"a.yaml.j2": ""}, Jinja2(values=("values.yaml",)))


def test_values_that_others_may_write_are_refused(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("a: 1\n")
    own.chmod(0o666)

    with pytest.raises(Invalid, match="can be written by others"):
        rendered(tmp_path, {"a.yaml.j2": ""}, Jinja2(host_values=(str(own),)))


@pytest.mark.parametrize("data", [b"- a\n", b"a: 1\n---\nb: 2\n", b"a: [\n", b"\xff", b"sops: {}"])
def test_values_are_one_mapping_in_plain(data: bytes) -> None:
    with pytest.raises(inputs.InputsError, match="values"):
        inputs.mapping(data, "values.yaml")


def test_a_template_without_an_end_is_killed() -> None:
    loop = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    job = {"texts": {"a": loop}, "wanted": ["a"], "variables": {}}

    with pytest.raises(Invalid, match=r"did not end within 1 s|ended by signal"):
        rendering.in_child(job, 1.0)


def test_a_template_that_takes_too_much_memory_fails() -> None:
    job = {"texts": {"a": "{{ 'x' * (4 * 10**9) }}"}, "wanted": ["a"], "variables": {}}

    assert rendering.in_child(job, 30.0)["wrong"][0]["message"] == "takes too much memory"


IMPORTS = """
import json, sys
from reconciler.source import render_child
render_child.confine(30)
known = set(sys.modules)
texts = {"ok": "{{ [1] | tojson | urlencode | pprint }}", "no": "{{ 1 // 0 }}"}
render_child.environment.render(texts, list(texts), {})
files = (getattr(sys.modules[name], "__file__", None) or "" for name in set(sys.modules) - known)
print(json.dumps([file for file in files if "site-packages" in file]))
"""


def test_nothing_of_an_environment_that_is_root_s_alone_is_imported_as_nobody() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORTS], stdout=subprocess.PIPE, check=True)

    assert json.loads(done.stdout) == []


def test_a_source_directory_is_read_without_its_links(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/a.j2").write_text("a")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/b").write_text("b")
    os.symlink("/etc/passwd", tmp_path / "link.yaml")

    assert [file.name for file in rendering.whole_tree(str(tmp_path))] == ["sub/a.j2"]


FILES = {
    "base/kustomization.yaml": "resources: [page.yaml]\n",
    "base/page.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: page}\n",
    "prod/kustomization.yaml": "resources: [../base]\nnamePrefix: prod-\n",
}


def build(folder: Path, files: dict[str, str], path: str = "prod") -> str:
    given = [File(name=name, data=text.encode()) for name, text in files.items()]
    return kustomize.build(given, path, str(folder / "tree")).decode()


@pytest.mark.skipif(kustomize.program() is None, reason="neither kustomize nor kubectl is here")
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a network namespace")
def test_a_kustomization_is_built_and_its_copy_removed(tmp_path: Path) -> None:
    assert "name: prod-page" in build(tmp_path, FILES)
    with pytest.raises(Invalid, match=r"kustomize: .*missing"):
        build(tmp_path, {**FILES, "prod/kustomization.yaml": "resources: [missing.yaml]\n"})
    outside = "configMapGenerator: [{name: x, files: [../../etc/passwd]}]\n"
    with pytest.raises(Invalid, match="kustomize: "):
        build(tmp_path, {**FILES, "prod/kustomization.yaml": outside})
    assert not (tmp_path / "tree").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("resources: [https://example.org/x.yaml]\n", "nothing is fetched for it"),
        ("resources: [github.com/a/b]\n", "nothing is fetched for it"),
        ("resources: ['git@host:a/b']\n", "nothing is fetched for it"),
        ("components: ['../base?ref=v1']\n", "nothing is fetched for it"),
        ("resources: [\n", "kustomization.yaml:"),
        ("resources: [../../other]\n", "leads out of the source"),
        ("resources: [/etc]\n", "leads out of the source"),
        ("helmCharts: [{name: x}]\n", "charts are not fetched"),
    ],
)
def test_what_is_not_in_the_source_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(Fault, match=said):
        build(tmp_path, {**FILES, "base/kustomization.yaml": text})


def test_a_path_without_a_kustomization_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match='no kustomization at "x"'):
        build(tmp_path, FILES, "x")
