"""The fenced blocks of the documents, and the commands in them."""

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
MADE_HERE = {".venv", "build", "dist", ".git", ".pytest_cache", ".hypothesis"}
COMMANDS = {"console", "sh"}
# What a page may show besides: files, and what some program has written.
TEXTS = {"text", "toml", "yaml", "csv", "targets"}
_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_MARK = re.compile(r"\*Not run by our tests: ([^*]+)\.\*\s*\Z")


@dataclass(frozen=True)
class Command:
    """A command; ``shown`` is what the page says that it prints, None where it says nothing."""

    text: str
    shown: str | None
    exit_code: int = 0


@dataclass(frozen=True)
class Block:
    """A fenced block; ``unrun`` is the reason, where the page says that no test runs it."""

    page: str
    line: int
    heading: str
    language: str
    text: str
    unrun: str = ""

    @property
    def name(self) -> str:
        """Its page and its first words: the same when other blocks move."""
        return f"{self.page}: {' '.join(self.text.removeprefix('$ ').split()[:3])}"

    @property
    def commands(self) -> list[Command]:
        """Give the commands of a console, or the one script of ``sh``."""
        return [Command(self.text, None)] if self.language == "sh" else list_commands(self.text)


def list_pages() -> list[str]:
    """Give every document of the project, by its path from the top."""
    paths = (path.relative_to(ROOT) for path in ROOT.rglob("*.md"))
    pages = (path for path in paths if not MADE_HERE & set(path.parts))
    return sorted(str(path) for path in pages if path.parts[0] != "tests")


def read_blocks(page: str) -> list[Block]:
    """Give the fenced blocks of a page of the project, from its top."""
    return find_blocks(page, (ROOT / page).read_text("utf-8"))


def list_run_blocks(page: str) -> list[Block]:
    """Give the blocks of commands on a page, but for those that say that they are not run."""
    blocks = read_blocks(page)
    return [block for block in blocks if block.language in COMMANDS and not block.unrun]


def find_blocks(page: str, text: str) -> list[Block]:
    """Give the fenced blocks of ``text``."""
    blocks = []
    for found in _FENCE.finditer(text):
        before = text[: found.start()]
        headings = re.findall(r"^#+ (.*)$", _FENCE.sub("", before), re.MULTILINE)
        mark = _MARK.search(before)
        blocks.append(
            Block(
                page,
                before.count("\n") + 1,
                headings[-1] if headings else "",
                found[2],
                textwrap.dedent(found[3]),
                " ".join(mark[1].split()) if mark else "",
            )
        )
    return blocks


def list_commands(text: str) -> list[Command]:
    """Give the commands of a console block: after `$ `, with more lines after `> `.

    Each is to end in 0, unless `echo $?` comes next and shows another number.
    """
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)
    assert not parts[0], f"a console block begins with its prompt: {text!r}"
    commands = []
    for part in parts[1:]:
        lines = part.splitlines()
        more = 1
        while more < len(lines) and lines[more].startswith("> "):
            more += 1
        words = "\n".join([lines[0], *(line[2:] for line in lines[1:more])])
        commands.append(Command(words, "\n".join(lines[more:])))
    for number, following in enumerate(commands[1:]):
        if following.text == "echo $?":
            was = commands[number]
            commands[number] = Command(was.text, was.shown, int(following.shown or 0))
    return commands
