"""Hypervisor-level backup for VMware, as hooks of the backup client.

The floors of the package, from the top; an import only ever goes down:

    entry       argv, environment and exit codes: the five hooks, ``hlb``, the guard process
    steps       one module a hook, and what the hooks share: settling a run, its report
    decisions   pure: facts in, plan out
    effects     the state file, the hypervisor's driver, processes, the guard's start
    vmfiles     pure readers of .vmx, .vmsd and VMDK descriptors, on bytes
    base        errors, exit codes, clock, configuration, text, logs

``lab`` stands beside them: a host to rehearse on, which the hooks know nothing of.
"""

__version__ = "0.1.0"
