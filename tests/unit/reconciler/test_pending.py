"""reconciler.pending: which pods a pass could not make, and how they look."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from manifests.faults import HostFault, NotReady, Retry
from manifests.ref import Ref
from podpy import status
from reconciler import pending
from reconciler.execute.run import Outcome
from reconciler.plan.change import Change, Op
from reconciler.targets.host.blocked import CONFIG, MOUNT, Blocked
from reconciler.workloads import naming
from reconciler.workloads.expand import WantedPod
from runtime.observe import briefs
from runtime.observe import pending as files
from runtime.paths import Paths
from tests.unit.reconciler.builders import NOW, applied, container, deployment, pod, spec

if TYPE_CHECKING:
    from pathlib import Path

    from manifests.faults import Fault
    from manifests.pod import Pod

WEB = Ref(kind="Pod", namespace="default", name="web")


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(state_dir=f"{tmp_path}/lib", run_dir=f"{tmp_path}/run", log_dir=f"{tmp_path}/log")


def wanted(thing: Pod) -> WantedPod:
    return WantedPod(pod=thing, spec_hash=naming.spec_hash(thing), of=WEB)


def failed(thing: Pod, fault: Fault | None, op: Op = Op.CREATE) -> list[Outcome]:
    return [Outcome(change=Change(op=op, ref=WEB, pod=wanted(thing)), fault=fault)]


def refused(thing: Pod, fault: Fault) -> tuple[str, list[tuple[str, str]]]:
    """Return what get pods says, and what each container waits for."""
    seen = status.summary(pending.state_of(wanted(thing), fault, "u", NOW), NOW)
    return seen.word, [(one.waiting, one.message) for one in (*seen.inits, *seen.mains)]


def test_a_container_to_blame_has_the_reason_and_all_have_the_message() -> None:
    fault = Blocked('Pod/web container "app": secret "key" not found', reason=CONFIG)
    fault.container = "app"
    said = 'container "app": secret "key" not found'

    two = pod(of=spec(container("side"), container("app")))
    assert refused(two, fault) == (CONFIG, [("ContainerCreating", said), (CONFIG, said)])


def test_an_image_is_the_trouble_of_those_that_run_it_before_any_init_container() -> None:
    fault = Retry('image "none:1": cannot be pulled', reason="ErrImagePull")
    fault.image = "none:1"
    said = fault.message

    late = pod(of=spec(container("app", "none:1"), init=[container("setup")]))
    assert refused(late, fault) == (
        "ErrImagePull",
        [("PodInitializing", said), ("ErrImagePull", said)],
    )
    early = pod(of=spec(container("app"), init=[container("setup", "none:1")]))
    assert refused(early, fault)[0] == "Init:ErrImagePull"


def test_what_is_no_containers_fault_keeps_all_from_being_created() -> None:
    mount = Blocked('Pod/web volume "v": claim "c" not found', reason=MOUNT)
    port = HostFault("Pod/web: host port 80/tcp is taken by pod default/other")

    assert refused(pod(), mount) == (
        "ContainerCreating",
        [("ContainerCreating", 'volume "v": claim "c" not found')],
    )
    assert refused(pod(of=spec(init=[container("setup")])), port)[0] == "Init:0/1"


def test_the_pod_stays_the_same_until_its_spec_changes_or_it_is_made(paths: Paths) -> None:
    fault = HostFault("Pod/web: host port 80/tcp is taken")
    pending.update(paths, {WEB}, failed(pod(), fault))
    (first,) = files.read(paths)

    pending.update(paths, {WEB}, failed(pod(), HostFault("Pod/web: another reason")))
    (again,) = files.read(paths)
    assert (again.uid, again.record.created_at) == (first.uid, first.record.created_at)
    assert again.containers["app"].record.problem == "another reason"

    other = pod(of=spec(container(image="other")))
    pending.update(paths, {WEB}, failed(other, fault, Op.REPLACE))
    (changed,) = files.read(paths)
    assert changed.uid != first.uid
    assert changed.pod.spec == other.spec

    pending.update(paths, {WEB}, failed(other, None))
    assert files.read(paths) == ()


def test_a_pod_that_goes_on_by_itself_is_not_pending(paths: Paths) -> None:
    pending.update(paths, {WEB}, failed(pod(), NotReady("Pod/web: does not run yet")))
    pending.update(paths, {WEB}, failed(pod(), HostFault("Pod/web: no link"), Op.REPAIR))

    assert files.read(paths) == ()


def test_a_pass_over_other_objects_leaves_it_and_its_owners_removal_takes_it(paths: Paths) -> None:
    owner = Ref(kind="Deployment", namespace="default", name="web")
    (made,) = applied(deployment())
    fault = HostFault("no address left")
    pending.update(paths, {owner}, failed(made.pod, fault))
    pending.update(paths, {WEB}, ())
    assert [state.pod.spec for state in files.read(paths)] == [made.pod.spec]

    pending.forget(paths, {WEB})
    assert len(files.read(paths)) == 1
    pending.forget(paths, {owner})
    assert files.read(paths) == ()


def test_it_is_found_by_name_with_what_it_waits_for_unless_the_host_has_it(paths: Paths) -> None:
    fault = Blocked('Pod/web container "app": secret "key" not found', reason=CONFIG)
    pending.update(paths, {WEB}, failed(pod(), fault))
    (state,) = files.read(paths)
    (brief,) = briefs.read(paths)

    assert (brief.name, brief.uid) == ("web", state.uid)
    assert brief.waiting == {"app": f'{CONFIG}: container "app": secret "key" not found'}
    assert files.beside(paths, ()) == (state,)
    assert files.beside(paths, (state,)) == ()


def test_a_file_that_is_being_written_is_no_second_pod(paths: Paths) -> None:
    pending.update(paths, {WEB}, failed(pod(), HostFault("no")))
    file = f"{paths.pending}/default_web.json"
    os.link(file, f"{file}.1.tmp")

    assert [brief.name for brief in briefs.read(paths)] == ["web"]
    assert len(files.read(paths)) == 1


def test_a_damaged_file_is_passed_over(paths: Paths) -> None:
    pending.update(paths, {WEB}, failed(pod(), HostFault("no")))
    with open(f"{paths.pending}/default_web.json", "w", encoding="utf-8") as file:
        file.write('{"record": 1}')

    assert files.read(paths) == ()
    assert list(briefs.read(paths)) == []
