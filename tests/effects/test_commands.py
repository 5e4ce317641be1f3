"""A command of the host gets what we give it and nothing else, and cannot outstay its limit."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from effects_kit import PACKAGE_ROOT, RUN, wait_for, write_program

from hlb_hooks.base.errors import ConfigurationError, HostError
from hlb_hooks.effects.commands import (
    Answer,
    Command,
    CommandKilledError,
    CommandRunner,
    CommandTimedOutError,
)
from hlb_hooks.effects.effect_kind import EffectKind
from hlb_hooks.effects.processes import list_commands_of_run, read_process

KEY = "[host] command_timeout_seconds"
WITNESS = """\
import json, os, sys
facts = {
    "argv": [os.fsencode(word).hex() for word in sys.argv[1:]],
    "environment": dict(os.environ),
    "stdin": os.readlink("/proc/self/fd/0"),
    "stdin_says": sys.stdin.buffer.read().hex(),
    "is_terminal": [os.isatty(number) for number in (0, 1, 2)],
    "descriptors": sorted(
        int(name) for name in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{name}")
    ),
    "session": os.getsid(0), "group": os.getpgid(0), "pid": os.getpid(), "cwd": os.getcwd(),
}
print(json.dumps(facts))
"""


def run(
    program: str | Path,
    *arguments: str,
    limit: float = 30.0,
    kind: EffectKind = EffectKind.READS,
    may_change: bool = True,
) -> Answer:
    command = Command("vmware-cmd test", (str(program), *arguments), kind, limit, KEY)
    return CommandRunner(run=RUN, may_change=may_change).run(command)


def write_witness(folder: Path) -> str:
    return write_program(folder / "witness", f"#!{sys.executable} -ISXutf8\n{WITNESS}")


def ask_witness(folder: Path, *arguments: str) -> dict[str, object]:
    facts: dict[str, object] = json.loads(run(write_witness(folder), *arguments).stdout)
    return facts


@pytest.mark.parametrize(
    "argument",
    [
        "",
        " ",
        "two words",
        'it\'s "quoted"',
        "two\nlines\r\n",
        "*",
        "$HOME `id` ; rm -rf /",
        "--option=value",
        "-",
        "\\",
        "zażółć",
        "\udcff\udcfe not UTF-8",
        "x" * 100_000,
    ],
)
def test_an_argument_arrives_unsplit_byte_for_byte(tmp_path: Path, argument: str) -> None:
    argv = ask_witness(tmp_path, argument, "next")["argv"]
    assert argv == [os.fsencode(argument).hex(), b"next".hex()]


def test_a_program_s_own_path_may_hold_blanks_and_quotes(tmp_path: Path) -> None:
    folder = tmp_path / "a 'b' \"c\"\n(d) \udcff"
    folder.mkdir()
    assert ask_witness(folder, "x")["argv"] == [b"x".hex()]


def test_the_environment_is_ours_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/nonexistent")
    monkeypatch.setenv("PERL5LIB", "/nonexistent")
    monkeypatch.setenv("LANG", "pl_PL.ISO-8859-2")
    environment = ask_witness(tmp_path)["environment"]
    assert environment == {
        "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
        "LANG": "C",
        "LC_ALL": "C",
        "HOME": "/",
        "HLB_RUN": RUN,
    }


def test_nobody_waits_for_input(tmp_path: Path) -> None:
    facts = ask_witness(tmp_path)
    assert facts["stdin"] == "/dev/null"
    assert not facts["stdin_says"]
    assert facts["is_terminal"] == [False, False, False]


def test_no_descriptor_is_inherited(tmp_path: Path) -> None:
    leaked = os.open(tmp_path, os.O_RDONLY)
    high = 900
    os.dup2(leaked, high)
    try:
        os.set_inheritable(leaked, True)
        assert ask_witness(tmp_path)["descriptors"] == [0, 1, 2]
    finally:
        os.close(leaked)
        os.close(high)


def test_a_command_has_a_session_of_its_own_in_the_root_folder(tmp_path: Path) -> None:
    facts = ask_witness(tmp_path)
    assert facts["session"] == facts["group"] == facts["pid"]
    assert facts["cwd"] == "/"


def test_both_streams_come_apart_as_bytes(tmp_path: Path) -> None:
    program = write_program(
        tmp_path / "p", "#!/bin/sh\nprintf 'a\\377\\000b'\nprintf '\\376\\r\\n' >&2\nexit 231\n"
    )
    answer = run(program)
    assert answer.stdout == b"a\xff\x00b"
    assert answer.stderr == b"\xfe\r\n"
    assert answer.exit_code == 231


@pytest.mark.parametrize("exit_code", [0, 1, 7, 8, 11, 126, 127, 128, 137, 231, 255])
def test_every_exit_code_is_an_answer(tmp_path: Path, exit_code: int) -> None:
    program = write_program(tmp_path / "p", f"#!/bin/sh\nexit {exit_code}\n")
    assert run(program).exit_code == exit_code


def test_a_long_answer_is_given_whole(tmp_path: Path) -> None:
    program = write_program(
        tmp_path / "p",
        f"#!{sys.executable} -IS\nimport sys\nsys.stdout.write('x' * 4_000_000)\n"
        "sys.stderr.write('y' * 1_000_000)\n",
    )
    answer = run(program)
    assert (answer.stdout, answer.stderr) == (b"x" * 4_000_000, b"y" * 1_000_000)


def test_a_limit_kills_the_whole_family_and_names_its_key(tmp_path: Path) -> None:
    program = write_program(
        tmp_path / "p",
        "#!/bin/sh\ntrap '' TERM INT HUP\n"
        f"sh -c 'trap \"\" TERM; echo $$ > {tmp_path}/grandchild; sleep 60; sleep 60' &\n"
        f"while [ ! -s {tmp_path}/grandchild ]; do sleep 0.01; done\n"
        "sleep 60; sleep 60\n",
    )
    with pytest.raises(CommandTimedOutError) as caught:
        run(program, limit=0.5)
    assert KEY in caught.value.message
    assert "0.5 s" in caught.value.message
    assert "vmware-cmd test" in caught.value.message
    assert isinstance(caught.value, HostError)
    grandchild = int((tmp_path / "grandchild").read_text())

    def is_gone() -> bool:
        facts = read_process(grandchild)
        return facts is None or facts.is_gone

    wait_for(is_gone, "the grandchild's end")
    wait_for(lambda: not list_commands_of_run(RUN), "the end of every process of the command")


def test_a_limit_ends_the_wait_for_a_daemon_that_keeps_the_pipes(tmp_path: Path) -> None:
    program = write_program(
        tmp_path / "p",
        f"#!/bin/sh\nsetsid sh -c 'echo $$ > {tmp_path}/daemon; exec sleep 60' &\n"
        f"while [ ! -s {tmp_path}/daemon ]; do sleep 0.01; done\necho done\n",
    )
    try:
        assert run(program, limit=1).stdout == b"done\n"
    finally:
        os.kill(int((tmp_path / "daemon").read_text()), signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGPIPE])
def test_a_command_that_a_signal_ended_gives_no_answer(tmp_path: Path, number: int) -> None:
    program = write_program(
        tmp_path / "p", f"#!/bin/sh\necho 'removesnapshots() = 1'\nkill -{int(number)} $$\n"
    )
    with pytest.raises(CommandKilledError, match=f"signal {int(number)}"):
        run(program)


def test_a_missing_program_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no such file") as caught:
        run(tmp_path / "vmware-cmd")
    assert str(tmp_path / "vmware-cmd") in caught.value.message


def test_a_program_that_is_not_executable_is_named(tmp_path: Path) -> None:
    (tmp_path / "p").write_text("#!/bin/sh\n")
    with pytest.raises(ConfigurationError, match="it is not executable"):
        run(tmp_path / "p")


def test_a_folder_is_no_program(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be run"):
        run(tmp_path)


@pytest.mark.parametrize("name", ["true", "bin/true", "./true", "~/true"])
def test_a_program_is_never_looked_for(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    with pytest.raises(ConfigurationError, match="it is not an absolute path"):
        run(name)


@pytest.mark.parametrize("first_line", ["#!/nonexistent/perl -w", "#!", "", "\x7fELF not really"])
def test_a_program_that_the_kernel_cannot_start_is_named(tmp_path: Path, first_line: str) -> None:
    program = write_program(tmp_path / "p", f"{first_line}\nexit 0\n")
    with pytest.raises(ConfigurationError, match="cannot be run") as caught:
        run(program)
    assert program in caught.value.message
    assert "\n" not in caught.value.message


EXHAUSTED = """
import os, resource, sys
sys.path.insert(0, sys.argv[1])
from hlb_hooks.base.errors import HostError
from hlb_hooks.effects.commands import Command, CommandRunner
from hlb_hooks.effects.effect_kind import EffectKind
runner = CommandRunner(run="r", may_change=True)
command = Command("vmware-cmd -l", ("/bin/true",), EffectKind.READS, 30.0, "key")
assert runner.run(command).exit_code == 0
{exhaust}
try:
    runner.run(command)
except HostError as error:
    print(error.message, error.next_step, sep="|", flush=True)
# Nothing else can be begun or opened any more, not even by whoever measures this process.
os._exit(0)
"""


@pytest.mark.parametrize(
    ("exhaust", "why"),
    [
        # A limit on processes does not bind root.
        (
            "if os.geteuid() == 0: os.setgid(65534); os.setuid(65534)\n"
            "resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))",
            "Resource temporarily unavailable",
        ),
        (
            "free = os.dup(0); os.close(free)\n"
            "resource.setrlimit(resource.RLIMIT_NOFILE, (free, free))",
            "Too many open files",
        ),
    ],
)
def test_a_host_that_can_start_no_process_now_is_an_error_of_the_host(
    exhaust: str, why: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-c", EXHAUSTED.format(exhaust=exhaust), str(PACKAGE_ROOT)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        f"vmware-cmd -l cannot be started: {why}|the host lacks memory, processes or open files\n"
    )


def test_a_rehearsal_refuses_what_changes_before_it_starts(tmp_path: Path) -> None:
    program = write_program(tmp_path / "p", f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    with pytest.raises(AssertionError, match="a rehearsal"):
        run(program, kind=EffectKind.CHANGES, may_change=False)
    assert not (tmp_path / "ran").exists()
    run(program, kind=EffectKind.READS, may_change=False)
    assert (tmp_path / "ran").exists()


def test_many_commands_can_run_at_once(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    program = write_program(tmp_path / "p", '#!/bin/sh\nsleep 0.1; echo "$1"\n')
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda number: run(program, str(number)), range(32)))
    assert [answer.stdout for answer in answers] == [b"%d\n" % number for number in range(32)]


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    program = write_program(tmp_path / "p", "#!/bin/sh\nexit 0\n")
    run(program)
    before = set(os.listdir("/proc/self/fd"))
    for _ in range(5):
        run(program)
    assert len(os.listdir("/proc/self/fd")) <= len(before)
