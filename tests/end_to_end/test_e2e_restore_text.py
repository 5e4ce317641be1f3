"""The text that ``hlb restore`` writes: only the lines meant change, and the dry run shows them."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from restore_kit import Backup, RestoreSite

Change = Callable[[bytes], bytes]


@pytest.fixture
def site(tmp_path: Path) -> RestoreSite:
    return RestoreSite(tmp_path / "site")


def wanted_text(data: bytes, end: bytes = b"\n") -> bytes:
    """Give what a restore in the original place makes of a .vmx."""
    data = re.sub(rb"[^\r\n]*derivedName[^\r\n]*\r?\n?", b"", data)
    data = data.replace(b"web-000001.vmdk", b"web.vmdk")
    return data + (b"" if data.endswith(end) else end) + b'uuid.action = "keep"' + end


def with_line_ends(data: bytes) -> bytes:
    return data.replace(b"\n", b"\r\n")


def latin(data: bytes) -> bytes:
    named = data.replace(b'"UTF-8"', b'"windows-1252"')
    return named.replace(b'displayName = "web"', b'displayName = "M\xfcller"')


def japanese(data: bytes) -> bytes:
    named = data.replace(b'"UTF-8"', b'"Shift_JIS"')
    # The second byte of the first sign is a backslash, that of the second a pipe.
    return named.replace(b'displayName = "web"', b'displayName = "\x83\x5c\x83\x7c"')


def crowded(data: bytes) -> bytes:
    return b'# a comment\n\n  \t\nsome.key=bare # why\nSOME.KEY = "bare"\n' + data + b"\n\n# end"


TEXTS: dict[str, Change] = {
    "CRLF": with_line_ends,
    "mark": lambda data: b"\xef\xbb\xbf" + data,
    "windows-1252": latin,
    "Shift_JIS": japanese,
    "comments": crowded,
    "no end": lambda data: data.rstrip(b"\n"),
    "not text": lambda data: data + b'annotation = "\xff\xfe|0A|22"\n',
    "windows-1250": lambda data: data.replace(b'"UTF-8"', b'"windows-1250"') + b'a = "|F3"\n',
    "unknown encoding": lambda data: data.replace(b'"UTF-8"', b'"EBCDIC-7"'),
}


def back_up(site: RestoreSite, change: Change) -> Backup:
    return site.back_up(site.host.add_vm("web"), has_saved=False).change("web.vmx", change)


@pytest.mark.parametrize("kind", TEXTS)
def test_every_other_byte_stays(site: RestoreSite, kind: str) -> None:
    backup = back_up(site, TEXTS[kind])
    folder = backup.put_back()
    site.restore(folder)
    end = b"\r\n" if kind == "CRLF" else b"\n"
    assert (folder / "web.vmx").read_bytes() == wanted_text(backup.files[backup.vmx], end)


def apply_diffs(printed: str, folder: Path) -> None:
    """Apply what a dry run printed, as an operator would to see what it means."""
    for diff in re.findall(r"^--- .*\n\+\+\+ (?:.*)\n(?:(?!--- )[-+ @\\].*\n)*", printed, re.M):
        name = re.search(r"^\+\+\+ (.*)$", diff, re.M)
        assert name
        subprocess.run(
            ["patch", "--quiet", "--fuzz=0", folder / name[1]],
            input=diff.encode("utf-8", "surrogateescape"),
            check=True,
        )


@pytest.mark.parametrize("kind", ["as it came", "no end", "mark", "windows-1250"])
def test_the_dry_runs_diff_is_what_the_restore_then_writes(
    site: RestoreSite, tmp_path: Path, kind: str
) -> None:
    backup = back_up(site, TEXTS.get(kind, lambda data: data + b"# as it came\n"))
    named = b'createType="vmfs"\nchangeTrackPath="web-ctk.vmdk"'
    backup.change("web.vmdk", lambda data: data.replace(b'createType="vmfs"', named))
    folder = backup.put_back()
    printed = site.rehearse(folder, "--name", "another web").stdout
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("web.vmx", "web.vmdk"):
        (copy / name).write_bytes((folder / name).read_bytes())
    apply_diffs(printed, copy)
    site.restore(folder, "--name", "another web")
    for name in ("web.vmx", "web.vmdk"):
        assert (copy / name).read_bytes() == (folder / name).read_bytes()


def test_a_new_file_is_shown_whole(site: RestoreSite, tmp_path: Path) -> None:
    folder = site.back_up(site.host.add_vm("web")).drop("web.vmx").put_back()
    printed = site.rehearse(folder).stdout
    apply_diffs(printed, tmp_path)
    site.restore(folder)
    assert (tmp_path / "web.vmx").read_bytes() == (folder / "web.vmx").read_bytes()


def test_the_diff_is_printable_whatever_the_file_holds(site: RestoreSite) -> None:
    swap = b'derivedName = "/\x1b[2J\xff\\"'
    backup = back_up(site, lambda data: re.sub(rb'derivedName = ".*"', lambda _found: swap, data))
    printed = site.rehearse(backup.put_back(), "--uuid", "keep").stdout
    assert '-sched.swap.derivedName = "/\\x1b[2J\\xff\\\\"' in printed
    assert "\x1b" not in printed


def test_the_dry_run_says_every_other_change_too(site: RestoreSite) -> None:
    backup = back_up(site, lambda data: data + b"\n")
    folder = backup.put_back()
    printed = site.rehearse(folder, "--register", "--power-on").stdout
    aside = re.findall(r"^WOULD put aside: .*/([^/]+), into ", printed, re.M)
    commands = re.findall(r"^WOULD run: (.*)$", printed, re.M)
    site.restore(folder, "--register", "--power-on")
    kept = {path.name for path in (folder / "before-restore").iterdir()}
    assert set(aside) | {"web.vmx"} == kept
    program = str(site.host.vmware_cmd)
    assert commands == [f"{program} -s register {backup.vmx}", f"{program} {backup.vmx} start"]


def test_everything_is_said_in_polish_too(site: RestoreSite) -> None:
    site.config.write_text(site.config.read_text() + '[run]\nlanguage = "pl"\n')
    outcome = site.restore(back_up(site, lambda data: data + b"\n").put_back())
    assert "odtworzenie web w" in outcome.stdout
    assert "odlozono: " in outcome.stdout
