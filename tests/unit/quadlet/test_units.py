"""Drop-ins, templates, and what a single file brings with it."""

from pathlib import Path

import pytest

from manifests import load
from manifests.quadlet import search
from tests.unit.quadlet.conftest import Units, raw, said

IMAGE = "[Container]\nImage=docker.io/library/a:1\n"


def test_dropins_count_from_the_general_to_the_special(units: Units) -> None:
    loaded = units(
        {
            "my-web.container": IMAGE + "WorkingDir=/file\nUser=1\n",
            "container.d/10-a.conf": "[Container]\nWorkingDir=/all\nGroup=1\nUser=9\n",
            "my-.container.d/20-b.conf": "[Container]\nWorkingDir=/front\nGroup=2\n",
            "my-web.container.d/30-c.conf": "[Container]\nWorkingDir=/own\n",
            "my-.container.d/40.conf": "[Container]\nStopSignal=SIGINT\n",
            "my-web.container.d/40.conf": "[Container]\nStopTimeout=7\n",
        }
    )

    container = raw(loaded, "Pod")["spec"]["containers"][0]
    assert container["workingDir"] == "/own"
    assert container["securityContext"] == {"runAsUser": 9, "runAsGroup": 2}
    assert "lifecycle" not in container, "of two drop-ins of one name the more special counts"


def test_an_empty_assignment_takes_back_those_before_it(units: Units) -> None:
    loaded = units(
        {
            "web.container": IMAGE + "PublishPort=80:80\nEnvironment=A=1\n",
            "web.container.d/a.conf": "[Container]\nPublishPort=\nPublishPort=81:80\n",
        }
    )

    container = raw(loaded, "Pod")["spec"]["containers"][0]
    assert [port["hostPort"] for port in container["ports"]] == [81]
    assert container["env"] == [{"name": "A", "value": "1"}]


def test_a_mistake_in_a_dropin_is_told_with_its_place(units: Units) -> None:
    loaded = units({"web.container": IMAGE, "web.container.d/a.conf": "[Container]\n\nImagee=b\n"})

    assert said(loaded) == [
        'web.container.d/a.conf:3: [Container] Imagee: unknown key; did you mean "Image"?'
    ]


def test_a_template_has_an_instance_for_each_link(units: Units) -> None:
    text = IMAGE + "Environment=ME=%i\nVolume=data@.volume:/data\n[Install]\nDefaultInstance=x\n"
    loaded = units(
        {
            "web@.container": text,
            "web@blue.container": text,
            "web@.container.d/a.conf": "[Container]\nWorkingDir=/all\n",
            "web@blue.container.d/b.conf": "[Container]\nWorkingDir=/blue\n",
            "data@.volume": "[Volume]\n",
        }
    )

    pods = {name: raw(loaded, "Pod", name)["spec"] for name in ("web-x", "web-blue")}
    assert pods["web-x"]["containers"][0]["workingDir"] == "/all"
    assert pods["web-blue"]["containers"][0]["workingDir"] == "/blue"
    assert pods["web-blue"]["containers"][0]["env"] == [{"name": "ME", "value": "blue"}]
    claim = pods["web-blue"]["volumes"][0]["persistentVolumeClaim"]["claimName"]
    assert claim == "data-blue"
    assert raw(loaded, "PersistentVolumeClaim", "data-blue")


def test_a_template_alone_makes_nothing_and_says_so(units: Units) -> None:
    loaded = units({"web@.container": IMAGE})

    assert not loaded.objects
    assert "is a template: nothing is made of it without a link" in said(loaded)[0]


def test_a_file_brings_what_it_names_and_nothing_else(units: Units) -> None:
    loaded = units(
        {
            "web.container": "[Unit]\nAfter=db.container\n" + IMAGE + "Volume=data.volume:/d\n",
            "web.container.d/a.conf": "[Container]\nNetwork=shop.network\n",
            "data.volume": "[Volume]\n",
            "other-data.volume": "[Volume]\n",
            "shop.network": "[Network]\n",
            "db.container": IMAGE,
        },
        "web.container",
    )

    found = sorted(f"{one.object.kind}/{one.object.metadata.name}" for one in loaded.objects)
    assert found == ["Network/shop", "PersistentVolumeClaim/data", "Pod/web"]


def test_a_pod_brings_its_containers(units: Units) -> None:
    loaded = units(
        {"app.pod": "[Pod]\n", "app-a.container": IMAGE + "Pod=app.pod\n", "b.container": IMAGE},
        "app.pod",
    )

    assert [one.object.metadata.name for one in loaded.objects] == ["app"]
    assert raw(loaded, "Pod")["spec"]["containers"][0]["name"] == "a"


def test_two_units_of_one_name_are_refused(units: Units) -> None:
    loaded = units({"a/web.container": IMAGE, "b/web.container": IMAGE})

    assert said(loaded) == ["b/web.container: a/web.container is a unit of that name, too"]


def test_other_files_in_the_directory_are_left_alone(units: Units) -> None:
    loaded = units(
        {"web.container": IMAGE, "web.service": "[Service]\nExecStart=x\n", "notes.conf": "?"}
    )

    assert not said(loaded)


def test_podmans_own_directories_are_searched_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, number in (("one", 1), ("two", 2)):
        own = tmp_path / folder / "below"
        own.mkdir(parents=True)
        (own / "web.container").write_text(f"[Container]\nImage=docker.io/library/a:{number}\n")
        (own / f"{folder}.volume").write_text("[Volume]\n")
    monkeypatch.setenv("QUADLET_UNIT_DIRS", f"{tmp_path}/one:{tmp_path}/none:{tmp_path}/two")
    loaded = load.load(["quadlet:"])

    assert [one.object.metadata.name for one in loaded.objects] == ["web", "one", "two"]
    container = raw(loaded, "Pod")["spec"]["containers"][0]
    assert container["image"] == "docker.io/library/a:1"


def test_the_directories_of_the_system_and_of_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QUADLET_UNIT_DIRS", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", "/c")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/r")

    assert search.directories(user=False) == [
        "/run/containers/systemd",
        "/etc/containers/systemd",
        "/usr/share/containers/systemd",
    ]
    users = search.directories(user=True)
    assert users[:2] == ["/r/containers/systemd", "/c/containers/systemd"]
    assert users[3] == "/etc/containers/systemd/users"


def test_files_of_variables_are_found_by_what_their_words_mean(
    units: Units, tmp_path: Path
) -> None:
    loaded = units(
        {
            "web.container": f'{IMAGE}EnvironmentFile="a b.env" %N.env\n',
            "web.container.d/a.conf": f"[Container]\nEnvironmentFile={tmp_path}/%p.more\n",
            "a b.env": "A=1\n",
            "web.env": "B=1\n",
            "web.more": "C=1\n",
        },
        apply=True,
    )

    assert not said(loaded)
    container = raw(loaded, "Pod")["spec"]["containers"][0]
    names = [one["secretRef"]["name"] for one in container["envFrom"]]
    assert names == ["web-env", "web-env-2", "web-env-3"]
