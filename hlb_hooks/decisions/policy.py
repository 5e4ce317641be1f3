"""What is wished for each chosen VM: pure.

The attributes of a VM come from the line of the targets file that chose it, else from its row in
the table of attributes, each for itself; how often, if neither says, from the job's default.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hlb_hooks.base.config_schema import JobConfig
from hlb_hooks.base.errors import ConfigurationError
from hlb_hooks.base.intervals import INTERVALS, Interval
from hlb_hooks.base.text import escape
from hlb_hooks.decisions.attribute_table import AttributeRow
from hlb_hooks.decisions.attributes import WHOLE_VM, find_faults, normalise
from hlb_hooks.decisions.selection import Inventory, ListedVm, MatchedVm


@dataclass(frozen=True)
class Policy:
    """The attributes of one VM, and how often it is backed up; None: at every run."""

    attributes: Mapping[str, str]
    interval: Interval | None

    @property
    def carried(self) -> str:
        """Give the attributes that are for others: ``BCK_FIL=ON BCK_DBN=OFF``."""
        others = {name: value for name, value in self.attributes.items() if name != WHOLE_VM}
        return " ".join(f"{name}={value}" for name, value in others.items() if value)


NO_POLICY = Policy({}, None)


def decide_policies(
    chosen: Iterable[MatchedVm],
    rows: Iterable[AttributeRow],
    vms: Sequence[ListedVm],
    job: JobConfig,
) -> dict[str, Policy]:
    """Give the policy of each chosen VM by its .vmx path.

    A row of a VM that is not here, or not chosen, is no error whatever it says. Raise
    ConfigurationError, naming file, line and VM, for a value that is not allowed, for two rows
    that contradict each other, and for one whose name several VMs have; what the targets file
    says of a VM itself is not looked for in any row.
    """
    inventory = Inventory(vms)
    rows_of: dict[str, list[tuple[AttributeRow, list[str]]]] = defaultdict(list)
    for row in rows:
        found = inventory.find_exactly(row.name)
        for vmx in found:
            rows_of[vmx].append((row, found))
    policies: dict[str, Policy] = {}
    problems: dict[str, None] = {}
    for vm in chosen:
        attributes = normalise(vm.attributes)
        problems.update(dict.fromkeys(_add_rows(attributes, rows_of[vm.vmx], vm, job)))
        word = attributes.get(WHOLE_VM, job.default_interval)
        policies[vm.vmx] = Policy(attributes, INTERVALS.get(word))
    if problems:
        raise ConfigurationError(
            "\n".join(problems),
            next_step="correct these lines, or say it after the VM's name in the targets file",
        )
    return policies


def _add_rows(
    attributes: dict[str, str],
    rows: Sequence[tuple[AttributeRow, list[str]]],
    vm: MatchedVm,
    job: JobConfig,
) -> list[str]:
    """Add to ``attributes`` what ``rows`` say besides, and give what is wrong with them."""
    problems: list[str] = []
    said_by: dict[str, AttributeRow] = {}
    for row, found in rows:
        wanted = {
            name: value
            for name, value in normalise(row.attributes).items()
            if name not in attributes or name in said_by
        }
        if wanted and len(found) > 1:
            paths = ", ".join(map(escape, found))
            problems.append(f"{row.place}: {escape(row.name)} means {len(found)} VMs: {paths}")
            continue
        problems += [
            f"{row.place}: {escape(vm.name)}: {fault}" for fault in find_faults(wanted, job)
        ]
        for name, value in wanted.items():
            if attributes.setdefault(name, value) != value:
                problems.append(
                    f"{row.place}: {escape(vm.name)}: {name} = {escape(value)}, and line "
                    f"{said_by[name].line_number} says {escape(attributes[name])}"
                )
            said_by.setdefault(name, row)
    return problems
