"""An ESX host in a folder, for tests: VM files on disk and an executable ``vmware-cmd``.

It shares nothing with the package it helps to test: it was written from the facts known of
``vmware-cmd`` (ESX 3.5 console, vCLI) and of VM files alone, so that a fact which the package
and its own rehearsal host both misread does not pass unseen. Standard library only;
``python3 esx.py create ROOT`` makes a host by hand, ``Host.create(ROOT)`` from a test.

    ROOT/bin/vmware-cmd       the executable (``Host.vmware_cmd``)
    ROOT/esx.json             switches, read at every call: see ``Switches`` and ``Failure``
    ROOT/vmfs/volumes/UUID/   datastores; ``volumes/LABEL`` is a symlink to one
    ROOT/hostd/               the host's own memory: registered VMs, the calls it was given

What a snapshot does to the files is done for real: the delta holds the guest's writes and its
removal merges them into the base. Only the inside of a ``-delta.vmdk`` is an encoding of our own.
Names are ``str`` that carry bytes which are not UTF-8 as lone surrogates (``os.fsdecode``).
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from esx_command import run_vmware_cmd, say
from esx_disks import (
    DELTA_HEADER,
    create_delta,
    merge_into,
    read_chain,
    read_link,
    write_descriptor,
)
from esx_files import Vmsd, Vmx
from esx_host import Host
from esx_words import Failure, Power, RefusedError, Switches

__all__ = [
    "DELTA_HEADER",
    "ODD_NAMES",
    "Failure",
    "Host",
    "Power",
    "RefusedError",
    "Switches",
    "Vmsd",
    "Vmx",
    "create_delta",
    "merge_into",
    "read_chain",
    "read_link",
    "run_vmware_cmd",
    "write_descriptor",
]

ODD_NAMES = ("sql server (2)", "web+app", "it's", "store\nroom")


def main(argv: Sequence[str]) -> int:
    """Make a host by hand: ``create ROOT [--dialect console|vcli] [--vms N]``."""
    import argparse

    parser = argparse.ArgumentParser(prog="esx.py", allow_abbrev=False)
    create = parser.add_subparsers(required=True).add_parser("create", allow_abbrev=False)
    create.add_argument("root", type=Path)
    create.add_argument("--dialect", choices=("console", "vcli"), default="console")
    create.add_argument("--vms", type=int, default=len(ODD_NAMES))
    options = parser.parse_args(argv)
    host = Host.create(options.root, dialect=options.dialect)
    plain = [f"vm{number:03d}" for number in range(len(ODD_NAMES) + 1, options.vms + 1)]
    for name in [*ODD_NAMES, *plain][: options.vms]:
        host.add_vm(name.replace("\n", " "), display_name=name)
    say(str(host.vmware_cmd), "stdout")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
