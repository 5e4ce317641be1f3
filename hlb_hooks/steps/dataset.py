"""The lines of a job's dataset, made for the VMs that are on this host: reads alone."""

from dataclasses import dataclass

from hlb_hooks.base import clock
from hlb_hooks.base.config import Config
from hlb_hooks.base.errors import HlbError
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.base.text import escape
from hlb_hooks.decisions.dataset_plan import (
    EXCLUDES,
    Dataset,
    is_writable,
    list_needed_files,
    plan_dataset,
)
from hlb_hooks.decisions.selection import select
from hlb_hooks.decisions.views.documents import VERSION, DatasetDocument, ProblemView
from hlb_hooks.effects import vm_files
from hlb_hooks.effects.host_vms import follow_links
from hlb_hooks.steps.choose import read_wishes
from hlb_hooks.steps.compare_backup import list_vms
from hlb_hooks.steps.context import Context
from hlb_hooks.steps.desk.delivery import Form, Wanted, deliver_data
from hlb_hooks.steps.desk.json_form import write_json

_INDENT = 4
_DATASET_RUN = "dataset"


@dataclass(frozen=True)
class DatasetRequest:
    """Which job, and how the answer is to look: ``form`` is ``text``, ``flags`` or ``json``."""

    config: Config
    job: str
    names_folders: bool
    form: str


def run(context: Context, request: DatasetRequest) -> ExitCode:
    """Say what the job's dataset must hold.

    0; 1: the files of a VM cannot be read, so that nobody knows whether it would be read whole.
    Raise HlbError for a configuration, a targets file or a host that cannot be read.
    """
    wishes = read_wishes(request.config, request.job)
    host = context.effects.open_host(request.config, _DATASET_RUN)
    vms = context.read_or_stop(lambda: list_vms(host.driver))
    needed: list[str] = []
    troubles: list[HlbError] = []
    chosen = select(vms, wishes.targets).chosen
    for vm in chosen:
        try:
            facts = vm_files.read_vm(follow_links(vm.vmx))
        except HlbError as error:
            troubles.append(error)
        else:
            needed += map(follow_links, list_needed_files(facts))
    dataset = plan_dataset(request.job, needed, names_folders=request.names_folders)
    if request.form == "json":
        _say_json(context, request.job, dataset, troubles)
    elif request.form == "flags":
        for flag in dataset.flags:
            context.speaker.line(flag if is_writable(flag) else f"# {escape(flag)}")
    else:
        _say_tabs(context, request.job, dataset)
        context.speaker.say("dataset_checked", count=len(chosen) - len(troubles))
        _say_troubles(context, troubles)
    return ExitCode.NOT_PROTECTED if troubles else ExitCode.DONE


def _say_tabs(context: Context, job: str, dataset: Dataset) -> None:
    """Say it in the order of the tabs of Avamar's *Edit Dataset*."""
    speaker = context.speaker
    speaker.say("dataset", job=job)
    speaker.say("dataset_sources")
    for source in dataset.sources:
        speaker.line(escape(source), indent=_INDENT)
        if not is_writable(source):
            speaker.say("dataset_unwritable", indent=2 * _INDENT)
    speaker.say("dataset_excludes")
    width = max(map(len, EXCLUDES))
    for pattern, why in EXCLUDES.items():
        speaker.line(f"{pattern:<{width}}  {speaker.phrase(why)}", indent=_INDENT)
    speaker.say("dataset_includes" if dataset.includes else "dataset_no_includes")
    for pattern in dataset.includes:
        speaker.line(escape(pattern), indent=_INDENT)
    if dataset.includes:
        speaker.say("dataset_rescues", indent=_INDENT)
    speaker.say("dataset_options")
    for name, value in dataset.options:
        speaker.line(f"{name} = {value}", indent=_INDENT)


def _say_json(context: Context, job: str, dataset: Dataset, troubles: list[HlbError]) -> None:
    # ASCII: whatever a host calls its files, each byte comes through as an escape.
    document = DatasetDocument(
        format="hlb-dataset",
        version=VERSION,
        written=clock.read_utc_now(),
        problems=tuple(ProblemView(error.message, error.next_step) for error in troubles),
        job=job,
        sources=dataset.sources,
        excludes=dataset.excludes,
        includes=dataset.includes,
        options=dict(dataset.options),
        rescued=dataset.rescued,
    )
    deliver_data(context, Wanted(Form.JSON), write_json(document))


def _say_troubles(context: Context, troubles: list[HlbError]) -> None:
    for error in troubles:
        context.speaker.say("warning", text=error.message)
        context.speaker.say("next_step", text=error.next_step, indent=_INDENT)
