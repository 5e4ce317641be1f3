#!/bin/sh
# A root of its own, below /mnt of a mount namespace of its own: the programs of this machine, to be
# read; empty places for all that a page writes; and the folders that are named, at their places.
# Usage, as root: unshare --mount --pid --fork --kill-child sh private_root.sh SCRIPT FOLDER...
set -eu
script=$1
shift
mount -t tmpfs -o mode=755 private /mnt
for entry in /bin /sbin /lib* /usr/* /usr/local/* /dev /sys; do
    if [ "$entry" = /usr/local ]; then
        mkdir -p /mnt/usr/local
    elif [ -L "$entry" ]; then
        cp -P "$entry" "/mnt$entry"
    elif [ -d "$entry" ] && [ "$entry" != /usr/local/avamar ]; then
        mkdir -p "/mnt$entry"
        mount --rbind "$entry" "/mnt$entry"
    fi
done
for folder in mnt opt proc root run srv tmp var/log var/tmp; do
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
