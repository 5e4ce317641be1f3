"""The alert rules that are shipped fire when they should, and only then."""

import re
import shutil
from pathlib import Path

import pytest
from promtool_kit import run_promtool

from hlb_hooks.decisions import metrics

HERE = Path(__file__).parent
RULES = HERE.parents[1] / "packaging" / "monitoring" / "hlb-alerts.yml"
METRICS = {each.name for each in vars(metrics).values() if isinstance(each, metrics.Metric)}


def test_the_rules_do_what_they_are_for(tmp_path: Path) -> None:
    for path in (RULES, HERE / "alerts_test.yml"):
        shutil.copy(path, tmp_path)
    assert run_promtool("check", "rules", RULES).returncode == 0
    done = run_promtool("test", "rules", "alerts_test.yml", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("wrong", "right"), [(">", "<"), ("for: 5m", "for: 48h"), ("3600", "36000"), ("critical", "x")]
)
def test_rules_that_are_wrong_fail(tmp_path: Path, wrong: str, right: str) -> None:
    text = RULES.read_text("utf-8")
    (tmp_path / RULES.name).write_text(text.replace(f" {wrong}", f" {right}"), "utf-8")
    shutil.copy(HERE / "alerts_test.yml", tmp_path)
    done = run_promtool("test", "rules", "alerts_test.yml", folder=tmp_path)
    assert done.returncode != 0


def test_the_rules_and_the_tests_name_metrics_that_there_are() -> None:
    for path in (RULES, HERE / "alerts_test.yml"):
        assert set(re.findall(r"\bhlb_[a-z_]+", path.read_text("utf-8"))) <= METRICS, path


def test_every_rule_is_tried() -> None:
    rules = set(re.findall(r"- (?:alert|record): (\S+)", RULES.read_text("utf-8")))
    tried = (HERE / "alerts_test.yml").read_text("utf-8")
    assert {rule for rule in rules if rule not in tried} == set()
