"""The guard is started by itself, away from everything that may be killed, and says that it is."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from effects_kit import (
    PACKAGE_ROOT,
    RUN,
    make_head,
    myself,
    read_line,
    running,
    tell,
    wait_for,
)

from hlb_hooks.base.config import Config
from hlb_hooks.base.config_schema import PathsConfig, RunConfig
from hlb_hooks.base.errors import GuardError
from hlb_hooks.base.speech import RehearsalSpeaker
from hlb_hooks.effects.control_group import leave_control_group
from hlb_hooks.effects.effect_kind import EffectKind, declared_kind
from hlb_hooks.effects.guard_process import (
    GUARD_MODULE,
    GuardStarter,
    RehearsedGuards,
    StartingGuard,
    is_guard_alive,
    list_guarded_folders,
    say_ready,
)
from hlb_hooks.effects.journal import Journal
from hlb_hooks.effects.processes import (
    ProcessIdentity,
    identify_process,
    list_pids,
    read_arguments,
    read_process,
)
from hlb_hooks.effects.records import Flag
from hlb_hooks.effects.run_store import StateFolder, state_path
from hlb_hooks.effects.state_file import read_state_file


def list_guards(folder: Path) -> list[int]:
    return [
        pid
        for pid in list_pids()
        if GUARD_MODULE in (words := read_arguments(pid)) and any(str(folder) in w for w in words)
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Give a state folder; no guard of its runs outlives the test."""
    yield tmp_path / "state"
    for pid in list_guards(tmp_path):
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not list_guards(tmp_path), "the end of the test's guards")


def begin(folder: Path, owner: ProcessIdentity) -> Journal:
    config = replace(
        Config(str(folder / "hlb.toml")),
        paths=PathsConfig(str(folder), str(folder / "hlb.log")),
        run=RunConfig(guard_poll_seconds=0.05),
    )
    store = StateFolder(str(folder))
    with store.beginning(30):
        return store.begin(RUN, make_head(owner=owner, config=config))


def start(journal: Journal) -> ProcessIdentity:
    starter = GuardStarter()
    starter.wait_until_ready(starter.start(journal), journal)
    guard = journal.run.guard
    assert guard is not None
    return guard


def test_a_guard_is_ready_when_it_says_so_and_is_noted(folder: Path) -> None:
    journal = begin(folder, myself())
    guard = start(journal)
    assert is_guard_alive(guard)
    assert identify_process(guard.pid) == guard
    assert read_state_file(journal.path).records[-1].flag == Flag.GUARD
    facts = read_process(guard.pid)
    assert facts is not None
    assert facts.command_name == "hlb-guard"
    journal.close()


def test_a_guard_has_nothing_of_the_hook_s(folder: Path) -> None:
    journal = begin(folder, myself())
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    high = os.dup2(writer, 777, inheritable=True)
    guard = start(journal)
    proc = Path(f"/proc/{guard.pid}")
    held = {
        int(entry.name): os.readlink(entry)
        for entry in (proc / "fd").iterdir()
        if os.path.lexists(entry)
    }
    assert [held[number] for number in (0, 1, 2)] == ["/dev/null"] * 3
    # What wakes it at a signal is a pipe of its own: it has both ends, and nobody else has one.
    [woken_by] = {path for path in held.values() if path.startswith("pipe:")}
    assert list(held.values()).count(woken_by) == 2
    descriptors = Path("/proc/self/fd").iterdir()
    assert woken_by not in {os.readlink(entry) for entry in descriptors if os.path.lexists(entry)}
    others = {path for number, path in held.items() if number > 2} - {woken_by}
    assert others == {journal.path, str(folder / "hlb.log")}
    assert os.readlink(proc / "cwd") == "/"
    environment = (proc / "environ").read_bytes().split(b"\0")
    assert sorted(filter(None, environment)) == [
        b"HOME=/",
        b"LANG=C",
        b"LC_ALL=C",
        b"PATH=/usr/bin:/bin:/usr/sbin:/sbin",
    ]
    for descriptor in (reader, writer, high):
        os.close(descriptor)
    journal.close()


def test_a_guard_is_nobody_s_child_in_a_session_of_its_own(folder: Path) -> None:
    journal = begin(folder, myself())
    guard = start(journal)
    assert os.getsid(guard.pid) not in {os.getsid(0), os.getpid()}
    assert os.getpgid(guard.pid) != os.getpgid(0)
    facts = read_process(guard.pid)
    assert facts is not None
    assert facts.parent_pid != os.getpid()
    with pytest.raises(ChildProcessError):
        os.waitpid(guard.pid, os.WNOHANG)
    journal.close()


@pytest.mark.parametrize("closed", [[], [0], [3, 4, 5], [0, 1, 2]])
def test_a_guard_starts_whatever_descriptors_the_hook_has(folder: Path, closed: list[int]) -> None:
    journal = begin(folder, myself())
    path = journal.path
    journal.close()
    ready = folder / "ready"
    program = HOOK + (
        "import os\n"
        f"for number in {closed}:\n"
        "    try: os.close(number)\n"
        "    except OSError: pass\n"
        "from hlb_hooks.entry.surroundings import settle_in\nsettle_in()\n"
        "journal = take(sys.argv[1]); guards = GuardStarter()\n"
        "guards.wait_until_ready(guards.start(journal), journal)\n"
        f"open({str(ready)!r}, 'w').write(str(journal.run.guard.pid))\n"
    )
    subprocess.run(
        [sys.executable, "-c", program, str(folder)],
        env={"PYTHONPATH": str(PACKAGE_ROOT)},
        check=True,
    )
    assert list_guards(folder) == [int(ready.read_text())]
    assert read_state_file(path).records[-1].flag == Flag.GUARD


HOOK = (
    "import sys\n"
    "from hlb_hooks.effects.guard_process import GuardStarter\n"
    "from hlb_hooks.effects.run_store import StateFolder\n"
    "def take(folder):\n"
    "    store = StateFolder(folder); [found] = store.find_runs().runs\n"
    "    return store.take_over(found, 30)\n"
)
START = HOOK + (
    "journal = take(sys.argv[1]); guards = GuardStarter()\n"
    "guards.wait_until_ready(guards.start(journal), journal)\n"
    "print(journal.run.guard.pid, flush=True)\n"
    "sys.stdin.readline()\n"
)


def test_a_guard_outlives_the_hook_s_whole_family(folder: Path) -> None:
    begin(folder, myself()).close()
    with subprocess.Popen(
        [sys.executable, "-c", START, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        env={"PYTHONPATH": str(PACKAGE_ROOT)},
        start_new_session=True,
    ) as hook:
        pid = int(read_line(hook))
        os.killpg(hook.pid, signal.SIGKILL)
        hook.wait()
        # The pipe that avtar reads is at its end, though the guard lives.
        assert hook.stdout is not None
        assert hook.stdout.read() == b""
    assert list_guards(folder) == [pid]


def test_a_guard_ends_its_run_when_the_owner_is_gone(folder: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as client:
        owner = identify_process(client.pid)
        assert owner is not None
        journal = begin(folder, owner)
        guard = start(journal)
        journal.close()
        assert is_guard_alive(guard)
        client.kill()
    wait_for(lambda: not is_guard_alive(guard), "the guard's end")
    assert read_state_file(journal.path).records[-1].flag == Flag.ENDED


def test_a_guard_does_not_act_while_a_hook_does(folder: Path) -> None:
    journal = begin(folder, ProcessIdentity(1, 1, "an earlier boot"))
    guard = start(journal)
    # The lock is ours: its owner is gone, and still it waits.
    wait_for((folder / "hlb.log").exists, "the guard's first word")
    assert is_guard_alive(guard)
    journal.close()
    wait_for(lambda: not is_guard_alive(guard), "the guard's end")
    assert read_state_file(journal.path).records[-1].flag == Flag.ENDED


def test_a_guard_told_to_stop_leaves_the_run_as_it_is(folder: Path) -> None:
    journal = begin(folder, myself())
    guard = start(journal)
    journal.close()
    before = Path(journal.path).read_bytes()
    os.kill(guard.pid, signal.SIGTERM)
    wait_for(lambda: not is_guard_alive(guard), "the guard's end")
    assert Path(journal.path).read_bytes() == before


def test_a_guard_that_cannot_read_its_run_is_an_error(folder: Path) -> None:
    journal = begin(folder, myself())
    content = Path(journal.path).read_bytes()
    Path(journal.path).write_bytes(content.replace(b"OWNER", b"OWNED"))
    starter = GuardStarter()
    guard = starter.start(journal)
    with pytest.raises(GuardError, match="the guard did not start") as caught:
        starter.wait_until_ready(guard, journal)
    assert "no snapshot is made without a guard" in caught.value.next_step
    assert journal.run.guard is None
    assert list_guards(folder) == []
    journal.close()


def test_a_guard_that_is_ready_costs_the_hook_no_descriptor(folder: Path) -> None:
    journal = begin(folder, myself())
    before = os.listdir("/proc/self/fd")
    start(journal)
    assert len(os.listdir("/proc/self/fd")) == len(before)
    journal.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"ready\n",
        b"abc ready\n",
        b"4194399 ready\n",
        b"1 set\n",
        b"1 ready",
        b"-1 ready\n",
        b"1 \n",
        b" ready\n",
    ],
)
def test_an_answer_of_another_kind_is_no_guard(folder: Path, answer: bytes) -> None:
    journal = begin(folder, myself())
    reader, writer = os.pipe()
    os.write(writer, answer)
    os.close(writer)
    with pytest.raises(GuardError):
        GuardStarter().wait_until_ready(StartingGuard(reader), journal)
    assert journal.run.guard is None
    journal.close()


def test_an_answer_may_come_byte_by_byte(folder: Path) -> None:
    journal = begin(folder, myself())
    program = (
        "import os, sys\nprint('begin', flush=True)\n"
        "for byte in b'%d ready\\n' % int(sys.argv[1]):\n"
        "    os.write(1, bytes([byte]))\n"
        "sys.stdin.readline()\n"
    )
    with running(program, str(os.getpid())) as other:
        assert other.stdout is not None
        GuardStarter().wait_until_ready(StartingGuard(os.dup(other.stdout.fileno())), journal)
        tell(other)
    assert journal.run.guard == myself()
    journal.close()


def test_readiness_is_said_once_and_the_pipe_let_go() -> None:
    reader, writer = os.pipe()
    say_ready(writer)
    assert os.read(reader, 100) == b"%d ready\n" % os.getpid()
    assert os.read(reader, 100) == b""
    os.close(reader)


def test_a_hook_that_is_gone_does_not_stop_its_guard() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    say_ready(writer)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(writer)


def test_no_guard_is_not_alive() -> None:
    assert not is_guard_alive(None)
    assert not is_guard_alive(ProcessIdentity(2**22 + 1, 1, "boot"))


def test_a_run_is_found_by_its_guard(folder: Path) -> None:
    journal = begin(folder, myself())
    assert str(folder) not in list_guarded_folders()
    start(journal)
    assert list_guarded_folders().count(str(folder)) == 1
    journal.close()


def test_a_stranger_s_process_is_no_guard(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("being somebody else takes root")
    words = [GUARD_MODULE, "--state", str(tmp_path / "x.state")]
    with subprocess.Popen(
        ["/bin/sh", "-c", "read word", *words], stdin=subprocess.PIPE, cwd="/", user=65534
    ) as stranger:
        wait_for(lambda: GUARD_MODULE in read_arguments(stranger.pid), "the stranger")
        # Whoever may start processes here must not choose the folder that root reads.
        assert str(tmp_path) not in list_guarded_folders()
        stranger.kill()


def test_a_rehearsal_says_what_the_guard_would_wait_for(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    journal = begin(folder, ProcessIdentity(7, 7, "boot"))
    guards = RehearsedGuards(RehearsalSpeaker())
    guards.wait_until_ready(guards.start(journal), journal)
    assert capfd.readouterr().out == "WOULD start a guard that waits for avtar (pid 7)\n"
    assert list_guards(folder) == []
    journal.close()


def test_a_guard_leaves_the_control_group_of_the_client(folder: Path) -> None:
    journal = begin(folder, myself())
    guard = start(journal)
    groups = Path(f"/proc/{guard.pid}/cgroup").read_text()
    killed_by = [line for line in groups.splitlines() if ":name=systemd:" in line or "::" in line]
    roots = [Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup/systemd")]
    writable = [root for root in roots if os.access(root / "cgroup.procs", os.W_OK)]
    if writable:
        assert any(line.endswith("/hlb-guard") for line in killed_by), groups
    assert declared_kind(leave_control_group) is EffectKind.CHANGES
    journal.close()


def test_the_state_file_of_a_run_is_what_the_guard_is_told(folder: Path) -> None:
    journal = begin(folder, myself())
    guard = start(journal)
    assert read_arguments(guard.pid) == (
        sys.executable,
        "-I",
        "-m",
        GUARD_MODULE,
        "--state",
        state_path(str(folder), RUN),
        "--ready",
        "3",
    )
    journal.close()
