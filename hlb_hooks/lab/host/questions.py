"""What a VM asks and waits for: its text, the choices, and what each of them does.

Sources: VMware's knowledge base (320246, 1541 and 1007849), the 2009 talk's picture of
VirtualCenter, and a VMware API client that answers ``msg.uuid.moved`` with 2 to "Always Create".
"""

import json
import secrets
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path

from hlb_hooks.lab.files import write_file
from hlb_hooks.lab.host.registry import RegisteredVm, set_power
from hlb_hooks.lab.layout import Lab, LabSettings

_HIGHEST_ID = 1000


class Effect(Enum):
    """What comes of an answer."""

    CANCEL = "cancel"
    KEEP = "keep"
    CREATE = "create"
    ALWAYS_KEEP = "always keep"
    ALWAYS_CREATE = "always create"
    GO_ON = "go on"
    POWER_OFF = "power off"


@dataclass(frozen=True)
class Choice:
    """One answer: the number that is typed, what stands beside it, and what it does."""

    number: int
    label: str
    effect: Effect


@dataclass(frozen=True)
class Question:
    """A question that is pending: its id, its text, which begins with its key, and the choices."""

    id: str
    text: str
    choices: tuple[Choice, ...]
    default: int

    @property
    def key(self) -> str:
        """The question's name: ``msg.uuid.altered``."""
        return self.text.partition(":")[0]


_WHICH = """\


To configure certain management and networking features VMware ESX needs to know which.

Did you move this virtual machine, or did you copy it?
If you don't know, answer "I copied it".
"""
_MOVED_OR_COPIED = (
    ("Cancel", Effect.CANCEL),
    ("I _moved it", Effect.KEEP),
    ("I _copied it", Effect.CREATE),
)
_UUID_QUESTIONS = {
    "altered": (
        f"msg.uuid.altered:This virtual machine may have been moved or copied.{_WHICH}",
        _MOVED_OR_COPIED,
    ),
    "might": (
        f"msg.uuid.altered:This virtual machine might have been moved or copied.{_WHICH}",
        _MOVED_OR_COPIED,
    ),
    "moved": (
        """\
msg.uuid.moved: The location of this virtual machine's configuration file has changed since it \
was last powered on.

If the virtual machine has been copied, you should create a new unique identifier (UUID). If it \
has been moved, you should keep its old identifier.

If you are not sure, create a new identifier.

What do you want to do?
""",
        (
            ("Create", Effect.CREATE),
            ("Keep", Effect.KEEP),
            ("Always Create", Effect.ALWAYS_CREATE),
            ("Always Keep", Effect.ALWAYS_KEEP),
            ("Cancel", Effect.CANCEL),
        ),
    ),
}


def make_uuid_question(settings: LabSettings) -> Question:
    """Give the question of a VM whose .vmx is not where its ``uuid.location`` says."""
    text, answers = _UUID_QUESTIONS[settings.wording_of_uuid_question]
    return _make_question(settings, text, answers, Effect.CREATE)


def make_space_question(settings: LabSettings, vm: RegisteredVm) -> Question:
    """Give the one question that is known of a VM that runs: its datastore is full."""
    text = (
        f"msg.hbacommon.outofspace:There is no more space for the redo log of {vm.config.stem}"
        "-000001.vmdk.\nYou may be able to continue this session by freeing disk space on the "
        "relevant partition, and clicking Retry. Otherwise, click Abort to terminate this session."
    )
    answers = (("Retry", Effect.GO_ON), ("Abort", Effect.POWER_OFF))
    return _make_question(settings, text, answers, Effect.GO_ON)


def ask(lab: Lab, vm: RegisteredVm, question: Question) -> None:
    """Let the VM wait for an answer to ``question``."""
    record = asdict(question)
    for choice in record["choices"]:
        choice["effect"] = choice["effect"].value
    # ASCII throughout: a name's bytes that are not UTF-8 travel as escaped surrogates.
    write_file(_question_file(lab, vm), json.dumps(record, indent=1).encode("ascii"))
    set_power(lab, vm.config, "stuck")


def read_question(lab: Lab, vm: RegisteredVm) -> Question:
    """Give what a VM that is stuck asks."""
    record = json.loads(_question_file(lab, vm).read_text("ascii"))
    choices = tuple(
        Choice(choice["number"], choice["label"], Effect(choice["effect"]))
        for choice in record["choices"]
    )
    return Question(record["id"], record["text"], choices, record["default"])


def drop_question(lab: Lab, vm: RegisteredVm) -> None:
    """Forget what a VM asked, if it did."""
    _question_file(lab, vm).unlink(missing_ok=True)


def _make_question(
    settings: LabSettings, text: str, answers: tuple[tuple[str, Effect], ...], default: Effect
) -> Question:
    ordered = answers[::-1] if settings.reverses_choices else answers
    choices = tuple(
        Choice(number, label, effect)
        for number, (label, effect) in enumerate(ordered, settings.first_choice)
    )
    number = next(choice.number for choice in choices if choice.effect is default)
    return Question(str(1 + secrets.randbelow(_HIGHEST_ID)), text, choices, number)


def _question_file(lab: Lab, vm: RegisteredVm) -> Path:
    return lab.hostd / f"{vm.key}.question"
