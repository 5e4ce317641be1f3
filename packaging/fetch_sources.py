"""Debian's source packages, by the machine's own apt and held to sums.

Where Debian's archive is is taken from this machine's apt settings. They need name neither the
suite nor deb-src: a private configuration does, and the machine's own stays as it is.
"""

import hashlib
import os
import pwd
import subprocess
import tempfile
from pathlib import Path

from source_pins import Sources, choose_sources, read_offers

_KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"


def has_sources(folder: Path, sources: Sources) -> bool:
    """Tell whether every file is there and has its sum."""
    return not _list_wrong(folder, sources)


def fetch_sources(folder: Path, pinned: Sources, accepts_newer: bool) -> Sources:
    """Put the files into the folder; give what they were held to.

    Raise SystemExit, in words, when they cannot be had or are not what was pinned.
    """
    if has_sources(folder, pinned):
        return pinned
    site, security = _find_sites()
    with tempfile.TemporaryDirectory() as private:
        environment = _configure(Path(private), pinned.pins[0].suite, site, security)
        _run_apt(["apt-get", "update", "-qq"], environment)
        packages = [pin.package for pin in pinned.pins]
        shown = _run_apt(["apt-cache", "showsrc", "--only-source", *packages], environment)
        sources = choose_sources(pinned, read_offers(shown), accepts_newer)
        folder.mkdir(parents=True, exist_ok=True)
        download = ["apt-get", "source", "-qq", "--download-only", "--only-source"]
        for pin in sources.pins:
            _run_apt([*download, f"{pin.package}={pin.version}"], environment, folder)
    if wrong := _list_wrong(folder, sources):
        raise SystemExit(
            f"what was downloaded is not what packaging/runtime/sources.sha256 names: {wrong}"
        )
    return sources


def _find_sites() -> tuple[str, str]:
    """Give the addresses of Debian's archive and of its security archive, which may be none."""
    sites = _read_sites()
    if "Debian" not in sites and os.geteuid() == 0:
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        sites = _read_sites()
    if "Debian" not in sites:
        raise SystemExit(
            "apt knows no archive of Debian's yet: as root, apt-get update (this needs Debian)"
        )
    return sites["Debian"], sites.get("Debian-Security", "")


def _read_sites() -> dict[str, str]:
    """Give the first address of each archive that the machine's apt has, by the archive's label."""
    words = ["apt-get", "indextargets", "--format", "$(LABEL)|$(SITE)"]
    lines = subprocess.run(words, check=True, capture_output=True, text=True).stdout.splitlines()
    return dict(line.split("|", 1) for line in reversed(lines) if "|" in line)


def _configure(private: Path, suite: str, site: str, security: str) -> dict[str, str]:
    """Write an apt configuration of our own; give the environment that apt takes it from."""
    for folder in ("lists/partial", "cache/archives/partial"):
        (private / folder).mkdir(parents=True)
    lines = [f"deb-src [signed-by={_KEYS}] {site} {suite} main\n"]
    if security:
        lines.append(f"deb-src [signed-by={_KEYS}] {security} {suite}-security main\n")
    (private / "sources.list").write_text("".join(lines))
    settings = {
        "Dir::Etc::SourceList": private / "sources.list",
        "Dir::Etc::SourceParts": "-",
        "Dir::State::Lists": private / "lists",
        "Dir::Cache": private / "cache",
        "APT::Sandbox::User": pwd.getpwuid(os.geteuid()).pw_name,
        "Acquire::Retries": 3,
    }
    text = "".join(f'{name} "{value}";\n' for name, value in settings.items())
    (private / "apt.conf").write_text(text)
    return {**os.environ, "APT_CONFIG": str(private / "apt.conf"), "LC_ALL": "C"}


def _run_apt(words: list[str], environment: dict[str, str], folder: Path | None = None) -> str:
    done = subprocess.run(
        words, env=environment, cwd=folder, check=False, stdout=subprocess.PIPE, text=True
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: exit {done.returncode}; what apt says is above")
    return done.stdout


def _list_wrong(folder: Path, sources: Sources) -> list[str]:
    wrong = []
    for name, digest in sources.sums.items():
        path = folder / name
        if not path.is_file():
            wrong.append(f"{name} is not there")
        elif (found := hashlib.sha256(path.read_bytes()).hexdigest()) != digest:
            wrong.append(f"{name} has {found}")
    return wrong
