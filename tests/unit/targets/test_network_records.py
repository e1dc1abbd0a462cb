"""What networks were given, remembered: read back, and told where it is damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from manifests.faults import HostFault
from reconciler.targets.host import network_records
from runtime.net.bridge import BridgeNetwork
from runtime.paths import Paths


def network(name: str) -> BridgeNetwork:
    return BridgeNetwork(
        instance="podpy", name=name, subnet="10.64.0.0/16", gateway="10.64.0.1", mtu=1500
    )


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    made = Paths(state_dir=f"{tmp_path}/lib", run_dir=f"{tmp_path}/run", log_dir=f"{tmp_path}/log")
    for name in ("front", "back"):
        network_records.write(made, network(name))
    return made


def test_records_are_read_back_and_forgotten(paths: Paths) -> None:
    assert network_records.whole(paths) == (network("back"), network("front"))

    network_records.remove(paths, "back")

    assert network_records.every(paths) == network_records.whole(paths) == (network("front"),)
    with pytest.raises(HostFault, match="Network/back: is not on this host"):
        network_records.get(paths, "back")


def test_a_damaged_record_is_left_out_of_a_list_and_refused_where_pods_depend_on_it(
    paths: Paths,
) -> None:
    Path(f"{paths.networks}/back/network.json").write_text("{")

    assert network_records.every(paths) == (network("front"),)
    with pytest.raises(
        HostFault, match=r"Network/back: its record .*/back/network.json is damaged"
    ):
        network_records.whole(paths)
