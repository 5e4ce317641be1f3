# Run before the package is removed; $anyway is the command that removes it all the same.
if [ -x /opt/hlb-hooks/bin/python ] &&
    ! /opt/hlb-hooks/bin/python -I -m hlb_hooks.entry.package_removal; then
    echo "hlb-hooks is not removed, see above. If you know better: $anyway" >&2
    exit 1
fi
