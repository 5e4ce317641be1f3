#!/bin/sh
# fetch_sources.sh FOLDER: put the files of sources.sha256 there, with their sums checked.
#
# Where Debian's sources are is taken from this machine's own apt settings. They need name neither
# the suite nor deb-src: a private configuration does, and the machine's own stays as it is.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
cd "$folder"

is_complete() {
    sha256sum --check --quiet "$here/sources.sha256" >/dev/null 2>&1
}

# Give the address of Debian's archive, or of its security archive, as this machine has it.
find_site() { # label
    apt-get indextargets --format '$(LABEL)|$(SITE)' | sed -n "s/^$1|//p" | head -n 1
}

fail() {
    echo "fetch_sources: $1" >&2
    exit 1
}

is_complete && exit 0
if [ -z "$(find_site Debian)" ] && [ "$(id -u)" = 0 ]; then
    apt-get update -qq
fi
site=$(find_site Debian)
[ -n "$site" ] ||
    fail "apt knows no archive of Debian's yet: as root, apt-get update (this needs Debian)"
security=$(find_site Debian-Security)
suite=$(sed -n '/^[^#]/{s/ .*//p;q;}' "$here/sources")

private=$(mktemp -d)
trap 'rm -rf "$private"' EXIT
mkdir -p "$private/lists/partial" "$private/cache/archives/partial"
keys=signed-by=/usr/share/keyrings/debian-archive-keyring.gpg
{
    echo "deb-src [$keys] $site $suite main"
    [ -z "$security" ] || echo "deb-src [$keys] $security $suite-security main"
} >"$private/sources.list"
cat >"$private/apt.conf" <<EOF
Dir::Etc::SourceList "$private/sources.list";
Dir::Etc::SourceParts "-";
Dir::State::Lists "$private/lists";
Dir::Cache "$private/cache";
APT::Sandbox::User "$(id -un)";
EOF
export APT_CONFIG="$private/apt.conf"
apt-get update -qq
while read -r _ package version; do
    apt-get source -qq --download-only --only-source "$package=$version" || {
        apt-cache showsrc --only-source "$package" | grep -E '^Version:' >&2 || true
        fail "$package $version cannot be had. If Debian has a newer one (above): read what it
changes, then put its version into packaging/runtime/sources and its sums into sources.sha256"
    }
done <<EOF
$(grep -v '^#' "$here/sources")
EOF
is_complete || {
    sha256sum --check "$here/sources.sha256" >&2 || true
    fail "what was downloaded is not what packaging/runtime/sources.sha256 names"
}
