from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hlb_hooks.base.errors import VmFileError
from hlb_hooks.lab.host.delta import BLOCK_BYTES, DeltaFile, create_delta


def make_block(value: int) -> bytes:
    return bytes([value]) * BLOCK_BYTES


def test_a_new_delta_holds_nothing(tmp_path: Path) -> None:
    create_delta(tmp_path / "x-delta.vmdk", 16, 0o600)
    with DeltaFile(tmp_path / "x-delta.vmdk") as delta:
        assert delta.list_blocks() == []
        assert [delta.read_block(number) for number in range(16)] == [None] * 16


@settings(max_examples=50, deadline=None)
@given(
    count=st.integers(min_value=1, max_value=3000),
    writes=st.lists(st.tuples(st.integers(min_value=0), st.integers(0, 255)), max_size=40),
)
def test_the_last_write_of_each_block_is_what_is_read(
    count: int, writes: list[tuple[int, int]]
) -> None:
    expected = {number % count: make_block(value) for number, value in writes}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "x-delta.vmdk"
        create_delta(path, count, 0o600)
        with DeltaFile(path) as delta:
            for number, value in writes:
                delta.write_block(number % count, make_block(value))
        with DeltaFile(path) as delta:
            assert delta.list_blocks() == sorted(expected)
            assert {number: delta.read_block(number) for number in expected} == expected


def test_a_delta_never_replaces_another(tmp_path: Path) -> None:
    create_delta(tmp_path / "x", 1, 0o600)
    with pytest.raises(FileExistsError):
        create_delta(tmp_path / "x", 1, 0o600)


@pytest.mark.parametrize("content", [b"", b"COWD" + bytes(100), bytes(8192)])
def test_a_file_that_is_no_delta_of_the_lab_is_refused_by_name(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "foreign-delta.vmdk").write_bytes(content)
    with pytest.raises(VmFileError, match=r"foreign-delta\.vmdk"):
        DeltaFile(tmp_path / "foreign-delta.vmdk")
