"""What a check says of the state folder, the scripts folder and the datastores."""

from dataclasses import replace

import pytest

from hlb_hooks.base.config_snapshot import SnapshotConfig
from hlb_hooks.base.errors import ConfigurationError, StateError
from hlb_hooks.decisions.check_places import (
    MIB,
    check_scripts,
    check_space,
    check_state,
    check_strays,
    is_for_avtar,
    name_script,
)
from hlb_hooks.decisions.findings import Severity
from hlb_hooks.effects.client_scripts import ClientScript, ScriptState
from hlb_hooks.effects.disk_space import DiskSpace
from hlb_hooks.effects.state_place import StatePlace

GIB = 1024 * MIB
GOOD = StatePlace("/var/hlb", True, None, True, GIB, 10_000)
SCRIPT = ClientScript("/scripts/initial_backup", ScriptState.GOOD)


@pytest.mark.parametrize(
    ("place", "severity"),
    [
        (GOOD, Severity.OK),
        (replace(GOOD, is_there=False), Severity.OK),
        (replace(GOOD, free_bytes=None, free_files=None), Severity.OK),
        (replace(GOOD, free_bytes=63 * MIB), Severity.WARNING),
        (replace(GOOD, free_bytes=3 * MIB), Severity.CRITICAL),
        (replace(GOOD, free_bytes=0), Severity.CRITICAL),
        (replace(GOOD, free_files=99), Severity.CRITICAL),
        (replace(GOOD, is_writable=False), Severity.CRITICAL),
        (replace(GOOD, trouble=ConfigurationError("x", next_step="y")), Severity.CRITICAL),
    ],
)
def test_the_state_folder_is_judged_by_what_a_run_needs(
    place: StatePlace, severity: Severity
) -> None:
    (finding,) = check_state(place, [])
    assert finding.severity is severity
    assert (finding.next_step is None) is (severity is Severity.OK)


def test_every_state_file_that_cannot_be_read_is_a_finding() -> None:
    errors = [StateError("/a is damaged", next_step="look"), StateError("/b is damaged")]
    assert [finding.severity for finding in check_state(GOOD, errors)] == [Severity.CRITICAL] * 2


@pytest.mark.parametrize("state", sorted(ScriptState, key=lambda state: state.value))
def test_every_state_of_a_hook_but_the_good_one_has_a_remedy(state: ScriptState) -> None:
    (finding,) = check_scripts([replace(SCRIPT, state=state, told="told")], "1.0")
    assert (finding.severity is Severity.OK) is (state is ScriptState.GOOD)
    assert (finding.next_step is None) is (state is ScriptState.GOOD)


def test_a_hook_that_is_good_is_not_spoken_of_where_another_is_not() -> None:
    bad = replace(SCRIPT, state=ScriptState.MISSING)
    assert [each.what.key for each in check_scripts([SCRIPT, bad], "1.0")] == ["script_missing"]


def test_the_hooks_of_a_job_that_is_not_configured_are_named() -> None:
    (finding,) = check_strays("/scripts", ["gold", "silver"], ["default", "gold"])
    assert finding.what.words["job"] == "silver"


@pytest.mark.parametrize(
    ("owner", "is_avtar"),
    [(("avtar*",), True), (("borgmatic*", "avtar"), True), (("borgmatic*",), False)],
)
def test_only_avtar_has_a_scripts_folder(owner: tuple[str, ...], *, is_avtar: bool) -> None:
    assert is_for_avtar(owner) is is_avtar


@pytest.mark.parametrize(
    ("job", "name"), [("default", "initial_backup"), ("gold", "initial_backup.gold")]
)
def test_a_hook_bears_the_name_of_its_job(job: str, name: str) -> None:
    assert name_script("initial_backup", job) == name


@pytest.mark.parametrize(
    ("total_gib", "free_gib", "severity"),
    [
        (1000, 200, Severity.OK),
        (1000, 99, Severity.WARNING),
        (100, 19, Severity.WARNING),
        (1000, 29, Severity.CRITICAL),
        (None, None, Severity.OK),
    ],
)
def test_room_is_judged_by_the_limits_of_the_start_hook(
    total_gib: int | None, free_gib: int | None, severity: Severity
) -> None:
    room = DiskSpace(total_gib * GIB, free_gib * GIB) if total_gib and free_gib else None
    (finding,) = check_space({"/vmfs/volumes/a": room}, SnapshotConfig())
    assert finding.severity is severity
