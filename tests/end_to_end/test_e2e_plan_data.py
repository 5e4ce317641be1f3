"""``hlb plan --json``: what the start hook would do with every VM of the host, for a program."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hook_kit import Site
from policy_kit import COMPLETED, back_up_with_log
from rehearsing import look, run_hlb


def plan(site: Site, *, exit_code: int = 0) -> dict[str, Any]:
    """Ask for the plan as data; it changes nothing and ends as the plan in words does."""
    before, changing = look(site), site.changing_calls()
    outcome = run_hlb(site, "plan", "--json")
    assert (look(site), site.changing_calls()) == (before, changing)
    assert (outcome.exit_code, outcome.stderr) == (exit_code, "")
    assert run_hlb(site, "plan").exit_code == exit_code
    told: dict[str, Any] = json.loads(outcome.stdout)
    assert (told["format"], told["version"], told["exit"]) == ("hlb-plan", 1, exit_code)
    return told


def fates(told: dict[str, Any]) -> dict[str, str]:
    return {vm["name"]: vm["would"] for vm in told["vms"]}


def test_every_vm_of_the_host_is_there_with_what_would_become_of_it(site: Site) -> None:
    for name in ("taken", "test-1", "held", "nobody's"):
        site.host.add_vm(name)
    site.host.add_vm("golden", template=True)
    site.host.take_admin_snapshot(site.host.add_vm("foreign"), "by hand")
    site.choose("taken", "golden", "foreign", "held", "test-*", "!test-1", "elsewhere")
    run_hlb(site, "hold", "held", "--reason", "patch day")
    told = plan(site)
    assert fates(told) == {
        "foreign": "left out",
        "taken": "snapshot",
        "golden": "read",
        "held": "held",
        "test-1": "excluded",
        "nobody's": "not named",
    }
    assert next(iter(fates(told))) == "foreign", "what would not be protected goes first"
    vms = {vm["name"]: vm for vm in told["vms"]}
    assert "by hand" in vms["foreign"]["troubles"][0]["reason"]
    assert vms["foreign"]["troubles"][0]["next_step"]
    assert "patch day" in vms["held"]["troubles"][0]["reason"]
    assert vms["taken"]["target"] == {"line": 1, "text": "taken"}
    assert vms["test-1"]["target"] == {"line": 6, "text": "!test-1"}
    assert vms["nobody's"]["target"] is None
    assert told["unmatched"] == [{"line": 7, "text": "elsewhere"}]


def test_it_says_since_when_each_vm_is_due_and_what_is_carried(site: Site) -> None:
    site.add_vms(2)
    site.choose("vm1 BCK_FVM=1M BCK_FIL=ON", "vm2")
    back_up_with_log(site, COMPLETED)
    told = plan(site)
    assert fates(told) == {"vm2": "snapshot", "vm1": "not due"}
    monthly = told["vms"][1]
    assert monthly["attributes"] == {"BCK_FVM": "1M", "BCK_FIL": "ON"}
    assert monthly["last_success"] == site.run_name
    assert monthly["next_due"] > told["written"]
    assert "next due" in monthly["troubles"][0]["reason"]
    assert told["vms"][0]["next_due"] is None


def test_when_nothing_would_be_protected_it_ends_as_the_start_hook_would(site: Site) -> None:
    site.host.take_admin_snapshot(site.host.add_vm("foreign"), "by hand")
    assert fates(plan(site, exit_code=1)) == {"foreign": "left out"}


def test_a_state_file_that_cannot_be_read_is_named(site: Site) -> None:
    site.add_vms(1)
    site.choose("vm1 BCK_FVM=1M")
    site.back_up()
    site.wait_settled()
    path = next(site.state_dir.glob("*.state"))
    path.write_bytes(b"nonsense\n" + path.read_bytes())
    told = plan(site, exit_code=1)
    assert str(path) in told["problems"][0]["message"]


@contextmanager
def drained(site: Site) -> Iterator[None]:
    run_hlb(site, "drain")
    yield


@contextmanager
def while_a_run_is_active(site: Site) -> Iterator[None]:
    with site.avtar() as avtar:
        avtar.wait_started()
        yield
        avtar.finish()
    site.wait_settled()


@pytest.mark.parametrize("hindrance", [drained, while_a_run_is_active])
def test_when_no_run_would_begin_stdout_is_empty_and_stderr_says_why(
    site: Site, hindrance: Any
) -> None:
    site.add_vms(1)
    with hindrance(site):
        outcome = run_hlb(site, "plan", "--json")
    assert (outcome.exit_code, outcome.stdout) == (75, "")
    assert "next step: " in outcome.stderr
