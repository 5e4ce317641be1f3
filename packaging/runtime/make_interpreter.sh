#!/bin/sh
# make_interpreter.sh OUT: the static interpreter and its library, compiled or from the cache.
#
# The cache is build/cache, or $HLB_BUILD_CACHE. What lies in it is used only if it was made from
# the same sources by the same scripts and compiler, and is still what was put there.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cache=${HLB_BUILD_CACHE:-$here/../../build/cache}
out=$1
sh "$here/../install_build_needs.sh" \
    gcc libc6-dev linux-libc-dev make musl-tools patch xz-utils debian-archive-keyring

key=$(
    {
        cat "$here/compile_interpreter.sh" "$here/modules-left-out" "$here/sources.sha256"
        dpkg-query -W musl-dev linux-libc-dev binutils
        gcc --version | head -n 1
    } | sha256sum | cut -c 1-16
)
mkdir -p "$cache"
archive="$cache/interpreter-$key.tar.gz"
if ! (cd "$cache" && sha256sum --check --quiet "$archive.sha256") >/dev/null 2>&1; then
    sh "$here/fetch_sources.sh" "$cache/sources"
    work=$(mktemp -d "$cache/work.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    sh "$here/compile_interpreter.sh" "$cache/sources" "$work/compile" "$work/out"
    tar -c -z -f "$work/archive" -C "$work/out" .
    mv "$work/archive" "$archive"
    (cd "$cache" && sha256sum "interpreter-$key.tar.gz") >"$work/sum"
    mv "$work/sum" "$archive.sha256"
fi
rm -rf "$out"
mkdir -p "$out"
tar -x -z -f "$archive" -C "$out"
