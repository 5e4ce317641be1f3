"""Rules: the backup client, its hooks, the reaper, and whoever kills them."""

import signal
from pathlib import Path

from hypothesis import strategies as st
from machine_base import MachineBase, step
from machine_host import MachineHost, Program

HOSTS = st.integers(0, 1)
DELAYS_MS = st.sampled_from([0, 20, 50, 100, 150, 200, 300, 400, 600, 900])
DEEDS = ("back_up", "end_avtar", "end_by_hand", "reap")
VICTIMS = ("avtar", "hook", "guard", "command")
_MOST_PROGRAMS = 3


class BackupRules(MachineBase):
    """What runs on a host because of backups."""

    @step(host=HOSTS, deed=st.sampled_from(DEEDS), waits=st.booleans())
    def do(self, host: int, deed: str, waits: bool) -> bool:
        """Begin something, and wait for its end or not."""
        chosen = self.pick_host(host)
        return chosen is not None and self._begin(chosen, deed, waits=waits)

    @step(host=HOSTS)
    def begin_backup(self, host: int) -> bool:
        """A backup up to the end of its start hook: snapshots are open then."""
        chosen = self.pick_host(host)
        return chosen is not None and self._begin(chosen, "back_up", waits=True)

    @step(host=HOSTS)
    def complete_backup(self, host: int) -> bool:
        """A whole backup, from the start hook to the end hook."""
        chosen = self.pick_host(host)
        if chosen is None or not self._begin(chosen, "back_up", waits=True):
            return False
        return self._end_avtar(chosen, waits=True)

    @step(
        host=HOSTS,
        deed=st.sampled_from(("nothing", *DEEDS)),
        after_ms=DELAYS_MS,
        victims=st.sets(st.sampled_from(VICTIMS), min_size=1).map(sorted),
    )
    def kill(self, host: int, deed: str, after_ms: int, victims: list[str]) -> bool:
        """SIGKILL whoever is there, perhaps in the midst of something that has just begun."""
        chosen = self.pick_host(host)
        if chosen is None or (deed != "nothing" and not self._begin(chosen, deed, waits=False)):
            return False
        self.site.let_pass(after_ms / 1000)
        return self._send_to(chosen, victims, signal.SIGKILL)

    @step(
        host=HOSTS,
        deed=st.sampled_from(("nothing", *DEEDS)),
        after_ms=DELAYS_MS,
        victims=st.sampled_from((("avtar",), ("hook",), ("avtar", "hook"), ("guard",))),
        name=st.sampled_from(("SIGTERM", "SIGINT")),
    )
    def cancel(
        self, host: int, deed: str, after_ms: int, victims: tuple[str, ...], name: str
    ) -> bool:
        """Ask them to stop, as a cancel or a shutdown does."""
        chosen = self.pick_host(host)
        if chosen is None or (deed != "nothing" and not self._begin(chosen, deed, waits=False)):
            return False
        self.site.let_pass(after_ms / 1000)
        return self._send_to(chosen, victims, signal.Signals[name])

    @step(host=HOSTS)
    def wait_for_hooks(self, host: int) -> bool:
        """Let every hook that is at work come to its end."""
        chosen = self.pick_host(host)
        if chosen is None or not chosen.list_hooks():
            return False
        self.site.wait_until(lambda: not chosen.list_hooks(), f"the hooks' end on {chosen.name}")
        return True

    @step(seconds=st.sampled_from((0.3, 1.0, 2.0)))
    def let_time_go_by(self, seconds: float) -> bool:
        """Nothing, for a while: guards may act."""
        self.site.let_pass(seconds)
        return True

    def _begin(self, host: MachineHost, deed: str, *, waits: bool) -> bool:
        if deed == "end_avtar":
            return self._end_avtar(host, waits=waits)
        if len(host.running) >= _MOST_PROGRAMS:
            return False
        if deed == "back_up":
            avtar = host.start_avtar(self._list_base_files())
            if waits:
                self.site.wait_started(host, avtar)
            return True
        if deed == "reap":
            return self._wait_if(host, host.start_hlb("reap"), waits=waits)
        open_runs = [entry.run.name for entry in host.find_runs().runs if not entry.run.is_ended]
        if not open_runs:
            return False
        program = host.start_hook("initial_umount", "--run", open_runs[-1])
        return self._wait_if(host, program, waits=waits)

    def _end_avtar(self, host: MachineHost, *, waits: bool) -> bool:
        """Let an avtar read its files and call its end hook."""
        waiting = [avtar for avtar in host.avtars if avtar.has_started()]
        if not waiting:
            return False
        avtar = waiting[0]
        assert avtar.barrier is not None
        (avtar.barrier / "continue").touch()
        return self._wait_if(host, avtar, waits=waits)

    def _wait_if(self, host: MachineHost, program: Program, *, waits: bool) -> bool:
        if waits:
            self.site.wait_for(host, program)
        return True

    def _send_to(
        self, host: MachineHost, victims: list[str] | tuple[str, ...], number: signal.Signals
    ) -> bool:
        pids = []
        if "avtar" in victims:
            pids += [avtar.pid for avtar in host.avtars]
        if "hook" in victims:
            pids += [process.pid for process in host.list_hooks()]
        if "guard" in victims:
            pids += [process.pid for process in host.list_guards()]
        if "command" in victims:
            pids += [process.pid for process in host.list_processes("vmware-cmd")]
        for pid in pids:
            host.up.send_signal(pid, number)
        return bool(pids)

    def _list_base_files(self) -> list[Path]:
        """Give what an avtar reads: every VM's base disk."""
        stores = self.site.list_datastores()
        return sorted(path for folder in stores for path in folder.glob("*/*-flat.vmdk"))
