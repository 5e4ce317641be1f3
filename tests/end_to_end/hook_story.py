"""What a hook said and how it ended, as avtar or an operator sees it."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

_MACHINE_LINE = re.compile(
    r"HLB job=(?P<job>\S+) run=(?P<run>\S+) chosen=(?P<chosen>\d+) ready=(?P<ready>\d+) "
    r"failed=(?P<failed>\d+) open=(?P<open>\d+) exit=(?P<exit>\d+)"
)


@dataclass(frozen=True)
class Outcome:
    """How one hook went."""

    exit_code: int
    stdout: str
    stderr: str = ""

    @property
    def lines(self) -> list[str]:
        return self.stdout.splitlines()

    @property
    def machine(self) -> dict[str, str]:
        """Give the fields of the last line, the one for machines."""
        found = _MACHINE_LINE.fullmatch(self.lines[-1])
        assert found, f"the last line is not the one for machines:\n{self.stdout}"
        assert int(found["exit"]) == self.exit_code, self.stdout
        return found.groupdict()

    @property
    def counts(self) -> dict[str, int]:
        """Give the numbers of the last line."""
        return {key: int(self.machine[key]) for key in ("chosen", "ready", "failed", "open")}

    @property
    def report(self) -> dict[str, list[str]]:
        """Give, for each VM of the report in its order, its flags."""
        return {line.rpartition(".vm")[0]: flags for line, flags in self._report_lines()}

    def _report_lines(self) -> Iterator[tuple[str, list[str]]]:
        for line in self._report_text().splitlines():
            if found := re.fullmatch(r"(?:WOULD )?(/.*\.vmt?x)((?: [A-Za-z_]+)*)", line):
                yield found[1], found[2].split()

    def _report_text(self) -> str:
        _, mark, report = self.stdout.partition("**REPORT**\n")
        assert mark, f"there is no report:\n{self.stdout}"
        return report

    def flags(self, vmx: str) -> list[str]:
        """Give the flags of a VM in the report."""
        found = [flags for path, flags in self._report_lines() if path == escaped(vmx)]
        assert len(found) == 1, f"{vmx} is in the report {len(found)} times:\n{self.stdout}"
        return found[0]

    def words(self, vmx: str) -> str:
        """Give the indented lines that follow a VM in the report."""
        lines = iter(self._report_text().splitlines())
        for line in lines:
            if re.match(rf"(?:WOULD )?{re.escape(escaped(vmx))}(?: |$)", line):
                break
        said = []
        for line in lines:
            if not line.startswith("    "):
                break
            said.append(line.strip())
        return "\n".join(said)


def escaped(path: str) -> str:
    """Write a path as the report shows it; the tests' paths need no more than this."""
    return path.replace("\\", "\\\\").replace("\n", "\\n")


@dataclass(frozen=True)
class Story:
    """What avtar saw: both hooks, and the digests of what it read."""

    pid: int
    start: Outcome
    end: Outcome | None
    kept_open: list[str]
    read: dict[str, str]
    errors: dict[str, str]

    @property
    def ended(self) -> Outcome:
        assert self.end is not None, "there was no end hook"
        return self.end


def read_story(text: str) -> Story:
    told = json.loads(text)
    hooks = [told[key] for key in ("start", "end") if told[key] is not None]
    outcomes = [Outcome(hook["exit_code"], hook["stdout"], hook["stderr"]) for hook in hooks]
    return Story(
        pid=told["pid"],
        start=outcomes[0],
        end=outcomes[1] if len(outcomes) > 1 else None,
        kept_open=[name for hook in hooks for name in hook["kept_open"]],
        read=told["read"],
        errors=told["errors"],
    )
