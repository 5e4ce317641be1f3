"""What became of a snapshot, from names and chains alone."""

import json

import pytest

from hlb_hooks.vmfiles.sighting import Fate, RecordedDisk, sight_snapshots

BASE, OTHER = ("/v/a.vmdk",), ("/v/b.vmdk",)
D1, D2 = "/v/a-000001.vmdk", "/v/a-000002.vmdk"
CLONE = ("/v/c-000001.vmdk", "/p/parent.vmdk")


def record(node: str, chain: tuple[str, ...]) -> RecordedDisk:
    return RecordedDisk(node, chain, "0123abcd", ((f"{chain[0]}-flat", 1),))


ONE = (record("scsi0:0", BASE),)
TWO = (*ONE, record("scsi0:1", OTHER))

TABLE = [
    # recorded, names in the .vmsd, chains now, fate, others, nodes above
    (ONE, ["HLB-1"], {"scsi0:0": (D1, *BASE)}, Fate.MADE, (), ("scsi0:0",)),
    (ONE, [], {"scsi0:0": BASE}, Fate.ABSENT, (), ()),
    # The entry leaves the .vmsd before the merge is finished.
    (ONE, [], {"scsi0:0": (D1, *BASE)}, Fate.MERGING, (), ("scsi0:0",)),
    (ONE, [], {"scsi0:0": (D2, D1, *BASE)}, Fate.MERGING, (), ("scsi0:0",)),
    # Listed, and some disk is not one delta above.
    (ONE, ["HLB-1"], {"scsi0:0": BASE}, Fate.PARTLY_MADE, (), ()),
    (ONE, ["HLB-1"], {"scsi0:0": (D2, D1, *BASE)}, Fate.PARTLY_MADE, (), ("scsi0:0",)),
    (ONE, ["HLB-1"], {"scsi0:0": OTHER}, Fate.PARTLY_MADE, (), ()),
    (ONE, ["HLB-1"], {}, Fate.PARTLY_MADE, (), ()),
    (
        TWO,
        ["HLB-1"],
        {"scsi0:0": (D1, *BASE), "scsi0:1": OTHER},
        Fate.PARTLY_MADE,
        (),
        ("scsi0:0",),
    ),
    (
        TWO,
        ["HLB-1"],
        {"scsi0:0": (D1, *BASE), "scsi0:1": ("/v/b-000001.vmdk", *OTHER)},
        Fate.MADE,
        (),
        ("scsi0:0", "scsi0:1"),
    ),
    (TWO, [], {"scsi0:0": (D1, *BASE), "scsi0:1": OTHER}, Fate.MERGING, (), ("scsi0:0",)),
    (TWO, [], {"scsi0:0": BASE, "scsi0:1": OTHER}, Fate.ABSENT, (), ()),
    # A disk that is somewhere else altogether, or was taken out of the VM.
    (ONE, [], {"scsi0:0": OTHER}, Fate.DISPLACED, (), ()),
    (ONE, [], {"scsi0:0": (D1,)}, Fate.DISPLACED, (), ()),
    (ONE, [], {}, Fate.DISPLACED, (), ()),
    (TWO, [], {"scsi0:0": (D1, *BASE)}, Fate.DISPLACED, (), ("scsi0:0",)),
    # A disk that came to the VM meanwhile is none of ours.
    (ONE, ["HLB-1"], {"scsi0:0": (D1, *BASE), "scsi0:2": OTHER}, Fate.MADE, (), ("scsi0:0",)),
    # Another's snapshots are named, whatever became of ours.
    (ONE, ["mine", "HLB-1"], {"scsi0:0": (D2, D1, *BASE)}, Fate.PARTLY_MADE, ("mine",), None),
    (ONE, ["HLB-1", "mine"], {"scsi0:0": (D1, *BASE)}, Fate.MADE, ("mine",), None),
    # Ours is gone, and what is above the base is the other's own delta.
    (ONE, ["mine"], {"scsi0:0": (D1, *BASE)}, Fate.ABSENT, ("mine",), None),
    (ONE, ["mine"], {"scsi0:0": (D2, D1, *BASE)}, Fate.MERGING, ("mine",), None),
    (ONE, [""], {"scsi0:0": BASE}, Fate.ABSENT, ("",), None),
    (ONE, ["HLB-2"], {"scsi0:0": (D1, *BASE)}, Fate.ABSENT, ("HLB-2",), None),
    (ONE, ["hlb-1"], {"scsi0:0": (D1, *BASE)}, Fate.ABSENT, ("hlb-1",), None),
    # The host's own helper is part of the merge, and the VM is not back on its base.
    (ONE, ["Consolidate Helper"], {"scsi0:0": (D1, *BASE)}, Fate.MERGING, None, None),
    (ONE, ["Consolidated Helper-0"], {"scsi0:0": (D1, *BASE)}, Fate.MERGING, None, None),
    (ONE, ["Consolidate Helper"], {"scsi0:0": (D2, D1, *BASE)}, Fate.MERGING, None, None),
    (ONE, ["Consolidate Helper"], {"scsi0:0": BASE}, Fate.ABSENT, None, None),
    # The second of our name was not given by us.
    (ONE, ["HLB-1", "HLB-1"], {"scsi0:0": (D2, D1, *BASE)}, Fate.PARTLY_MADE, ("HLB-1",), None),
    # A linked clone was on a delta before.
    ((record("scsi0:0", CLONE),), [], {"scsi0:0": CLONE}, Fate.ABSENT, (), ()),
    (
        (record("scsi0:0", CLONE),),
        ["HLB-1"],
        {"scsi0:0": ("/v/c-000002.vmdk", *CLONE)},
        Fate.MADE,
        (),
        ("scsi0:0",),
    ),
    ((record("scsi0:0", CLONE),), [], {"scsi0:0": CLONE[1:]}, Fate.DISPLACED, (), ()),
]


@pytest.mark.parametrize(("recorded", "names", "chains", "fate", "others", "above"), TABLE)
def test_the_files_say_what_became_of_it(
    recorded: tuple[RecordedDisk, ...],
    names: list[str],
    chains: dict[str, tuple[str, ...]],
    fate: Fate,
    others: tuple[str, ...] | None,
    above: tuple[str, ...] | None,
) -> None:
    sighting = sight_snapshots(["HLB-1"], recorded, names, chains)
    assert sighting.fate is fate
    assert sighting.name == "HLB-1"
    assert sighting.is_ours_there is ("HLB-1" in names)
    if others is not None:
        assert sighting.other_snapshots == others
    if above is not None:
        assert sighting.nodes_above == above


@pytest.mark.parametrize(
    ("names", "name", "fate"),
    [
        (["HLB-1"], "HLB-1", Fate.MADE),
        (["HLB-2"], "HLB-2", Fate.MADE),
        ([], "HLB-2", Fate.MERGING),
        (["HLB-2", "HLB-1"], "HLB-1", Fate.PARTLY_MADE),
    ],
)
def test_of_several_attempts_the_one_that_is_there_counts(
    names: list[str], name: str, fate: Fate
) -> None:
    sighting = sight_snapshots(["HLB-1", "HLB-2"], ONE, names, {"scsi0:0": (D1, *BASE)})
    assert (sighting.name, sighting.fate, sighting.other_snapshots) == (name, fate, ())


def test_a_recorded_disk_is_read_back_through_json() -> None:
    disk = RecordedDisk("ide0:1", ("/a \udcff\n", "/b"), "ffffffff", (("/x", 2**62), ("/y", 0)))
    assert RecordedDisk.from_json(json.loads(json.dumps(disk.to_json()))) == disk


@pytest.mark.parametrize(
    "entry",
    [{}, {"node": "a", "chain": ["b"], "top_cid": "c"}]
    + [
        {"node": "a", "chain": ["b"], "top_cid": "c", "extents": extents}
        for extents in ([1], [[1]])
    ]
    + [{"node": "a", "chain": ["b"], "top_cid": "c", "extents": [["x", "y"]]}],
)
def test_an_entry_of_another_form_is_refused(entry: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        RecordedDisk.from_json(entry)
