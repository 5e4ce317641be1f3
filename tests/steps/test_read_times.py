"""A guard's looks at what the client reads decide nothing, and hold nothing up."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from hlb_hooks.base import clock
from hlb_hooks.base.config import Config
from hlb_hooks.effects import processes
from hlb_hooks.effects.bundle import make_effects
from hlb_hooks.effects.journal import WrittenJournal
from hlb_hooks.effects.owner import LeaseOwner, Owner, ProcessOwner
from hlb_hooks.effects.records import VERSION, Flag, Record, encode_record, make_record
from hlb_hooks.effects.run_story import Run, tell_run
from hlb_hooks.effects.state_file import StateFile, read_state_file
from hlb_hooks.effects.vm_story import encode_disks
from hlb_hooks.steps.context import Context
from hlb_hooks.steps.read_times import ReadTimes
from hlb_hooks.steps.watch import open_watch
from hlb_hooks.vmfiles.sighting import RecordedDisk

HOLDER = "import sys\nfile = open(sys.argv[1], 'rb')\nprint(flush=True)\nsys.stdin.readline()\n"


def own() -> ProcessOwner:
    identity = processes.identify_process(os.getpid())
    assert identity is not None
    return ProcessOwner(identity, "avtar")


def make_records(folder: Path, owner: Owner) -> list[Record]:
    flat = folder / "web-flat.vmdk"
    flat.write_bytes(b"x")
    disk = RecordedDisk("scsi0:0", (str(folder / "web.vmdk"),), "fffffffe", ((str(flat), 1),))
    vmx = str(folder / "web.vmx")
    config = Config("/etc/hlb.toml")
    state = {"version": str(VERSION), "run": "r", "job": "gold", "host": "esx1"}
    return [
        make_record(Flag.STATE, boot_id=processes.read_boot_id(), **state),
        make_record(Flag.OWNER, **owner.to_details()),
        make_record(Flag.CONFIG, json=config.to_json()),
        make_record(Flag.CHOSEN, vmx, name="web"),
        make_record(Flag.READABLE, vmx, disks=encode_disks([disk])),
    ]


def tell(folder: Path, owner: Owner) -> Run:
    run = tell_run(make_records(folder, owner), "/var/hlb/r.state")
    assert run is not None
    return run


def look_while_held(folder: Path, run: Run) -> ReadTimes:
    times = ReadTimes()
    command = [sys.executable, "-c", HOLDER, str(folder / "web-flat.vmdk")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        holder.stdout.readline()
        times.look(run)
        holder.communicate()
    return times


def test_what_the_owner_s_child_holds_open_is_seen_and_put_down_once(tmp_path: Path) -> None:
    path = tmp_path / "r.state"
    records = make_records(tmp_path, own())
    path.write_bytes(b"".join(map(encode_record, records)))
    run = tell(tmp_path, own())
    times = look_while_held(tmp_path, run)
    assert not times.is_empty
    journal = WrittenJournal(run, StateFile.open(str(path)))
    times.put_down(journal)
    times.put_down(journal)
    journal.close()
    assert times.is_empty
    (noted,) = read_state_file(str(path)).records[len(records) :]
    assert (noted.flag, noted.vmx) == (Flag.NOTE, str(tmp_path / "web.vmx"))
    assert set(noted.details) == {"read_from", "read_until"}


def test_nobody_knows_who_reads_under_a_lease(tmp_path: Path) -> None:
    lease = LeaseOwner(clock.read_utc_now() + timedelta(hours=1), 1e9, processes.read_boot_id())
    assert look_while_held(tmp_path, tell(tmp_path, lease)).is_empty


def test_another_s_reading_is_not_the_owner_s(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        identity = processes.identify_process(stranger.pid)
        assert identity is not None
        run = tell(tmp_path, ProcessOwner(identity, "avtar"))
        assert look_while_held(tmp_path, run).is_empty
        stranger.communicate(b"\n")


# A look fails where this process lacks descriptors, and then the removal would fail too: what is
# to be seen here is that nothing else of a look reaches the watch.
def test_a_look_that_fails_is_logged_once_and_the_watch_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "r.state"
    path.write_bytes(b"".join(map(encode_record, make_records(tmp_path, own()))))
    looks: list[int] = []

    def fail(pid: int, _paths: object) -> set[str]:
        looks.append(pid)
        raise OSError("too many open files")

    monkeypatch.setattr(processes, "list_held_by_family", fail)
    context = Context("guard", make_effects("en", may_change=True))
    watch = open_watch(context, str(path))
    context.open_log(str(tmp_path / "log"))
    assert watch._look_once() is False
    assert watch._look_once() is False
    assert looks == [os.getpid()]
    events = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [each["event"] for each in events].count("reading_not_followed") == 1
