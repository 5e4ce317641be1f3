"""avtar's command line, as far as the lab's goes: its help and scripts that are in use."""

import argparse
import re
from dataclasses import dataclass
from pathlib import Path

from hlb_hooks.lab.client.flags import prepend_flag_files, read_patterns
from hlb_hooks.lab.client.lab_options import Behaviour, add_lab_options, read_behaviour
from hlb_hooks.lab.layout import Lab

_SECRET_OPTIONS = ("--password=", "--ap=")
_TIMEOUT_CLAUSE = re.compile(r"(?:^|[\s,;])timeout-seconds=(\d+(?:\.\d+)?)(?=$|[\s,;])")


@dataclass(frozen=True)
class HookOptions:
    """One of the two hooks: ``which`` is ``run-at-start`` or ``run-at-end``; no name, no hook.

    ``decides`` says that its exit code counts; ``timeout_seconds`` comes from its clause.
    """

    which: str
    name: str
    decides: bool
    timeout_seconds: float | None


@dataclass(frozen=True)
class AvtarOptions:
    """What one run of avtar is to do. Paths are absolute."""

    operation: str
    label: str
    account: str
    excludes: tuple[str, ...]
    includes: tuple[str, ...]
    start_hook: HookOptions
    end_hook: HookOptions
    log_file: Path | None
    vardir: Path
    sysdir: Path
    target: Path | None
    preserve_paths: bool
    label_number: int | None
    behaviour: Behaviour
    files: tuple[Path, ...]

    @property
    def file_prefix(self) -> str:
        """What the names of the lock and cache files of this dataset begin with.

        A real log has ``var/VmImage1_avtar.lck``; where such a name comes from is not known, so
        the label stands for it here. Without a label it is the ``var/avtar.lck`` of the talk.
        """
        name = re.sub(r"[^A-Za-z0-9_.-]", "-", self.label)
        return f"{name}_" if name else ""


def parse_options(lab: Lab, arguments: list[str]) -> AvtarOptions:
    """Read a command line, and the flag files that go with it.

    Usage errors end the program with exit code 2, as argparse has it. Raise UsageError for a file
    of flags or patterns that cannot be read.
    """
    parsed = _make_parser(lab).parse_args(prepend_flag_files(arguments, lab.vardir))
    if parsed.lab_cancel is not None:
        parsed.operation, parsed.label = "cancel", parsed.lab_cancel
    if parsed.operation == "create" and not parsed.files:
        raise SystemExit("avtar: --create needs the files and folders to back up")
    return AvtarOptions(
        operation=parsed.operation,
        label=parsed.label,
        account=parsed.account,
        excludes=_collect_patterns(parsed.exclude, parsed.exclude_from),
        includes=_collect_patterns(parsed.include, parsed.include_from),
        start_hook=_read_hook(parsed, "run-at-start"),
        end_hook=_read_hook(parsed, "run-at-end"),
        log_file=parsed.logfile and parsed.logfile.absolute(),
        vardir=parsed.vardir.absolute(),
        sysdir=parsed.sysdir.absolute(),
        target=parsed.target and parsed.target.absolute(),
        preserve_paths=parsed.preservepaths,
        label_number=parsed.labelnumber,
        behaviour=read_behaviour(parsed),
        files=tuple(path.absolute() for path in parsed.files),
    )


def mask_secrets(arguments: list[str]) -> list[str]:
    """Give a command line fit for a log: passwords are not in it."""
    return [
        f"{argument.split('=', 1)[0]}=****" if argument.startswith(_SECRET_OPTIONS) else argument
        for argument in arguments
    ]


def _make_parser(lab: Lab) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="avtar", allow_abbrev=False)
    operation = parser.add_mutually_exclusive_group(required=True)
    for flags, name, text in (
        (("-c", "--create"), "create", "back up FILES"),
        (("-x", "--extract"), "extract", "restore FILES, or all"),
        (("-t", "--list"), "list", "list a backup's files"),
        (("--backups",), "backups", "list the backups"),
    ):
        operation.add_argument(
            *flags, dest="operation", action="store_const", const=name, help=text
        )
    operation.add_argument(
        "--lab-cancel", metavar="TAG", help="cancel the commands with this label, as a server does"
    )
    parser.add_argument("files", nargs="*", type=Path, metavar="FILES")
    parser.add_argument("--label", "-f", default="", help="a name for the backup")
    parser.add_argument("--path", "--account", "--acnt", dest="account", default="/clients/lab")
    _add_pattern_options(parser)
    _add_hook_options(parser)
    parser.add_argument("--logfile", type=Path, help="write the log there too")
    parser.add_argument("--flagfile", type=Path, help="more options, one a line")
    parser.add_argument("--vardir", type=Path, default=lab.vardir)
    parser.add_argument("--sysdir", type=Path, default=lab.sysdir)
    parser.add_argument("--target", type=Path, help="restore to this folder")
    parser.add_argument("--preservepaths", action="store_true", help="keep whole paths in it")
    parser.add_argument("--labelnumber", "--labelnum", "--sequencenumber", type=int, metavar="N")
    for ignored in ("--server", "--id", "--password", "--ap"):
        parser.add_argument(ignored, help="accepted: the store of a lab has no door")
    add_lab_options(parser)
    return parser


def _add_pattern_options(parser: argparse.ArgumentParser) -> None:
    for kind, short in (("exclude", ("-X",)), ("include", ())):
        parser.add_argument(f"--{kind}", action="append", default=[], metavar="PATTERN")
        parser.add_argument(
            f"--{kind}-from", *short, action="append", default=[], type=Path, metavar="FILE"
        )


def _add_hook_options(parser: argparse.ArgumentParser) -> None:
    for hook in ("run-at-start", "run-at-end"):
        underscored = hook.replace("-", "_")
        parser.add_argument(
            f"--{hook}", f"--{underscored}", default="", metavar="NAME", help="a hook's name"
        )
        parser.add_argument(
            f"--{hook}-exit",
            f"--{underscored}_exit",
            choices=("true", "false"),
            default="false",
            help="let the hook's exit code decide",
        )
        # The client's help has the plural; the Oracle guide and scripts in use the singular.
        parser.add_argument(
            f"--{hook}-clauses",
            f"--{underscored}_clauses",
            f"--{hook}-clause",
            f"--{underscored}_clause",
            default="",
            metavar="CLAUSES",
            help="timeout-seconds=N; others are accepted and do nothing",
        )


def _read_hook(parsed: argparse.Namespace, which: str) -> HookOptions:
    name = which.replace("-", "_")
    timeout = _TIMEOUT_CLAUSE.search(getattr(parsed, f"{name}_clauses"))
    return HookOptions(
        which=which,
        name=getattr(parsed, name),
        decides=getattr(parsed, f"{name}_exit") == "true",
        timeout_seconds=float(timeout[1]) if timeout else None,
    )


def _collect_patterns(patterns: list[str], files: list[Path]) -> tuple[str, ...]:
    return (*patterns, *(pattern for path in files for pattern in read_patterns(path)))
