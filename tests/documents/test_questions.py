"""The answers to the operators' questions are right: held against what the night's host knows."""

import re

import pytest
from page_blocks import ROOT, list_run_blocks
from page_runner import PageRunner

PAGE = "docs/how-to/questions.md"
VOLUME = "/vmfs/volumes/4a9b8a6e-3eca11a2-6a67-00144f0d8625"
# By what each heading asks: what the answer has to say of the night that preparations.py makes.
ANSWERS = {
    "Which VM was not backed up last night, and why?": (
        r"web\+app\.vmx FAILED_snap\n +reason: .*Insufficient resources",
        r"patchday\.vmx LEFT_OUT\n +reason: .* not ours: before the March patches",
        r"failed=2 ",
    ),
    "What did the client's log say?": (
        r"client's log ends in: Command completed \(\d+ warnings, exit code 0: success\)",
        *(rf"{name}\.vmx OK_snap OK_read " for name in ("wro215ts", "branch-files")),
    ),
    "Which disks are not in the backup?": (
        r"branch-scratch\.vmx .*\n(?: .*\n)* +note: disk scsi0:1 is independent.*scratch_1\.vmdk",
        r"branch-files\.vmx .*\n(?: .*\n)* +note: disk scsi0:1 lies outside.*files_1\.vmdk",
    ),
    "Which VMs have never been backed up?": (
        r"first:\n.*web\+app\.vmx: no success is known\n.*patchday\.vmx: no success is known\n"
        r".*: \d{4}-\d\d-\d\d \d\d:\d\d.*",
    ),
    "When was X last backed up?": (r"backed up by run \S+ of \d{4}-\d\d-\d\dT\d\d:\d\d",),
    "Where is X, and does anything of ours lie beside it?": (
        re.escape(f"{VOLUME}/web+app/web+app.vmx") + "\n +registered on this host",
        re.escape(f"disk {VOLUME}/web+app/web+app-flat.vmdk"),
        r"\A(?!(?:.|\n)*(?:snapshot|claim))",
    ),
    "What became of X in the last weeks?": (
        r"\Adefault-\S+  \d{4}-.*\n +\S+web\+app\.vmx: failed: see hlb report default-",
    ),
    "When is X due next?": (
        r"\*\*found sql server \(2\)\n +line 2: .*\n +every 1M: next due \d{4}-\d\d-\d\d \d\d:\d\d",
    ),
    "What would happen if I started now?": (
        r"WOULD run: .*/wro215ts\.vmx createsnapshot HLB-default-",
        r"WOULD .*/patchday\.vmx LEFT_OUT\n +reason: ",
        r"WOULD .*/branch-archive\.vmx LEFT_OUT\n +reason: root wants it left alone",
        r"WOULD .*/sql server \(2\)\.vmx NOT_DUE",
        r"chosen=6 ready=5 failed=1 .*exit=0\Z",
    ),
    "Which VMs are left alone because somebody asked?": (
        r"/branch-archive\.vmx\n +root wants it left alone since \d{4}-.*: migration until Friday",
    ),
    "Is everything set up right?": (
        *(
            rf"^OK +{area}: "
            for area in (
                *("configuration", "host", "space", "scripts"),
                *("state", "snapshots", "clock", "reaper"),
            )
        ),
        r"^WARNING  backups: run \S+ ended with LEFT_OUT 1, FAILED_snap 1\n +next step: hlb report",
    ),
    "Why does it behave like that?": (
        r'^targets = "/usr/local/avamar/etc/hlb/targets" +# line \d+',
        r"^alarm_open_hours = 12 +# default",
    ),
    "Is a snapshot open right now, how old is it, and who removes it?": (
        r"kept by its client avtar \(pid \d+\), its guard \(pid \d+\)",
        r"wro215ts\.vmx OK_snap\n +HLB-\S+, open for 0\.0 h",
    ),
    "May I put this host into maintenance mode?": (
        r"\d+ snapshots of it are open\n1 runs are not",
    ),
    "What needs my hand?": (
        r"1 to be done by hand:\n +\S+wro215ts\.vmx: the host did not remove it: .*another task"
        r".*\n +next step: look at the VM by hand",
    ),
}
BLOCKS = {block.heading: block for block in list_run_blocks(PAGE)}


def test_every_question_of_the_page_has_an_answer_that_is_checked() -> None:
    headings = re.findall(r"^## (.*)$", (ROOT / PAGE).read_text("utf-8"), re.MULTILINE)
    assert headings == list(BLOCKS) == list(ANSWERS)
    assert len(headings) >= 10


@pytest.mark.parametrize("question", ANSWERS)
def test_a_question_is_answered_by_one_command_of_hlb(question: str, ran: PageRunner) -> None:
    answer, *more = ran(PAGE).blocks[BLOCKS[question]]
    assert answer.command.text.startswith("hlb ")
    assert {done.command.text for done in more} <= {"echo $?"}
    for pattern in ANSWERS[question]:
        assert re.search(pattern, answer.said.rstrip(), re.MULTILINE), f"{pattern}\n{answer.said}"


def test_the_open_snapshots_of_the_answer_are_those_that_the_host_has(
    ran: PageRunner,
) -> None:
    question = "Is a snapshot open right now, how old is it, and who removes it?"
    run = ran(PAGE)
    (answer,) = run.blocks[BLOCKS[question]]
    said = re.findall(r"^ +(HLB-\S+), open for", answer.said, re.MULTILINE)
    assert sorted(said) == (run.folder / "open").read_text("utf-8").split()
    assert len(said) == 5
