"""Data files that a client's file cache takes for unchanged."""

from dataclasses import replace

import pytest

from hlb_hooks.decisions.unmoved import find_unmoved
from hlb_hooks.vmfiles.sighting import RecordedDisk

FLAT, SECOND = "/v/a/a-flat.vmdk", "/v/a/a-s002.vmdk"
DISK = RecordedDisk(
    "scsi0:0", ("/v/a/a.vmdk",), "0123abcd", ((FLAT, 512), (SECOND, 1024)), (1_000, 2_000)
)


@pytest.mark.parametrize(
    ("now", "unmoved"),
    [
        (DISK, [FLAT, SECOND]),
        (replace(DISK, modified_ns=(1_000, 2_001)), [FLAT]),
        (replace(DISK, modified_ns=(1_001, 2_000)), [SECOND]),
        (replace(DISK, modified_ns=(1_001, 2_001)), []),
        # Set back is moved too: the cache compares, and knows no direction.
        (replace(DISK, modified_ns=(999, 0)), []),
        (replace(DISK, extents=((FLAT, 513), (SECOND, 1024))), [SECOND]),
        (replace(DISK, extents=(("/v/b/a-flat.vmdk", 512), (SECOND, 1024))), [SECOND]),
        # The stamps of one file are not another's.
        (replace(DISK, extents=((SECOND, 512), (FLAT, 1024))), []),
        # On another node, with another content id, or through another descriptor: the same file.
        (replace(DISK, node="scsi0:1", top_cid="1", chain=("/v/a/b.vmdk",)), [FLAT, SECOND]),
        # What an older version recorded has no mtimes.
        (replace(DISK, modified_ns=()), []),
        (replace(DISK, modified_ns=(1_000,)), [FLAT]),
    ],
)
def test_a_file_is_unmoved_with_the_same_path_size_and_mtime(
    now: RecordedDisk, unmoved: list[str]
) -> None:
    assert find_unmoved([DISK], [now]) == unmoved
    assert find_unmoved([now], [DISK]) == unmoved


def test_the_files_of_all_disks_count_in_their_order() -> None:
    disks = [
        replace(DISK, node=f"scsi0:{number}", extents=((f"/v/{number}", 1),), modified_ns=(number,))
        for number in range(4)
    ]
    moved = [replace(disk, modified_ns=(9,)) if disk is disks[2] else disk for disk in disks]
    assert find_unmoved(reversed(disks), moved) == ["/v/0", "/v/1", "/v/3"]


@pytest.mark.parametrize(("before", "now"), [([], [DISK]), ([DISK], []), ([], [])])
def test_a_disk_that_came_or_went_has_nothing_to_compare(
    before: list[RecordedDisk], now: list[RecordedDisk]
) -> None:
    assert find_unmoved(before, now) == []
