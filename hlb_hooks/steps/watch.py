"""The guard's watch: wait for the owner, then do what the end hook did not."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from hlb_hooks.base import clock
from hlb_hooks.base.config import Config
from hlb_hooks.base.config_schema import RunConfig
from hlb_hooks.base.errors import HlbError, StateError
from hlb_hooks.decisions.phrase import phrase
from hlb_hooks.effects import processes
from hlb_hooks.effects.bundle import make_effects
from hlb_hooks.effects.journal import WrittenJournal
from hlb_hooks.effects.records import Flag
from hlb_hooks.effects.run_story import Run, tell_run
from hlb_hooks.effects.state_file import StateFile
from hlb_hooks.steps.block import find_block
from hlb_hooks.steps.context import Context
from hlb_hooks.steps.emergency import find_short_of_space, list_datastores
from hlb_hooks.steps.leave_report import leave_report
from hlb_hooks.steps.metrics import publish_metrics
from hlb_hooks.steps.read_times import ReadTimes
from hlb_hooks.steps.reading import note_reading
from hlb_hooks.steps.settle import Settlement
from hlb_hooks.steps.tidy import tidy_up
from hlb_hooks.steps.whereabouts import CLAIM_REFRESH_SECONDS, refresh_claims

HEARTBEAT_SECONDS = 30.0
_SLOWEST_RETRY_FACTOR = 16


@dataclass
class Watch:
    """One guard at its post. It keeps the state file open, so that nobody can take it away."""

    context: Context
    state_file: StateFile
    _read_times: ReadTimes = field(default_factory=ReadTimes)
    _run: Run | None = None
    _size: int = -1
    _next_heartbeat: float = 0.0
    _next_try: float = 0.0
    _next_refresh: float = 0.0
    _blocked_by: str = ""
    _retry_factor: int = 1

    def keep(self) -> None:
        """Return when the run is settled and the folder tidied up, or when told to stop.

        At a host's shutdown every process is: nothing is begun then, and the reaper goes on.
        A failure of any kind, a defect too, is logged and tried again: nobody comes after us.
        """
        while not self.context.stop.is_asked:
            try:
                if self._look_once():
                    self._tidy_up()
                    return
            except Exception as error:
                self.context.log.exception("guard_failed", why=str(error))
                self._next_try = clock.read_seconds_since_boot() + self._config.guard_retry_seconds
            self.context.stop.wait(self._config.guard_poll_seconds)

    def read_run(self) -> Run:
        """Read the run, or, from a file that was damaged meanwhile, keep what is known of it.

        A file that has not grown is not read again: a watch lasts for hours. Raise StateError
        when nothing was ever readable.
        """
        size = self.state_file.read_size()
        if self._run is not None and size == self._size:
            return self._run
        self._size = size
        try:
            run = tell_run(self.state_file.read().records, self.state_file.path)
        except StateError as error:
            if self._run is None:
                raise
            self.context.log.error("state_damaged", why=error.message)
            return self._run
        if run is None:
            raise StateError(f"{self.state_file.path}: there is no run in it")
        self._run = run
        return run

    @property
    def _config(self) -> RunConfig:
        config = self._run.config if self._run else Config("")
        return config.run

    def _look_once(self) -> bool:
        """Do what is to be done now; True when nothing is left to do for the run."""
        run = self.read_run()
        self._follow_reading(run)
        if run.is_finished:
            return self._read_times.is_empty
        now = clock.read_seconds_since_boot()
        self._blocked_by = find_block(run) if _is_due(run) else ""
        self._beat(run, now)
        self._refresh_claims(run, now)
        if now < self._next_try or not self._may_act(run):
            return False
        self._next_try = now + run.config.run.guard_retry_seconds * self._retry_factor
        # What did not go several times wants a person; it is tried on, but more seldom.
        self._retry_factor = min(self._retry_factor * 2, _SLOWEST_RETRY_FACTOR)
        try:
            return self._act()
        except BlockingIOError:
            # A hook is at work for this run. It may be over in a moment.
            self._next_try = 0.0
            self._retry_factor = 1
            return False

    def _tidy_up(self) -> None:
        """Leave the state folder in order: nobody waits for this process any more.

        The run is settled: whatever goes wrong here is for the next guard or reap.
        """
        store = self.context.effects.open_store(os.path.dirname(self.state_file.path))
        if self._run is not None:
            publish_metrics(self.context, self._run.config, [store])
            leave_report(self.context, self._run.config, self.state_file.path)
        config = self._run.config if self._run else Config("")
        try:
            tidy_up(self.context, store, config)
        except Exception as error:
            self.context.log.exception("not_tidied_up", why=str(error))

    def _may_act(self, run: Run) -> bool:
        if run.awaits_verdict and run.owner.is_over():
            return True
        if run.is_ended:
            return False
        if _is_due(run) and not self._blocked_by:
            return True
        # Readers do not hold up an emergency, but a command of the host that is under way does.
        return bool(find_short_of_space(run)) and not processes.list_commands_of_run(run.name)

    def _act(self) -> bool:
        """Do what can be done now; True when nothing is left.

        Raise BlockingIOError when another process is acting for the run.
        """
        with self._act_for_run() as journal:
            run = journal.run
            if run.awaits_verdict and run.owner.is_over():
                note_reading(self.context, journal)
            if not run.is_ended and not self._waits(run):
                self._settle(journal)
            if run.is_ended:
                self._read_times.put_down(journal)
            return run.is_finished

    @contextmanager
    def _act_for_run(self) -> Iterator[WrittenJournal]:
        """Hold the run's lock. Raise BlockingIOError when another process is acting for it."""
        self.state_file.lock_or_raise()
        try:
            run = self.read_run()
            try:
                self.state_file.drop_interrupted_write(self.state_file.read())
            except StateError as error:
                # Damaged, full or read-only: what is open is removed all the same.
                self.context.log.error("state_unusable", why=error.message)
            journal = WrittenJournal(run, self.state_file)
            yield journal
            for text in dict.fromkeys(journal.unwritten):
                self.context.log.error("unwritten", why=text)
        finally:
            self.state_file.unlock()

    def _follow_reading(self, run: Run) -> None:
        """Watch the client read, and put down what was seen if a hook has ended the run.

        Nothing hangs on it, so nothing may fail by it.
        """
        try:
            if not run.is_ended and not _is_due(run):
                self._read_times.look(run)
            elif run.is_ended and not self._read_times.is_empty:
                # A hook may be at work for this run: then after it.
                with suppress(BlockingIOError), self._act_for_run() as journal:
                    self._read_times.put_down(journal)
        except Exception as error:
            self.context.log.exception("reading_not_followed", why=str(error))
            self._read_times.give_up()

    def _waits(self, run: Run) -> bool:
        """Tell whether the snapshots have to stay for now."""
        return bool(self._blocked_by) and not find_short_of_space(run)

    def _settle(self, journal: WrittenJournal) -> None:
        context = self.context
        run = journal.run
        host = context.effects.open_host(run.config, run.name)
        settlement = Settlement(context, journal, host)
        is_everything = _is_due(run) and not self._blocked_by
        vms = run.unsettled_vms if is_everything else find_short_of_space(run)
        context.log.info("guard_settles", vms=[vm.vmx for vm in vms], is_owner_over=_is_due(run))
        for vm in [] if _is_due(run) else [vm for vm in vms if Flag.TORN not in vm.flags]:
            # Somebody may be reading it this very moment.
            why = phrase("emergency", path=", ".join(sorted(list_datastores(vm))))
            context.note(journal, Flag.TORN, vm, why, phrase("back_up_again"))
        # One limit for each removal is the driver's own; all of them together have none here.
        settlement.settle(vms, float("inf"), is_start_over=_is_due(run))
        is_settled = is_everything and settlement.close_if_settled()
        context.log.info("guard_settled", is_settled=is_settled, open=len(run.open_vms))

    def _refresh_claims(self, run: Run, now: float) -> None:
        """Say beside the VMs that somebody answers for them. It needs no lock: see there."""
        if now >= self._next_refresh:
            self._next_refresh = now + CLAIM_REFRESH_SECONDS
            host = self.context.effects.open_host(run.config, run.name)
            refresh_claims(self.context, host.snapshots, run)

    def _beat(self, run: Run, now: float) -> None:
        if now < self._next_heartbeat:
            return
        self._next_heartbeat = now + HEARTBEAT_SECONDS
        age_hours = (clock.read_utc_now() - run.begun).total_seconds() / 3600
        self.context.log.info(
            "heartbeat",
            owner=run.owner.describe(),
            open=len(run.open_vms),
            blocked_by=self._blocked_by,
        )
        if run.open_vms and age_hours > run.config.snapshot.alarm_open_hours:
            self.context.log.error(
                "open_too_long",
                hours=round(age_hours, 1),
                limit="[snapshot] alarm_open_hours",
                vms=[vm.vmx for vm in run.open_vms],
            )


def _is_due(run: Run) -> bool:
    """Whether nobody needs the snapshots any more."""
    return run.is_handed_over or run.owner.is_over()


def open_watch(context: Context, state_path: str) -> Watch:
    """Open the state file and read the run. Raise HlbError: then the guard is not ready."""
    watch = Watch(context, StateFile.open(state_path))
    try:
        run = watch.read_run()
    except HlbError:
        watch.state_file.close()
        raise
    context.use(make_effects(run.config.run.language, may_change=True))
    context.open_log(run.config.paths.log_file, run=run.name, job=run.job)
    return watch
