"""The executables of a lab: small scripts that run a module of the package on their lab."""

import shlex
import sys
from pathlib import Path

import hlb_hooks
from hlb_hooks.lab.files import PROGRAM_MODE, write_file
from hlb_hooks.lab.layout import Lab

# One word, as the kernel passes all after the interpreter as one argument. Isolated from the
# caller's PYTHON* variables, and paths are UTF-8 whatever its locale says.
_INTERPRETER_OPTION = "-IXutf8"
_LONGEST_SHEBANG_CHARACTERS = 120


def install_programs(lab: Lab, interpreter: str = sys.executable) -> None:
    """Write ``vmware-cmd``, ``avtar``, ``hlb``, and the host's own task and guests programs."""
    for path, module in (
        (lab.programs / "vmware-cmd", "host.vmware_cmd"),
        (lab.programs / "avtar", "client.avtar"),
        (lab.programs / "hlb", "operator_command"),
        (lab.hostd / "hostd-task", "host.tasks"),
        (lab.hostd / "lab-guests", "host.guests"),
    ):
        text = render_program(f"hlb_hooks.lab.{module}", str(lab.folder), interpreter)
        write_file(path, text.encode("utf-8", "surrogateescape"), PROGRAM_MODE)


def render_program(module: str, folder: str, interpreter: str) -> str:
    """Give a script that runs ``main(folder, arguments)`` of ``module`` with ``interpreter``."""
    package_root = str(Path(hlb_hooks.__file__).resolve().parent.parent)
    # In ASCII: a path may hold any byte, and the script stays plain text all the same.
    return (
        f"{_render_first_lines(interpreter)}"
        "import sys\n"
        "\n"
        f"sys.path.insert(0, {package_root!a})\n"
        f"from {module} import main\n"
        "\n"
        f"raise SystemExit(main({folder!a}, sys.argv[1:]))\n"
    )


def _render_first_lines(interpreter: str) -> str:
    shebang = f"#!{interpreter} {_INTERPRETER_OPTION}\n"
    if " " not in interpreter and len(shebang) <= _LONGEST_SHEBANG_CHARACTERS:
        return shebang
    # A shell starts what a shebang cannot hold. To Python the same line is a text.
    return (
        "#!/bin/sh\n"
        f"'''exec' {shlex.quote(interpreter)} {_INTERPRETER_OPTION} \"$0\" \"$@\"\n"
        "' '''\n"
    )
