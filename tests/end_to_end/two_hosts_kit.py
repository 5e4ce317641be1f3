"""Two hosts that share their datastores, and the ways a VM with our snapshot gets from one away.

``hlb reap`` on either runs in namespaces of its own: it sees none of the other's processes, and
its host was booted when the test says, and not when the machine was that runs the tests.
"""

import re
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from esx import Host, Vmsd, Vmx, merge_into, read_chain
from hook_kit import PROGRAMS, Site
from hook_story import Outcome
from hook_watching import PATIENCE_SECONDS, kill_guards
from rehearsing import look

DAY_SECONDS = 24 * 60 * 60.0
_APART = ["--pid", "--mount-proc"]
_READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'


def join_host(site: Site, shares_with: Site) -> Site:
    """Make ``site`` a host that sees the datastores of another; each goes by its own name."""
    root = site.root / "second"
    site.host = Host.create(root, shares_with=shares_with.host)
    site.configure(host={"vmware_cmd": str(site.host.vmware_cmd), "name": "esx2"})
    shares_with.configure(host={"name": "esx1"})
    # As after a first backup there.
    site.state_dir.mkdir(mode=0o700)
    return site


def move(vmx: str, source: Site, target: Site) -> None:
    """Move a running VM as vMotion does: it is registered on the other host, the files stay."""
    source.host.unregister(vmx)
    target.host.register(vmx, "on")


def command_apart(
    *, is_apart: bool, up_seconds: float = DAY_SECONDS, read_only: Path | None = None
) -> list[str]:
    """Give the command before a command that is to run on a host of its own, or skip."""
    offset = round(up_seconds - time.clock_gettime(time.CLOCK_MONOTONIC))
    way = ["unshare", "--mount", "--time", f"--monotonic={offset}", "--fork", "--kill-child"]
    way += _APART if is_apart else []
    for options in ([], ["--user", "--map-root-user"]):
        whole = [*way, *options]
        if not subprocess.run([*whole, "true"], capture_output=True, check=False).returncode:
            return [*whole, *(["sh", "-c", _READ_ONLY, str(read_only)] if read_only else [])]
    pytest.skip("two hosts need unshare of the Debian package util-linux, and namespaces")


def reap_command(site: Site, *options: str) -> list[str]:
    return [str(PROGRAMS / "hlb"), "reap", "--config", str(site.config), *options]


def reap(
    site: Site,
    *options: str,
    is_apart: bool = True,
    up_seconds: float = DAY_SECONDS,
    read_only: Path | None = None,
) -> Outcome:
    """Run ``hlb reap`` on a host of its own, or, not apart, among the processes of the test."""
    way = command_apart(is_apart=is_apart, up_seconds=up_seconds, read_only=read_only)
    done = subprocess.run(
        [*way, *reap_command(site, *options)],
        capture_output=True,
        check=False,
        cwd="/",
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=PATIENCE_SECONDS * 2,
    )
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return Outcome(done.returncode, done.stdout, done.stderr)


def reap_in_vain(
    site: Site, other: Site, *options: str, up_seconds: float = DAY_SECONDS
) -> Outcome:
    """Run a reap that may change nothing, not a byte, on either host, but say that it ran."""
    before = _look_past_trace(site), _look_past_trace(other)
    done = reap(other, *options, up_seconds=up_seconds)
    assert (_look_past_trace(site), _look_past_trace(other)) == before
    assert done.exit_code == 0, done.stdout
    return done


def _look_past_trace(site: Site) -> dict[str, tuple[object, ...]]:
    """Look at all of a host but when ``hlb reap`` last ran, and the time that is of its folder."""
    trace = site.state_dir / "last-reap"
    return {
        path: seen for path, seen in look(site).items() if Path(path) not in {trace, trace.parent}
    }


def lose_host(site: Site) -> None:
    """Back up until the snapshots are there; then everything on the host dies."""
    with site.avtar() as avtar:
        avtar.wait_started()
        kill_guards(site.root)
        avtar.kill()


def read_claim(vmx: str) -> dict[str, str]:
    lines = Path(vmx).with_suffix(".hlb-claim").read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines)


def age_claim(vmx: str, age: timedelta) -> None:
    """Make a claim look as if it was refreshed so long ago, written in place."""
    path = Path(vmx).with_suffix(".hlb-claim")
    stamp = (datetime.now(UTC) - age).strftime("%Y-%m-%dT%H:%M:%SZ")
    text = re.sub(r"(?m)^time=.*$", f"time={stamp}", path.read_text("utf-8"))
    with path.open("r+", encoding="utf-8") as file:
        file.write(text)


def abandon_claim(vmx: str) -> None:
    """Make a claim look as if nobody had answered for it for two hours."""
    age_claim(vmx, timedelta(hours=2))


def delete_newest_snapshot(vmx: str) -> None:
    """Remove the newest snapshot alone, by its name, as only the big client can."""
    config, listed = Vmx(Path(vmx)), Vmsd(Path(vmx))
    entry = listed.entries.pop()
    top = config.disk("scsi0:0").path
    below = read_chain(top)[1].path
    idle = merge_into(below, top)
    config.set("scsi0:0.fileName", below.name)
    config.save()
    listed.save()
    for path in (*idle, Path(vmx).with_name(entry["filename"])):
        path.unlink()


def removals(*sites: Site) -> list[str]:
    """Give the VMs whose snapshots a host was asked to remove."""
    calls = [call for site in sites for call in site.changing_calls()]
    return [vmx for vmx, action in calls if action == "removesnapshots"]


def find_records(site: Site, flag: str) -> list[dict[str, str]]:
    """Give the details of every record of a kind, in all state files of a host."""
    records = [record for path in site.state_files() for record in site.records(path)]
    return [record.details for record in records if record.flag == flag]
