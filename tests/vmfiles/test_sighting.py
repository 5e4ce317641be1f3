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
    # recorded, names in the .vmsd, chains now, fate, the snapshots of others
    (ONE, ["HLB-1"], {"scsi0:0": (D1, *BASE)}, Fate.MADE, ()),
    (ONE, [], {"scsi0:0": BASE}, Fate.ABSENT, ()),
    # The entry leaves the .vmsd before the merge is finished.
    (ONE, [], {"scsi0:0": (D1, *BASE)}, Fate.MERGING, ()),
    (ONE, [], {"scsi0:0": (D2, D1, *BASE)}, Fate.MERGING, ()),
    # Listed, and some disk is not one delta above.
    (ONE, ["HLB-1"], {"scsi0:0": BASE}, Fate.PARTLY_MADE, ()),
    (ONE, ["HLB-1"], {"scsi0:0": (D2, D1, *BASE)}, Fate.PARTLY_MADE, ()),
    (ONE, ["HLB-1"], {"scsi0:0": OTHER}, Fate.PARTLY_MADE, ()),
    (ONE, ["HLB-1"], {}, Fate.PARTLY_MADE, ()),
    (TWO, ["HLB-1"], {"scsi0:0": (D1, *BASE), "scsi0:1": OTHER}, Fate.PARTLY_MADE, ()),
    (
        TWO,
        ["HLB-1"],
        {"scsi0:0": (D1, *BASE), "scsi0:1": ("/v/b-000001.vmdk", *OTHER)},
        Fate.MADE,
        (),
    ),
    (TWO, [], {"scsi0:0": (D1, *BASE), "scsi0:1": OTHER}, Fate.MERGING, ()),
    (TWO, [], {"scsi0:0": BASE, "scsi0:1": OTHER}, Fate.ABSENT, ()),
    # A disk that is somewhere else altogether, or was taken out of the VM.
    (ONE, [], {"scsi0:0": OTHER}, Fate.DISPLACED, ()),
    (ONE, [], {"scsi0:0": (D1,)}, Fate.DISPLACED, ()),
    (ONE, [], {}, Fate.DISPLACED, ()),
    # A disk that was taken out of the VM tells nothing: the other does.
    (TWO, [], {"scsi0:0": (D1, *BASE)}, Fate.MERGING, ()),
    (TWO, [], {"scsi0:0": BASE}, Fate.ABSENT, ()),
    (TWO, [], {"scsi0:2": BASE}, Fate.DISPLACED, ()),
    # A disk that came to the VM meanwhile is none of ours.
    (ONE, ["HLB-1"], {"scsi0:0": (D1, *BASE), "scsi0:2": OTHER}, Fate.MADE, ()),
    # Another's snapshots are named, whatever became of ours.
    (ONE, ["mine", "HLB-1"], {"scsi0:0": (D2, D1, *BASE)}, Fate.PARTLY_MADE, ("mine",)),
    (ONE, ["HLB-1", "mine"], {"scsi0:0": (D1, *BASE)}, Fate.MADE, ("mine",)),
    # Ours is gone, and what is above the base is the other's own delta.
    (ONE, ["mine"], {"scsi0:0": (D1, *BASE)}, Fate.ABSENT, ("mine",)),
    (ONE, ["mine"], {"scsi0:0": (D2, D1, *BASE)}, Fate.MERGING, ("mine",)),
    (ONE, [""], {"scsi0:0": BASE}, Fate.ABSENT, ("",)),
    (ONE, ["HLB-2"], {"scsi0:0": (D1, *BASE)}, Fate.ABSENT, ("HLB-2",)),
    (ONE, ["hlb-1"], {"scsi0:0": (D1, *BASE)}, Fate.ABSENT, ("hlb-1",)),
    # The second of our name was not given by us.
    (ONE, ["HLB-1", "HLB-1"], {"scsi0:0": (D2, D1, *BASE)}, Fate.PARTLY_MADE, ("HLB-1",)),
    # A linked clone was on a delta before.
    ((record("scsi0:0", CLONE),), [], {"scsi0:0": CLONE}, Fate.ABSENT, ()),
    (
        (record("scsi0:0", CLONE),),
        ["HLB-1"],
        {"scsi0:0": ("/v/c-000002.vmdk", *CLONE)},
        Fate.MADE,
        (),
    ),
    ((record("scsi0:0", CLONE),), [], {"scsi0:0": CLONE[1:]}, Fate.DISPLACED, ()),
]


@pytest.mark.parametrize(("recorded", "names", "chains", "fate", "others"), TABLE)
def test_the_files_say_what_became_of_it(
    recorded: tuple[RecordedDisk, ...],
    names: list[str],
    chains: dict[str, tuple[str, ...]],
    fate: Fate,
    others: tuple[str, ...],
) -> None:
    sighting = sight_snapshots(["HLB-1"], recorded, names, chains)
    assert sighting.fate is fate
    assert sighting.name == "HLB-1"
    assert sighting.is_ours_there is ("HLB-1" in names)
    assert sighting.other_snapshots == others
    assert sighting.helpers == ()
    assert sighting.is_untouched is (fate is Fate.ABSENT and not others)


@pytest.mark.parametrize(
    "helper",
    ["Consolidate Helper", "Consolidated Helper-0", "CONSOLIDATE HELPER", "consolidate helper- 0"],
)
@pytest.mark.parametrize(
    ("names", "chain", "fate", "others"),
    [
        # The host's own helper is part of the merge: it accounts for no delta.
        ([], (D1, *BASE), Fate.MERGING, ()),
        ([], (D2, D1, *BASE), Fate.MERGING, ()),
        (["HLB-1"], (D2, D1, *BASE), Fate.PARTLY_MADE, ()),
        (["mine"], (D1, *BASE), Fate.ABSENT, ("mine",)),
        (["mine"], (D2, D1, *BASE), Fate.MERGING, ("mine",)),
        # Every disk is on its chain, but the .vmsd still lists a snapshot.
        ([], BASE, Fate.ABSENT, ()),
    ],
)
def test_a_helper_of_the_host_s_is_nobody_s_snapshot_and_accounts_for_nothing(
    helper: str, names: list[str], chain: tuple[str, ...], fate: Fate, others: tuple[str, ...]
) -> None:
    for listed in ([helper, *names], [*names, helper]):
        sighting = sight_snapshots(["HLB-1"], ONE, listed, {"scsi0:0": chain})
        assert (sighting.fate, sighting.other_snapshots) == (fate, others)
        assert sighting.helpers == (helper,)
        assert not sighting.is_untouched


@pytest.mark.parametrize(
    "name", ["Helper", "before Consolidate Helper", "Consolidate", "Consolidate-Helper", "consolid"]
)
def test_a_name_that_only_resembles_a_helper_s_is_somebody_s_snapshot(name: str) -> None:
    sighting = sight_snapshots(["HLB-1"], ONE, [name], {"scsi0:0": (D1, *BASE)})
    assert (sighting.other_snapshots, sighting.helpers) == ((name,), ())
    assert sighting.fate is Fate.ABSENT


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
