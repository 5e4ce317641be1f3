"""What each page takes for granted: shell lines that run before the blocks below a heading.

The lab is at /lab; `/vmfs` and `/usr/local/avamar` are its, as on a host.
"""

from page_blocks import ROOT

HOST = """\
hlb lab create /lab --vms {vms}
ln -s /lab/vmfs /vmfs
ln -s /lab/avamar /usr/local/avamar
mkdir -p /etc/cron.d
echo '*/10 * * * * root hlb reap' >/etc/cron.d/hlb-reap
hlb reap
"""
BACKUP = """\
avtar --create --label=default --logfile=/lab/avamar/var/backup.log \\
    --run-at-start=initial_backup --run-at-end=initial_umount /vmfs/volumes >/dev/null {more}
"""
# The guard writes down last what the client's log says.
SETTLED = """\
while ! grep -q VERDICT /lab/avamar/var/hlb/*.state; do sleep 0.1; done
"""
NIGHT = BACKUP.format(more="|| true") + SETTLED
STATE_FILES = "/lab/avamar/var/hlb/*.state"
UNDER_WAY = (
    f"""\
known=$(cat {STATE_FILES} 2>/dev/null | grep -c STARTED || true)
"""
    + BACKUP.format(more="--lab-read-delay=2 &")
    + f"""\
client=$!
while [ "$(cat {STATE_FILES} 2>/dev/null | grep -c STARTED)" = "$known" ]; do sleep 0.1; done
"""
)
# What the host itself says of open snapshots, for the test to compare.
OPEN_SNAPSHOTS = """\
grep -h -o 'HLB-[A-Za-z0-9-]*' /lab/vmfs/volumes/*/*/*.vmsd | sort -u >"$FACTS/open"
"""
STUCK_REMOVAL = f"""\
hlb lab fault /lab add refuse --vm wro215ts --action removesnapshots \\
    --text 'Operation failed since another task is in progress.'
kill -KILL $client
while ! grep -q FAILED_umount {STATE_FILES}; do sleep 0.1; done
while [ "$(cat {STATE_FILES} | grep -c OK_umount)" -lt 10 ]; do sleep 0.1; done
"""
# One night with a bit of everything: what failed, what was left out, what is not covered.
QUESTIONS = (
    HOST.format(vms=12)
    + """\
cat >/lab/avamar/etc/hlb/targets <<'EOF'
wro215ts
sql server (2) BCK_FVM=1M
web+app
branch-*
patchday
EOF
hlb lab fault /lab add refuse --vm web+app --action createsnapshot --text 'Insufficient resources.'
"""
    + NIGHT
    + """\
hlb lab fault /lab clear
hlb hold branch-archive --reason 'migration until Friday'
"""
)

SMALL_HOST = HOST.format(vms=3)
# The checkout, as after a clone and one `make`.
CHECKOUT = f"""\
for each in {ROOT}/* {ROOT}/.venv; do ln -s "$each" .; done
"""
LOST = "hlb lab vm /lab destroy wro215ts --force\n"
WHOLE_HOST_LOST = """\
vmware-cmd -l | grep /lab/ | while read -r vm; do
    hlb lab vm /lab destroy "$vm" --force
done
mkdir /lab/vmfs/volumes/4f2b1a33-77d0c1e2-9a10-00144f0d8625
ln -s 4f2b1a33-77d0c1e2-9a10-00144f0d8625 /lab/vmfs/volumes/NEW-LABEL
for vm in wro215ts 'sql server (2)' web+app; do
    avtar -x --labelnumber=1 --target=/vmfs/volumes/NEW-LABEL \\
        "/vmfs/volumes/4a9b8a6e-3eca11a2-6a67-00144f0d8625/$vm"
done
"""

PREPARATIONS: dict[str, dict[str, str]] = {
    "README.md": {"": CHECKOUT},
    "docs/how-to/install.md": {"": SMALL_HOST},
    "docs/how-to/maintenance.md": {"": SMALL_HOST + NIGHT},
    "docs/how-to/monitoring.md": {
        "": SMALL_HOST + NIGHT + "chmod -x /lab/avamar/etc/scripts/initial_umount\n"
    },
    "docs/how-to/policies.md": {
        "": SMALL_HOST + "echo 'wro215ts BCK_FVM=1M' >/lab/avamar/etc/hlb/targets\n" + NIGHT
    },
    "docs/how-to/probe.md": {"": SMALL_HOST},
    "docs/how-to/read-a-night.md": {"": SMALL_HOST + NIGHT},
    "docs/how-to/restore.md": {
        "": SMALL_HOST + NIGHT + LOST,
        "The whole host is lost": WHOLE_HOST_LOST,
    },
    "docs/how-to/questions.md": {
        "": QUESTIONS,
        "Is a snapshot open right now, how old is it, and who removes it?": UNDER_WAY
        + OPEN_SNAPSHOTS,
        "What needs my hand?": STUCK_REMOVAL,
    },
}
