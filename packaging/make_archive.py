"""make_archive.py STAGE OUT: a tar.gz with a setup, for hosts without rpm, from staged files."""

import gzip
import io
import sys
import tarfile
from pathlib import Path

import stage

from hlb_hooks import __version__
from hlb_hooks.entry.arguments import HOOKS

SCRIPTS = Path(__file__).resolve().parent / "archive"

_DATE_OF_FILES = 1767225600
_UNITS = ("hlb-reap.service", "hlb-reap.timer")


def main(arguments: list[str]) -> None:
    """Write it into OUT."""
    staged, out = (Path(argument).resolve() for argument in arguments)
    out.mkdir(parents=True, exist_ok=True)
    name = f"hlb-hooks-{__version__}"
    path = out / f"{name}.x86_64.tar.gz"
    # Without a time in it: the same files give the same archive.
    with (
        path.open("wb") as file,
        gzip.GzipFile("", "wb", 9, file, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive,
    ):
        for source in sorted(staged.rglob("*")):
            inner = f"{name}/root/{source.relative_to(staged)}"
            archive.add(source, inner, recursive=False, filter=_settle)
        for unit in _UNITS:
            inner = f"{name}/root/etc/systemd/system/{unit}"
            _add(archive, inner, stage.read_console(unit), 0o644)
        inner = f"{name}/root/{stage.HOME}/package/uninstall"
        _add(archive, inner, render("uninstall", staged), 0o755)
        _add(archive, f"{name}/install.sh", render("install.sh", staged), 0o755)


def render(name: str, staged: Path) -> str:
    """Give a script of this folder with what it includes put in."""
    text = (SCRIPTS / name).read_text("ascii")
    for part in ("before-install.sh", "before-removal.sh", "after-removal.sh"):
        text = text.replace(f"@{part}@", stage.read_console(part))
    plain = [
        path.relative_to(staged).as_posix()
        for path in sorted(staged.rglob("*"))
        if path.is_file()
        and not path.is_relative_to(staged / stage.HOME)
        and not path.is_relative_to(staged / stage.AVAMAR)
        and path.relative_to(staged).as_posix() not in stage.CONFIGURATION
    ]
    settings = f"{stage.AVAMAR}/etc/hlb/"
    configuration = [
        path.removeprefix(settings) for path in stage.CONFIGURATION if path.startswith(settings)
    ]
    filled = {
        "@plain_files@": " ".join(plain),
        "@configuration@": " ".join(configuration),
        "@hooks@": " ".join(HOOKS),
    }
    for mark, value in filled.items():
        text = text.replace(mark, value)
    return text


def _settle(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    member.mtime = _DATE_OF_FILES
    return member


def _add(archive: tarfile.TarFile, inner: str, text: str, mode: int) -> None:
    member = tarfile.TarInfo(inner)
    data = text.encode("ascii")
    member.size, member.mode = len(data), mode
    archive.addfile(_settle(member), io.BytesIO(data))


if __name__ == "__main__":
    main(sys.argv[1:])
