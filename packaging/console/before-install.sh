# Run before anything is put on the host; $avamar is the backup client's folder.
link=$(readlink /opt/hlb-hooks/bin/python 2>/dev/null) || link=
if [ -n "$link" ]; then
    note=/opt/hlb-hooks/bin/${link%/bin/*}/avamar-prefix
    noted=$(cat "$note" 2>/dev/null) || noted=
    if [ -n "$noted" ] && [ "$noted" != "$avamar" ]; then
        echo "hlb-hooks is installed for the client in $noted, and this would be for $avamar." >&2
        echo "Name the same again (rpm: --relocate /usr/local/avamar=$noted), or remove it first." >&2
        exit 1
    fi
fi
# Scripts of the same names that are not what was installed before: somebody's own.
for hook in @hooks@; do
    script=$avamar/etc/scripts/$hook
    if [ ! -e "$script" ] && [ ! -L "$script" ]; then
        continue
    fi
    ours=/opt/hlb-hooks/package/hooks/$hook
    if [ -f "$script" ] && [ ! -L "$script" ] && [ -f "$ours" ] &&
        [ "$(cat "$script")" = "$(cat "$ours")" ]; then
        continue
    fi
    aside=$script.before-hlb-hooks
    number=1
    while [ -e "$aside" ] || [ -L "$aside" ]; do
        number=$((number + 1))
        aside=$script.before-hlb-hooks-$number
    done
    mv "$script" "$aside"
    echo "hlb-hooks: $script was there and is not of this package: it is $aside now"
done
