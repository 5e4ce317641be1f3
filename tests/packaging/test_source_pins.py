"""Which sources are built from: the pinned ones, and later revisions only when accepted."""

import sys

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "packaging"))

from source_pins import Offer, choose_sources, is_newer, read_offers, read_sources

PINNED = read_sources(
    "# a comment\ntrixie python3.13 3.13.5-2+deb13u5\ntrixie zlib 1:1.3.1-1\n",
    "aa  python3.13_3.13.5.orig.tar.xz\nbb  python3.13_3.13.5-2+deb13u5.debian.tar.xz\n"
    "cc  zlib_1.3.1.orig.tar.gz\ndd  zlib_1.3.1-1.debian.tar.xz\n",
)
ZLIB = Offer("zlib", "1:1.3.1-1", {})
LATER_SUMS = {
    "python3.13_3.13.5.orig.tar.xz": "aa",
    "python3.13_3.13.5-2+deb13u6.debian.tar.xz": "ee",
}
LATER = Offer("python3.13", "3.13.5-2+deb13u6", LATER_SUMS)
SHOWN = """\
Package: python3.13
Format: 3.0 (quilt)
Version: 3.13.5-2+deb13u6
Files:
 0123 22856016 python3.13_3.13.5.orig.tar.xz
Checksums-Sha256:
 aa 22856016 python3.13_3.13.5.orig.tar.xz
 99 963 python3.13_3.13.5.orig.tar.xz.asc
 ee 299640 python3.13_3.13.5-2+deb13u6.debian.tar.xz
 98 3000 python3.13_3.13.5-2+deb13u6.dsc
Directory: pool/main/p/python3.13

Package: zlib
Version: 1:1.3.1-1
"""


def test_what_apt_shows_is_read() -> None:
    assert read_offers(SHOWN) == [LATER, ZLIB]


@pytest.mark.parametrize("accepts_newer", [False, True])
def test_the_pinned_ones_are_taken_while_they_are_there(accepts_newer: bool) -> None:
    pinned = Offer("python3.13", "3.13.5-2+deb13u5", {})
    assert choose_sources(PINNED, [LATER, pinned, ZLIB], accepts_newer) == PINNED


def test_a_newer_revision_is_refused_with_what_to_check_and_what_to_write() -> None:
    with pytest.raises(SystemExit) as refused:
        choose_sources(PINNED, [LATER, ZLIB], accepts_newer=False)
    lines = [line.strip() for line in str(refused.value).splitlines()]
    assert "3.13.5-2+deb13u5 is gone" in lines[0]
    assert "debian/changelog" in lines[1]
    assert "make rpm HLB_NEWER_SOURCES=accept" in lines
    assert "trixie python3.13 3.13.5-2+deb13u6" in lines
    assert "ee  python3.13_3.13.5-2+deb13u6.debian.tar.xz" in lines
    assert "bb  python3.13_3.13.5-2+deb13u5.debian.tar.xz" in lines
    # What did not change is not to be touched.
    assert not [line for line in lines if "orig.tar" in line]


def test_an_accepted_newer_revision_is_held_to_the_index_and_named() -> None:
    older = Offer("python3.13", "3.13.5-2+deb13u2", {})
    chosen = choose_sources(PINNED, [older, LATER, ZLIB], accepts_newer=True)
    assert [pin.version for pin in chosen.pins] == ["3.13.5-2+deb13u6", "1:1.3.1-1"]
    kept = {name: digest for name, digest in PINNED.sums.items() if name.startswith("zlib")}
    assert chosen.sums == LATER_SUMS | kept
    (warning,) = chosen.warnings
    assert "NOT AS PINNED: python3.13 3.13.5-2+deb13u6" in warning
    assert chosen.render() != PINNED.render()


@pytest.mark.parametrize(
    "offer",
    [
        Offer("python3.13", "3.13.9-1", {"python3.13_3.13.9.orig.tar.xz": "ff"}),
        Offer("python3.13", "3.13.5-1", LATER_SUMS),
        Offer("python3.13", "3.13.5-3", {**LATER_SUMS, "python3.13_3.13.5.orig.tar.xz": "ff"}),
        Offer("python3.13", "3.13.5-3", {}),
    ],
    ids=["another release", "an older one", "the same release, otherwise", "no sums"],
)
@pytest.mark.parametrize("accepts_newer", [False, True])
def test_what_is_more_than_a_later_revision_is_a_person_s_to_look_at(
    offer: Offer, accepts_newer: bool
) -> None:
    with pytest.raises(SystemExit, match="no later revision of the same release"):
        choose_sources(PINNED, [offer, ZLIB], accepts_newer)


def test_a_package_that_is_not_there_at_all_is_named() -> None:
    with pytest.raises(SystemExit, match=r"trixie has no source package python3\.13"):
        choose_sources(PINNED, [ZLIB], accepts_newer=True)


@pytest.mark.parametrize(
    ("version", "other", "expected"),
    [
        ("3.13.5-2+deb13u10", "3.13.5-2+deb13u9", True),
        ("3.13.5-2", "3.13.5-2+deb13u1", False),
        ("1:1.0-1", "2.0-1", True),
        ("1-1", "1-1", False),
    ],
)
def test_versions_are_compared_as_debian_does(version: str, other: str, expected: bool) -> None:
    assert is_newer(version, other) == expected
