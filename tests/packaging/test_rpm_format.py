"""The RPM is one that rpm 4.4.2 of RHEL 5 takes, as far as its bytes can tell.

No rpm of that time is to be had, so its format is checked: the lead, the digests it verifies, the
types of header entries it knows, the features it has.
"""

import hashlib
import re
import subprocess
from pathlib import Path

import pytest
from rpm_reading import RpmFile, read_rpm

from hlb_hooks import __version__
from hlb_hooks.entry.arguments import HOOKS

SIGNATURE_SHA1, SIGNATURE_SIZE, SIGNATURE_MD5 = 269, 1000, 1004
NAME, VERSION, ARCHITECTURE, PREFIXES = 1000, 1001, 1022, 1098
FILE_FLAGS, FILE_DIGESTS, FILE_NAMES = 1037, 1035, 1117
FOLDER_INDEXES, FOLDERS = 1116, 1118
REQUIRED, REQUIRED_VERSIONS = 1049, 1050
PAYLOAD_FORMAT, PAYLOAD_COMPRESSOR = 1124, 1125
DIGEST_ALGORITHM = 5011
CONFIG, NO_REPLACE = 1 << 0, 1 << 4
# What `rpm --showrc` of 4.4.2 lists, as far as a package may ask for it.
KNOWN_FEATURES = {"rpmlib(CompressedFileNames)", "rpmlib(PayloadFilesHavePrefix)"}


@pytest.fixture(scope="module")
def package(rpm_file: Path) -> RpmFile:
    return read_rpm(rpm_file)


def list_files(package: RpmFile) -> list[str]:
    folders = package.header.values(FOLDERS)
    indexes = package.header.values(FOLDER_INDEXES)
    names = package.header.values(FILE_NAMES)
    return [folders[index] + name for index, name in zip(indexes, names, strict=True)]


def test_the_lead_is_that_of_version_3(package: RpmFile) -> None:
    assert package.lead[:4] == b"\xed\xab\xee\xdb"
    assert (package.lead[4], package.lead[5]) == (3, 0)
    assert package.lead[78:80] == b"\x00\x05"  # a header for a signature


def test_it_says_what_it_is(package: RpmFile) -> None:
    header = package.header
    assert header.values(NAME) == ["hlb-hooks"]
    assert header.values(VERSION) == [__version__]
    assert header.values(ARCHITECTURE) == ["x86_64"]
    assert header.values(PREFIXES) == ["/usr/local/avamar"]


def test_nothing_is_required_that_came_after_rpm_4_4_2(package: RpmFile) -> None:
    required = set(package.header.values(REQUIRED))
    assert required <= KNOWN_FEATURES | {"/bin/sh"}
    # A version with a tilde or a caret sorts otherwise there.
    assert re.fullmatch(r"[0-9.]+", __version__)


def test_the_old_digests_are_there_and_right(package: RpmFile) -> None:
    signed = package.header.data + package.payload
    signature = package.signature
    assert signature.values(SIGNATURE_MD5) == [hashlib.md5(signed).digest()]
    assert signature.values(SIGNATURE_SHA1) == [hashlib.sha1(package.header.data).hexdigest()]
    assert signature.values(SIGNATURE_SIZE) == [len(signed)]


def test_every_file_has_the_md5_of_its_content(package: RpmFile, tmp_path: Path) -> None:
    assert package.header.tags.get(DIGEST_ALGORITHM, (4, [1]))[1] == [1]  # MD5
    subprocess.run(
        ["cpio", "--extract", "--make-directories", "--quiet"],
        input=package.archive,
        cwd=tmp_path,
        check=True,
    )
    digests = package.header.values(FILE_DIGESTS)
    files = [
        (tmp_path / name.lstrip("/"), digest)
        for name, digest in zip(list_files(package), digests, strict=True)
    ]
    checked = [(path, digest) for path, digest in files if path.is_file()]
    assert len(checked) > 400
    for path, digest in checked:
        assert digest == hashlib.md5(path.read_bytes()).hexdigest(), path


def test_the_payload_is_a_cpio_archive_packed_by_gzip(package: RpmFile) -> None:
    assert package.header.values(PAYLOAD_FORMAT) == ["cpio"]
    assert package.header.values(PAYLOAD_COMPRESSOR) == ["gzip"]
    assert package.payload[:2] == b"\x1f\x8b"
    assert package.archive[:6] == b"070701"


def test_no_entry_is_of_a_type_that_came_later(package: RpmFile) -> None:
    for header in (package.signature, package.header):
        unknown = {tag: kind for tag, (kind, _) in header.tags.items() if kind not in range(2, 10)}
        assert not unknown
        assert not [tag for tag, (kind, _) in header.tags.items() if kind == 5]


def test_the_configuration_is_left_to_the_administrator(package: RpmFile) -> None:
    flags = dict(zip(list_files(package), package.header.values(FILE_FLAGS), strict=True))
    kept = {name for name, flag in flags.items() if flag & CONFIG and flag & NO_REPLACE}
    assert kept == {name for name, flag in flags.items() if flag & CONFIG}
    assert kept == {
        "/etc/cron.d/hlb-hooks",
        "/etc/logrotate.d/hlb-hooks",
        "/usr/local/avamar/etc/hlb/hlb.toml",
        "/usr/local/avamar/etc/hlb/targets",
    }


def test_the_files_are_those_of_the_package_and_no_others(package: RpmFile) -> None:
    files = set(list_files(package))
    scripts = "/usr/local/avamar/etc/scripts/"
    assert {name for name in files if name.startswith(scripts)} == {
        scripts + hook for hook in HOOKS
    }
    assert {f"/usr/share/man/man8/{name}.8.gz" for name in (*HOOKS, "hlb")} <= files
    library = "/opt/hlb-hooks/package/lib/python3.13/"
    assert f"{library}site-packages/hlb_hooks/entry/hooks.pyc" in files
    assert not [name for name in files if "hlb_hooks/lab" in name]
    assert not [name for name in files if name.endswith(".py") or ".so" in name]
    # Folders that others use too are not this package's to remove.
    assert not files & {"/usr/bin", "/etc/cron.d", "/usr/local/avamar", scripts.rstrip("/")}


def test_other_readers_of_rpm_take_it_too(rpm_file: Path) -> None:
    subprocess.run(["rpm", "--checksig", "--nosignature", rpm_file], check=True)
    listed = subprocess.run(
        ["busybox", "rpm", "-qpl", rpm_file], capture_output=True, text=True, check=True
    )
    assert "/usr/bin/hlb" in listed.stdout
