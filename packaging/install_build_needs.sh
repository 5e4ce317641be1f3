#!/bin/sh
# install_build_needs.sh PACKAGE...: see to it that these Debian packages are here. Root installs
# them; anybody else is told which are missing.
set -eu
missing=""
for package; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
        missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
    echo "these Debian packages are missing; have root install them:$missing" >&2
    exit 1
fi
apt-get update -qq
# shellcheck disable=SC2086  # a list of words
DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing
