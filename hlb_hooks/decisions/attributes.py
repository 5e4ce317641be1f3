"""What the attributes of a VM may say: pure.

BCK_FVM says how often the whole VM is backed up, which is done here. BCK_FIL, BCK_DBN and BCK_DBP
are for agents inside the guest: they are carried and shown, and never acted on, as is any other.
"""

from collections.abc import Iterable, Mapping

from hlb_hooks.base.config_kinds import describe_value
from hlb_hooks.base.config_schema import JobConfig
from hlb_hooks.base.errors import ConfigurationError
from hlb_hooks.base.intervals import INTERVAL_WORDS, INTERVALS, explain_retention
from hlb_hooks.base.text import escape
from hlb_hooks.decisions.targets import Target

WHOLE_VM = "BCK_FVM"
INSIDE_GUEST = ("BCK_FIL", "BCK_DBN", "BCK_DBP")
_WORDS = {WHOLE_VM: {"", *INTERVALS}, **{name: {"", "ON", "OFF"} for name in INSIDE_GUEST}}


def normalise(attributes: Mapping[str, str]) -> dict[str, str]:
    """Give the attributes with the words that are known as they are known: `` 1m`` is ``1M``."""
    return {
        name: word if (word := value.strip().upper()) in _WORDS.get(name, ()) else value
        for name, value in attributes.items()
    }


def find_faults(attributes: Mapping[str, str], job: JobConfig) -> list[str]:
    """Name the values that are not allowed: ``BCK_FVM = "2D": expected ...``. None: all are.

    An empty value says nothing, and is allowed. The attributes are normalised ones.
    """
    faults = []
    for name, value in attributes.items():
        fault = _explain(name, value, job) if value else ""
        if fault:
            faults.append(f"{name} = {describe_value(value)}: {fault}")
    return faults


def check_targets(targets: Iterable[Target], job: JobConfig) -> None:
    """Raise ConfigurationError for every line whose attributes say what is not allowed."""
    problems = [
        f"{target.place}: {escape(target.name)}: {fault}"
        for target in targets
        for fault in find_faults(normalise(target.attributes), job)
    ]
    if problems:
        raise ConfigurationError("\n".join(problems), next_step="correct these lines")


def _explain(name: str, value: str, job: JobConfig) -> str:
    if name == WHOLE_VM:
        interval = INTERVALS.get(value)
        if interval is None:
            return f"expected one of {INTERVAL_WORDS}"
        return explain_retention(interval, job.retention_days, f"[jobs.{job.name}] retention_days")
    if name in INSIDE_GUEST and value not in _WORDS[name]:
        return "expected ON or OFF"
    return ""
