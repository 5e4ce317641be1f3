"""A backup: every file of the dataset that the host lets be opened is read and stored."""

import errno
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from hlb_hooks.base.clock import sleep_seconds
from hlb_hooks.lab.avtar_log import AvtarLog, format_local_now, format_size, quote_path
from hlb_hooks.lab.avtar_options import AvtarOptions
from hlb_hooks.lab.dataset import Dataset
from hlb_hooks.lab.layout import Lab
from hlb_hooks.lab.locks import LockTable
from hlb_hooks.lab.store import Store, StoredFile


@dataclass
class _Harvest:
    files: list[StoredFile] = field(default_factory=list)
    new_files: int = 0
    new_bytes: int = 0

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)


def run_backup(lab: Lab, store: Store, options: AvtarOptions, log: AvtarLog) -> None:
    """Read and store the dataset. A file that cannot be opened is a warning, and skipped."""
    started = time.monotonic()
    log.info(5946, "File system character encoding is UTF-8.")
    lock_file = options.vardir / "avtar.lck"
    log.info(5588, f'- Creating process lock file "{lock_file}", pid={os.getpid()}')
    lock_file.write_text(f"{os.getpid()}\n")
    try:
        _log_beginning(options, log)
        harvest = _harvest(lab, store, options, log)
        log.info(5163, "Backup complete, wrapping-up session with Server")
        backup = store.add_backup(options.label, options.account, format_local_now(), harvest.files)
        _log_end(harvest, backup.number, started, log)
    finally:
        lock_file.unlink(missing_ok=True)


def _log_beginning(options: AvtarOptions, log: AvtarLog) -> None:
    log.info(0, f"Starting back up at {format_local_now()}")
    if not options.excludes and not options.includes:
        log.info(5731, "Not using include/exclude list")
    log.info(5582, "Avamar Server login successful")
    for path in options.files:
        log.info(7563, f'Back up of {quote_path(path)} on Server "lab" for {options.account}')


def _harvest(lab: Lab, store: Store, options: AvtarOptions, log: AvtarLog) -> _Harvest:
    locks = LockTable(lab)
    harvest = _Harvest()
    dataset = Dataset(options.files, options.excludes, options.includes)
    for source in dataset.sources:
        if not source.exists():
            # The real wording and number are not known.
            log.fail(0, f"Unable to read {quote_path(source)} (code 2: {os.strerror(2)}).")
    present = tuple(source for source in dataset.sources if source.exists())
    for path in Dataset(present, options.excludes, options.includes).walk():
        if options.read_delay_seconds:
            sleep_seconds(options.read_delay_seconds)
        try:
            _take_file(path, locks, store, harvest)
        except OSError as error:
            # Only the end of this line is known, from the talk: head and number are not.
            code = error.errno or 0
            log.warn(0, f"Unable to open {quote_path(path)} (code {code}: {os.strerror(code)}).")
    return harvest


def _take_file(path: Path, locks: LockTable, store: Store, harvest: _Harvest) -> None:
    status = path.lstat()
    if path.is_symlink():
        harvest.files.append(
            StoredFile(
                str(path),
                0,
                status.st_mode & 0o7777,
                status.st_mtime_ns,
                link_target=str(path.readlink()),
            )
        )
        return
    if locks.is_locked(path):
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), str(path))
    with path.open("rb") as file:
        sha256, size_bytes, is_new = store.add_content(file)
    if is_new:
        harvest.new_files += 1
        harvest.new_bytes += size_bytes
    harvest.files.append(
        StoredFile(
            str(path), size_bytes, status.st_mode & 0o7777, status.st_mtime_ns, sha256=sha256
        )
    )


def _log_end(harvest: _Harvest, number: int, started: float, log: AvtarLog) -> None:
    size = format_size(harvest.size_bytes)
    new_percent = 100 * harvest.new_bytes / max(1, harvest.size_bytes)
    log.info(
        5156,
        f"Backup #{number} timestamp {format_local_now()[:19]}, {len(harvest.files):,} files, "
        f"{size} ({harvest.new_files:,} files, {format_size(harvest.new_bytes)}, "
        f"{new_percent:.2f}% new)",
    )
    hours = max(time.monotonic() - started, 0.001) / 3600
    gigabytes_an_hour = harvest.size_bytes / 1024**3 / hours
    log.info(
        6083,
        f"Backed-up {size} in {hours * 60:.2f} minutes: {gigabytes_an_hour:,.0f} GB/hour "
        f"({len(harvest.files) / hours:,.0f} files/hour)",
    )
