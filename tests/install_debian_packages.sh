#!/bin/sh
# The Debian packages that some tests need: installed by root, else those tests skip and name them.
set -eu
missing=""
# locales: the definition of a locale that is not UTF-8. fuse3: mounting a lab.
# strace: stopping a program at each of its calls. borgmatic, borgbackup: a backup client that nobody
# here wrote. e2fsprogs: a file system inside a disk. prometheus: promtool, which reads metrics
# and tries alert rules. chromium: looking at the page of a report. procps: ps, which a document
# tells an operator to use.
for package in procps locales fuse3 strace borgmatic borgbackup e2fsprogs prometheus chromium; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
        missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq
    # shellcheck disable=SC2086  # a list of words
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing
else
    echo "not installed:$missing; the tests that need them are skipped"
fi
