"""What each page takes for granted: shell lines that run before the blocks below a heading.

The lab is at /lab; `/vmfs` and `/usr/local/avamar` are its, as on a host.
"""

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
    --run-at-start=initial_backup --run-at-end=initial_umount /lab/vmfs/volumes >/dev/null {more}
"""
# The guard writes down last what the client's log says.
SETTLED = """\
while ! grep -q ENDED /lab/avamar/var/hlb/*.state; do sleep 0.1; done
while pgrep -f hlb-guard >/dev/null; do sleep 0.1; done
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

PREPARATIONS: dict[str, dict[str, str]] = {
    "docs/how-to/questions.md": {
        "": QUESTIONS,
        "Is a snapshot open right now, how old is it, and who removes it?": UNDER_WAY
        + OPEN_SNAPSHOTS,
        "What needs my hand?": STUCK_REMOVAL,
    },
}
