"""``hlb config`` says whether hlb.toml is good, and where each value is from."""

import json
import subprocess
from pathlib import Path

import pytest
from hook_kit import Site
from rehearsing import BIN, look, run_hlb


def test_every_value_is_shown_with_the_line_that_says_it(site: Site) -> None:
    site.config.write_text(
        f'[paths]\nstate_dir = "{site.state_dir}"\n\n[jobs.gold]\ntargets = "{site.targets}"\n',
        "utf-8",
    )
    before = look(site)
    lines = run_hlb(site, "config", "show").lines
    assert look(site) == before
    assert lines[0] == f"# {site.config} (--config)"
    assert any(line.startswith("state_dir = ") and line.endswith("# line 2") for line in lines)
    assert any(line.startswith("language = ") and line.endswith("# default") for line in lines)
    assert "[jobs.gold]" in lines
    told = json.loads(run_hlb(site, "config", "show", "--json").stdout)
    keys = {(key["section"], key["key"]): key for key in told["keys"]}
    assert keys["jobs.gold", "targets"]["line"] == 5
    assert keys["jobs.gold", "success"] == {
        "section": "jobs.gold",
        "key": "success",
        "value": "read",
        "line": None,
    }
    assert keys["run", "owner"]["value"] == ["avtar*"]


def test_a_good_configuration_is_said_to_be_good_with_what_its_jobs_name(site: Site) -> None:
    table = site.root / "vms.csv"
    table.write_text("Name,BCK_FVM\nvm1,1M\n", "utf-8")
    table.chmod(0o600)
    site.configure(**{"jobs.default": {"attributes": str(table)}})
    outcome = run_hlb(site, "config", "validate")
    assert outcome.exit_code == 0
    assert outcome.lines == [
        f"{site.config}: good",
        f"job default: {site.targets}: good, 1 lines",
        f"job default: {table}: good, 1 rows",
    ]
    assert site.host.calls() == []


def test_all_that_is_wrong_is_said_at_once(site: Site) -> None:
    site.configure(**{"jobs.gold": {"targets": str(site.root / "missing")}})
    site.choose("vm1 BCK_FVM=often", "vm2 BCK_FVM=never")
    outcome = run_hlb(site, "config", "validate")
    assert outcome.exit_code == 2
    assert "error: " in outcome.stdout
    assert f"{site.targets}, line 1: " in outcome.stdout
    assert f"{site.targets}, line 2: " in outcome.stdout
    assert str(site.root / "missing") in outcome.stdout
    assert "\\n" not in outcome.stdout


@pytest.mark.parametrize("action", ["validate", "show"])
def test_mistakes_in_the_file_are_a_line_each(site: Site, action: str) -> None:
    site.configure(run={"language": "de", "unknown": 1})
    outcome = run_hlb(site, "config", action)
    assert outcome.exit_code == 2
    errors = [line for line in outcome.lines if line.startswith("error: ")]
    assert len(errors) == 2
    assert all(str(site.config) in line for line in errors)


def test_the_example_is_a_good_file(tmp_path: Path) -> None:
    command = [BIN / "hlb", "config", "example"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    path = tmp_path / "hlb.toml"
    path.write_text(text, "utf-8")
    path.chmod(0o600)
    done = subprocess.run(
        [BIN / "hlb", "config", "show", "--config", path],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "# line" not in done.stdout


@pytest.mark.parametrize(
    ("option", "variable", "said_by"), [(True, True, "--config"), (False, True, "$HLB_CONFIG")]
)
def test_it_says_why_it_is_this_file(
    site: Site, option: bool, variable: bool, said_by: str
) -> None:
    command = [BIN / "hlb", "config", "show", *(["--config", site.config] if option else [])]
    environment = {"HLB_CONFIG": str(site.config)} if variable else {}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[0] == f"# {site.config} ({said_by})"
