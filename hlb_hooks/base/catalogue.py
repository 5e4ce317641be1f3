"""Every sentence the hooks say on stdout, in English and in the talk's Polish.

Placeholders in braces; a test checks that both languages have every text with the same ones.
Step markers, ``***OK***``, flags and the HLB line are the same in both and stand elsewhere.
The Polish goes without diacritics, as in the talk: no console of that time mangles it.
"""

from hlb_hooks.base.catalogue_avamar import (
    DATASET_TEXTS,
    HOLD_TEXTS,
    PROBE_TEXTS,
    WHEREIS_TEXTS,
)
from hlb_hooks.base.catalogue_check import CHECK_TEXTS
from hlb_hooks.base.catalogue_desk import DESK_TEXTS
from hlb_hooks.base.catalogue_end import END_TEXTS
from hlb_hooks.base.catalogue_restore import RESTORE_TEXTS
from hlb_hooks.base.catalogue_start import START_TEXTS

TEXTS: dict[str, tuple[str, str]] = {
    # the start of a run
    **START_TEXTS,
    # the end of a run
    **END_TEXTS,
    # the report
    "report": ("**REPORT**", "**RAPORT**"),
    "reason": ("reason: {text}", "powod: {text}"),
    "next_step": ("next step: {text}", "co dalej: {text}"),
    "note": ("note: {text}", "uwaga: {text}"),
    "ready_not_backed_up": (
        "{count} ready to be read: nothing is backed up yet",
        "{count} gotowych do odczytu: jeszcze nic nie jest zapisane w backupie",
    ),
    "handed_to_guard": (
        "{count} still open: the guard (pid {pid}) removes them",
        "{count} jeszcze otwartych: usunie je straznik (pid {pid})",
    ),
    "open_without_guard": (
        "{count} still open and no guard is alive: run initial_umount --run {run}",
        "{count} jeszcze otwartych, a straznik nie dziala: uruchom initial_umount --run {run}",
    ),
    "unwritten": (
        "the state file could not be written: {text}",
        "nie udalo sie zapisac pliku stanu: {text}",
    ),
    # restores, errors
    "restore": (
        "{owner} runs a restore: nothing is done",
        "{owner} odtwarza dane: nic nie jest robione",
    ),
    "error": ("error: {text}", "blad: {text}"),
    "warning": ("warning: {text}", "ostrzezenie: {text}"),
    "defect": (
        "a defect of hlb-hooks: {text}; the traceback is in {log_file}",
        "blad w hlb-hooks: {text}; slad jest w {log_file}",
    ),
    "interrupted": (
        "interrupted by {signal}: nothing new is started, what is open is handed over",
        "przerwane przez {signal}: nic nowego nie zaczynam, otwarte snapshoty przekazuje",
    ),
    "settings_kept": (
        "hlb.toml cannot be used ({text}); going on with what run {run} was started with",
        "nie mozna uzyc hlb.toml ({text}); dalej wedlug ustawien przebiegu {run}",
    ),
    # the dry run
    "would_adopt": (
        "WOULD adopt snapshot {snapshot} of {vmx}",
        "WOULD: przejecie snapshotu {snapshot} na {vmx}",
    ),
    "would_guard": (
        "WOULD start a guard that waits for {owner}",
        "WOULD: uruchomienie straznika, ktory czeka na {owner}",
    ),
    "would_create": (
        "WOULD run: {command}",
        "WOULD: polecenie {command}",
    ),
    "would_remove": (
        "WOULD run: {command}, if the .vmsd shows {snapshot} alone",
        "WOULD: polecenie {command}, jesli .vmsd pokazuje tylko {snapshot}",
    ),
    # hlb check
    **CHECK_TEXTS,
    # hlb dataset
    **DATASET_TEXTS,
    # hlb hold, hlb drain
    **HOLD_TEXTS,
    # hlb probe
    **PROBE_TEXTS,
    # hlb whereis
    **WHEREIS_TEXTS,
    # hlb report, history, status, config
    **DESK_TEXTS,
    # hlb restore
    **RESTORE_TEXTS,
}
LANGUAGES = ("en", "pl")
