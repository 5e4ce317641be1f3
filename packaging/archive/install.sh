#!/bin/sh
# sh install.sh [FOLDER]: install hlb-hooks for the Avamar client in FOLDER (/usr/local/avamar).
# The same command upgrades. /opt/hlb-hooks/package/uninstall removes.
set -eu
umask 022
avamar=${1:-/usr/local/avamar}
cd "$(dirname "$0")"
say() { echo "hlb-hooks: $1"; }
fail() {
    say "$1" >&2
    exit 1
}
case $avamar in
/*) ;;
*) fail "name the client's folder by its whole path, not $avamar" ;;
esac
[ "$(id -u)" = 0 ] || fail "only root can install it"
[ "$(uname -m)" = x86_64 ] || fail "it needs a Linux host of x86_64, and this is $(uname -m)"
# By their paths: the shell of busybox has an rpm of its own, which knows of nothing.
for rpm in /bin/rpm /usr/bin/rpm; do
    if [ -x "$rpm" ] && "$rpm" -q hlb-hooks >/dev/null 2>&1; then
        fail "it is installed as an RPM here: upgrade that, or remove it first"
    fi
done

@before-install.sh@

# Put a file in place of another in one step. What is there before is whole, and so is what is
# there after.
put() { # source, target, mode
    mkdir -p "$(dirname "$2")"
    cp "$1" "$2.new~"
    chmod "$3" "$2.new~"
    mv -f "$2.new~" "$2"
}

home=/opt/hlb-hooks
list=root/opt/hlb-hooks/package/installed-files
: >"$list"
mkdir -p "$home"
rm -rf "$home/package.new" "$home/package.old"
# First what everything else needs; the hooks last.
for path in @plain_files@; do
    echo "/$path" >>"$list"
done
for hook in @hooks@; do
    echo "$avamar/etc/scripts/$hook" >>"$list"
done
if [ -d /run/systemd/system ]; then
    schedule="etc/systemd/system/hlb-reap.service etc/systemd/system/hlb-reap.timer"
else
    schedule=etc/cron.d/hlb-hooks
fi
for path in $schedule; do
    echo "/$path" >>"$list"
done
cp -R root/opt/hlb-hooks/package "$home/package.new"
[ ! -d "$home/package" ] || mv "$home/package" "$home/package.old"
mv "$home/package.new" "$home/package"
rm -rf "$home/package.old"
for path in @plain_files@; do
    case $path in
    usr/bin/*) put "root/$path" "/$path" 755 ;;
    *) put "root/$path" "/$path" 644 ;;
    esac
done
for name in @configuration@; do
    source=root/usr/local/avamar/etc/hlb/$name
    target=$avamar/etc/hlb/$name
    if [ ! -e "$target" ]; then
        put "$source" "$target" 644
    elif [ "$(cat "$source")" != "$(cat "$target")" ]; then
        put "$source" "$target.new" 644
    fi
done
[ -e /etc/logrotate.d/hlb-hooks ] ||
    put root/etc/logrotate.d/hlb-hooks /etc/logrotate.d/hlb-hooks 644
if [ ! -d "$avamar/var/hlb" ]; then
    mkdir -p "$avamar/var"
    mkdir -m 700 "$avamar/var/hlb"
fi
sh "$home/package/activate" "$avamar"
for hook in @hooks@; do
    put "root/usr/local/avamar/etc/scripts/$hook" "$avamar/etc/scripts/$hook" 755
done
for path in $schedule; do
    put "root/$path" "/$path" 644
done
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    systemctl enable --quiet --now hlb-reap.timer
fi
say "version $(cat "$home/package/VERSION") is installed for the client in $avamar"
