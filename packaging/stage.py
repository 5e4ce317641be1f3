"""stage.py RUNTIME OUT: every file of the packages at its place below OUT, as on the host.

RUNTIME is what lay_out_runtime.py made. The hooks and commands are those of the package's own
tables, so that a new one needs no word here.
"""

import gzip
import os
import shutil
import stat
import sys
from pathlib import Path

import make_completion
import make_manpages
from parsers import list_programs

from hlb_hooks import __version__
from hlb_hooks.base.places import USUAL_AVAMAR_FOLDER
from hlb_hooks.entry.arguments import HOOKS
from hlb_hooks.entry.hook_scripts import PACKAGED_INTERPRETER, render, render_first_lines

ROOT = Path(__file__).resolve().parent.parent
CONSOLE = ROOT / "packaging" / "console"
HOME = "opt/hlb-hooks"
AVAMAR = USUAL_AVAMAR_FOLDER.lstrip("/")
STATE_DIR = f"{AVAMAR}/var/hlb"
# An upgrade leaves these as the administrator has them.
CONFIGURATION = {
    f"{AVAMAR}/etc/hlb/hlb.toml": "hlb.toml",
    f"{AVAMAR}/etc/hlb/targets": "targets",
    "etc/cron.d/hlb-hooks": "hlb-hooks.cron",
    "etc/logrotate.d/hlb-hooks": "hlb-hooks.logrotate",
}
DOCUMENTS = ("README.md", "CHANGELOG.md", "LICENSE", "docs", "packaging/monitoring")


def main(arguments: list[str]) -> None:
    """Make the folder anew."""
    runtime, out = (Path(argument).resolve() for argument in arguments)
    shutil.rmtree(out, ignore_errors=True)
    package = out / HOME / "package"
    shutil.copytree(runtime, package)
    for name in ("activate", "sweep-versions", "reap-from-cron"):
        _write(package / name, read_console(name), 0o755)
    for hook in HOOKS:
        # The second is what the next version's setup knows an unchanged hook by.
        _write(out / AVAMAR / "etc/scripts" / hook, render(hook), 0o755)
        _write(package / "hooks" / hook, render(hook), 0o644)
    _write(out / "usr/bin/hlb", render_command(), 0o755)
    for path, source in CONFIGURATION.items():
        _write(out / path, read_console(source), 0o644)
    _write_manpages(out / "usr/share/man")
    completion = out / "etc/bash_completion.d/hlb-hooks"
    _write(completion, make_completion.render(list_programs()), 0o644)
    _copy_documents(out / "usr/share/doc" / f"hlb-hooks-{__version__}")
    _settle_modes(out)
    (out / STATE_DIR).mkdir(parents=True, mode=0o700)
    (out / STATE_DIR).chmod(0o700)


def read_console(name: str) -> str:
    """Give a script or file for the host with what it includes put in."""
    text = (CONSOLE / name).read_text("ascii")
    text = text.replace("@versions.sh@", (CONSOLE / "versions.sh").read_text("ascii").rstrip())
    return text.replace("@hooks@", " ".join(HOOKS))


def render_command() -> str:
    """Give the script ``hlb``."""
    first = render_first_lines(PACKAGED_INTERPRETER)
    return f"{first}from hlb_hooks.entry.hlb import main\n\nraise SystemExit(main())\n"


def _write_manpages(folder: Path) -> None:
    pages = folder / "pages"
    make_manpages.main([str(pages)])
    for page in pages.iterdir():
        target = folder / f"man{page.suffix[1:]}" / f"{page.name}.gz"
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(gzip.compress(page.read_bytes(), mtime=0))
    shutil.rmtree(pages)


def _copy_documents(folder: Path) -> None:
    folder.mkdir(parents=True)
    for name in DOCUMENTS:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / source.name)
        else:
            shutil.copy(source, folder)


def _settle_modes(out: Path) -> None:
    """Let nothing depend on the umask and the file times of who builds."""
    for path in (out, *out.rglob("*")):
        is_program = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
        path.chmod(0o755 if is_program else 0o644)


def _write(path: Path, text: str, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    os.chmod(path, mode)


if __name__ == "__main__":
    main(sys.argv[1:])
