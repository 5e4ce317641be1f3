"""Which VMs a run has backed up, by the job's own measure of success."""

from hlb_hooks.effects.run_digest import RunDigest, VmIdentity

# The values of [jobs.NAME] success.
READ = "read"
HOOKS = "hooks"


def list_successes(digest: RunDigest, measure: str) -> tuple[VmIdentity, ...]:
    """Give the VMs whose backup by this run counts.

    ``read``: the client's own log says that they were read. ``hooks``, for clients without such a
    log: also those of which nothing is known, if the end hook came. A run whose client died
    before, and that a guard had to settle, has backed nothing up for all anybody knows.
    """
    if measure == HOOKS and digest.is_handed_over:
        return digest.read + digest.unread
    return digest.read
