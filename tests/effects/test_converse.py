"""Commands that ask on a terminal, and every way in which such a talk may end."""

import os
import shutil
import time
from pathlib import Path

import pytest

from hlb_hooks.base.errors import ConfigurationError
from hlb_hooks.effects.commands import (
    Answer,
    Command,
    CommandKilledError,
    CommandRunner,
    CommandTimedOutError,
)
from hlb_hooks.effects.effect_kind import EffectKind
from hlb_hooks.effects.terminal import Reply
from hlb_hooks.effects.vmware_question import UnansweredError

PERL = shutil.which("perl")
ASK = 'print "1) yes\\n2) no\\nSelect choice : "; my $line = <STDIN>;'
PATIENCE_SECONDS = 30.0


@pytest.fixture
def runner() -> CommandRunner:
    return CommandRunner(run="test", may_change=True)


def converse(
    runner: CommandRunner, argv: list[str], reply: Reply, limit_seconds: float = PATIENCE_SECONDS
) -> Answer:
    command = Command("asker", tuple(argv), EffectKind.CHANGES, limit_seconds, "[some] key")
    return runner.converse(command, reply)


def shell(script: str) -> list[str]:
    return ["/bin/sh", "-c", script]


def answer_once_asked(printed: str, _quiet_seconds: float) -> str | None:
    return "2" if "choice" in printed else None


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state.rpartition(")")[2].split()[0] != "Z"


def wait_for_end(pid: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while is_alive(pid):
        assert time.monotonic() < deadline, f"process {pid} is left"
        time.sleep(0.02)


@pytest.mark.skipif(PERL is None, reason="the Debian package perl-base is not there")
def test_a_program_that_buffers_to_a_pipe_is_talked_to(
    runner: CommandRunner, tmp_path: Path
) -> None:
    """As Perl does: to a pipe it prints what it asks only when it has the answer."""
    program = f'{ASK} open F, ">", "{tmp_path}/said"; print F $line; close F; exit 7'
    answer = converse(runner, [str(PERL), "-e", program], answer_once_asked)
    assert (tmp_path / "said").read_text() == "2\n"
    assert answer.exit_code == 7


def test_what_it_printed_is_part_of_the_answer(runner: CommandRunner) -> None:
    """A refusal is in words, and perhaps with the exit status of a success."""
    script = "echo 'choice?'; read x; echo \"VMControl error -16: $x\"; exit 0"
    answer = converse(runner, shell(script), answer_once_asked)
    assert b"VMControl error -16: 2" in answer.stdout + answer.stderr


def test_it_is_answered_at_once_and_no_second_time(runner: CommandRunner, tmp_path: Path) -> None:
    script = f"echo choice; read x; echo choice; read y; echo \"$x $y\" > '{tmp_path}/said'"
    with pytest.raises(CommandTimedOutError):
        converse(runner, shell(script), answer_once_asked, 1.5)
    assert not (tmp_path / "said").exists()


def test_a_program_that_never_asks_is_just_run(runner: CommandRunner) -> None:
    assert converse(runner, shell("echo done; exit 3"), answer_once_asked).exit_code == 3


def test_a_program_that_waits_without_a_word_reaches_its_limit(
    runner: CommandRunner, tmp_path: Path
) -> None:
    script = f"echo $$ > '{tmp_path}/pid'; read x"
    with pytest.raises(CommandTimedOutError, match=r"within 1 s \(\[some\] key\)"):
        converse(runner, shell(script), answer_once_asked, 1)
    wait_for_end(int((tmp_path / "pid").read_text()))


def test_a_program_that_is_killed_is_no_answer(runner: CommandRunner) -> None:
    with pytest.raises(CommandKilledError, match="signal 15"):
        converse(runner, shell("kill -TERM $$; sleep 9"), answer_once_asked)


def test_a_reply_that_refuses_ends_the_program_and_its_children(
    runner: CommandRunner, tmp_path: Path
) -> None:
    def refuse(printed: str, _quiet_seconds: float) -> str | None:
        if "choice" in printed:
            raise UnansweredError("asks something else")
        return None

    script = (
        f"sleep 600 & echo $! > '{tmp_path}/child'; echo $$ > '{tmp_path}/pid'; echo choice; read x"
    )
    with pytest.raises(UnansweredError, match="asks something else"):
        converse(runner, shell(script), refuse)
    for name in ("pid", "child"):
        wait_for_end(int((tmp_path / name).read_text()))


def test_a_defect_in_a_reply_ends_the_program_too(runner: CommandRunner, tmp_path: Path) -> None:
    def fail(printed: str, _quiet_seconds: float) -> str | None:
        if printed:
            raise KeyError(printed)
        return None

    script = f"echo $$ > '{tmp_path}/pid'; echo choice; read x"
    with pytest.raises(KeyError):
        converse(runner, shell(script), fail)
    wait_for_end(int((tmp_path / "pid").read_text()))


def test_bytes_that_are_no_text_are_handed_on(runner: CommandRunner) -> None:
    seen: list[str] = []

    def reply(printed: str, _quiet_seconds: float) -> str | None:
        seen.append(printed)
        return "x" if "choice" in printed else None

    converse(runner, shell("printf 'caf\\351 \\303\\274\\nchoice'; read x"), reply)
    assert os.fsencode(seen[-1]).startswith(b"caf\xe9 \xc3\xbc")


def test_a_rehearsal_talks_to_nobody() -> None:
    with pytest.raises(AssertionError, match="a rehearsal tried to run asker"):
        converse(CommandRunner(run="test", may_change=False), shell("true"), answer_once_asked)


def test_a_program_that_is_not_there_is_said(runner: CommandRunner) -> None:
    with pytest.raises(ConfigurationError, match="there is no such file"):
        converse(runner, ["/nonexistent/asker"], answer_once_asked)
