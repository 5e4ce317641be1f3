"""A restore: files come back into a folder, or to where they were; none is overwritten."""

import errno
import os
import time
from pathlib import Path

from hlb_hooks.lab.client.cancel import Cancellation
from hlb_hooks.lab.client.log import AvtarLog, format_local_now, format_size, quote_path
from hlb_hooks.lab.client.options import AvtarOptions
from hlb_hooks.lab.client.store import Store, StoredFile, select_files
from hlb_hooks.lab.files import make_folder
from hlb_hooks.lab.layout import Lab


def run_restore(
    _lab: Lab, store: Store, options: AvtarOptions, log: AvtarLog, cancellation: Cancellation
) -> None:
    """Restore the named files and folders, or all. One that is there already is a warning.

    With a target a file goes below it under its path from the named folder on, or under its
    whole path with ``--preservepaths``; what avtar does in detail here is not known. Raise
    HlbError when there is no such backup, and CanceledError.
    """
    started = time.monotonic()
    log.info(5946, "File system character encoding is UTF-8.")
    log.info(0, f"Starting restore at {format_local_now()}")
    log.info(5582, "Avamar Server login successful")
    backup = store.find_backup(options.label_number)
    restored = 0
    size_bytes = 0
    for file, top in select_files(backup, options.files):
        cancellation.sleep(options.behaviour.read_delay_seconds)
        target = _place(Path(file.path), top, options)
        try:
            _restore_file(store, file, target)
        except OSError as error:
            code = error.errno or 0
            log.warn(0, f"Unable to write {quote_path(target)} (code {code}: {os.strerror(code)}).")
            continue
        restored += 1
        size_bytes += file.size_bytes
    if options.files and not restored and not log.warnings:
        log.fail(0, f"Backup #{backup.number} has nothing of what was asked for")
    hours = max(time.monotonic() - started, 0.001) / 3600
    log.info(
        6090,
        f"Restored {format_size(size_bytes)} in {hours * 60:.2f} minutes: "
        f"{size_bytes / 1024**3 / hours:,.0f} GB/hour ({restored / hours:,.0f} files/hour)",
    )


def _place(path: Path, top: Path, options: AvtarOptions) -> Path:
    if options.target is None:
        return path
    return options.target / path.relative_to(path.anchor if options.preserve_paths else top)


def _restore_file(store: Store, file: StoredFile, target: Path) -> None:
    if target.exists() or target.is_symlink():
        raise OSError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    make_folder(target.parent)
    if file.link_target:
        target.symlink_to(file.link_target)
    else:
        store.restore_content(file, target)
