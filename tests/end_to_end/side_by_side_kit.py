"""For tests of several at work on one host: more jobs, and what must hold for each VM."""

from hook_kit import Site


def add_job(site: Site, job: str, *targets: str) -> None:
    """Configure one more job, and a link by which avtar starts it."""
    path = site.root / "etc" / job
    path.write_text("".join(f"{target}\n" for target in targets), "utf-8")
    path.chmod(0o600)
    site.configure(**{f"jobs.{job}": {"targets": str(path)}})
    (site.scripts / f"initial_backup.{job}").symlink_to("initial_backup")


def assert_asked_once(site: Site) -> None:
    """Of each VM's snapshots none was asked for twice, nor removed twice, and nothing is left."""
    calls = site.changing_calls()
    for vmx in {call[0] for call in calls}:
        made = calls.count([vmx, "createsnapshot"])
        assert calls.count([vmx, "removesnapshots"]) == made, vmx
    assert site.leftovers() == []
