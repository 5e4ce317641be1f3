"""avtar's command line, as far as the lab's goes: its help and scripts that are in use."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from hlb_hooks.lab.layout import Lab

_SECRET_OPTIONS = ("--password=", "--ap=")


@dataclass(frozen=True)
class AvtarOptions:
    """What one run of avtar is to do. Paths are absolute."""

    operation: str
    label: str
    account: str
    excludes: tuple[str, ...]
    includes: tuple[str, ...]
    run_at_start: str
    run_at_end: str
    run_at_start_exit: bool
    run_at_end_exit: bool
    log_file: Path | None
    vardir: Path
    sysdir: Path
    target: Path | None
    preserve_paths: bool
    label_number: int | None
    runs_end_hook_after_failed_start: bool
    read_delay_seconds: float
    files: tuple[Path, ...]


def parse_options(lab: Lab, arguments: list[str]) -> AvtarOptions:
    """Read a command line; usage errors end the program with exit code 2, as argparse has it."""
    parsed = _make_parser(lab).parse_args(arguments)
    if parsed.operation == "create" and not parsed.files:
        raise SystemExit("avtar: --create needs the files and folders to back up")
    return AvtarOptions(
        operation=parsed.operation,
        label=parsed.label,
        account=parsed.account,
        excludes=tuple(parsed.exclude),
        includes=tuple(parsed.include),
        run_at_start=parsed.run_at_start,
        run_at_end=parsed.run_at_end,
        run_at_start_exit=parsed.run_at_start_exit == "true",
        run_at_end_exit=parsed.run_at_end_exit == "true",
        log_file=parsed.logfile and parsed.logfile.absolute(),
        vardir=parsed.vardir.absolute(),
        sysdir=parsed.sysdir.absolute(),
        target=parsed.target and parsed.target.absolute(),
        preserve_paths=parsed.preservepaths,
        label_number=parsed.labelnumber,
        runs_end_hook_after_failed_start=parsed.lab_end_after_failure == "yes",
        read_delay_seconds=parsed.lab_read_delay,
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
    parser.add_argument("files", nargs="*", type=Path, metavar="FILES")
    parser.add_argument("--label", "-f", default="", help="a name for the backup")
    parser.add_argument("--path", "--account", "--acnt", dest="account", default="/clients/lab")
    parser.add_argument("--exclude", action="append", default=[], metavar="PATTERN")
    parser.add_argument("--include", action="append", default=[], metavar="PATTERN")
    _add_hook_options(parser)
    parser.add_argument("--logfile", type=Path, help="write the log there too")
    parser.add_argument("--vardir", type=Path, default=lab.vardir)
    parser.add_argument("--sysdir", type=Path, default=lab.sysdir)
    parser.add_argument("--target", type=Path, help="restore to this folder")
    parser.add_argument("--preservepaths", action="store_true", help="keep whole paths in it")
    parser.add_argument("--labelnumber", "--labelnum", "--sequencenumber", type=int, metavar="N")
    for ignored in ("--server", "--id", "--password", "--ap"):
        parser.add_argument(ignored, help="accepted: the store of a lab has no door")
    parser.add_argument(
        "--lab-end-after-failure",
        choices=("yes", "no"),
        default="yes",
        help="run the end hook when the start hook failed; what avtar does is not known",
    )
    parser.add_argument(
        "--lab-read-delay", type=float, default=0.0, metavar="SECONDS", help="wait before each file"
    )
    return parser


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
