# Run after the files of the package are gone; $avamar is the backup client's folder.
cd /opt/hlb-hooks 2>/dev/null || exit 0
@versions.sh@
rm -f bin/python bin/.python
rm -rf versions/.new
for version in versions/*; do
    [ -d "$version" ] || continue
    if is_in_use "/opt/hlb-hooks/$version"; then
        echo "hlb-hooks: a process of it still runs; remove /opt/hlb-hooks/$version when it ended"
    else
        rm -rf "$version"
    fi
done
cd /
rmdir /opt/hlb-hooks/bin /opt/hlb-hooks/versions /opt/hlb-hooks 2>/dev/null || true
[ ! -d "$avamar/var/hlb" ] || echo "hlb-hooks: state and log stay in $avamar/var/hlb"
