"""The text of the five scripts that avtar runs."""

from hlb_hooks.entry.arguments import HOOKS

PACKAGED_INTERPRETER = "/opt/hlb-hooks/bin/python"
"""A link to the interpreter of the version in use; an upgrade exchanges it in one step."""
_LONGEST_SHEBANG = 120


def render(hook: str, interpreter: str = PACKAGED_INTERPRETER) -> str:
    """Give the script of ``hook`` for the Avamar scripts folder.

    ``-I`` keeps avtar's PYTHON* variables and its working directory out. Raise KeyError for a
    name that is no hook.
    """
    description = HOOKS[hook]
    return (
        f"{render_first_lines(interpreter)}"
        f'"""{description[0].upper()}{description[1:]}."""\n'
        "\n"
        f"from hlb_hooks.entry.hooks import {hook}\n"
        "\n"
        f"raise SystemExit({hook}())\n"
    )


def render_probe(hook: str, folder: str, interpreter: str = PACKAGED_INTERPRETER) -> str:
    """Give the inert script that stands in for ``hook`` and writes into ``folder``."""
    return (
        f"{render_first_lines(interpreter)}"
        f'"""Inert, by hlb probe: it only writes down what the client does to it."""\n'
        "\n"
        "from hlb_hooks.entry.probe_script import main\n"
        "\n"
        f"raise SystemExit(main({hook!a}, {folder!a}))\n"
    )


def render_first_lines(interpreter: str) -> str:
    """Give the lines that make the kernel run a script by ``interpreter``, isolated.

    The kernel cuts that line off after 127 bytes and at the first blank; where that would do
    harm a shell runs the interpreter, and Python takes the shell's line for a string.
    """
    if " " not in interpreter and len(interpreter) <= _LONGEST_SHEBANG:
        return f"#!{interpreter} -I\n"
    return f"""#!/bin/sh\n'''exec' "{interpreter}" -I "$0" "$@"\n' '''\n"""
