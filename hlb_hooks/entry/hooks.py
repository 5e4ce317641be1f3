"""The five hooks as programs: argv in, exit code out. The console scripts call these.

Nothing that takes time is imported before the surroundings are settled: an interrupt meanwhile
would be a traceback. Then comes only what reads a command line. What a hook works with is most of
its start, and ``--version``, ``--help`` and a mistyped option do without it.
"""

from collections.abc import Sequence

from hlb_hooks.entry.surroundings import settle_in


def initial_backup(argv: Sequence[str] | None = None) -> int:
    """Run the start hook."""
    return _run("initial_backup", argv)


def compare_backup(argv: Sequence[str] | None = None) -> int:
    """Show which VMs a job chooses."""
    return _run("compare_backup", argv)


def snap_request(argv: Sequence[str] | None = None) -> int:
    """Make snapshots of the named VMs."""
    return _run("snap_request", argv)


def snap_remove(argv: Sequence[str] | None = None) -> int:
    """Remove our snapshots from the named VMs."""
    return _run("snap_remove", argv)


def initial_umount(argv: Sequence[str] | None = None) -> int:
    """Run the end hook."""
    return _run("initial_umount", argv)


def _run(hook: str, argv: Sequence[str] | None) -> int:
    settle_in()
    from hlb_hooks.base.errors import UsageError
    from hlb_hooks.entry.arguments import make_parser

    try:
        arguments = make_parser(hook).parse_args(argv)
    except SystemExit as leave:  # argparse, after --help and --version
        return int(leave.code or 0)
    except UsageError as error:
        from hlb_hooks.entry.hook_steps import refuse_call

        return refuse_call(hook, error)
    from hlb_hooks.entry.hook_steps import run_hook

    return run_hook(hook, arguments)
