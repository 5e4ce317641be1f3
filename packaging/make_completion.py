"""make_completion.py FILE: what bash completes for ``hlb`` and the hooks; bash 3.2 knows it all."""

import sys
from pathlib import Path

from parsers import Program, list_programs

_HEAD = """\
# bash completion of hlb-hooks, made from its argument parsers.
_hlb_hooks() {
    local words= command=${COMP_WORDS[0]##*/} word
    COMPREPLY=()
    # Nothing is proposed here for a value or a VM: bash then completes the names of files.
    case "${COMP_WORDS[COMP_CWORD - 1]}" in
        @valued@) return ;;
    esac
    for word in "${COMP_WORDS[@]:1:COMP_CWORD - 1}"; do
        case "$command $word" in
            @subcommands@) command="$command $word" ;;
        esac
    done
    case "$command" in
"""
_TAIL = """\
    esac
    case "${COMP_WORDS[COMP_CWORD]}" in
        -*) ;;
        *) [ "$command" = hlb ] || return ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))
}
"""


def main(arguments: list[str]) -> None:
    """Write the file."""
    (out,) = (Path(argument) for argument in arguments)
    out.write_text(render(list_programs()), "ascii")


def render(programs: list[Program]) -> str:
    """Give the script, to be read by an interactive bash."""
    everything = [
        *programs,
        *(subcommand for program in programs for subcommand in program.subcommands),
    ]
    valued = sorted(
        {
            spelling
            for program in everything
            for option in program.options
            if option.value
            for spelling in option.spellings
        }
    )
    subcommands = [
        f"'{program.name} {subcommand.name}'"
        for program in programs
        for subcommand in program.subcommands
    ]
    head = _HEAD.replace("@valued@", " | ".join(valued))
    head = head.replace("@subcommands@", " | ".join(subcommands))
    cases = []
    for program in programs:
        names = " ".join(subcommand.name for subcommand in program.subcommands)
        cases.append(_case(program.name, f"{names} {_spell(program)}".strip()))
        cases += [
            _case(f"{program.name} {subcommand.name}", _spell(subcommand))
            for subcommand in program.subcommands
        ]
    names = " ".join(program.name for program in programs)
    return f"{head}{''.join(cases)}{_TAIL}complete -o default -F _hlb_hooks {names}\n"


def _case(command: str, words: str) -> str:
    return f"        '{command}') words='{words}' ;;\n"


def _spell(program: Program) -> str:
    return " ".join(spelling for option in program.options for spelling in option.spellings)


if __name__ == "__main__":
    main(sys.argv[1:])
