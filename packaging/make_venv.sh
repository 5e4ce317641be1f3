#!/bin/sh
# make_venv.sh PYTHON FOLDER: a virtual environment, or a clear word on what is missing for one.
set -eu
python=$1 folder=$2
if ! command -v "$python" >/dev/null; then
    echo "hlb-hooks needs Python 3.11 or newer, and there is no $python here" >&2
    exit 1
fi
if ! "$python" -c 'import sys; raise SystemExit(sys.version_info < (3, 11))'; then
    echo "hlb-hooks needs Python 3.11 or newer: make PYTHON=python3.11 ..." >&2
    exit 1
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    # Debian keeps these two in a package of their own.
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq && apt-get install -qq -y python3-venv
    else
        echo "this Python has no venv: install the package python3-venv, then try again" >&2
        exit 1
    fi
fi
"$python" -m venv "$folder"
