"""The real set of effects changes the world; the rehearsed one cannot, whatever is asked of it."""

from pathlib import Path

import esx
import pytest
from effects_kit import RUN, make_head, snapshot_tree

from hlb_hooks.base.config import Config
from hlb_hooks.base.config_schema import HostConfig
from hlb_hooks.base.config_snapshot import SnapshotConfig
from hlb_hooks.base.names import is_run_name
from hlb_hooks.base.speech import RehearsalSpeaker
from hlb_hooks.effects.bundle import make_effects
from hlb_hooks.effects.guard_process import GuardStarter, RehearsedGuards
from hlb_hooks.effects.rehearsed_snapshots import RehearsedSnapshots
from hlb_hooks.effects.rehearsed_store import RehearsedStateFolder
from hlb_hooks.effects.run_store import StateFolder
from hlb_hooks.effects.snapshots import HostSnapshots


def make_config(host: esx.Host) -> Config:
    return Config(
        "/etc/hlb.toml",
        host=HostConfig(vmware_cmd=str(host.vmware_cmd), command_timeout_seconds=11),
        snapshot=SnapshotConfig(
            create_timeout_seconds=22, remove_timeout_seconds=33, settle_timeout_seconds=44
        ),
    )


def test_the_configured_limits_reach_the_driver(tmp_path: Path) -> None:
    config = make_config(esx.Host.create(tmp_path / "esx"))
    effects = make_effects("en", may_change=True).open_host(config, RUN)
    driver = effects.driver
    assert (driver.program, driver.command_timeout_seconds) == (config.host.vmware_cmd, 11)
    assert (driver.create_timeout_seconds, driver.remove_timeout_seconds) == (22, 33)
    snapshots = effects.snapshots
    assert isinstance(snapshots, HostSnapshots)
    assert (snapshots.settle_timeout_seconds, snapshots.remove_timeout_seconds) == (44, 33)


def test_the_run_s_name_reaches_every_command(tmp_path: Path) -> None:
    host = esx.Host.create(tmp_path / "esx")
    for may_change in (True, False):
        effects = make_effects("en", may_change=may_change)
        effects.open_host(make_config(host), RUN).driver.list_vms()
    names = [record["environment"]["HLB_RUN"] for record in host.call_records()]
    assert names == [RUN, RUN]


@pytest.mark.parametrize("may_change", [True, False])
def test_the_parts_of_a_set_belong_together(tmp_path: Path, *, may_change: bool) -> None:
    effects = make_effects("pl", may_change=may_change)
    config = make_config(esx.Host.create(tmp_path / "esx"))
    parts = (
        effects.open_store(str(tmp_path)),
        effects.guards,
        effects.open_host(config, RUN).snapshots,
    )
    real, rehearsed = (
        (StateFolder, GuardStarter, HostSnapshots),
        (RehearsedStateFolder, RehearsedGuards, RehearsedSnapshots),
    )
    kinds = real if may_change else rehearsed
    assert [type(part) for part in parts] == list(kinds)
    assert isinstance(effects.speaker, RehearsalSpeaker) is not may_change


def test_only_a_real_run_has_a_run_s_name() -> None:
    assert is_run_name(make_effects("en", may_change=True).name_run("gold"))
    assert not is_run_name(make_effects("en", may_change=False).name_run("gold"))


def test_a_rehearsal_cannot_reach_the_host_s_changes(tmp_path: Path) -> None:
    host = esx.Host.create(tmp_path / "esx")
    vmx = host.add_vm("a")
    effects = make_effects("en", may_change=False)
    driver = effects.open_host(make_config(host), RUN).driver
    store = effects.open_store(str(tmp_path / "state"))
    before = snapshot_tree(tmp_path)
    with pytest.raises(AssertionError):
        driver.create_snapshot(vmx, "HLB-1", "x", quiesce=False, memory=False)
    with pytest.raises(AssertionError):
        driver.remove_all_snapshots(vmx)
    with store.beginning(30):
        journal = store.begin("dry-run", make_head(run="dry-run"))
    effects.guards.wait_until_ready(effects.guards.start(journal), journal)
    journal.close()
    assert snapshot_tree(tmp_path) == before
    assert host.calls() == []
