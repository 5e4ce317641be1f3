"""Of generated configurations ``hlb restore`` changes the lines it means, and not a byte more."""

import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from hlb_hooks.decisions.restore.options import RestoreOptions
from hlb_hooks.decisions.restore.plan import plan_restore
from hlb_hooks.effects.restored_folder import read_restored_folder

ALPHABETS = {"UTF-8": "aZ9 _()'üżł東", "windows-1252": "aZ9 _()'üß", "Shift_JIS": "aZ9 _()表京"}
CODECS = {"UTF-8": "utf-8", "windows-1252": "cp1252", "Shift_JIS": "cp932"}
NODES = [
    *(f"scsi{bus}:{unit}" for bus in range(4) for unit in (0, 1, 6, 8, 15)),
    *("ide0:0", "ide0:1", "ide1:0", "sata0:0", "sata0:29"),
]
FILLERS = st.sampled_from(
    [
        "",
        "   ",
        "# a comment = with a sign",
        "#scsi0:0.fileName = old",
        'annotation = "line|0Atwo |22quoted|22 |7C"',
        'Annotation = "line|0Atwo |22quoted|22 |7C"',
        "bare=value # why",
        "\tindented\t=\t1",
        'empty = ""',
        'scsi0:0.fileName2 = "near.vmdk"',
        'guestinfo.scsi0:0.fileName = "not a disk"',
    ]
)


@dataclass
class Made:
    """A generated configuration, the disks it names, and the keys that may change."""

    data: bytes
    disks: dict[str, str]
    on_delta: set[str]
    options: RestoreOptions
    changing: set[str]


def cased(key: str, is_upper: list[bool]) -> str:
    """Give a key in other letters of the same."""
    pairs = zip(key, is_upper * len(key), strict=False)
    return "".join(letter.upper() if upper else letter for letter, upper in pairs)


@st.composite
def configurations(draw: st.DrawFn) -> Made:
    encoding = draw(st.sampled_from(sorted(ALPHABETS)))
    names = st.text(ALPHABETS[encoding], min_size=1, max_size=8).filter(lambda x: x.strip() == x)
    nodes = draw(st.lists(st.sampled_from(NODES), min_size=1, max_size=5, unique=True))
    stems = draw(st.lists(names, min_size=len(nodes), max_size=len(nodes), unique=True))
    on_delta = set(draw(st.lists(st.sampled_from(nodes), unique=True)))
    options = RestoreOptions(
        name=draw(st.none() | names.map(lambda name: f"new {name}")),
        uuid=draw(st.sampled_from(["create", "keep"])),
        network=draw(st.sampled_from(["keep", "disconnect"])),
    )
    pairs = [("config.version", "8"), ("displayName", "web"), ("nvram", "web.nvram")]
    for node, stem in zip(nodes, stems, strict=True):
        name = f"{stem}-000001.vmdk" if node in on_delta else f"{stem}.vmdk"
        pairs += [(f"{node}.present", "TRUE"), (f"{node}.fileName", name)]
    changing = {f"{node}.filename" for node in on_delta} | {"uuid.action"}
    if draw(st.booleans()):
        pairs.append(("sched.swap.derivedName", "/vmfs/volumes/gone/web/web-1.vswp"))
        changing.add("sched.swap.derivedname")
    if options.name is not None:
        changing.add("displayname")
    for card in range(draw(st.integers(0, 3))):
        kind = draw(st.sampled_from(["generated", "vpx", "static"]))
        present = draw(st.sampled_from(["TRUE", "false"]))
        key = f"ethernet{card}"
        pairs += [(f"{key}.present", present), (f"{key}.addressType", kind)]
        pairs += [(f"{key}.generatedAddress", "00:0c:29:0:0:1"), (f"{key}.address", "00:50:56")]
        if present == "TRUE" and options.network == "disconnect":
            changing.add(f"{key}.startconnected")
        if present == "TRUE" and options.uuid == "create" and kind != "static":
            changing.add(f"{key}.generatedaddress")
    lines = [f'.encoding = "{encoding}"']
    for key, value in draw(st.permutations(pairs)):
        lines += draw(st.lists(FILLERS, max_size=2))
        shown = cased(key, draw(st.lists(st.booleans(), min_size=1, max_size=5)))
        lines.append(f'{shown}{draw(st.sampled_from([" = ", "="]))}"{value}"')
    end = draw(st.sampled_from(["\n", "\r\n"]))
    text = end.join(lines) + draw(st.sampled_from(["", end, end * 3]))
    mark = draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) if encoding == "UTF-8" else b""
    data = mark + text.encode(CODECS[encoding])
    return Made(data, dict(zip(nodes, stems, strict=True)), on_delta, options, changing)


def put_back(made: Made, folder: Path) -> Path:
    head = "# Disk DescriptorFile\nversion=1\n"
    for number, (node, stem) in enumerate(made.disks.items(), start=1):
        (folder / f"{stem}-flat.vmdk").write_bytes(bytes(512))
        (folder / f"{stem}.vmdk").write_text(
            f'{head}CID={number}\nparentCID=ffffffff\ncreateType="vmfs"\n'
            f'RW 1 VMFS "{stem}-flat.vmdk"\n'
        )
        if node in made.on_delta:
            (folder / f"{stem}-000001.vmdk").write_text(
                f'{head}CID=a{number}\nparentCID={number}\ncreateType="vmfsSparse"\n'
                f'parentFileNameHint="{stem}.vmdk"\n'
                f'RW 1 VMFSSPARSE "{stem}-000001-delta.vmdk"\n'
            )
    (folder / "web.vmx").write_bytes(made.data)
    return folder / "web.vmx"


def split(data: bytes, without: set[str]) -> list[bytes]:
    """Give the lines but for those of some keys."""
    lines = re.findall(rb"[^\n]*\n|[^\n]+", data.removeprefix(b"\xef\xbb\xbf"))
    kept = []
    for line in lines:
        key = line.partition(b"=")[0].strip().lower().decode("ascii", "replace")
        if key not in without or line.lstrip().startswith(b"#"):
            kept.append(line.rstrip(b"\r\n"))
    return kept


def read(data: bytes) -> dict[str, bytes]:
    found = re.findall(rb'^[ \t]*([^\s=#]+)[ \t]*=[ \t]*"([^"\r\n]*)"', data, re.M)
    return {key.decode("ascii", "replace").lower(): value for key, value in found}


@settings(max_examples=500)
@given(configurations())
def test_only_the_lines_that_are_meant_change(made: Made) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        vmx = put_back(made, folder)
        plan = plan_restore(read_restored_folder(str(folder), None), (), made.options)
        (text,) = plan.texts
        assert (text.path, text.old) == (str(vmx), made.data)
        check_lines(made, text.new)
        vmx.write_bytes(text.new)
        again = plan_restore(read_restored_folder(str(folder), None), (), made.options)
        assert again.texts == ()
        assert {Path(each.path).name for each in again.disks} == {
            f"{stem}.vmdk" for stem in made.disks.values()
        }
    finally:
        shutil.rmtree(folder)


def check_lines(made: Made, new: bytes) -> None:
    kept = split(made.data, made.changing)
    # What is appended comes after the blank lines at the end.
    assert split(new, made.changing) == kept
    assert new.startswith(b"\xef\xbb\xbf") == made.data.startswith(b"\xef\xbb\xbf")
    if b"\r\n" in made.data:
        assert new.count(b"\n") == new.count(b"\r\n")
    else:
        assert b"\r" not in new
    before, after = read(made.data), read(new)
    changed = {key for key in before | after if before.get(key) != after.get(key)}
    assert changed <= made.changing
    assert after["uuid.action"] == str(made.options.uuid).encode()
    assert "sched.swap.derivedname" not in after
    for key in made.changing:
        if key.endswith("generatedaddress"):
            assert key not in after
        if key.endswith("startconnected"):
            assert after[key] == b"FALSE"
    for node in made.on_delta:
        key = f"{node}.filename"
        assert after[key] == before[key].replace(b"-000001.vmdk", b".vmdk")
    if made.options.name is not None:
        assert after["displayname"].startswith(b"new ")
