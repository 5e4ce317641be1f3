"""Every block of the documents is run or says why not, and the reading of blocks is right."""

import re
from pathlib import Path

import pytest
from not_run import NOT_RUN
from page_blocks import (
    COMMANDS,
    ROOT,
    TEXTS,
    Block,
    Command,
    find_blocks,
    list_commands,
    list_pages,
    read_blocks,
)

from hlb_hooks.base.config import load_config
from hlb_hooks.decisions.attribute_table import parse_attribute_table
from hlb_hooks.decisions.attributes import WHOLE_VM
from hlb_hooks.decisions.targets import parse_targets
from hlb_hooks.entry.arguments import HOOKS

BLOCKS = [block for page in list_pages() for block in read_blocks(page)]
OUR_COMMANDS = {"hlb", "vmware-cmd", "avtar", "make", "rpm", "sh", *HOOKS}
PAGE = """\
# A page

    not a block of ours

## First

```console
$ echo one
one
$ cat <<EOF
> a
> EOF
a
$ false
$ echo $?
1
```

## Second

1. In a list:

   ```sh
   for each in 1 2; do
       echo $each
   done
   ```

*Not run by our tests: nobody
has one.*

```sh
mccli
```
"""


def test_a_block_that_no_test_runs_says_so_and_is_listed_with_the_same_reason() -> None:
    said = {block.name: block.unrun for block in BLOCKS if block.unrun}
    assert said == NOT_RUN


@pytest.mark.parametrize("page", list_pages())
def test_a_page_has_no_code_but_in_fences_that_say_what_it_is(page: str) -> None:
    for block in read_blocks(page):
        assert block.language in COMMANDS | TEXTS, f"{page}:{block.line}"
    outside = re.sub(
        r"^( *)```.*?^\1```$", "", (ROOT / page).read_text("utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    assert "```" not in outside
    assert re.findall(r"^ {4,}\S.*$", outside, re.MULTILINE) == []


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.language == "text"], ids=str)
def test_no_command_hides_in_a_block_of_text(block: Block) -> None:
    for line in block.text.splitlines():
        words = line.removeprefix("$ ").split()
        assert not words or Path(words[0]).name not in OUR_COMMANDS, line


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.language == "toml"], ids=str)
def test_a_piece_of_hlb_toml_is_a_good_configuration(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "hlb.toml"
    path.write_text(block.text, "utf-8")
    path.chmod(0o600)
    load_config(str(path))


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.language == "targets"], ids=str)
def test_a_piece_of_a_targets_file_is_understood(block: Block) -> None:
    targets = parse_targets(block.text.encode(), block.page)
    assert len(targets) == len(block.text.splitlines())


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.language == "csv"], ids=str)
def test_a_table_of_vms_is_understood(block: Block) -> None:
    rows = parse_attribute_table(block.text.encode(), block.page)
    assert len(rows) == len(block.text.splitlines()) - 1
    assert all(WHOLE_VM in row.attributes for row in rows)


def test_the_blocks_of_a_page_are_found_with_heading_and_line_and_mark() -> None:
    found = find_blocks("page.md", PAGE)
    assert [(block.language, block.heading, block.unrun) for block in found] == [
        ("console", "First", ""),
        ("sh", "Second", ""),
        ("sh", "Second", "nobody has one"),
    ]
    assert PAGE.splitlines()[found[1].line - 1] == "   ```sh"
    assert found[1].text == "for each in 1 2; do\n    echo $each\ndone\n"
    assert found[2].name == "page.md: mccli"


def test_a_console_has_commands_with_what_they_print_and_how_they_end() -> None:
    assert list_commands(find_blocks("page.md", PAGE)[0].text) == [
        Command("echo one", "one"),
        Command("cat <<EOF\na\nEOF", "a"),
        Command("false", "", exit_code=1),
        Command("echo $?", "1"),
    ]
