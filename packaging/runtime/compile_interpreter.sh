#!/bin/sh
# compile_interpreter.sh SOURCES WORK OUT: a fully static CPython for any x86_64 Linux from 2.6.18
# on. OUT gets python3.13, stripped, and Lib, CPython's library with the same patches.
#
# It is linked with musl: glibc from Debian refuses kernels before 3.2.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
sources=$(cd "$1" && pwd)
mkdir -p "$2" "$3"
work=$(cd "$2" && pwd)
out=$(cd "$3" && pwd)
jobs=${HLB_BUILD_JOBS:-$(nproc)}
# A build of the same sources gives the same bytes, so no date of today may get in.
export SOURCE_DATE_EPOCH=1767225600 LC_ALL=C TZ=UTC
cd "$work"

unpack() { # archive pattern, folder to make
    mkdir "$2"
    # shellcheck disable=SC2086  # a pattern that matches one file
    tar -x -f $1 -C "$2" --strip-components=1
}
unpack "$sources/python3.13_*.orig.tar.xz" python
unpack "$sources/python3.13_*.debian.tar.xz" python-debian
unpack "$sources/zlib_*.orig.tar.gz" zlib
unpack "$sources/zlib_*.debian.tar.xz" zlib-debian

# In a series, what ends in .patch is a fix from upstream; .diff is about Debian's own layout.
mkdir "$out/licenses"
for name in python zlib; do
    applied=$out/licenses/$name-applied-patches
    sed -n 's/^\([^#].*\.patch\).*/\1/p' "$name-debian/patches/series" >"$applied"
    while read -r fix; do
        patch --strip=1 --silent --force --directory="$name" --input="../$name-debian/patches/$fix"
    done <"$applied"
done

# musl-gcc knows neither the kernel's headers nor --print-multiarch, which configure wants.
mkdir kernel-headers
ln -s /usr/include/linux /usr/include/asm-generic kernel-headers/
ln -s /usr/include/x86_64-linux-gnu/asm kernel-headers/asm
cat >cc <<EOF
#!/bin/sh
[ "\$1" = --print-multiarch ] && { echo x86_64-linux-musl; exit 0; }
exec musl-gcc -idirafter $work/kernel-headers "\$@"
EOF
chmod +x cc
# The paths of this build must not get into its result.
no_paths="-ffile-prefix-map=$work=."
export CC="$work/cc" PKG_CONFIG=/bin/false

(
    cd zlib
    CFLAGS="-O2 $no_paths" ./configure --static --prefix="$work/installed" >/dev/null
    make -s -j "$jobs" libz.a
    make -s install >/dev/null
)

# Modules that need a library which is not there, or which nothing of ours loads.
without=""
for module in $(grep -v '^#' "$here/modules-left-out"); do
    without="$without py_cv_module_$module=n/a"
done
mkdir build
cd build
# The stack of a thread: with musl's own 128 KiB a deep recursion is a crash and no exception.
# shellcheck disable=SC2086  # a list of words
ZLIB_CFLAGS="-I$work/installed/include" ZLIB_LIBS="-L$work/installed/lib -lz" \
    ../python/configure -q --prefix=/opt/hlb-hooks/package \
    --disable-shared --disable-test-modules --without-ensurepip --without-doc-strings \
    --without-readline MODULE_BUILDTYPE=static CFLAGS="-O2 -fno-pie $no_paths" \
    LDFLAGS="-static -no-pie -Wl,-z,stack-size=8388608" LINKFORSHARED=" " \
    $without >configure.log 2>&1 || { tail -n 40 configure.log >&2; exit 1; }
make -j "$jobs" LINKFORSHARED=" " >make.log 2>&1 || { tail -n 40 make.log >&2; exit 1; }

strip --strip-all -o "$out/python3.13" python
if readelf --program-headers --wide "$out/python3.13" | grep -qE 'INTERP|DYNAMIC'; then
    echo "compile_interpreter: the interpreter is not static" >&2
    exit 1
fi
cp -R ../python/Lib "$out/Lib"
find "$out/Lib" -name __pycache__ -type d -prune -exec rm -rf {} +
cp ../python/LICENSE "$out/licenses/python"
cp ../zlib/README "$out/licenses/zlib"
cp /usr/share/doc/musl-dev/copyright "$out/licenses/musl"
