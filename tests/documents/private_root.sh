#!/bin/sh
# A root of its own, below /mnt of a mount namespace of its own: the programs of this machine, to be
# read; empty places for all that a page writes; and the folders that are named, at their places.
# Usage, as root: unshare --mount --pid --fork --kill-child sh private_root.sh SCRIPT FOLDER...
set -eu
script=$1
shift
# As large as a datastore looks: by the example of hlb.toml 20 GiB have to stay free.
mount -t tmpfs -o mode=755,size=64g private /mnt
# Give $1 at $2 there; read-only, as it is this machine's own.
show() {
    mkdir -p "/mnt$2"
    mount --rbind "$1" "/mnt$2"
    mount -o remount,bind,ro "/mnt$2"
}
for entry in /bin /sbin /lib* /usr/* /usr/local/*; do
    case $entry in
        /usr/bin | /usr/local | /usr/local/avamar) continue ;;
    esac
    if [ -L "$entry" ]; then
        mkdir -p "/mnt${entry%/*}"
        cp -P "$entry" "/mnt$entry"
    elif [ -d "$entry" ]; then
        show "$entry" "$entry"
    fi
done
# A folder of links, where a page may put a program of its own.
show /usr/bin /usr/own-bin
mkdir -p /mnt/usr/bin
chroot /mnt /usr/own-bin/cp -rs /usr/own-bin/. /usr/bin
for folder in /dev /sys; do
    mkdir -p "/mnt$folder"
    mount --rbind "$folder" "/mnt$folder"
done
for folder in mnt opt proc root run srv tmp usr/local var/log var/tmp; do
    mkdir -p "/mnt/$folder"
done
chmod 1777 /mnt/tmp /mnt/var/tmp
mount -t proc proc /mnt/proc
cp -a /etc /mnt/etc
for folder in "$@"; do
    [ ! -e "/mnt$folder" ] || continue
    mkdir -p "/mnt$folder"
    mount --bind "$folder" "/mnt$folder"
done
exec chroot /mnt sh "$script"
