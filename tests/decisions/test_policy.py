"""What is wished for each VM: from the targets file, the table of attributes, and the default."""

import pytest

from hlb_hooks.base.config_schema import JobConfig
from hlb_hooks.base.errors import ConfigurationError
from hlb_hooks.decisions.attribute_table import AttributeRow, parse_attribute_table
from hlb_hooks.decisions.attributes import check_targets
from hlb_hooks.decisions.policy import Policy, decide_policies
from hlb_hooks.decisions.selection import ListedVm, select
from hlb_hooks.decisions.targets import parse_targets

STORE = "/vmfs/volumes/4a3b"
VMS = [ListedVm(f"{STORE}/{name}/{name}.vmx", name) for name in ("web", "db")]


def rows(text: str) -> list[AttributeRow]:
    return parse_attribute_table(f"Name,BCK_FVM,BCK_FIL\n{text}".encode(), "/t.csv")


def decide(
    targets: str, table: str = "", vms: list[ListedVm] = VMS, **job: object
) -> dict[str, Policy]:
    """Give the policies by the VMs' names."""
    config = JobConfig("gold", **job)  # type: ignore[arg-type]  # whatever a test says
    parsed = parse_targets(targets.encode(), "/targets")
    check_targets(parsed, config)
    chosen = select(vms, parsed).chosen
    policies = decide_policies(chosen, rows(table), vms, config)
    return {vm.name: policies[vm.vmx] for vm in chosen}


@pytest.mark.parametrize(
    ("targets", "table", "default", "word"),
    [
        ("web", "", "", None),
        ("web", "", "1W", "1W"),
        ("web BCK_FVM=1M", "", "1W", "1M"),
        ("web BCK_FVM=1M", "web,1Y,", "1W", "1M"),
        ("web", "web,1Y,", "1W", "1Y"),
        ("web", "db,1Y,", "1W", "1W"),
        ("web BCK_FVM=", "web,1Y,", "1W", None),
        ('web BCK_FVM=" 1m "', "", "", "1M"),
        ("web", "web,1q,", "", "1Q"),
        ("web", f"{STORE}/web/web.vmx,1Q,", "", "1Q"),
        ("w*", "web,1Q,", "", "1Q"),
        # A row is of one VM: a name with a star in it is a name.
        ("web", "w*,1Q,", "", None),
        ("web", "web,1D,\nweb,1d,", "", "1D"),
    ],
)
def test_the_targets_file_goes_before_the_table_and_both_before_the_default(
    targets: str, table: str, default: str, word: str | None
) -> None:
    interval = decide(targets, table, default_interval=default)["web"].interval
    assert (interval.word if interval else None) == word


def test_each_attribute_counts_for_itself_and_what_is_for_others_is_carried() -> None:
    policy = decide('web BCK_FVM=1M BCK_NOTE="a b"', "web,1Y,on")["web"]
    assert policy.attributes == {"BCK_FVM": "1M", "BCK_NOTE": "a b", "BCK_FIL": "ON"}
    assert policy.carried == "BCK_NOTE=a b BCK_FIL=ON"
    assert decide("web BCK_FIL=")["web"].carried == ""


def refuse(targets: str, table: str = "", **job: object) -> str:
    with pytest.raises(ConfigurationError) as caught:
        decide(targets, table, **job)  # type: ignore[arg-type]  # as above
    assert caught.value.next_step
    return caught.value.message


@pytest.mark.parametrize("word", ["1", "D", "2D", "1 D", "1D 1M", "[1D]", "daily", "0D"])
def test_a_value_that_is_none_of_the_words_is_named_with_its_place_and_vm(word: str) -> None:
    said = f'BCK_FVM = "{word}": expected one of 1D, 1W, 1M, 1Q, 1Y'
    assert refuse("web", f"db,1D,\nweb,{word},") == f"/t.csv, line 3: web: {said}"
    assert refuse(f'web\nx BCK_FVM="{word}"') == f"/targets, line 2: x: {said}"


def test_all_that_is_wrong_is_said_at_once() -> None:
    message = refuse("*", "web,1X,YES\ndb,1D,\ndb,1M,")
    assert message.splitlines() == [
        '/t.csv, line 2: web: BCK_FVM = "1X": expected one of 1D, 1W, 1M, 1Q, 1Y',
        '/t.csv, line 2: web: BCK_FIL = "YES": expected ON or OFF',
        "/t.csv, line 4: db: BCK_FVM = 1M, and line 3 says 1D",
    ]


def test_what_is_said_of_a_vm_that_is_not_here_or_not_chosen_is_no_error() -> None:
    assert decide("web", "elsewhere,1X,\ndb,1X,")["web"].interval is None
    assert decide("web\n!db", "db,1X,")["web"].interval is None


def test_the_targets_file_settles_what_the_table_cannot() -> None:
    twins = [ListedVm(f"{STORE}/{folder}/x.vmx", "twin") for folder in ("one", "two")]
    with pytest.raises(ConfigurationError, match=r"twin means 2 VMs: .*one/x\.vmx, .*two"):
        decide("*", "twin,1M,", twins)
    assert decide("* BCK_FVM=1D", "twin,1M,", twins)["twin"].interval is not None
    assert decide("web BCK_FVM=1D", "web,1M,\nweb,1Q,")["web"].attributes["BCK_FVM"] == "1D"
    assert decide("web BCK_FVM=1D", "web,1X,")["web"].attributes["BCK_FVM"] == "1D"


@pytest.mark.parametrize(
    ("word", "longest_days"), [("1D", 1), ("1W", 7), ("1M", 31), ("1Q", 92), ("1Y", 366)]
)
def test_an_interval_as_long_as_the_backups_are_kept_is_refused(
    word: str, longest_days: int
) -> None:
    said = f"below [jobs.gold] retention_days, {longest_days}:"
    assert said in refuse(f"web BCK_FVM={word}", retention_days=longest_days)
    assert said in refuse("web", f"web,{word},", retention_days=longest_days)
    assert decide(f"web BCK_FVM={word}", retention_days=longest_days + 1)
    assert decide("web", f"web,{word},", retention_days=longest_days + 1)
