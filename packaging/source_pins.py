"""Which of Debian's sources the interpreter is built from: the pinned ones, or why not.

Debian's archive keeps the newest revision of a source package alone, so a security update takes
the pinned revision away.
"""

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass

_SOURCE_ARCHIVE = re.compile(r"\.(orig|debian)\.tar\.[a-z0-9]+$")


@dataclass(frozen=True)
class Pin:
    """One line of ``sources``: a version of a source package in a suite of Debian's."""

    suite: str
    package: str
    version: str

    def __str__(self) -> str:
        return f"{self.suite} {self.package} {self.version}"

    @property
    def upstream(self) -> str:
        """The version without Debian's revision."""
        return self.version.rpartition("-")[0]


@dataclass(frozen=True)
class Offer:
    """A version that the archive has, with the SHA-256 of each archive of it, by file name."""

    package: str
    version: str
    sums: dict[str, str]


@dataclass(frozen=True)
class Sources:
    """What to build from: versions, the SHA-256 of each file, and what has to be said of them."""

    pins: tuple[Pin, ...]
    sums: dict[str, str]
    warnings: tuple[str, ...] = ()

    def render(self) -> str:
        """Give it as text, for the packages and for the cache's key."""
        lines = [*map(str, self.pins), *render_sums(self.sums), *self.warnings]
        return "".join(f"{line}\n" for line in lines)


def read_sources(pins: str, sums: str) -> Sources:
    """Read the texts of ``sources`` and of ``sources.sha256``."""
    return Sources(
        tuple(Pin(*line.split()) for line in _list_lines(pins)),
        {name: digest for digest, name in map(str.split, _list_lines(sums))},
    )


def render_sums(sums: dict[str, str]) -> list[str]:
    """Give the lines that sha256sum reads."""
    return [f"{digest}  {name}" for name, digest in sorted(sums.items())]


def read_offers(text: str) -> list[Offer]:
    """Read what ``apt-cache showsrc`` prints."""
    offers = []
    for stanza in re.split(r"\n\s*\n", text):
        fields: dict[str, str] = dict(
            re.findall(r"^([A-Za-z0-9-]+):[ \t]*(.*(?:\n[ \t]+.*)*)", stanza, re.MULTILINE)
        )
        if "Version" in fields:
            words = [line.split() for line in fields.get("Checksums-Sha256", "").splitlines()]
            sums = {
                each[2]: each[0]
                for each in words
                if len(each) == 3 and _SOURCE_ARCHIVE.search(each[2])
            }
            name = fields.get("Package", fields.get("Source", ""))
            offers.append(Offer(name, fields["Version"], sums))
    return offers


def choose_sources(pinned: Sources, offers: Iterable[Offer], accepts_newer: bool) -> Sources:
    """Give the pinned sources, or with ``accepts_newer`` later revisions of the same releases.

    Raise SystemExit with what to check and what to do about a pinned one that is gone.
    """
    offers = list(offers)
    pins, warnings = [], []
    sums = dict(pinned.sums)
    for pin in pinned.pins:
        theirs = [offer for offer in offers if offer.package == pin.package]
        if any(offer.version == pin.version for offer in theirs):
            pins.append(pin)
            continue
        newest = _find_newest(pin, theirs)
        later = Pin(pin.suite, pin.package, newest.version)
        old = {name: sums.pop(name) for name in list(sums) if name.startswith(f"{pin.package}_")}
        _check_same_release(pin, old, newest)
        if not accepts_newer:
            raise SystemExit(_explain(pin, later, old, newest.sums))
        pins.append(later)
        sums |= newest.sums
        warnings.append(
            f"NOT AS PINNED: {pin.package} {newest.version}, as {pin.version} is gone from "
            f"Debian's archive; its sums are those of Debian's signed index"
        )
    return Sources(tuple(pins), sums, tuple(warnings))


def _find_newest(pin: Pin, offers: list[Offer]) -> Offer:
    if not offers:
        raise SystemExit(f"Debian's {pin.suite} has no source package {pin.package}")
    newest = offers[0]
    for offer in offers[1:]:
        if is_newer(offer.version, newest.version):
            newest = offer
    return newest


def is_newer(version: str, other: str) -> bool:
    """Tell whether a Debian version is later than another."""
    words = ["dpkg", "--compare-versions", version, "gt", other]
    return subprocess.run(words, check=False).returncode == 0


def _check_same_release(pin: Pin, old: dict[str, str], newest: Offer) -> None:
    """Raise SystemExit for what is more than a later revision of the same upstream release."""
    release = {name: digest for name, digest in old.items() if ".orig." in name}
    same = Pin(pin.suite, pin.package, newest.version).upstream == pin.upstream
    if same and is_newer(newest.version, pin.version) and release.items() <= newest.sums.items():
        return
    raise SystemExit(
        f"{pin.package} {pin.version} is gone from Debian's archive, which has {newest.version} "
        "now: no later revision of the same release, so a person has to look. See that the "
        "interpreter builds from it and passes `make packages`, then name it in "
        "packaging/runtime/sources, and its sums in packaging/runtime/sources.sha256"
    )


def _explain(pin: Pin, later: Pin, old: dict[str, str], new: dict[str, str]) -> str:
    changed = {name: digest for name, digest in old.items() if new.get(name) != digest}
    added = {name: digest for name, digest in new.items() if old.get(name) != digest}
    return "\n".join(
        [
            f"{pin.package} {pin.version} is gone from Debian's archive, which has "
            f"{later.version} now.",
            "Look what it changes: debian/changelog in its debian.tar.xz. Then build with it once,",
            "    make rpm HLB_NEWER_SOURCES=accept",
            "or for good: in packaging/runtime/sources, instead of",
            f"    {pin}",
            f"    {later}",
            "and in packaging/runtime/sources.sha256, instead of",
            *(f"    {line}" for line in render_sums(changed)),
            *(f"    {line}" for line in render_sums(added)),
            "The sums are those of Debian's index, whose signature was checked.",
        ]
    )


def _list_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and line[0] != "#"]
