"""make_rpm.py STAGE OUT: an RPM that rpm 4.4.2 of RHEL 5 takes, from the staged files."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import stage

from hlb_hooks import __version__

SPEC = Path(__file__).resolve().parent / "rpm" / "hlb-hooks.spec"
_RELEASE = "1"

# Defaults of today's rpm that rpm 4.4.2 does not know: other digests, payloads and formats.
_OLD_FORMAT = {
    "_binary_payload": "w9.gzdio",
    "_source_payload": "w9.gzdio",
    "_binary_filedigest_algorithm": "1",
    "_source_filedigest_algorithm": "1",
    "_rpmformat": "4",
    "_build_id_links": "none",
    "_buildhost": "localhost",
    "use_source_date_epoch_as_buildtime": "1",
    "clamp_mtime_to_source_date_epoch": "1",
}
_DATE_OF_FILES = "1767225600"


def main(arguments: list[str]) -> None:
    """Build it and put it into OUT."""
    staged, out = (Path(argument).resolve() for argument in arguments)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder, "hlb-hooks.spec")
        spec.write_text(render_spec(staged), "utf-8")
        words = ["rpmbuild", "-bb", "--quiet", "--target", "x86_64-redhat-linux"]
        for name, value in {**_OLD_FORMAT, "_topdir": folder, "_tmppath": folder}.items():
            words += ["--define", f"{name} {value}"]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": _DATE_OF_FILES, "LC_ALL": "C"}
        subprocess.run([*words, str(spec)], check=True, env=environment)
        (built,) = Path(folder, "RPMS").rglob("*.rpm")
        shutil.copy(built, out)


def render_spec(staged: Path) -> str:
    """Give the spec with its scripts and its list of files."""
    text = SPEC.read_text("ascii")
    scripts = ("before-install.sh", "before-removal.sh", "after-removal.sh")
    # To rpm a percent sign begins a macro.
    filled = {f"@{name}@": stage.read_console(name).replace("%", "%%") for name in scripts}
    # Without -e the shell would go on after what failed.
    filled["@before-install.sh@"] = "set -eu\n" + filled["@before-install.sh@"]
    filled |= {
        "@version@": __version__,
        "@release@": _RELEASE,
        "@stage@": str(staged),
        "@files@": "\n".join(_list_files(staged)),
    }
    for mark, value in filled.items():
        text = text.replace(mark, value)
    return text


def _list_files(staged: Path) -> Iterator[str]:
    """Give the lines of %files: every file, and the folders that are this package's alone."""
    for path in sorted(staged.rglob("*")):
        name = path.relative_to(staged).as_posix()
        if path.is_dir():
            if name == stage.STATE_DIR:
                yield f"%dir %attr(0700,root,root) /{name}"
            elif _is_ours(name):
                yield f"%dir /{name}"
        elif name in stage.CONFIGURATION:
            yield f"%config(noreplace) /{name}"
        elif name.startswith("usr/share/doc/"):
            yield f"%doc /{name}"
        else:
            yield f"/{name}"


def _is_ours(folder: str) -> bool:
    ours = (stage.HOME, f"{stage.AVAMAR}/etc/hlb", f"usr/share/doc/hlb-hooks-{__version__}")
    return any(folder == name or folder.startswith(f"{name}/") for name in ours)


if __name__ == "__main__":
    main(sys.argv[1:])
