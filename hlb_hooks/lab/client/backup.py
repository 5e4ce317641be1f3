"""A backup: every file of the dataset that the host lets be opened is read and stored."""

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from hlb_hooks.lab.client.cache import FileCache
from hlb_hooks.lab.client.cancel import Cancellation
from hlb_hooks.lab.client.dataset import Dataset
from hlb_hooks.lab.client.lock import hold_process_lock
from hlb_hooks.lab.client.log import AvtarLog, format_local_now, format_size, quote_path
from hlb_hooks.lab.client.options import AvtarOptions
from hlb_hooks.lab.client.read import FailedReadError, FileReader
from hlb_hooks.lab.client.store import Store, StoredFile
from hlb_hooks.lab.host.locks import LockTable
from hlb_hooks.lab.layout import Lab


@dataclass
class _Harvest:
    files: list[StoredFile] = field(default_factory=list)
    new_files: int = 0
    new_bytes: int = 0

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)

    def add(self, file: StoredFile, *, is_new: bool) -> None:
        self.files.append(file)
        if is_new:
            self.new_files += 1
            self.new_bytes += file.size_bytes


def run_backup(
    lab: Lab, store: Store, options: AvtarOptions, log: AvtarLog, cancellation: Cancellation
) -> None:
    """Read and store the dataset. A file that cannot be opened is a warning, and skipped.

    Raise HlbError when another avtar has the process lock, and CanceledError.
    """
    started = time.monotonic()
    log.info(5946, "File system character encoding is UTF-8.")
    lock_file = options.vardir / f"{options.file_prefix}avtar.lck"
    waits = options.behaviour.waits_for_process_lock
    with hold_process_lock(log, lock_file, cancellation, waits=waits):
        _log_beginning(options, log)
        cache = _load_cache(options, log)
        reader = FileReader(
            LockTable(lab), store, cache, log, cancellation, options.behaviour.chunk_delay_seconds
        )
        harvest = _harvest(reader, options)
        log.info(5163, "Backup complete, wrapping-up session with Server")
        backup = store.add_backup(options.label, options.account, format_local_now(), harvest.files)
        _log_end(harvest, backup.number, started, log)
        if cache is not None:
            log.info(5587, f"Updating cache files in {options.vardir}")
            cache.save()


def _log_beginning(options: AvtarOptions, log: AvtarLog) -> None:
    log.info(0, f"Starting back up at {format_local_now()}")
    if not options.excludes and not options.includes:
        log.info(5731, "Not using include/exclude list")
    log.info(5582, "Avamar Server login successful")
    for path in options.files:
        log.info(7563, f'Back up of {quote_path(path)} on Server "lab" for {options.account}')


def _load_cache(options: AvtarOptions, log: AvtarLog) -> FileCache | None:
    if not options.behaviour.uses_file_cache:
        return None
    log.info(5586, f"Loading cache files from {options.vardir}")
    path = options.vardir / f"{options.file_prefix}f_cache.dat"
    cache = FileCache(path)
    if cache.is_damaged:
        # The real wording and number are not known.
        log.warn(0, f"Ignoring damaged cache file {quote_path(path)}")
    return cache


def _harvest(reader: FileReader, options: AvtarOptions) -> _Harvest:
    harvest = _Harvest()
    log = reader.log
    dataset = Dataset(options.files, options.excludes, options.includes)
    for source in dataset.sources:
        if not os.path.lexists(source):
            # The real wording and number are not known.
            log.fail(0, f"Unable to read {quote_path(source)} (code 2: {os.strerror(2)}).")
    present = tuple(source for source in dataset.sources if os.path.lexists(source))
    walk = Dataset(present, options.excludes, options.includes).walk(
        lambda error: _warn_of(log, Path(os.fsdecode(error.filename)), error)
    )
    for path in walk:
        reader.cancellation.sleep(options.behaviour.read_delay_seconds)
        try:
            taken = reader.take(path)
        except OSError as error:
            _warn_of(log, path, error)
        except FailedReadError as error:
            report = log.fail if options.behaviour.counts_failed_read_as_error else log.warn
            # Whether the real one is an error or a warning is not known, nor its wording.
            report(0, f"Unable to read {quote_path(path)} (code {error.code}: {error}).")
        else:
            if taken is not None:
                harvest.add(taken[0], is_new=taken[1])
    return harvest


def _warn_of(log: AvtarLog, path: Path, error: OSError) -> None:
    # Only the end of this line is known, from the talk: head and number are not.
    code = error.errno or 0
    log.warn(0, f"Unable to open {quote_path(path)} (code {code}: {os.strerror(code)}).")


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
