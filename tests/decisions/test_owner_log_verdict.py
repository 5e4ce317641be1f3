"""What a client's log says at its end, from its lines alone."""

import pytest

from hlb_hooks.base.text import escape
from hlb_hooks.decisions.owner_log import LogVerdict, read_verdict

VM = "/vmfs/volumes/4a3b-1/wro215ts/wro215ts"
LABEL = "/vmfs/volumes/storage1/wro215ts/wro215ts"
ODD = "/vmfs/volumes/4a3b-1/b\udcff/b\udcff-flat.vmdk"
NAMES = frozenset({f"{VM}.vmdk", f"{VM}-flat.vmdk", f"{LABEL}.vmdk", f"{LABEL}-flat.vmdk"})

# Literal lines of real logs: the 2009 talk, an Avamar 7.5.101 log, Dell KB 000164132.
COMPLETED = (
    "2019-10-03 09:50:11 avtar Info <5314>: Command completed (1 warning, exit code 0: success)"
)
FAILED = (
    "2019-10-03 09:50:11 avtar Info <5314>: Command failed (5 errors, 2 warnings, exit code 10007: "
    "miscellaneous error)"
)
FULL = (
    "2019-10-03 09:50:11 avtar Info <5314>: Command failed (1 error, exit code 10028: Operation "
    "failed because target server is full)"
)
HEAD = (
    '<logheader platform="Linux" env-locale-cs="ANSI_X3.4-1968" process_id="avtar" '
    'version="7.5.101-101" tz="UTC" />',
    "-----  START avtar log 2019-10-03 09:49:29 UTC  [7.5.101-101 Linux-x86_64]  -----",
    "2019-10-03 09:49:29 avtar Info <5008>: Logging to /usr/local/avamar/var/x_avtar.log",
    "2019-10-03 09:49:29 avtar Info <5551>: Command Line: /usr/local/avamarclient/bin/avtar.bin "
    "--vardir=/x --logfile=/usr/local/avamar/var/x_avtar.log --logtimeformat=default",
    "2019-10-03 09:49:29 avtar Info <7977>: Starting at 2019-10-03 09:49:29 UTC [avtar 7.5]",
)
HOOK = (
    "2009-10-07 12:50:34 avtar Info <5916>: Executing run-at-start '/usr/local/avamar/etc/scripts/"
    "initial_backup'",
    "2009-10-07 12:50:36 avtar Info <6031>: Begin STDOUT from run-at-start:",
    "--initial_backup--",
    f"{VM}.vmx",
    "***OK***",
    f"{VM}.vmx OK_snap",
    "HLB job=default run=default-20261122T010000Z-0123abcd chosen=1 ready=1 failed=0 open=1 exit=0",
    "2009-10-07 12:50:37 avtar Info <6032>: End of STDOUT",
    "2009-10-07 12:50:37 avtar Info <5917>: Back from run-at-start, exit code 0",
)
READING = (
    "2009-10-07 12:50:37 avtar Info <0000>: Starting back up at 2009-10-07 12:50:37 CEST",
    '2019-10-03 09:49:29 avtar Info <5588>: - Creating process lock file "/usr/local/x_avtar.lck"',
    "2019/10/03-09:49:29.42089 [avtar]  <1291> FIPS mode enabled",
    "2019-10-03 09:50:11 avtar Info <5156>: Backup #3 timestamp 2019-10-03 09:50:11, 0 files",
)
FOOT = "----- END avtar log 2019-10-03 09:50:11 UTC  (1 warning, 0 errors, 0 fatal errors)"


def complaint(path: str, severity: str = "Warning") -> str:
    return (
        f"2009-10-07 12:51:02 avtar {severity} <5137>: Unable to open "
        f'"{path}" (code 16: Device or resource busy).'
    )


def read(*lines: str) -> LogVerdict:
    return read_verdict(lines, NAMES)


@pytest.mark.parametrize(
    ("lines", "is_completed", "last_word"),
    [
        ((*HOOK, *READING, COMPLETED, FOOT), True, COMPLETED.partition(">: ")[2]),
        ((*HOOK, *READING, FAILED, FOOT), False, FAILED.partition(">: ")[2]),
        ((*HOOK, *READING, FULL), False, FULL.partition(">: ")[2]),
        # As it is copied from the administrator's program.
        ((f"{COMPLETED} (Log #1)",), True, COMPLETED.partition(">: ")[2] + " (Log #1)"),
        # The number is of one version only.
        ((COMPLETED.replace("5314", "40001"),), True, COMPLETED.partition(">: ")[2]),
        ((COMPLETED.replace("avtar Info", "avvcbimage Info"),), True, "Command completed"),
        # The head that a client wrote late is its own.
        ((*HEAD, *HOOK, *READING, COMPLETED), True, COMPLETED.partition(">: ")[2]),
    ],
)
def test_the_verdict_is_the_client_s_last_word(
    lines: tuple[str, ...], last_word: str, *, is_completed: bool
) -> None:
    verdict = read(*lines)
    assert verdict.is_completed is is_completed
    assert verdict.last_word.startswith(last_word)
    assert verdict.complaints == ()


@pytest.mark.parametrize(
    "lines",
    [
        (),
        HEAD,
        (*HOOK, *READING),
        (FOOT,),
        # Cut short, or no line of a log at all.
        (COMPLETED[:52],),
        ("Command completed (exit code 0: success)",),
        (f"> {COMPLETED}",),
        ("2019-10-03 09:50:11 avtar Info <5314>: Commanded",),
        ("2019-10-03 09:50:11 avtar Info <5314>: The Command completed",),
        # What cancels a client, and what it says then.
        (
            "2016-08-15 01:36:49 avtar Info <7061>: Canceled by '7003-Netapp Filer' - exiting...",
            "2016-08-15 02:01:53 avtar FATAL <12477>: WATCHDOG TIMEOUT (cancellation exceeded 600 "
            "secs): Exiting with code=163",
        ),
    ],
)
def test_a_log_that_does_not_come_to_a_verdict_has_none(lines: tuple[str, ...]) -> None:
    verdict = read(*lines)
    assert (verdict.last_word, verdict.is_completed) == ("", False)


def test_what_a_hook_says_between_is_no_verdict_and_no_complaint() -> None:
    odd = (
        HOOK[1],
        "Command failed",
        f'    reason: "{VM}-flat.vmdk" (code 16: Device or resource busy).',
        "avtar Info <5314>: Command failed (1 error)",
        "HLB job=default run=- chosen=0 ready=0 failed=0 open=0 exit=1",
        HOOK[-2],
    )
    assert read(*odd, COMPLETED) == read(COMPLETED)
    assert read(COMPLETED, *odd) == read(COMPLETED)


@pytest.mark.parametrize("severity", ["Warning", "Error", "FATAL"])
@pytest.mark.parametrize(
    "path", [f"{VM}-flat.vmdk", f"{VM}.vmdk", f"{LABEL}-flat.vmdk", f"{LABEL}.vmdk"]
)
def test_a_complaint_about_a_base_file_by_any_of_its_names_counts(severity: str, path: str) -> None:
    verdict = read(*HOOK, complaint(path, severity), COMPLETED)
    assert verdict.is_completed
    found = verdict.find_complaint([path])
    assert path in found
    assert "code 16: Device or resource busy" in found
    assert verdict.find_complaint([f"{VM}_1-flat.vmdk"]) == ""


@pytest.mark.parametrize(
    "line",
    [
        complaint(f"{VM}-000001-delta.vmdk"),
        complaint(f"{VM}-000001.vmdk"),
        complaint(f"{VM}_1-000001-delta.vmdk"),
        complaint(f"{VM}-4a3b0102.vswp"),
        complaint(f"{VM}.vmx"),
        complaint("/vmfs/volumes/4a3b-1/other/other-flat.vmdk"),
        complaint("/vmfs/volumes/4a3b-2/wro215ts/wro215ts-flat.vmdk"),
        complaint(f"{VM}-flat.vmdk", "Info"),
        "2019-10-03 09:49:31 avtar Warning <43225>: Ignoring increased file size (-1)",
        f"2019/10/03-09:49:29.42089 [avtar]  INTERNAL ERROR: <0001> assert error ({VM}.vmdk)",
    ],
)
def test_a_complaint_about_anything_else_does_not_count(line: str) -> None:
    assert read(*HOOK, line, COMPLETED).complaints == ()


@pytest.mark.parametrize("spelling", [ODD, escape(ODD)])
def test_a_name_that_is_not_utf_8_counts_raw_and_escaped(spelling: str) -> None:
    names = {ODD, escape(ODD)}
    verdict = read_verdict([complaint(spelling), COMPLETED], names)
    assert spelling in verdict.find_complaint(names)


def test_each_vm_is_told_its_own_complaint() -> None:
    paths = [f"/vmfs/volumes/4a3b-1/vm{number}/vm{number}-flat.vmdk" for number in range(12)]
    verdict = read_verdict([complaint(paths[1]), complaint(paths[11]), FAILED], set(paths))
    assert len(verdict.complaints) == 2
    found = [path for path in paths if verdict.find_complaint([path])]
    assert found == [paths[1], paths[11]]


@pytest.mark.parametrize("own", [COMPLETED, FAILED])
@pytest.mark.parametrize("others", [(), (FAILED,), (COMPLETED,)])
@pytest.mark.parametrize("head", [HEAD, HEAD[2:], HEAD[1:2], HEAD[3:4]])
def test_what_the_next_client_writes_into_the_same_file_is_not_ours(
    own: str, others: tuple[str, ...], head: tuple[str, ...]
) -> None:
    others = (*HOOK, complaint(f"{VM}-flat.vmdk"), *others)
    assert read(*HOOK, *READING, own, FOOT, *head, *others) == read(*HOOK, *READING, own)


@pytest.mark.parametrize("head", [HEAD, HEAD[2:], HEAD[1:2], HEAD[3:4]])
def test_a_killed_client_is_not_judged_by_the_next_one_s_verdict(head: tuple[str, ...]) -> None:
    verdict = read(*HOOK, *READING, *head, *HOOK, *READING, COMPLETED)
    assert (verdict.last_word, verdict.is_completed) == ("", False)
