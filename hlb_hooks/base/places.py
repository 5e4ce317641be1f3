"""Where the backup client is installed: below that folder the package's own files have places."""

import os
import sys

USUAL_AVAMAR_FOLDER = "/usr/local/avamar"
_NOTE = "avamar-prefix"


def find_avamar_folder(installation: str = sys.prefix) -> str:
    """Give the client's folder: the usual one, unless this installation's setup noted another.

    A client may be put elsewhere (``rpm --relocate``), and its ``etc`` and ``var`` go with it.
    Who installs the hooks for it has that folder noted beside our interpreter, in
    ``installation``. Raise OSError for a note that cannot be read.
    """
    try:
        path = os.path.join(installation, _NOTE)
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            noted = file.read()
    except FileNotFoundError:
        return USUAL_AVAMAR_FOLDER
    return noted.rstrip("\n") or USUAL_AVAMAR_FOLDER


AVAMAR_FOLDER = find_avamar_folder()
DEFAULT_CONFIG_PATH = f"{AVAMAR_FOLDER}/etc/hlb/hlb.toml"
