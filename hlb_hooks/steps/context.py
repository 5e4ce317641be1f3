"""What every step is handed by the entry point."""

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from hlb_hooks.base.config_schema import DEFAULT_LOG_FILE
from hlb_hooks.base.errors import StoppedError
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.base.logs import Log, NoLog, open_log
from hlb_hooks.base.speech import Speaker
from hlb_hooks.base.stop import StopRequest
from hlb_hooks.decisions.phrase import Phrase
from hlb_hooks.effects.bundle import Effects
from hlb_hooks.effects.journal import Journal
from hlb_hooks.effects.records import Flag
from hlb_hooks.effects.vm_story import VmStory

T = TypeVar("T")
_WAKE_SECONDS = 0.1


@dataclass
class Context:
    """One call of a hook: its effects, its voice, its log, and whether it was told to stop."""

    hook: str
    effects: Effects
    log: Log = field(default_factory=NoLog)
    stop: StopRequest = field(default_factory=StopRequest)
    journal: Journal | None = None
    """The run in hand, for the last line to name it when the step ends in a defect."""
    log_file: str = DEFAULT_LOG_FILE

    @property
    def speaker(self) -> Speaker:
        """The voice that fits the effects."""
        return self.effects.speaker

    def __post_init__(self) -> None:
        """Let the voice know when this process is to stop."""
        self.use(self.effects)

    @property
    def stop_exit_code(self) -> ExitCode:
        """The exit code for the signal that asked to stop."""
        name = self.stop.signal.name if self.stop.signal else ""
        return ExitCode.INTERRUPTED if name == "SIGINT" else ExitCode.TERMINATED

    def use(self, effects: Effects) -> None:
        """Go on with another set of effects: in another language, or one that may not change."""
        self.effects = effects
        effects.speaker.may_give_up = lambda: self.stop.is_asked

    def read_or_stop(self, read: Callable[[], T]) -> T:
        """Give what ``read`` gives, in a thread of its own: a command of the host may take long.

        Raise StoppedError when this process is asked to stop meanwhile; the reading is left.
        """
        answers: queue.SimpleQueue[tuple[list[T], BaseException | None]] = queue.SimpleQueue()

        def work() -> None:
            try:
                answers.put(([read()], None))
            except BaseException as error:
                answers.put(([], error))

        threading.Thread(target=work, daemon=True).start()
        while not self.stop.is_asked:
            try:
                values, error = answers.get(timeout=_WAKE_SECONDS)
            except queue.Empty:
                continue
            if error is not None:
                raise error
            return values[0]
        raise StoppedError(self.stop.signal.name if self.stop.signal else "")

    def open_log(self, path: str, **context: str) -> None:
        """Log to ``path`` from now on. One that cannot be opened is said, and stops nothing."""
        if not self.effects.may_change:
            return
        try:
            self.log = open_log(path, hook=self.hook, **context)
        except OSError as error:
            self.speaker.say("warning", text=f"{path}: no log: {error.strerror}")

    def speak(self, sentence: Phrase) -> str:
        """Give a phrase in the operator's language."""
        return self.speaker.phrase(sentence.key, **sentence.words)

    def note(
        self,
        journal: Journal,
        flag: Flag,
        vm: VmStory,
        reason: Phrase,
        next_step: Phrase,
        **details: str,
    ) -> None:
        """Give a VM a flag with its reason and the next step, in the operator's language."""
        journal.note(flag, vm.vmx, reason=self.speak(reason), next=self.speak(next_step), **details)
