"""An administrator, as a process of its own: takes snapshots at moments it is told.

Arguments: the emulation's folder, the host's, the VM's .vmx. Reads lines ``MOMENT NAME``
(CLOCK_MONOTONIC, nanoseconds) and answers each with the moment at which the snapshot was
complete, or 0 where the host refused it.
"""

import sys
import time

# A sleep may wake late by so much; what is left is waited for busily.
SPIN_NS = 2_000_000


def main() -> None:
    emulation, root, vmx = sys.argv[1:]
    sys.path.insert(0, emulation)
    import esx

    host = esx.Host(root)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        moment, name = line.split()
        time.sleep(max(0, int(moment) - time.monotonic_ns() - SPIN_NS) / 1e9)
        while time.monotonic_ns() < int(moment):
            pass
        try:
            host.take_admin_snapshot(vmx, name)
            done = time.monotonic_ns()
        except esx.RefusedError:
            done = 0
        sys.stdout.write(f"{done}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
