"""What each subcommand of ``hlb`` ends with: for its help, and for the page of exit codes."""

from collections.abc import Mapping

_STATE_UNREADABLE = "a state file cannot be read"

EXITS: Mapping[str, Mapping[int, str]] = {
    "plan": {
        0: "the start hook would end well: a VM would be ready, or none is due",
        1: "VMs are due and none would be ready, or " + _STATE_UNREADABLE,
        75: "no run would begin: one of the job is active, or the host is drained",
    },
    "status": {
        0: "nothing waits for a person",
        1: _STATE_UNREADABLE + ", or what is held",
        4: "something waits for a person",
    },
    "report": {
        0: "every chosen VM is protected",
        1: "a chosen VM is not, or " + _STATE_UNREADABLE,
        4: "the data is safe, and a snapshot is open still",
    },
    "history": {0: "said", 1: _STATE_UNREADABLE},
    "config validate": {0: "it is good", 2: "it is not, or a file that it names is not"},
    "config show": {0: "said", 2: "it is not good"},
    "reap": {
        0: "nothing is open that has nobody",
        1: _STATE_UNREADABLE + ", or the host does not list its VMs",
        4: "something could not be removed: the next reap tries again",
    },
    "restore": {
        0: "everything asked for was done",
        1: "something is wrong with the files or the host; the same command goes on from there",
        2: "something has to be said first, such as --uuid",
        75: "another restore is at work on the folder",
    },
    "check": {
        0: "nothing critical",
        1: "something critical",
        2: "the configuration cannot be used; with --monitoring 0 to 3 are OK, WARNING, CRITICAL "
        "and UNKNOWN",
    },
    "dataset": {0: "said", 1: "the files of a VM of the job cannot be read"},
    "hold": {
        0: "put down, or shown",
        1: "what is held cannot be read or written",
        75: "a start hook is beginning its run and takes too long",
    },
    "drain": {
        0: "nothing of ours is open, or runs may begin again",
        1: _STATE_UNREADABLE,
        4: "something of ours is open still",
        75: "a start hook is beginning its run and takes too long",
    },
    "whereis": {
        0: "said",
        1: "a part could not be found out, as of a host that does not answer",
        2: "nobody knows the VM",
    },
    "probe install": {
        0: "installed",
        2: "a script is in the way that is not ours",
        75: "a run is not over",
    },
    "probe show": {0: "said", 1: "what was written down cannot be read"},
    "probe remove": {0: "the real hooks are back", 1: "one could not be put back"},
}
"""By the words of the command: each code that means something of its own, besides those of all."""

ALL = "2 usage or configuration error, 3 a defect of ours, 130 and 143 interrupted"


def describe_exits(command: str) -> str:
    """Give the lines below the options of ``hlb COMMAND --help``. Raise KeyError."""
    told = "; ".join(f"{code} {meaning}" for code, meaning in EXITS[command].items())
    return f"Exit codes: {told}. Of all commands: {ALL}."
