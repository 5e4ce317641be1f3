"""make_manpages.py OUT: a manual page for each program, and one for hlb.toml."""

import sys
from collections.abc import Iterable
from pathlib import Path

from parsers import Option, Program, list_programs

from hlb_hooks import __version__
from hlb_hooks.base.config_kinds import describe_value
from hlb_hooks.base.config_schema import (
    DEFAULT_LOG_FILE,
    DEFAULT_STATE_DIR,
    DEFAULT_TARGETS,
    list_keys,
)
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.base.places import DEFAULT_CONFIG_PATH

_FILES = {
    DEFAULT_CONFIG_PATH: "the configuration, see hlb.toml(5)",
    DEFAULT_TARGETS: "the VMs to back up",
    DEFAULT_STATE_DIR: "one state file a run; grep a VM's name in it for its story",
    DEFAULT_LOG_FILE: "the log, JSON lines",
}


def main(arguments: list[str]) -> None:
    """Write every page into a folder."""
    (out,) = (Path(argument) for argument in arguments)
    out.mkdir(parents=True, exist_ok=True)
    programs = list_programs()
    for program in programs:
        others = [other.name for other in programs if other is not program]
        (out / f"{program.name}.8").write_text(render_program(program, others), "utf-8")
    (out / "hlb.toml.5").write_text(render_configuration(), "utf-8")


def render_program(program: Program, others: Iterable[str]) -> str:
    """Give the page of a program in the language of man(7)."""
    lines = [
        _head(program.name, 8),
        ".SH NAME",
        f"{_text(program.name)} \\- {_text(program.description)}",
        ".SH SYNOPSIS",
        _text(program.usage),
        ".SH OPTIONS",
        *_options(program.options),
    ]
    if program.subcommands:
        lines.append(".SH COMMANDS")
        for subcommand in list(program.walk())[1:]:
            lines += [
                f".SS {_text(subcommand.usage)}",
                _text(subcommand.description),
                *_options(subcommand.options),
                # Below the options, and not as a part of the last one's text.
                ".PP",
                _text(subcommand.epilog),
            ]
    lines.append(".SH EXIT STATUS")
    for code in ExitCode:
        lines += [".TP", str(int(code)), _text(code.meaning)]
    lines.append(".SH FILES")
    for path, what in _FILES.items():
        lines += [".TP", f".I {_text(path)}", _text(what)]
    lines += [".SH SEE ALSO", ", ".join(f"{_text(name)}(8)" for name in others) + ", hlb.toml(5)"]
    return "\n".join(lines) + "\n"


def render_configuration() -> str:
    """Give the page of hlb.toml, from its schema."""
    lines = [
        _head("hlb.toml", 5),
        ".SH NAME",
        "hlb.toml \\- configuration of the hooks of hypervisor\\-level backup",
        ".SH DESCRIPTION",
        _text(
            f"{DEFAULT_CONFIG_PATH}, or --config FILE, or $HLB_CONFIG; TOML. Every key has a "
            "default. A file that group or others may write is refused. The configuration in "
            "force is stored with the run."
        ),
    ]
    section = ""
    for key in list_keys():
        if key.section != section:
            section = key.section
            lines.append(f".SH [{_text(section)}]")
        default = describe_value(key.default)
        lines += [
            ".TP",
            f".B {_text(key.name)}",
            _text(f"{key.description} {key.type_words}, {key.allowed_words}; default: {default}"),
        ]
    lines += [".SH SEE ALSO", "hlb(8), initial_backup(8)"]
    return "\n".join(lines) + "\n"


def _head(name: str, section: int) -> str:
    # Without hyphenation: a path or an option is to be copied as it stands there.
    return f'.TH "{name}" {section} "" "hlb-hooks {__version__}" "Hypervisor-level backup"\n.nh'


def _options(options: Iterable[Option]) -> list[str]:
    lines = []
    for option in options:
        words = ", ".join(f"\\fB{_text(spelling)}\\fR" for spelling in option.spellings)
        value = f"\\fI{_text(option.value)}\\fR" if option.value else ""
        lines += [".TP", f"{words} {value}".strip(), _text(option.help)]
    return lines


def _text(text: str) -> str:
    """Give a text that man shows as it is."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped[:1] in {".", "'"} else escaped


if __name__ == "__main__":
    main(sys.argv[1:])
