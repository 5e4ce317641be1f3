"""A disk's chain from the top to its base, through files that may be missing or hostile."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hlb_hooks.base.errors import VmFileError
from hlb_hooks.vmfiles.chain import MAX_LINKS, Chain, read_chain, resolve

FOLDER = "/vmfs/volumes/4e4043f8-160ce551-98d6-00221591be89/vps"
OTHER = "/vmfs/volumes/4a9b8a6e-3eca11a2-6a67-00144f0d8625/base"


def render(
    cid: str,
    *,
    parent_cid: str = "ffffffff",
    hint: str = "",
    extents: tuple[str, ...] = ("vps-flat.vmdk",),
    create_type: str = "",
) -> bytes:
    lines = [
        "# Disk DescriptorFile",
        "version=1",
        f"CID={cid}",
        f"parentCID={parent_cid}",
        f'createType="{create_type or ("vmfsSparse" if hint else "vmfs")}"',
    ]
    if hint:
        lines.append(f'parentFileNameHint="{hint}"')
    lines += [f'RW 2048 {"VMFSSPARSE" if hint else "VMFS"} "{name}"' for name in extents]
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")


BASE = render("aaaaaaaa")
FIRST = render(
    "bbbbbbbb", parent_cid="aaaaaaaa", hint="vps.vmdk", extents=("vps-000001-delta.vmdk",)
)


def reader(files: dict[str, bytes]) -> Callable[[str], bytes]:
    def read(path: str) -> bytes:
        if path not in files:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return files[path]

    return read


def read(files: dict[str, bytes], top: str = f"{FOLDER}/vps-000001.vmdk") -> Chain:
    return read_chain(reader(files), top)


def test_a_disk_without_a_snapshot_is_a_chain_of_one() -> None:
    chain = read({f"{FOLDER}/vps.vmdk": BASE}, f"{FOLDER}/vps.vmdk")
    assert chain.top is chain.base
    assert chain.paths == (f"{FOLDER}/vps.vmdk",)
    assert chain.extent_paths() == ((f"{FOLDER}/vps-flat.vmdk",),)
    assert not chain.is_delta
    assert chain.broken_links == ()


def test_a_chain_is_followed_to_its_base() -> None:
    second = render(
        "cccccccc",
        parent_cid="bbbbbbbb",
        hint="vps-000001.vmdk",
        extents=("vps-000002-sesparse.vmdk",),
        create_type="seSparse",
    )
    chain = read(
        {
            f"{FOLDER}/vps.vmdk": BASE,
            f"{FOLDER}/vps-000001.vmdk": FIRST,
            f"{FOLDER}/vps-000002.vmdk": second,
        },
        f"{FOLDER}/vps-000002.vmdk",
    )
    assert chain.paths == (
        f"{FOLDER}/vps-000002.vmdk",
        f"{FOLDER}/vps-000001.vmdk",
        f"{FOLDER}/vps.vmdk",
    )
    assert [link.descriptor.cid for link in chain.links] == ["cccccccc", "bbbbbbbb", "aaaaaaaa"]
    assert chain.extent_paths() == (
        (f"{FOLDER}/vps-000002-sesparse.vmdk",),
        (f"{FOLDER}/vps-000001-delta.vmdk",),
        (f"{FOLDER}/vps-flat.vmdk",),
    )
    assert chain.is_delta
    assert chain.base.descriptor.is_base


def test_an_absolute_hint_leads_to_another_datastore_and_names_there_are_relative_to_it() -> None:
    top = render("bbbbbbbb", parent_cid="aaaaaaaa", hint=f"{OTHER}/vps.vmdk")
    chain = read({f"{FOLDER}/vps-000001.vmdk": top, f"{OTHER}/vps.vmdk": BASE})
    assert chain.paths == (f"{FOLDER}/vps-000001.vmdk", f"{OTHER}/vps.vmdk")
    assert chain.base.extent_paths == (f"{OTHER}/vps-flat.vmdk",)


def test_an_extent_may_be_elsewhere_absolutely_and_zeros_have_no_file() -> None:
    base = render("aaaaaaaa", extents=("a-f001.vmdk", f"{OTHER}/b.vmdk")) + b"RW 9 ZERO\n"
    chain = read({f"{FOLDER}/vps.vmdk": base}, f"{FOLDER}/vps.vmdk")
    assert chain.extent_paths() == ((f"{FOLDER}/a-f001.vmdk", f"{OTHER}/b.vmdk"),)


def test_a_parent_that_changed_since_is_named_and_no_error() -> None:
    files = {
        f"{FOLDER}/vps-000001.vmdk": FIRST,
        f"{FOLDER}/vps.vmdk": BASE.replace(b"aaaaaaaa", b"deadbeef"),
    }
    assert read(files).broken_links == (f"{FOLDER}/vps-000001.vmdk",)
    assert read(files | {f"{FOLDER}/vps.vmdk": BASE}).broken_links == ()


def test_a_missing_parent_is_named_with_its_child() -> None:
    with pytest.raises(VmFileError, match=r"vps\.vmdk, the parent named by .*vps-000001\.vmdk"):
        read({f"{FOLDER}/vps-000001.vmdk": FIRST})


def test_a_top_that_cannot_be_read_is_named_with_the_reason() -> None:
    def refuse(path: str) -> bytes:
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), path)

    with pytest.raises(VmFileError, match=r"vps\.vmdk cannot be read: Device or resource busy"):
        read_chain(refuse, f"{FOLDER}/vps.vmdk")


def test_a_parent_that_is_not_named_is_an_error() -> None:
    clone = render("bbbbbbbb", parent_cid="aaaaaaaa")
    with pytest.raises(VmFileError, match=r"\(parentCID=aaaaaaaa\) but does not name it"):
        read({f"{FOLDER}/vps-000001.vmdk": clone})


def test_a_delta_that_says_it_has_no_parent_is_no_base() -> None:
    with pytest.raises(VmFileError, match=r"delta \(seSparse\) but says it has no parent"):
        read({f"{FOLDER}/vps-000001.vmdk": render("aaaaaaaa", create_type="seSparse")})


@pytest.mark.parametrize(
    "hint", ["vps-000001.vmdk", "./vps-000001.vmdk", ".//./vps-000001.vmdk", "vps-000002.vmdk"]
)
def test_a_circle_is_an_error(hint: str) -> None:
    files = {
        f"{FOLDER}/vps-000001.vmdk": render("bbbbbbbb", parent_cid="aaaaaaaa", hint=hint),
        f"{FOLDER}/vps-000002.vmdk": render(
            "aaaaaaaa", parent_cid="bbbbbbbb", hint=f"//{FOLDER}/vps-000001.vmdk"
        ),
    }
    with pytest.raises(VmFileError, match="in a circle"):
        read(files)


def make_long_chain(count: int) -> dict[str, bytes]:
    files = {f"{FOLDER}/0.vmdk": render("00000000")}
    for number in range(1, count):
        files[f"{FOLDER}/{number}.vmdk"] = render(
            f"{number:08x}", parent_cid=f"{number - 1:08x}", hint=f"{number - 1}.vmdk"
        )
    return files


def test_a_chain_may_be_as_long_as_the_host_allows_and_no_longer() -> None:
    files = make_long_chain(MAX_LINKS + 1)
    assert len(read(files, f"{FOLDER}/{MAX_LINKS - 1}.vmdk").links) == MAX_LINKS
    with pytest.raises(VmFileError, match="more than 32 links"):
        read(files, f"{FOLDER}/{MAX_LINKS}.vmdk")


def test_a_chain_without_end_is_left() -> None:
    asked = []

    def answer(path: str) -> bytes:
        asked.append(path)
        return render("bbbbbbbb", parent_cid="aaaaaaaa", hint=f"{len(asked)}.vmdk")

    with pytest.raises(VmFileError, match="more than 32 links"):
        read_chain(answer, f"{FOLDER}/vps.vmdk")
    assert len(asked) == MAX_LINKS


@pytest.mark.parametrize("name", ["../../../etc/shadow", "/vmfs/volumes/../../etc/shadow", "a/.."])
def test_a_name_that_leads_elsewhere_is_refused_and_never_read(name: str) -> None:
    asked = []
    files = {
        "hint": render("bbbbbbbb", parent_cid="aaaaaaaa", hint=name),
        "extent": render("aaaaaaaa", extents=(name,)),
    }
    for data in files.values():

        def answer(path: str, data: bytes = data) -> bytes:
            asked.append(path)
            return data

        with pytest.raises(VmFileError, match="leads elsewhere") as caught:
            read_chain(answer, f"{FOLDER}/vps.vmdk")
        assert name in caught.value.message
    assert asked == [f"{FOLDER}/vps.vmdk"] * 2


def test_a_name_with_a_nul_character_is_refused() -> None:
    with pytest.raises(VmFileError, match=r"'a\\x00b', named by a file in .* is not the name"):
        read({f"{FOLDER}/vps-000001.vmdk": render("aaaaaaaa", extents=("a|00b",))})


@pytest.mark.parametrize(
    ("folder", "name", "path"),
    [
        (FOLDER, "vps.vmdk", f"{FOLDER}/vps.vmdk"),
        (f"{FOLDER}/", "./a b.vmdk", f"{FOLDER}/a b.vmdk"),
        (FOLDER, "sub//a.vmdk", f"{FOLDER}/sub/a.vmdk"),
        (FOLDER, f"{OTHER}/a.vmdk", f"{OTHER}/a.vmdk"),
        (FOLDER, "//vmfs/volumes/x/a.vmdk", "/vmfs/volumes/x/a.vmdk"),
        (FOLDER, "..a..b..vmdk", f"{FOLDER}/..a..b..vmdk"),
        (FOLDER, "b\udcffr.vmdk", f"{FOLDER}/b\udcffr.vmdk"),
        (FOLDER, ".", FOLDER),
        (FOLDER, f"{OTHER}/", OTHER),
        ("/", "a.vmdk", "/a.vmdk"),
    ],
)
def test_a_name_becomes_an_absolute_path(folder: str, name: str, path: str) -> None:
    assert resolve(folder, name) == path


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        (FOLDER, ""),
        (FOLDER, ".."),
        (FOLDER, "a/../b.vmdk"),
        (FOLDER, "/vmfs/../etc/passwd"),
        (f"{FOLDER}/..", "a.vmdk"),
        (FOLDER, "a\x00.vmdk"),
        ("relative", "a.vmdk"),
        ("", "a.vmdk"),
    ],
)
def test_a_name_that_gives_no_safe_path_is_refused(folder: str, name: str) -> None:
    with pytest.raises(VmFileError):
        resolve(folder, name)


def test_a_relative_descriptor_is_refused() -> None:
    with pytest.raises(VmFileError, match="absolute"):
        read({}, "vps.vmdk")


def test_a_chain_is_read_from_real_files_whose_names_are_not_utf_8(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"b\xfcro (2)")
    folder.mkdir()
    delta = render("bbbbbbbb", parent_cid="aaaaaaaa", hint="b\udcfc.vmdk", extents=("d\udcfc",))
    (folder / "b\udcfc.vmdk").write_bytes(render("aaaaaaaa", extents=("b\udcfc-flat.vmdk",)))
    (folder / "b\udcfc-000001.vmdk").write_bytes(delta)
    chain = read_chain(lambda path: Path(path).read_bytes(), f"{folder}/b\udcfc-000001.vmdk")
    assert os.fsencode(chain.base.path).endswith(b"/b\xfcro (2)/b\xfc.vmdk")
    assert os.fsencode(chain.base.extent_paths[0]).endswith(b"/b\xfcro (2)/b\xfc-flat.vmdk")


NAMES = st.sampled_from(
    ["0.vmdk", "1.vmdk", "2.vmdk", "", "../0.vmdk", "/", ".", "|00", "|", "a/b"]
)
CIDS = st.sampled_from(["ffffffff", "0", "1"])
DESCRIPTORS = st.one_of(
    st.builds(
        lambda cid, parent, hint, extent: render(
            cid, parent_cid=parent, hint=hint, extents=(extent,)
        ),
        CIDS,
        CIDS,
        NAMES,
        NAMES,
    ),
    st.binary(max_size=100),
)


@settings(deadline=None)
@given(data=st.lists(DESCRIPTORS, min_size=3, max_size=3))
def test_no_files_do_anything_but_make_a_chain_or_be_refused(data: list[bytes]) -> None:
    files = {f"{FOLDER}/{number}.vmdk": content for number, content in enumerate(data)}
    try:
        chain = read(files, f"{FOLDER}/0.vmdk")
    except VmFileError:
        return
    assert chain.base.descriptor.is_base
    assert all(path.startswith("/") for path in chain.paths)
    assert len(set(chain.paths)) == len(chain.paths)
