"""Where the backup client is installed: below that folder the package's own files have places."""

import sys
from pathlib import Path

USUAL_AVAMAR_FOLDER = "/usr/local/avamar"
_NOTE = "avamar-prefix"


def find_avamar_folder(installation: str = sys.prefix) -> str:
    """Give the client's folder: the usual one, unless this installation's setup noted another.

    A client may be put elsewhere (``rpm --relocate``), and its ``etc`` and ``var`` go with it.
    Who installs the hooks for it has that folder noted beside our interpreter, in
    ``installation``. Raise OSError for a note that cannot be read.
    """
    try:
        noted = Path(installation, _NOTE).read_text("utf-8", "surrogateescape")
    except FileNotFoundError:
        return USUAL_AVAMAR_FOLDER
    return noted.rstrip("\n") or USUAL_AVAMAR_FOLDER
