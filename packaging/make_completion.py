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
    case "${COMP_WORDS[COMP_CWORD]}" in
        -*) ;;
        *)
            case "$command" in
                @parents@) ;;
                *) return ;;
            esac
            ;;
    esac
    case "$command" in
"""
_TAIL = """\
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
    everything = [part for program in programs for part in program.walk()]
    valued = {
        spelling
        for part in everything
        for option in part.options
        if option.value
        for spelling in option.spellings
    }
    subcommands = [f"'{part.name}'" for part in everything if part not in programs]
    head = _HEAD.replace("@valued@", " | ".join(sorted(valued)))
    head = head.replace("@subcommands@", " | ".join(subcommands))
    # Where subcommands follow, they are proposed before anything is typed.
    head = head.replace(
        "@parents@", " | ".join(f"'{part.name}'" for part in everything if part.subcommands)
    )
    cases = [_case(part) for part in everything]
    names = " ".join(program.name for program in programs)
    return f"{head}{''.join(cases)}{_TAIL}complete -o default -F _hlb_hooks {names}\n"


def _case(program: Program) -> str:
    words = [subcommand.name.rpartition(" ")[2] for subcommand in program.subcommands]
    words += [spelling for option in program.options for spelling in option.spellings]
    return f"        '{program.name}') words='{' '.join(words)}' ;;\n"


if __name__ == "__main__":
    main(sys.argv[1:])
