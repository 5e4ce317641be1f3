"""The runner of pages notices what is not as the page says."""

from pathlib import Path

import pytest
from page_blocks import find_blocks
from page_runner import PageRun, is_shown, run_page


def run_text(folder: Path, text: str, preparations: dict[str, str] | None = None) -> PageRun:
    return run_page(folder, find_blocks("page.md", text), preparations or {})


@pytest.mark.parametrize(
    ("shown", "said", "is_so"),
    [
        ("", "", True),
        ("", "a\n", False),
        ("a", "a\n", True),
        ("a", "a\nb\n", False),
        ("a\n…", "a\nb\nc\n", True),
        ("a\n…\nc", "a\nc\n", True),
        ("…\nc", "a\nb\nd\n", False),
        ("run …, job x", "run 17, job x", True),
        ("run …, job x", "run 17\n, job x", False),
        ("a (b)", "a (b)", True),
        ("a.b", "acb", False),
    ],
)
def test_what_is_shown_is_all_that_is_said_but_for_dots(shown: str, said: str, is_so: bool) -> None:
    assert is_shown(shown, said) is is_so


def test_commands_share_a_shell_and_each_is_judged_by_itself(tmp_path: Path) -> None:
    text = """
```sh
word=here
cd /tmp
```

```console
$ echo $word $PWD
here /tmp
$ ls /nowhere
…
$ echo $?
0
$ echo a
b
```
"""
    first, console = run_text(tmp_path, text).blocks.values()
    first[0].check()
    console[0].check()
    for wrong in (console[1], console[2], console[3]):
        with pytest.raises(AssertionError):
            wrong.check()


def test_a_script_breaks_off_at_the_line_that_fails(tmp_path: Path) -> None:
    run = run_text(tmp_path, "```sh\necho a\nfalse\necho b\n```\n\n```sh\necho c\n```\n")
    (first,), (second,) = run.blocks.values()
    assert (first.said, first.exit_code, second.exit_code) == ("a\n", None, None)
    with pytest.raises(AssertionError):
        first.check()


def test_a_preparation_runs_before_its_heading_and_must_succeed(tmp_path: Path) -> None:
    text = "# Page\n\n```console\n$ ls\n```\n\n## More\n\n```console\n$ ls\nfile\n```\n"
    (tmp_path / "good").mkdir()
    run = run_text(tmp_path / "good", text, {"More": "touch file"})
    for commands in run.blocks.values():
        commands[0].check()
    (tmp_path / "bad").mkdir()
    with pytest.raises(AssertionError, match="no such host"):
        run_text(tmp_path / "bad", text, {"More": "echo no such host; false"})


def test_a_page_writes_nothing_outside_its_own_root(tmp_path: Path) -> None:
    text = """
```sh
touch /etc/written-by-a-page /root/written-by-a-page /opt/written-by-a-page
mkdir /usr/local/avamar
```
"""
    ((done,),) = run_text(tmp_path, text).blocks.values()
    done.check()
    for folder in ("/etc", "/root", "/opt"):
        assert not Path(folder, "written-by-a-page").exists()
