"""Which VMs are chosen: exact before pattern, leaving out before taking, and never by guess."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlb_hooks.base.errors import ConfigurationError
from hlb_hooks.base.text import escape
from hlb_hooks.decisions.selection import ListedVm, MatchedBy, Selection, select
from hlb_hooks.decisions.targets import Target, parse_targets

STORE = "/vmfs/volumes/4a3b-uuid"


def make_vm(directory: str, display_name: str | None = None, *aliases: str) -> ListedVm:
    """Give a VM in a directory of its own, on a datastore known by its UUID."""
    return ListedVm(f"{STORE}/{directory}/vm.vmx", display_name, aliases)


def choose(vms: Sequence[ListedVm], *lines: str) -> Selection:
    """Select by the lines of a targets file."""
    content = "\n".join(lines).encode("utf-8", "surrogateescape")
    return select(vms, parse_targets(content, "/etc/targets"))


def list_names(selection: Selection) -> list[str]:
    """Give the names of the chosen VMs."""
    return [vm.name for vm in selection.chosen]


@pytest.mark.parametrize(
    ("line", "matched_by"),
    [
        ("Web Server", MatchedBy.NAME),
        ("web (1)", MatchedBy.NAME),
        (f"{STORE}/web (1)/vm.vmx", MatchedBy.PATH),
        ("/vmfs/volumes/store 1/web (1)/vm.vmx", MatchedBy.PATH),
        ("Web*", MatchedBy.PATTERN),
        ("web ([0-9])", MatchedBy.PATTERN),
        ("?eb Serve[!a]", MatchedBy.PATTERN),
        (f"{STORE}/web*", MatchedBy.PATTERN),
        ("/vmfs/volumes/*/vm.vmx", MatchedBy.PATTERN),
        ("/vmfs/volumes/store */web*/vm.vmx", MatchedBy.PATTERN),
        ("*.vmx", MatchedBy.PATTERN),
    ],
)
def test_a_vm_is_found_by_each_of_its_names_and_by_patterns_of_them(
    line: str, matched_by: MatchedBy
) -> None:
    vm = make_vm("web (1)", "Web Server", "/vmfs/volumes/store 1/web (1)/vm.vmx")
    (chosen,) = choose([vm], line).chosen
    assert (chosen.vmx, chosen.name, chosen.matched_by) == (vm.vmx, "Web Server", matched_by)
    assert chosen.target.text == line


@pytest.mark.parametrize(
    "line",
    [
        "web server",
        "Web",
        "Web Server ",
        "web (2)",
        "vm.vmx",
        "vm",
        STORE,
        f"{STORE}/web (1)",
        f"{STORE}/WEB (1)/vm.vmx",
        "web*",
        "*vm*",
        "*uuid*",
        "[W]eb",
        "",
    ],
)
def test_what_is_no_name_of_a_vm_does_not_choose_it(line: str) -> None:
    vm = make_vm("x (1)", "Web Servers")
    selection = choose([vm], line)
    assert selection.not_named == (vm,)
    assert selection.chosen == ()
    assert selection.excluded == ()
    assert [target.text for target in selection.unmatched] == [line.strip()] * bool(line)


@pytest.mark.parametrize(
    ("lines", "is_chosen"),
    [
        (["web1"], True),
        (["!web1"], False),
        (["web1", "!web1"], False),
        (["web*", "!web*"], False),
        (["web*", "!web1"], False),
        (["web1", "!web*"], True),
        (["*", "!web?"], False),
        (["web1", f"!{STORE}/dir1/vm.vmx"], False),
        (["!web1", f"{STORE}/dir1/vm.vmx"], False),
        (["dir1", "!web1"], False),
        ([f"{STORE}/dir1/vm.vmx", "!*"], True),
        (["dir1", "!web*", "!*"], True),
        ([f"{STORE}/*", "!web1*"], False),
    ],
)
def test_an_exact_line_goes_before_a_pattern_and_of_the_same_sort_leaving_out_wins(
    lines: list[str], is_chosen: bool
) -> None:
    vm = make_vm("dir1", "web1")
    for order in (lines, lines[::-1]):
        selection = choose([vm], *order)
        assert bool(selection.chosen) is is_chosen
        assert bool(selection.excluded) is not is_chosen
        assert not selection.not_named
        assert not selection.unmatched


def test_a_vm_that_is_left_out_says_by_which_line() -> None:
    (excluded,) = choose([make_vm("web1")], "*", "!web?").excluded
    assert (excluded.target.line_number, excluded.matched_by) == (2, MatchedBy.PATTERN)


def test_vms_come_in_the_order_of_the_inventory() -> None:
    vms = [make_vm(name) for name in ("c", "a", "d", "b")]
    assert list_names(choose(vms, "a", "b", "c", "d")) == ["c", "a", "d", "b"]
    assert list_names(choose(vms, "!d", "*")) == ["c", "a", "b"]


def test_a_path_that_the_host_lists_twice_is_one_vm_in_its_first_place() -> None:
    vms = [make_vm("a"), make_vm("b"), make_vm("a")]
    assert list_names(choose(vms, "a", "b")) == ["a", "b"]


@pytest.mark.parametrize(
    ("vm", "name"),
    [
        (make_vm("dir", "Name"), "Name"),
        (make_vm("dir", None), "dir"),
        (make_vm("dir", ""), "dir"),
        (ListedVm("alone.vmx"), "alone.vmx"),
    ],
)
def test_a_vm_is_spoken_of_by_its_display_name_or_else_its_directory(
    vm: ListedVm, name: str
) -> None:
    assert list_names(choose([vm], "*")) == [name]


def test_lines_that_match_no_vm_are_listed_in_their_order_and_are_no_error() -> None:
    selection = choose([make_vm("web1")], "gone", "web1", "web*", "!old*", "/vmfs/x/x.vmx", "web[1")
    assert [target.line_number for target in selection.unmatched] == [1, 4, 5, 6]


def test_no_vms_and_no_targets_are_fine() -> None:
    assert choose([]) == Selection((), (), (), ())
    assert [target.name for target in choose([], "a", "*").unmatched] == ["a", "*"]


@pytest.mark.parametrize("mark", ["", "!"])
@pytest.mark.parametrize(
    "vms",
    [
        [make_vm("a", "web"), make_vm("b", "web")],
        [make_vm("web", "A"), make_vm("b", "web")],
        [make_vm("x/web"), make_vm("y/web")],
        [make_vm("a", "A", "web"), make_vm("b", "B", "web")],
    ],
    ids=["display names", "display and directory", "directories", "aliases"],
)
def test_a_name_that_two_vms_share_is_an_error_asking_for_the_path(
    vms: list[ListedVm], mark: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        choose(vms, "a*", f"{mark}web", "zzz")
    message = caught.value.message
    assert message == f"/etc/targets, line 2: web means 2 VMs: {vms[0].vmx}, {vms[1].vmx}"
    assert ".vmx path" in caught.value.next_step
    assert caught.value.exit_code == 2


def test_every_shared_name_is_told_at_once() -> None:
    vms = [make_vm(f"{name}{number}", name) for name in "ab" for number in "12"]
    with pytest.raises(ConfigurationError) as caught:
        choose(vms, "a", "b")
    assert [line.split(":")[0][-1] for line in caught.value.message.splitlines()] == ["1", "2"]


def test_a_shared_name_that_no_line_uses_is_no_error() -> None:
    vms = [make_vm("a", "web"), make_vm("b", "web")]
    assert list_names(choose(vms, f"{STORE}/a/vm.vmx")) == ["web"]
    assert list_names(choose(vms, "we*")) == ["web", "web"]


def test_one_vm_whose_names_are_equal_is_not_ambiguous() -> None:
    assert list_names(choose([make_vm("web", "web", "web")], "web")) == ["web"]


def test_a_path_means_its_vm_even_if_another_calls_itself_so() -> None:
    path = f"{STORE}/a/vm.vmx"
    vms = [make_vm("a", "A"), make_vm("b", path), make_vm("c", "C", path)]
    assert list_names(choose(vms, path)) == ["A"]


def test_a_name_with_wildcards_is_exact_where_a_vm_has_it_and_else_a_pattern() -> None:
    assert list_names(choose([make_vm("web[1]"), make_vm("web1")], "web[1]")) == ["web[1]"]
    assert list_names(choose([make_vm("web2"), make_vm("web1")], "web[1]")) == ["web1"]


@pytest.mark.parametrize(
    "name",
    ["two\nlines", "tab\tbed", "back\\slash", "na\udcefve", "\u202eevil", " blank ", "C:\\new"],
)
def test_a_name_may_be_written_as_the_report_shows_it(name: str) -> None:
    vms = [make_vm("other"), make_vm("d", name), make_vm(name + "-dir", "X")]
    written = escape(name)
    if name == " blank ":
        written = r"\x20blank\x20"
    assert list_names(choose(vms, written)) == [name]
    assert list_names(choose(vms, f"{written}-d?r")) == ["X"]
    assert list_names(choose(vms, f"{STORE}/{written}-dir/vm.vmx")) == ["X"]


@pytest.mark.parametrize("name", ["back\\slash", "na\udcefve", "C:\\new", "tab\tbed", r"\x"])
def test_a_name_may_be_written_raw(name: str) -> None:
    assert list_names(choose([make_vm("d", name), make_vm("other")], name)) == [name]


def test_a_name_that_is_anothers_escaped_form_is_ambiguous() -> None:
    vms = [make_vm("a", "two\nlines"), make_vm("b", r"two\nlines")]
    with pytest.raises(ConfigurationError, match="means 2 VMs"):
        choose(vms, r"two\nlines")
    assert list_names(choose(vms, r"two\\nlines")) == [r"two\nlines"]


def test_attributes_come_from_the_line_that_decided() -> None:
    lines = ["* BCK_X=all BCK_Y=1", "web* BCK_X=web", "web1 BCK_X=one", "web3"]
    vms = [make_vm(name) for name in ("web1", "web2", "web3", "db")]
    for order in (lines, lines[::-1]):
        assert [vm.attributes for vm in choose(vms, *order).chosen] == [
            {"BCK_X": "one"},
            {"BCK_X": "web"},
            {},
            {"BCK_X": "all", "BCK_Y": "1"},
        ]


NAMES = st.text("ab*?[]!-\\n", min_size=1, max_size=4)
VMS = st.lists(
    st.builds(make_vm, NAMES, st.none() | NAMES),
    max_size=6,
    unique_by=lambda vm: vm.vmx,
)


@st.composite
def any_targets(draw: st.DrawFn) -> list[Target]:
    """Give targets with names and patterns of the same few letters as the VMs."""
    names = draw(st.lists(st.tuples(NAMES, st.booleans()), max_size=6, unique=True))
    return [
        Target(number, name, name, excludes, {"BCK_N": name}, "t")
        for number, (name, excludes) in enumerate(names, start=1)
    ]


def select_if_clear(vms: Sequence[ListedVm], targets: Sequence[Target]) -> Selection | None:
    """Select, or give nothing where a name is shared."""
    try:
        return select(vms, targets)
    except ConfigurationError:
        return None


def is_matched_plainly(vm: ListedVm, text: str) -> bool:
    """Tell whether a name or pattern without escapes and ``/`` is that of a VM, the slow way."""
    own = {vm.display_name or vm.directory_name, vm.directory_name}
    return any(text == name or fnmatchcase(name, text) for name in own)


@given(VMS, any_targets())
def test_every_vm_of_the_inventory_is_in_one_place_and_in_order(
    vms: list[ListedVm], targets: list[Target]
) -> None:
    if selection := select_if_clear(vms, targets):
        places = [
            [vm.vmx for vm in group]
            for group in (selection.chosen, selection.excluded, selection.not_named)
        ]
        order = [vm.vmx for vm in vms]
        assert sorted(vmx for place in places for vmx in place) == sorted(order)
        for place in places:
            assert place == sorted(place, key=order.index)


@given(VMS, any_targets())
def test_a_vm_that_is_left_out_by_an_exact_line_is_never_chosen(
    vms: list[ListedVm], targets: list[Target]
) -> None:
    if selection := select_if_clear(vms, targets):
        left_out = {target.name for target in targets if target.excludes}
        for chosen in selection.chosen:
            (vm,) = [vm for vm in vms if vm.vmx == chosen.vmx]
            assert left_out.isdisjoint({vm.display_name, vm.directory_name, vm.vmx})


@given(VMS, any_targets())
def test_every_decision_names_a_line_that_really_matches(
    vms: list[ListedVm], targets: list[Target]
) -> None:
    plain = [target for target in targets if "\\" not in target.name]
    if selection := select_if_clear(vms, plain):
        by_path = {vm.vmx: vm for vm in vms}
        for decided in (*selection.chosen, *selection.excluded):
            assert is_matched_plainly(by_path[decided.vmx], decided.target.name)
        for vm in selection.chosen:
            assert not vm.target.excludes
        for target in plain:
            has_match = any(is_matched_plainly(vm, target.name) for vm in vms)
            assert (target in selection.unmatched) is not has_match


@given(VMS, any_targets(), st.randoms(use_true_random=False))
def test_the_order_of_the_lines_plays_no_part(
    vms: list[ListedVm], targets: list[Target], random: Random
) -> None:
    shuffled = list(targets)
    random.shuffle(shuffled)
    first, second = select_if_clear(vms, targets), select_if_clear(vms, shuffled)
    assert (first is None) == (second is None)
    if first and second:
        assert (first.chosen, first.excluded, first.not_named) == (
            second.chosen,
            second.excluded,
            second.not_named,
        )
        assert {target.line_number for target in first.unmatched} == {
            target.line_number for target in second.unmatched
        }


@given(st.text(min_size=1), st.text(min_size=1))
def test_any_text_is_a_pattern_that_python_can_read(pattern: str, name: str) -> None:
    target = Target(1, pattern, pattern, excludes=False, attributes={}, path="t")
    select([ListedVm(f"/{name}/vm.vmx", name)], [target])


def test_ten_thousand_vms_and_five_hundred_targets_are_each_found_by_their_own_line() -> None:
    vms = [make_vm(f"dir {number}", f"vm {number}") for number in range(10_000)]
    lines = [f"vm {number}" for number in range(250)] + [f"vm ?{n:03}" for n in range(250)]
    selection = choose(vms, *lines)
    assert len(selection.chosen) == 250 + 9 * 250
    assert selection.unmatched == ()
