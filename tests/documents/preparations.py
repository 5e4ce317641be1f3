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
while ! grep -q guard_ended /lab/avamar/var/hlb/hlb.log; do sleep 0.1; done
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
# A host with an Avamar client, and with nothing of ours yet.
CLIENT_ALONE = """\
hlb lab create /lab --vms 3
rm /lab/bin/hlb
ln -s /lab/vmfs /vmfs
ln -s /lab/bin/vmware-cmd /usr/bin/vmware-cmd
mkdir -p /usr/local/avamar/etc/scripts /usr/local/avamar/var /etc/cron.d
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

# Client and guard are gone at once, as after a crash.
CRASHED = (
    UNDER_WAY
    + """\
guard=$(sed -n 's/.*\\tGUARD\\t.*pid=\\([0-9]*\\).*/\\1/p' /lab/avamar/var/hlb/*.state)
kill -KILL $client $guard
while [ -e "/proc/$guard" ]; do sleep 0.1; done
"""
)
OF_VCLI = """\
rm -r /lab
hlb lab create /lab --vms 3 --dialect vcli
hlb lab vm /lab snapshot wro215ts HLB-default
"""

GOLD = """\
cat >>/lab/avamar/etc/hlb/hlb.toml <<'EOF'

[jobs.gold]
targets = "/usr/local/avamar/etc/hlb/targets.gold"
default_interval = "1D"
EOF
echo 'sql server (2)' >/lab/avamar/etc/hlb/targets.gold
chmod 600 /lab/avamar/etc/hlb/targets.gold
"""
GOLD_NIGHT = NIGHT.replace("initial_backup", "initial_backup.gold").replace(
    "initial_umount", "initial_umount.gold"
)

PREPARATIONS: dict[str, dict[str, str]] = {
    "README.md": {"": CHECKOUT, "Set it up": CLIENT_ALONE},
    "docs/how-to/avamar.md": {"": SMALL_HOST + NIGHT},
    "docs/how-to/first-dry-run.md": {"": HOST.format(vms=12)},
    "docs/how-to/install.md": {"": SMALL_HOST},
    "docs/how-to/maintenance.md": {"": SMALL_HOST + NIGHT},
    "docs/how-to/monitoring.md": {
        "": SMALL_HOST + NIGHT + "chmod -x /lab/avamar/etc/scripts/initial_umount\n"
    },
    "docs/how-to/policies.md": {
        "": SMALL_HOST + "echo 'wro215ts BCK_FVM=1M' >/lab/avamar/etc/hlb/targets\n" + NIGHT
    },
    "docs/how-to/probe.md": {"": SMALL_HOST},
    "docs/how-to/read-a-log.md": {"": SMALL_HOST + NIGHT},
    "docs/how-to/read-a-night.md": {"": SMALL_HOST + NIGHT},
    "docs/how-to/recover-by-hand.md": {
        "": SMALL_HOST + CRASHED,
        "The same with vCLI's vmware-cmd": OF_VCLI,
    },
    "docs/how-to/restore.md": {
        "": SMALL_HOST + NIGHT + LOST,
        "The whole host is lost": WHOLE_HOST_LOST,
    },
    "docs/how-to/several-datasets.md": {"": SMALL_HOST + GOLD, "Ask by job": GOLD_NIGHT},
    "docs/how-to/upgrade.md": {"": SMALL_HOST + NIGHT},
    "docs/how-to/questions.md": {
        "": QUESTIONS,
        "Is a snapshot open right now, how old is it, and who removes it?": UNDER_WAY
        + OPEN_SNAPSHOTS,
        "What needs my hand?": STUCK_REMOVAL,
    },
}
