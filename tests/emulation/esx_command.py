"""The ``vmware-cmd`` of the emulated host: what it understands, does and prints."""

import json
import os
import sys
import time
from base64 import b64decode
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path

from esx_host import Host
from esx_words import (
    Answer,
    Call,
    RefusedError,
    Switches,
    UsageWantedError,
    refuse_for_state,
    refuse_unregistered,
    refuse_with_fault,
)

USAGE = """\
Usage: vmware-cmd <options> <vm-cfg-path> <vm-action> <arguments>
vmware-cmd -s <options> <server-action> <arguments>
"""
# Options with a value; only the remote program (vCLI) has them.
VCLI_OPTIONS = {
    "-H",
    "-O",
    "-Q",
    "-U",
    "-P",
    "--server",
    "--vihost",
    "--sessionfile",
} | {
    "--credstore",
    "--encoding",
}
# command: how many arguments it takes. `start` and `stop` may go without their mode.
VM_COMMANDS = {
    "getstate": (0,),
    "hassnapshot": (0,),
    "createsnapshot": (4,),
    "removesnapshots": (0,),
    "start": (0, 1),
    "stop": (0, 1),
}
# The host does one of these at a time on a VM, and refuses the next meanwhile.
TASKS = {"createsnapshot", "removesnapshots", "start", "stop"}


def parse_call(argv: Sequence[str], dialect: str) -> Call:
    """Understand a command line. Raise UsageWantedError for any that is not exactly right."""
    words: list[str] = []
    flags: set[str] = set()
    rest = list(argv)
    # Options stand anywhere: `getstate -q` is as good as `-q ... getstate`.
    while rest:
        word = rest.pop(0)
        if word in ("-q", "-l", "-s"):
            flags.add(word)
        elif dialect == "vcli" and word.partition("=")[0] in VCLI_OPTIONS:
            if "=" not in word:
                if not rest:
                    raise UsageWantedError
                rest.pop(0)
        elif word.startswith("-") and len(word) > 1:
            raise UsageWantedError
        else:
            words.append(word)
    is_quiet = "-q" in flags
    if "-l" in flags:
        if words or "-s" in flags:
            raise UsageWantedError
        return Call("-l", is_quiet=is_quiet)
    if "-s" in flags:
        return _parse_server_call(words, dialect, is_quiet=is_quiet)
    return _parse_vm_call(words, is_quiet=is_quiet)


def _parse_server_call(words: list[str], dialect: str, *, is_quiet: bool) -> Call:
    # The vCLI's `register` also wants a datacenter and a resource pool.
    counts = {"register": 4 if dialect == "vcli" else 2, "unregister": 2}
    if not words or counts.get(words[0]) != len(words):
        raise UsageWantedError
    return Call(words[0], words[1], tuple(words[2:]), is_quiet)


def _parse_vm_call(words: list[str], *, is_quiet: bool) -> Call:
    minimum = 2
    if len(words) < minimum or len(words) - minimum not in VM_COMMANDS.get(words[1], ()):
        raise UsageWantedError
    vmx, command, *arguments = words
    is_right = True
    if command == "createsnapshot":
        is_right = set(arguments[2:]) <= {"0", "1"}
    elif arguments:
        is_right = arguments[0] in ("hard", "soft", "trysoft")
    if not is_right:
        raise UsageWantedError
    # A relative path works from within the VM's folder.
    return Call(command, str(Path.cwd() / vmx), tuple(arguments), is_quiet)


def list_vms(host: Host, dialect: str) -> str:
    shown = [
        vmx
        for vmx in host.registered()
        if host.switches().list_templates or not vmx.endswith(".vmtx")
    ]
    if dialect == "vcli":
        return "\n".join(["", *(shown or ["No virtual machine found."]), ""])
    return "\n".join(shown)


def perform(host: Host, call: Call, dialect: str) -> Answer:
    """Do what was asked. Raise RefusedError where the host says no."""
    if call.command == "-l":
        return Answer(0, list_vms(host, dialect))
    echo, value = "", "1"
    power = host.power(call.vmx)
    if call.command in ("register", "unregister"):
        echo = call.vmx
        _change_registration(host, call, power)
    elif power is None:
        refuse_unregistered(call.vmx)
    elif call.command == "getstate":
        value = power
    elif call.command == "hassnapshot":
        nothing = "0" if dialect == "vcli" else ""
        value = "1" if host.snapshots(call.vmx) else nothing
    elif power == "stuck":
        text = "Virtual machine requires user input to continue"
        raise RefusedError(16, f"VMControl error -16: {text}", text)
    elif call.command == "createsnapshot":
        name, description, quiesce, memory = call.arguments
        host.create_snapshot(call.vmx, name, description, quiesce=quiesce, memory=memory)
        echo = " ".join(call.arguments)
    elif call.command == "removesnapshots":
        host.remove_snapshots(call.vmx)
    else:
        _change_power(host, call, power)
    return Answer(0, value if call.is_quiet else f"{call.command}({echo}) = {value}")


def _change_registration(host: Host, call: Call, power: str | None) -> None:
    gone = "No such virtual machine"
    if call.command == "unregister":
        if power is None:
            raise RefusedError(11, f"VMControl error -11: {gone}", "No virtual machine found.")
        host.unregister(call.vmx)
    elif power is not None:
        refuse_with_fault("Virtual machine already exists")
    elif not Path(call.vmx).is_file():
        raise RefusedError(11, f"VMControl error -11: {gone}", "No virtual machine found.")
    else:
        host.register(call.vmx)


def _change_power(host: Host, call: Call, power: str) -> None:
    if call.command == "start":
        if power == "on":
            refuse_for_state("start", power)
        host.set_power(call.vmx, "on")
    else:
        if power != "on":
            refuse_for_state("stop", power)
        host.set_power(call.vmx, "off")


def run_as_host_task(work: Callable[[], Answer], *, is_awaited: bool) -> Answer:
    """Do the work in a process of the host's own, which goes on when the client is killed."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        if not is_awaited:
            os.close(reading)
            return Answer(0, "")
        with os.fdopen(reading, "rb") as answer_stream:
            raw = answer_stream.read()
        os.waitpid(child, 0)
        return Answer(*json.loads(raw))
    try:
        os.setsid()
        forget_environment()
        os.closerange(3, writing)
        os.closerange(writing + 1, 256)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for standard in range(3):
            os.dup2(nowhere, standard)
        try:
            answer = work()
        except Exception as error:
            answer = Answer(99, f"esx.py: {error!r}", is_error=True)
        os.write(writing, json.dumps(answer).encode())
    finally:
        # Not awaited, or the client was killed: nobody reads, and nothing above may come back.
        os._exit(0)


def forget_environment() -> None:
    """Take the client's environment out of /proc/self/environ: hostd has never had it.

    The fields 50 and 51 of /proc/self/stat say where the kernel looks for it.
    """
    fields = Path("/proc/self/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    start, end = int(fields[47]), int(fields[48])
    with open("/proc/self/mem", "r+b", buffering=0) as memory:
        memory.seek(start)
        memory.write(bytes(end - start))


def answer_call(host: Host, call: Call, switches: Switches) -> Answer:
    failure = host.next_failure(call)
    latency_seconds = switches.latency_seconds.get(call.command, 0)
    has_effect = switches.garble.get(call.command, {}).get("effect", True)
    ordered = Answer(failure.exit_code, failure.text, is_error=True) if failure else None
    is_later = failure is not None and failure.effect == "later"
    free = nullcontext()

    def work() -> Answer:
        is_task = call.command in TASKS
        try:
            with host.locked_vm(call.vmx, "task", is_busy_an_error=True) if is_task else free:
                time.sleep(failure.later_seconds if failure and is_later else latency_seconds)
                if is_task:
                    host.wait_while_held("task")
                return perform(host, call, switches.dialect)
        except RefusedError as refused:
            return refused.answer(switches.dialect)

    if (failure and failure.effect == "none") or not has_effect:
        time.sleep(latency_seconds)
        own = Answer(0, "")
    elif call.command in TASKS:
        own = run_as_host_task(work, is_awaited=not is_later)
    else:
        own = work()
    return ordered or own


def run_vmware_cmd(root: str, argv: Sequence[str]) -> int:
    """Be vmware-cmd of the host in ``root``; give the exit code."""
    host = Host(root)
    host.log_call(argv)
    switches = host.switches()
    try:
        call = parse_call(argv, switches.dialect)
    except UsageWantedError:
        # Without any argument a mock of the real program leaves with 0.
        say(USAGE.rstrip("\n"), switches.error_stream if argv else "stdout")
        return 1 if argv else 0
    answer = answer_call(host, call, switches)
    garbled = switches.garble.get(call.command)
    if garbled is not None:
        sys.stdout.buffer.write(b64decode(garbled["text"]))
        return int(garbled.get("exit", 0))
    say(answer.text, switches.error_stream if answer.is_error else "stdout")
    return answer.exit_code


def say(text: str, stream: str) -> None:
    if text:
        buffer = sys.stderr.buffer if stream == "stderr" else sys.stdout.buffer
        buffer.write(text.encode("utf-8", "surrogateescape") + b"\n")
