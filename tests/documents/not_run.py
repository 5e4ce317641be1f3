"""The one list of the command blocks that no test runs, and why; the pages say it too.

A block is named by its page and its first three words.
"""

_BY_MAKE_PACKAGES = "`make packages` does it, on an emulated console"
_INSTALL = "docs/how-to/install.md: "

NOT_RUN = {
    "CONTRIBUTING.md: make test #": "these commands run them",
    "README.md: pip install .": (
        "it would change the Python of whoever runs them; `make demo` does the same in an "
        "environment of its own"
    ),
    "docs/how-to/borgmatic.md: borgmatic extract --archive": (
        "a whole loss and restore by borgmatic is run with paths of its own, in "
        "`tests/lab/test_circle_borgmatic.py`"
    ),
    f"{_INSTALL}make rpm": "`make packages` begins with it",
    f"{_INSTALL}rpm -i hlb-hooks-0.1.0-1.x86_64.rpm": _BY_MAKE_PACKAGES,
    f"{_INSTALL}tar xzf hlb-hooks-0.1.0.x86_64.tar.gz": _BY_MAKE_PACKAGES,
    f"{_INSTALL}rpm -V hlb-hooks": _BY_MAKE_PACKAGES,
    f"{_INSTALL}rpm -U hlb-hooks-0.2.0-1.x86_64.rpm": _BY_MAKE_PACKAGES,
    f"{_INSTALL}rpm -U --oldpackage": _BY_MAKE_PACKAGES,
    f"{_INSTALL}rpm -e hlb-hooks": _BY_MAKE_PACKAGES,
    "docs/how-to/restore.md: fdisk -lu wro215ts-flat.vmdk": (
        "it needs a disk with a guest's file system in it, and loop devices"
    ),
    "docs/reference/performance.md: make bench #": (
        "it takes a machine of its own for eight minutes"
    ),
}
