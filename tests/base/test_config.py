"""hlb.toml: what it may say, what is refused and how, and the form stored with a run."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlb_hooks.base.config import Config, find_config_path, job_of_script, load_config
from hlb_hooks.base.config_kinds import (
    AbsolutePath,
    Choice,
    Flag,
    HostName,
    Kind,
    Number,
    OptionalPath,
    Patterns,
    Whole,
    describe_value,
)
from hlb_hooks.base.config_schema import JobConfig, list_keys
from hlb_hooks.base.errors import ConfigurationError, UsageError

# Each key: its default, another allowed value, values of a wrong type, impossible values; as TOML.
SECONDS = (["true", '"60"', "1.5"], ["0", "-1", "99999999999"])
PATHS = (["true", "1", '["/a"]'], ['""', '"var/hlb"', '"~/x"', '"/a\\u0000b"'])
FLAGS = (["0", "1", '"true"'], ['"yes"', "[]"])
COUNTS = (["true", '"2"', "2.0"], ["0", "-1", "1001"])
PERCENTS = (["true", '"10%"', "9.5"], ["-1", "101"])
KEYS: dict[str, tuple[Any, str, tuple[list[str], list[str]]]] = {
    "host.driver": (
        "vmware-cmd",
        '"vmware-cmd"',
        (["true", "1", '["vmware-cmd"]'], ['""', '"vim-cmd"', '"VMWARE-CMD"']),
    ),
    "host.vmware_cmd": ("/usr/bin/vmware-cmd", '"/opt/a b/vmware-cmd"', PATHS),
    "host.name": ("", '"esx-1.bank"', (["true", "1"], ['"esx 1"', '"a/b"', '"esx\\n1"'])),
    "host.command_timeout_seconds": (60, "5", SECONDS),
    "host.power_timeout_seconds": (600, "5", SECONDS),
    "paths.state_dir": ("/usr/local/avamar/var/hlb", '"/srv/hlb"', PATHS),
    "paths.log_file": ("/usr/local/avamar/var/hlb/hlb.log", '"/srv/hlb.log"', PATHS),
    "paths.scripts_dir": ("/usr/local/avamar/etc/scripts", '"/opt/client/scripts"', PATHS),
    "paths.metrics_file": ("", '"/srv/metrics/hlb.prom"', (["true", "1"], ['"hlb.prom"'])),
    "paths.report_dir": ("", '"/srv/reports"', (["true", "1"], ['"reports"'])),
    "run.owner": (
        ("avtar*",),
        '["borgmatic*", "restic"]',
        (['"avtar*"', "1", "[1]", '["a", true]'], ["[]", '[""]', '["avtar*", " "]']),
    ),
    "run.on_failure": ("continue", '"abort"', (["true", "0"], ['"stop"', '""'])),
    "run.end_exit": ("all", '"data"', (["false", "4"], ['"none"', '"ALL"'])),
    "run.language": ("en", '"pl"', (["true", "1"], ['"de"', '"pl_PL"'])),
    "run.start_budget_seconds": (1800, "20", SECONDS),
    "run.end_budget_seconds": (900, "20", SECONDS),
    "run.lock_timeout_seconds": (30, "5", SECONDS),
    "run.guard_start_timeout_seconds": (60, "5", SECONDS),
    "run.guard_poll_seconds": (2.0, "0.25", (["true", '"2"'], ["0", "-1.0", "nan", "inf", "61"])),
    "run.guard_retry_seconds": (60, "5", SECONDS),
    "run.alarm_late_hours": (2, "0", (["true", '"2"', "2.5"], ["-1", "8761"])),
    "run.keep_days": (400, "7", (["true", '"400"', "30.5"], ["0", "6", "36501"])),
    "snapshot.quiesce": ("try", '"off"', (["true", "1"], ['"yes"', '""'])),
    "snapshot.memory": (False, "true", FLAGS),
    "snapshot.parallel": (2, "8", COUNTS),
    "snapshot.parallel_per_datastore": (1, "4", COUNTS),
    "snapshot.remove_parallel": (1, "3", COUNTS),
    "snapshot.create_timeout_seconds": (600, "30", SECONDS),
    "snapshot.settle_timeout_seconds": (60, "30", SECONDS),
    "snapshot.remove_timeout_seconds": (14400, "30", SECONDS),
    "snapshot.min_free_percent": (10, "100", PERCENTS),
    "snapshot.min_free_gib": (20, "0", (["true", '"20"', "20.0"], ["-1", "0x" + "f" * 5000])),
    "snapshot.emergency_free_percent": (3, "0", PERCENTS),
    "snapshot.alarm_open_hours": (12, "1", (["true", '"12"', "0.5"], ["0", "-12", "8761"])),
    "snapshot.allow_linked_clones": (False, "true", FLAGS),
    "jobs.default.targets": (
        "/usr/local/avamar/etc/hlb/targets",
        '"/etc/hlb/cele ł"',
        PATHS,
    ),
    "jobs.default.attributes": ("", '"/etc/hlb/vms.csv"', (["true", "1"], ['"vms.csv"'])),
    "jobs.default.default_interval": ("", '"1W"', (["true", "1"], ['"1w"', '"2D"', '"daily"'])),
    "jobs.default.due_slack_hours": (6, "0", (["true", '"6"', "6.5"], ["-1", "24"])),
    "jobs.default.success": ("read", '"hooks"', (["true", "1"], ['""', '"OK_read"'])),
    "jobs.default.retention_days": (0, "60", (["true", '"60"', "60.5"], ["-1", "36501"])),
}
REFUSED = [
    (key, value) for key, (_, _, wrong) in KEYS.items() for values in wrong for value in values
]


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    """Give the path of a configuration that does not exist yet."""
    return tmp_path / "hlb.toml"


def write(path: Path, content: str | bytes) -> str:
    """Write a configuration that only its owner may write, and give its path."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(0o644)
    return str(path)


def set_one(key: str, value: str) -> str:
    """Give a configuration that sets one key."""
    section, _, name = key.rpartition(".")
    return f"[{section}]\n{name} = {value}\n"


def read_one(config: Config, key: str) -> object:
    """Give the value of one key."""
    section, _, name = key.rpartition(".")
    holder = config.job("default") if section == "jobs.default" else getattr(config, section)
    return getattr(holder, name)


def explain_refusal(path: str) -> ConfigurationError:
    """Load a configuration that must be refused, and give the error."""
    with pytest.raises(ConfigurationError) as caught:
        load_config(path)
    return caught.value


def test_the_tables_here_know_every_key_of_the_schema() -> None:
    assert sorted(KEYS) == sorted(f"{key.section}.{key.name}" for key in list_keys())


@pytest.mark.parametrize("key", list_keys(), ids=lambda key: f"{key.section}.{key.name}")
def test_every_key_is_described_for_the_reference(key: Any) -> None:
    assert key.default == KEYS[f"{key.section}.{key.name}"][0]
    assert key.type_words
    assert key.allowed_words
    assert key.description.endswith(".")
    assert "\n" not in key.description


def test_an_empty_file_means_the_defaults(config_file: Path) -> None:
    config = load_config(write(config_file, ""))
    assert config == Config(str(config_file))
    assert {key: read_one(config, key) for key in KEYS} == {
        key: default for key, (default, _, _) in KEYS.items()
    }
    assert list(config.jobs) == ["default"]


@pytest.mark.parametrize("key", KEYS)
def test_a_default_written_into_the_file_changes_nothing(config_file: Path, key: str) -> None:
    text = set_one(key, describe_value(KEYS[key][0]))
    assert load_config(write(config_file, text)) == Config(str(config_file))


@pytest.mark.parametrize("key", KEYS)
def test_a_key_takes_the_value_from_the_file(config_file: Path, key: str) -> None:
    text = KEYS[key][1]
    config = load_config(write(config_file, set_one(key, text)))
    found = read_one(config, key)
    assert (list(found) if isinstance(found, tuple) else found) == (
        text == "true" if text in {"true", "false"} else json.loads(text)
    )


def test_a_whole_number_of_seconds_is_a_float_where_fractions_are_allowed(
    config_file: Path,
) -> None:
    config = load_config(write(config_file, set_one("run.guard_poll_seconds", "3")))
    assert isinstance(config.run.guard_poll_seconds, float)


@pytest.mark.parametrize(("key", "value"), REFUSED)
def test_a_value_that_is_wrong_is_named_with_what_is_allowed(
    config_file: Path, key: str, value: str
) -> None:
    error = explain_refusal(write(config_file, set_one(key, value)))
    (described,) = [each for each in list_keys() if f"{each.section}.{each.name}" == key]
    first_line = error.message.splitlines()[0]
    assert first_line.startswith(f"{config_file}: {key} = ")
    assert first_line.endswith(f": expected {described.type_words}, {described.allowed_words}")
    assert error.exit_code == 2
    assert error.next_step


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("true", "true"),
        ("-7", "-7"),
        ('"seven"', '"seven"'),
        ('"a\\u001b[31mred\\n"', r'"a\x1b[31mred\n"'),
        ("[1, false]", "[1, false]"),
        ("{ a = 1 }", "a table"),
        ("2026-11-22", "2026-11-22"),
        ("nan", "nan"),
        ("0x" + "f" * 5000, "an integer of 20000 bits"),
        ('"' + "x" * 500 + '"', '"' + "x" * 119 + "..."),
    ],
)
def test_the_value_is_shown_as_it_was_found(config_file: Path, value: str, shown: str) -> None:
    error = explain_refusal(write(config_file, set_one("snapshot.parallel", value)))
    assert f"snapshot.parallel = {shown}: expected" in error.message


@pytest.mark.parametrize("key", KEYS)
def test_an_unknown_neighbour_of_a_key_is_refused_with_a_suggestion(
    config_file: Path, key: str
) -> None:
    error = explain_refusal(write(config_file, set_one(key + "s", '"x"')))
    assert f'{config_file}: {key}s = "x": unknown key, did you mean {key}?' in error.message


@pytest.mark.parametrize("key", KEYS)
def test_hyphens_and_capitals_do_not_hide_what_was_meant(config_file: Path, key: str) -> None:
    section, _, name = key.rpartition(".")
    misspelt = f"{section}.{name.upper().replace('_', '-')}"
    error = explain_refusal(write(config_file, set_one(misspelt, "1")))
    assert f"did you mean {key}?" in error.message


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[hots]\n", "[hots]: unknown section, did you mean [host]?"),
        ("[RUN]\n", "[RUN]: unknown section, did you mean [run]?"),
        (
            "[job]\n",
            "[job]: unknown section, did you mean [jobs]?",
        ),
        (
            "[wholly]\n",
            "[wholly]: unknown section, sections are [host], [paths], [run], [snapshot], [jobs]",
        ),
        (
            'driver = "vmware-cmd"\n',
            'driver = "vmware-cmd": unknown key outside any section, it belongs under [host]',
        ),
        (
            'run.quiesce = "on"\n',
            'run.quiesce = "on": unknown key, it belongs under [snapshot]',
        ),
        (
            "host.zzz = 1\n",
            "host.zzz = 1: unknown key, [host] has driver, vmware_cmd, name,"
            " command_timeout_seconds, power_timeout_seconds",
        ),
        ("host = 3\n", "host = 3: expected a table, [host]"),
        ("[[snapshot]]\n", "snapshot = [a table]: expected a table, [snapshot]"),
        ("jobs = 3\n", "jobs = 3: expected tables, [jobs.NAME]"),
        ('[jobs]\ntargets = "/x"\n', 'jobs.targets = "/x": expected a table, [jobs.targets]'),
        ("[jobs.gold]\n", "jobs.gold.targets is missing: expected string, an absolute path"),
        (
            '[jobs."a b"]\ntargets = "/x"\n',
            'jobs."a b" = a table: expected a job\'s name of 1 to 32 characters'
            " from A-Z a-z 0-9 _ -",
        ),
    ],
)
def test_whatever_stands_in_the_wrong_place_is_one_line(
    config_file: Path, text: str, line: str
) -> None:
    error = explain_refusal(write(config_file, text))
    assert error.message == f"{config_file}: {line}"


@pytest.mark.parametrize("name", ['""', f'"{"x" * 33}"', '"gold.silver"', '"złoty"', '"a/b"'])
def test_a_job_needs_a_name_that_can_be_part_of_a_file_name(config_file: Path, name: str) -> None:
    error = explain_refusal(write(config_file, f'[jobs.{name}]\ntargets = "/x"\n'))
    assert "expected a job's name" in error.message


def test_all_problems_are_told_at_once_each_on_a_line_with_the_file(config_file: Path) -> None:
    text = (
        "[host]\ndriver = 1\nspeed = 2\n[snapshot]\nparallel = 0\nemergency_free_percent = 50\n"
        "[jobs.gold]\n"
    )
    lines = explain_refusal(write(config_file, text)).message.splitlines()
    assert len(lines) == 5
    assert all(line.startswith(f"{config_file}: ") for line in lines)
    for problem in (
        "host.driver = 1",
        "host.speed = 2",
        "snapshot.parallel = 0",
        "snapshot.emergency_free_percent = 50",
        "jobs.gold.targets is missing",
    ):
        assert any(problem in line for line in lines)


@pytest.mark.parametrize(
    ("emergency", "minimum", "is_allowed"),
    [(3, 10, True), (9, 10, True), (10, 10, False), (11, 10, False), (3, 0, True), (0, 1, True)],
)
def test_the_emergency_comes_below_the_free_space_asked_for_unless_none_is(
    config_file: Path, emergency: int, minimum: int, is_allowed: bool
) -> None:
    path = write(
        config_file,
        f"[snapshot]\nemergency_free_percent = {emergency}\nmin_free_percent = {minimum}\n",
    )
    if is_allowed:
        assert load_config(path).snapshot.emergency_free_percent == emergency
    else:
        assert "expected less than snapshot.min_free_percent, 10" in explain_refusal(path).message


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[host]\ndriver == 1\n", "line 2, column 9"),
        ("[host]\ndriver = 1\ndriver = 2\n", "line 3, column 11"),
        ("[host", "line 1, column 6"),
        ('[host]\ndriver = "', "line 2, column 11"),
        ("\n\n]", "line 3, column 1"),
    ],
)
def test_a_syntax_error_is_named_with_line_and_column(
    config_file: Path, text: str, place: str
) -> None:
    error = explain_refusal(write(config_file, text))
    assert error.message.startswith(f"{config_file}, {place}: not TOML: ")
    assert "(at " not in error.message


@pytest.mark.parametrize(
    "text",
    ["a = " + "[" * 100_000, "a = " + "9" * 5000],
    ids=["endless nesting", "endless digits"],
)
def test_a_hostile_file_is_refused_like_any_other(config_file: Path, text: str) -> None:
    assert explain_refusal(write(config_file, text)).message.startswith(f"{config_file}")


def test_a_byte_that_is_not_utf8_is_named_with_its_line(config_file: Path) -> None:
    error = explain_refusal(write(config_file, b"[host]\n# na\xef zewn\xb1trz\n"))
    assert error.message == f"{config_file}, line 2: byte 0xef is not UTF-8"


def test_a_byte_order_mark_and_windows_line_ends_are_fine(config_file: Path) -> None:
    config = load_config(write(config_file, b'\xef\xbb\xbf[run]\r\nlanguage = "pl"\r\n'))
    assert config.run.language == "pl"


def test_a_missing_file_is_named_with_the_ways_to_name_another(config_file: Path) -> None:
    error = explain_refusal(str(config_file))
    assert error.message == f"{config_file}: there is no such configuration file"
    assert "--config" in error.next_step
    assert "$HLB_CONFIG" in error.next_step


def test_a_file_that_others_may_write_is_refused(config_file: Path) -> None:
    path = write(config_file, "")
    config_file.chmod(0o646)
    assert explain_refusal(path).next_step.endswith(f"chmod go-w {path}")


def test_jobs_have_their_names_and_targets(config_file: Path) -> None:
    text = '[jobs.gold]\ntargets = "/etc/gold"\n[jobs.Silver_2-x]\ntargets = "/etc/silver"\n'
    config = load_config(write(config_file, text))
    assert config.job("gold") == JobConfig("gold", "/etc/gold")
    assert config.job("Silver_2-x").targets == "/etc/silver"


@pytest.mark.parametrize("name", ["default", "nope", "", "x\x1b[0m"])
def test_a_job_that_is_not_configured_is_refused_with_those_that_are(
    config_file: Path, name: str
) -> None:
    text = '[jobs.silver]\ntargets = "/s"\n[jobs.gold]\ntargets = "/g"\n'
    config = load_config(write(config_file, text))
    with pytest.raises(ConfigurationError, match="configured: gold, silver") as caught:
        config.job(name)
    assert caught.value.exit_code == 2
    assert "\x1b" not in caught.value.message


@pytest.mark.parametrize(
    ("option", "environ", "path"),
    [
        ("/a.toml", {"HLB_CONFIG": "/b.toml"}, "/a.toml"),
        (None, {"HLB_CONFIG": "/b.toml"}, "/b.toml"),
        (None, {"HLB_CONFIG": ""}, "/usr/local/avamar/etc/hlb/hlb.toml"),
        (None, {}, "/usr/local/avamar/etc/hlb/hlb.toml"),
    ],
)
def test_the_option_goes_before_the_variable_and_that_before_the_usual_place(
    option: str | None, environ: dict[str, str], path: str
) -> None:
    assert find_config_path(option, environ) == path


def test_a_relative_configuration_is_found_from_where_it_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_config_path("hlb.toml", {}) == str(tmp_path / "hlb.toml")


def test_an_empty_option_is_not_taken_for_none() -> None:
    with pytest.raises(UsageError, match="--config is empty"):
        find_config_path("", {})


@pytest.mark.parametrize(
    ("script", "job"),
    [
        ("initial_backup", "default"),
        ("/usr/local/avamar/etc/scripts/initial_backup", "default"),
        ("/usr/local/avamar/etc/scripts/initial_backup.gold", "gold"),
        ("./initial_umount.Gold_2-x", "Gold_2-x"),
        ("/srv/v1.2/initial_backup", "default"),
        ("initial_backup." + "x" * 32, "x" * 32),
        ("", "default"),
    ],
)
def test_the_job_follows_the_first_dot_of_the_scripts_name(script: str, job: str) -> None:
    assert job_of_script(script) == job


@pytest.mark.parametrize(
    "script",
    ["initial_backup.", "initial_backup.gold.sh", "a. b", "a." + "x" * 33, "a.ł", "a.gold\n"],
)
def test_a_script_whose_dot_is_followed_by_no_job_is_refused(script: str) -> None:
    with pytest.raises(UsageError, match="no job's name") as caught:
        job_of_script(script)
    assert "--job" in caught.value.next_step


def values_of(kind: Kind[Any]) -> st.SearchStrategy[Any]:
    """Give the values that ``kind`` allows."""
    match kind:
        case Choice(options):
            return st.sampled_from(options)
        case Flag():
            return st.booleans()
        case Whole(minimum, maximum):
            return st.integers(minimum, maximum)
        case Number(minimum, maximum):
            return st.floats(minimum, maximum)
        case AbsolutePath():
            return any_paths()
        case OptionalPath():
            return st.just("") | any_paths()
        case HostName():
            return st.from_regex(r"[A-Za-z0-9._-]{0,60}", fullmatch=True)
        case Patterns():
            patterns = st.text(min_size=1).filter(str.strip)
            return st.lists(patterns, min_size=1).map(tuple)
        case _:
            raise AssertionError(f"no strategy for {kind}")


def any_paths() -> st.SearchStrategy[str]:
    """Give paths with whatever a path may have, bytes that are not UTF-8 included."""
    names = st.binary().map(
        lambda name: name.replace(b"\0", b"").decode("utf-8", "surrogateescape")
    )
    return names.map("/".__add__)


@st.composite
def any_config(draw: st.DrawFn) -> Config:
    """Give a configuration with any values that are allowed."""
    config = Config(draw(any_paths()))
    for key in list_keys():
        if key.section != "jobs.default":
            section = getattr(config, key.section)
            section = replace(section, **{key.name: draw(values_of(key.kind))})
            config = replace(config, **{key.section: section})
    names = st.from_regex(r"\A[A-Za-z0-9_-]{1,32}\Z")
    jobs = draw(st.dictionaries(names, any_paths(), min_size=1, max_size=3))
    return replace(config, jobs={name: JobConfig(name, path) for name, path in jobs.items()})


@given(any_config())
def test_the_stored_form_reads_back_exactly(config: Config) -> None:
    text = config.to_json()
    assert text.isascii()
    assert len(text.splitlines()) == 1
    assert Config.from_json(text) == config


@pytest.mark.parametrize("key", KEYS)
def test_a_stored_key_that_is_missing_has_its_default(key: str) -> None:
    tables = json.loads(Config("/x").to_json())
    *sections, name = key.split(".")
    table = tables
    for section in sections:
        table = table[section]
    del table[name]
    assert Config.from_json(json.dumps(tables)) == Config("/x")


@pytest.mark.parametrize("section", ["host", "paths", "run", "snapshot", "jobs"])
def test_a_stored_section_that_is_missing_has_its_defaults(section: str) -> None:
    tables = json.loads(Config("/x").to_json())
    del tables[section]
    assert Config.from_json(json.dumps(tables)) == Config("/x")


def test_what_a_newer_version_stored_beside_is_passed_over() -> None:
    tables = json.loads(Config("/x").to_json())
    tables["mail"] = {"to": "root"}
    tables["run"]["colour"] = "blue"
    tables["jobs"]["default"]["days"] = [1, 2]
    assert Config.from_json(json.dumps(tables)) == Config("/x")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '"text"',
        '{"path": 3}',
        '{"run": 3}',
        '{"run": {"language": "de"}}',
        '{"run": {"guard_poll_seconds": NaN}}',
        '{"snapshot": {"memory": 1}}',
        '{"jobs": {"gold": "/x"}}',
        '{"jobs": {"a b": {"targets": "/x"}}}',
        "[" * 100_000,
        '{"snapshot": {"parallel": ' + "9" * 5000 + "}}",
    ],
)
def test_damage_to_the_stored_form_is_an_error_and_never_the_defaults(text: str) -> None:
    with pytest.raises(ConfigurationError, match="stored with the run") as caught:
        Config.from_json(text)
    assert caught.value.next_step


@pytest.mark.parametrize(
    ("interval", "longest_days"), [("1D", 1), ("1W", 7), ("1M", 31), ("1Q", 92), ("1Y", 366)]
)
def test_a_default_interval_as_long_as_the_retention_is_refused(
    config_file: Path, interval: str, longest_days: int
) -> None:
    text = f'[jobs.gold]\ntargets = "/t"\ndefault_interval = "{interval}"\nretention_days = '
    load_config(write(config_file, f"{text}{longest_days + 1}\n"))
    load_config(write(config_file, f"{text}0\n"))
    message = explain_refusal(write(config_file, f"{text}{longest_days}\n")).message
    assert f'jobs.gold.default_interval = "{interval}": ' in message
    assert f"below jobs.gold.retention_days, {longest_days}:" in message
