"""Who a process is, whose child it is, and what it holds: on real processes."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from effects_kit import PACKAGE_ROOT, myself, read_line, running, wait_for, write_program

from hlb_hooks.effects import processes
from hlb_hooks.effects.processes import (
    ProcessFacts,
    ProcessIdentity,
    find_ancestor,
    identify_process,
    is_alive,
    is_own,
    list_ancestors,
    list_commands_of_run,
    list_held_by_family,
    list_holders,
    list_pids,
    read_arguments,
    read_boot_id,
    read_process,
    read_process_names,
    read_text_head,
)

RENAME = (
    "import ctypes, sys\nname = bytes.fromhex(sys.argv[1])\n"
    "ctypes.CDLL(None).prctl(15, name, 0, 0, 0)\nprint('ready', flush=True)\nsys.stdin.readline()\n"
)
SLEEPER = "import sys\nprint('ready', flush=True)\nsys.stdin.readline()\n"
# Which ancestor a process finds, as its pid and name.
FINDER = (
    "import json, os, sys\n"
    "from hlb_hooks.effects.processes import find_ancestor, read_process\n"
    "found = find_ancestor(sys.argv[1:])\n"
    "print(json.dumps([found.pid, read_process(found.pid).command_name] if found else None))\n"
)


@pytest.mark.parametrize(
    "name",
    [b"avtar", b"a b", b"a) S 1 (b", b")", b"(", b"((((", b"two\nlines", b"\xff\xfe", b"x" * 15],
)
def test_a_process_s_name_may_be_anything(name: bytes) -> None:
    with running(RENAME, name.hex()) as process:
        facts = read_process(process.pid)
        assert facts is not None
        assert os.fsencode(facts.command_name) == name
        assert facts.parent_pid == os.getpid()
        assert facts.start_ticks > 0
        assert not facts.is_gone


def test_a_process_that_never_was_is_none() -> None:
    assert read_process(2**22 + 1) is None
    assert identify_process(2**22 + 1) is None
    assert identify_process(0) is None
    assert identify_process(-1) is None
    assert read_arguments(2**22 + 1) == ()


def test_a_process_lives_until_it_is_counted_dead() -> None:
    process = subprocess.Popen(["sleep", "60"])
    identity = identify_process(process.pid)
    assert identity is not None
    assert is_alive(identity)
    process.kill()

    def is_zombie() -> bool:
        facts = read_process(process.pid)
        return facts is not None and facts.state == "Z"

    wait_for(is_zombie, "the zombie")
    # It is still in /proc, and does nothing any more.
    assert identify_process(process.pid) is None
    assert not is_alive(identity)
    process.wait()
    assert read_process(process.pid) is None
    assert not is_alive(identity)


def test_a_pid_that_came_back_is_another_process() -> None:
    me = myself()
    assert is_alive(me)
    assert not is_alive(ProcessIdentity(me.pid, me.start_ticks - 1, me.boot_id))


def test_a_process_of_another_boot_is_gone() -> None:
    me = myself()
    assert me.boot_id == read_boot_id()
    assert not is_alive(ProcessIdentity(me.pid, me.start_ticks, "another boot"))


def test_the_ancestors_are_listed_nearest_first() -> None:
    pids = [identity.pid for identity in list_ancestors()]
    assert pids[0] == os.getppid()
    assert os.getpid() not in pids
    assert pids[-1] == 1 or read_process(pids[-1]) is not None
    assert len(set(pids)) == len(pids)


@pytest.mark.parametrize("arguments", [[], ["a b", "", "two\nlines"], ["\udcff"]])
def test_a_command_line_is_read_word_by_word(arguments: list[str]) -> None:
    with running(SLEEPER, *arguments) as process:
        assert read_arguments(process.pid) == (sys.executable, "-c", SLEEPER, *arguments)


def test_a_kernel_s_thread_has_no_command_line() -> None:
    process = subprocess.Popen(["true"])
    wait_for(lambda: (facts := read_process(process.pid)) and facts.is_gone, "the zombie")
    facts = read_process(process.pid)
    assert facts is not None
    assert read_process_names(facts) == ("true",)
    process.wait()


def find_in(argv: list[str], patterns: str, environment: dict[str, str] | None = None) -> object:
    """Run FINDER below ``argv``, which runs its last argument."""
    done = subprocess.run(
        argv,
        capture_output=True,
        check=True,
        stdin=subprocess.DEVNULL,
        env={
            "PYTHONPATH": str(PACKAGE_ROOT),
            "PATH": os.environ["PATH"],
            "FIND": patterns,
            **(environment or {}),
        },
    )
    return json.loads(done.stdout)


@pytest.fixture
def finder(tmp_path: Path) -> str:
    """Make a program, called like a hook, that tells the ancestor it finds."""
    return write_program(
        tmp_path / "initial_backup",
        f"#!{sys.executable}\nimport os, sys\nsys.argv[1:] = os.environ['FIND'].split()\n{FINDER}",
    )


def write_client(folder: Path, name: str, line: str) -> str:
    """Make a shell script that stays while it runs ``line``."""
    return write_program(folder / name, f"#!/bin/sh\n{line}\nexit $?\n")


@pytest.mark.parametrize(
    "line",
    [
        '"$1"',
        'sh -c \'"$0"; exit $?\' "$1"',
        'sh -c \'"$0" & wait $!\' "$1"',
        'sh -c \'exec "$0"\' "$1"',
        'setsid --wait "$1"',
    ],
)
def test_the_client_is_found_through_shells(tmp_path: Path, finder: str, line: str) -> None:
    client = write_client(tmp_path, "avtar", line)
    found = find_in([client, finder], "avtar*")
    assert isinstance(found, list)
    assert found[1] == "avtar"


def test_a_client_that_is_gone_is_not_found(tmp_path: Path, finder: str) -> None:
    out = tmp_path / "out"
    orphan = (
        f"while [ ! -e {tmp_path}/go ]; do sleep 0.01; done; $0 > {out}.part; mv {out}.part {out}"
    )
    client = write_client(tmp_path, "avtar", f"setsid -f sh -c '{orphan}' \"$1\" > /dev/null 2>&1")
    subprocess.run(
        [client, finder],
        check=True,
        env={"PYTHONPATH": str(PACKAGE_ROOT), "PATH": os.environ["PATH"], "FIND": "avtar*"},
    )
    (tmp_path / "go").touch()
    wait_for(out.exists, "the orphan's word")
    assert json.loads(out.read_text()) is None


def test_the_nearest_of_two_clients_is_found(tmp_path: Path, finder: str) -> None:
    inner = write_client(tmp_path, "avtar-inner", '"$1"')
    outer = write_client(tmp_path, "avtar-outer", f'{inner} "$1"')
    found = find_in([outer, finder], "avtar*")
    assert isinstance(found, list)
    assert found[1] == "avtar-inner"


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ("avtar", "avtar.bin"),
        ("avtar.bin", "avtar.bin"),
        ("AVTAR*", None),
        ("vtar", None),
        ("restic avtar*", "avtar.bin"),
        ("?vtar.bin", "avtar.bin"),
    ],
)
def test_the_owner_s_name_is_a_shell_pattern(
    tmp_path: Path, finder: str, patterns: str, expected: str | None
) -> None:
    client = write_client(tmp_path, "avtar.bin", '"$1"')
    if patterns == "avtar":
        patterns, expected = "avtar", None
    found = find_in([client, finder], patterns)
    assert (found[1] if isinstance(found, list) else None) == expected


@pytest.mark.parametrize("interpreter", ["sh", "bash", "python"])
def test_a_script_is_found_behind_its_interpreter(
    tmp_path: Path, finder: str, interpreter: str
) -> None:
    script = tmp_path / "borgmatic-nightly"
    if interpreter == "python":
        script.write_text("import subprocess, sys\nsubprocess.run(sys.argv[1:], check=True)\n")
        argv = [sys.executable, "-I", str(script), finder]
    else:
        script.write_text('"$1"\nexit $?\n')
        argv = [interpreter, str(script), finder]
    found = find_in(argv, "borgmatic*")
    assert isinstance(found, list)
    assert found[1].startswith(interpreter)


@pytest.mark.parametrize(
    "argv",
    [
        ["sh", "-c", '"$0"; true # > /tmp/avtar.log'],
        ["bash", "-c", '"$0" > >(cat); true # /usr/local/avamar/bin/avtar'],
        ["sh", "-ec", '"$0"; : /opt/avtar'],
        [
            sys.executable,
            "-c",
            "import subprocess, sys\nsubprocess.run(sys.argv[1:], check=True) # /opt/avtar",
        ],
    ],
)
def test_what_a_shell_was_told_to_do_is_no_name(argv: list[str], finder: str) -> None:
    assert find_in([*argv, finder], "avtar*") is None


def test_the_name_a_program_was_started_by_counts(tmp_path: Path, finder: str) -> None:
    # Its own name may be longer than the 15 characters that the kernel keeps.
    client = write_client(tmp_path, "a-backup-client-of-some-length", '"$1"')
    assert find_in([client, finder], "a-backup-client-of-some-length") is not None


def test_this_process_has_no_ancestor_of_an_unheard_name() -> None:
    assert find_ancestor(["no-such-client-*"]) is None
    assert find_ancestor([]) is None


def test_the_commands_of_a_run_are_found_with_their_children(tmp_path: Path) -> None:
    run = f"gold-{os.getpid()}-{time.monotonic_ns()}"
    program = write_program(
        tmp_path / "vmware-cmd",
        "#!/bin/sh\n(setsid sleep 60 & echo $! > child.part; mv child.part child; wait) &\nwait\n",
    )
    environment = {"PATH": os.environ["PATH"], "HLB_RUN": run}
    other = {**environment, "HLB_RUN": f"{run}0"}
    with (
        subprocess.Popen([program], env=environment, cwd=tmp_path) as mine,
        subprocess.Popen(["sleep", "60"], env=other) as theirs,
    ):
        try:
            wait_for((tmp_path / "child").exists, "the grandchild")
            child = int((tmp_path / "child").read_text())
            found = list_commands_of_run(run)
            assert {mine.pid, child} <= set(found)
            assert theirs.pid not in found
            assert list_commands_of_run(f"{run}0") == (theirs.pid,)
            assert list_commands_of_run(run[:-1]) == ()
        finally:
            for pid in list_commands_of_run(run):
                os.kill(pid, signal.SIGKILL)
            theirs.kill()
    wait_for(lambda: not list_commands_of_run(run), "the end of them all")


def test_a_stranger_s_process_is_no_command_of_a_run() -> None:
    if os.geteuid() != 0:
        pytest.skip("being somebody else takes root")
    run = f"gold-{os.getpid()}-{time.monotonic_ns()}"
    with subprocess.Popen(
        ["sleep", "60"], env={"PATH": os.environ["PATH"], "HLB_RUN": run}, cwd="/", user=65534
    ) as stranger:
        wait_for(lambda: "sleep" in read_arguments(stranger.pid), "the stranger")
        assert not is_own(stranger.pid)
        # Else anybody here could keep a guard waiting for ever.
        assert list_commands_of_run(run) == ()
        stranger.kill()
    assert is_own(os.getpid())
    assert not is_own(2**22 + 1)


def test_a_file_s_holders_are_found_by_any_of_its_names(tmp_path: Path) -> None:
    base, other, link = tmp_path / "a-flat.vmdk", tmp_path / "b-flat.vmdk", tmp_path / "link"
    base.write_bytes(b"x")
    other.write_bytes(b"x")
    link.hardlink_to(base)
    renamed = tmp_path / "renamed"
    program = f"import sys\nheld = open(sys.argv[1], 'rb')\n{SLEEPER}"
    with running(program, str(link)) as process:
        assert list_holders([str(base), str(other)]) == {str(base): (process.pid,)}
        base.rename(renamed)
        assert list_holders([str(renamed)]) == {str(renamed): (process.pid,)}
        with running(program, str(renamed)) as second:
            assert set(list_holders([str(renamed)])[str(renamed)]) == {process.pid, second.pid}
    assert list_holders([str(renamed)]) == {}


def test_what_this_process_holds_does_not_count(tmp_path: Path) -> None:
    base = tmp_path / "a-flat.vmdk"
    base.write_bytes(b"x")
    with base.open("rb"):
        assert list_holders([str(base)]) == {}


def test_what_a_process_and_those_it_started_hold_is_the_family_s(tmp_path: Path) -> None:
    base, other = tmp_path / "a-flat.vmdk", tmp_path / "b-flat.vmdk"
    for path in (base, other):
        path.write_bytes(b"x")
    child = f"import sys\nheld = open(sys.argv[1], 'rb')\n{SLEEPER}"
    program = (
        f"import subprocess, sys\n"
        f"subprocess.run([sys.executable, '-c', {child!r}, sys.argv[1]], check=True)\n"
    )
    paths = [str(base), str(other)]
    with running(program, str(base)) as process, other.open("rb"):
        assert list_held_by_family(process.pid, paths) == {str(base)}
        assert list_held_by_family(process.pid, []) == set()
    assert list_held_by_family(process.pid, paths) == set()


# Pids that come back between two reads of /proc cannot be had at will.
def test_processes_that_seem_to_be_each_other_s_children_are_not_looked_at_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = tmp_path / "a-flat.vmdk"
    base.write_bytes(b"x")
    parents = {10: 11, 11: 10}
    monkeypatch.setattr(processes, "list_pids", lambda: list(parents))
    monkeypatch.setattr(
        processes, "read_process", lambda pid: ProcessFacts(pid, parents[pid], "S", 1, "avtar")
    )

    def give_up(_number: int, _frame: object) -> None:
        raise AssertionError("they are looked at for ever")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(5)
    try:
        assert list_held_by_family(10, [str(base)]) == set()
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def test_a_file_that_is_gone_is_held_by_nobody(tmp_path: Path) -> None:
    assert list_holders([str(tmp_path / "gone")]) == {}
    assert list_holders([]) == {}


def test_every_process_is_listed() -> None:
    assert {1, os.getpid()} <= set(list_pids())


def test_the_head_of_a_file_is_read_and_no_more(tmp_path: Path) -> None:
    log = tmp_path / "avtar.log"
    log.write_bytes(b"head \xff" + b"x" * 100)
    assert read_text_head(str(log), 6) == "head \udcff"
    assert read_text_head(str(tmp_path / "gone"), 6) == ""
    assert read_text_head(str(tmp_path), 6) == ""


def test_a_log_that_is_a_pipe_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "avtar.log")
    program = (
        "import sys\nfrom hlb_hooks.effects.processes import read_text_head\n"
        "print(repr(read_text_head(sys.argv[1], 6)), flush=True)\nsys.stdin.readline()\n"
    )
    with running(f"print('begin', flush=True)\n{program}", str(tmp_path / "avtar.log")) as process:
        assert read_line(process) == "''"


def test_a_shortage_of_descriptors_is_nobody_s_end(tmp_path: Path) -> None:
    held = tmp_path / "disk"
    held.touch()
    with held.open("rb") as stream, subprocess.Popen(["sleep", "60"], stdin=stream) as other:
        identity = identify_process(other.pid)
        assert identity is not None
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, before[1]))
        try:
            alive = is_alive(identity)
            with pytest.raises(OSError, match="Too many open files"):
                list_holders([str(held)])
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
            other.kill()
        assert alive
