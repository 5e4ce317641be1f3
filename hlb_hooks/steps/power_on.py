"""Registering and starting a VM that was put back: what the host says is checked by looking."""

import threading
from dataclasses import dataclass
from functools import partial

from hlb_hooks.base import clock
from hlb_hooks.base.errors import HlbError, HostError
from hlb_hooks.base.text import escape
from hlb_hooks.decisions.restore.answer import choose_answer
from hlb_hooks.effects.bundle import HostEffects
from hlb_hooks.effects.host_vms import follow_links
from hlb_hooks.effects.vmware_answers import HostRefusedError, PowerState, RefusalKind
from hlb_hooks.effects.vmware_question import UnansweredError, read_question
from hlb_hooks.steps.context import Context

_POLL_SECONDS = 0.5
# So long a host may take from the end of its command, or from the answer, until the VM shows as on.
_SETTLE_SECONDS = 15.0
# A VM asks about its identity once; what it asks after that is something else.
_MOST_ANSWERS = 3
# So long the VM may still show as waiting after it was answered.
_ANSWER_PAUSE_SECONDS = 3.0


@dataclass(frozen=True)
class VmAtHost:
    """One VM of this host, for the commands of one restore; the limit in seconds."""

    context: Context
    host: HostEffects
    config_path: str
    limit_seconds: float

    def find_listed(self) -> str | None:
        """Give the VM's path as the host lists it, None if it does not. Raise HostError."""
        for listed in self.host.driver.list_vms():
            if follow_links(listed) == self.config_path:
                return listed
        return None

    def register(self) -> None:
        """See to it that the host lists the VM. Raise HostError with the host's own words.

        As ``start``, raise StoppedError when a signal comes first: the host goes on.
        """
        trouble: HostError | None = None
        try:
            self.context.read_or_stop(lambda: self.host.power.register(self.config_path))
        except HostError as error:
            trouble = error
        if not self.context.effects.may_change:
            return
        if self.find_listed() is not None:
            return  # whatever it said: ESX 3 gives -999 for a VM that is registered already
        raise HostError(
            f"{escape(self.config_path)} is not registered: "
            + (trouble.message if trouble else "the host said it was done, and does not list it"),
            next_step="its files are ready: register it by hand, a template in vCenter",
        )

    def start(self, uuid: str) -> None:
        """Start the VM, answer for its identity if it asks, and see that it runs.

        One that is being started and asks already is only answered.
        Raise HostError, with the question where it asks something else, and StoppedError.
        """
        listed = self.find_listed() if self.context.effects.may_change else self.config_path
        if listed is None:
            raise HostError(
                f"{escape(self.config_path)} is not registered on this host",
                next_step="say --register too",
            )
        begun = _Start(self.host, listed)
        if not self.context.effects.may_change:
            begun.run()
            return
        if self._read_state(listed) not in {PowerState.ON, PowerState.STUCK}:
            begun.thread.start()
        deadline = clock.read_seconds_since_boot() + self.limit_seconds
        answers, answer_at = 0, 0.0
        busy_at = clock.read_seconds_since_boot()
        while (now := clock.read_seconds_since_boot()) < deadline:
            # Before the look at the state, which may change while the command ends.
            is_over, is_refused = begun.is_over, begun.is_refused
            state = self._read_state(listed)
            if state is PowerState.ON and is_over:
                return
            if state is PowerState.STUCK and answers < _MOST_ANSWERS and now >= answer_at:
                answers += 1
                answer_at = now + _ANSWER_PAUSE_SECONDS
                answer = partial(self._answer, listed, uuid, is_last=answers == _MOST_ANSWERS)
                self.context.read_or_stop(answer)
            if state in {PowerState.ON, PowerState.STUCK} or not is_over:
                busy_at = now
            elif now - busy_at > _SETTLE_SECONDS or is_refused:
                raise begun.explain()
            self.context.stop.wait(_POLL_SECONDS)
        raise HostError(
            f"{escape(listed)} does not run after {self.limit_seconds:g} s "
            "([host] power_timeout_seconds)",
            next_step="look at the VM on the host; its files are ready",
        )

    def _read_state(self, listed: str) -> PowerState:
        return self.context.read_or_stop(lambda: self.host.driver.read_power_state(listed))

    def _answer(self, listed: str, uuid: str, *, is_last: bool) -> None:
        """Answer what the VM asks. A refusal counts if it is the last: others may answer too."""
        said: list[tuple[str, str]] = []

        def reply(printed: str, quiet_seconds: float) -> str | None:
            question = read_question(printed, quiet_seconds)
            if question is None:
                return None
            key = choose_answer(question, uuid)
            if key is None:
                raise UnansweredError(
                    f"{escape(listed)} asks what is not for a program to answer: {question.text}",
                    next_step=f"answer it by hand: vmware-cmd '{escape(listed)}' answer",
                )
            said.append((question.text, dict(question.choices)[key]))
            return key

        try:
            self.host.power.answer(listed, reply)
        except HostRefusedError:
            if is_last:
                raise
            return
        for text, answer in said:
            self.context.speaker.deed("restore_answered", text=text, answer=answer)


class _Start:
    """The command that starts a VM; it may not come back before the VM's question is answered."""

    def __init__(self, host: HostEffects, listed: str) -> None:
        self._host = host
        self._listed = listed
        self._trouble: HlbError | None = None
        self.thread = threading.Thread(target=self.run, daemon=True)

    @property
    def is_over(self) -> bool:
        return not self.thread.is_alive()

    @property
    def is_refused(self) -> bool:
        """Whether the host said no, for a reason that time does not mend."""
        return isinstance(self._trouble, HostRefusedError) and self._trouble.refusal.kind not in {
            RefusalKind.TIMED_OUT,
            RefusalKind.WAITS_FOR_ANSWER,
            RefusalKind.BUSY,
        }

    def run(self) -> None:
        try:
            self._host.power.start(self._listed)
        except HlbError as error:
            self._trouble = error

    def explain(self) -> HostError:
        """Give what the host said when the VM is not running after all."""
        words = self._trouble.message if self._trouble else "the host said that it was done"
        return HostError(
            f"{escape(self._listed)} does not run: {words}",
            next_step="look at the VM's vmware.log and on the host; its files are ready",
        )
