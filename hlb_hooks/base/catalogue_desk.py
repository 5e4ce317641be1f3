"""The sentences of ``hlb report``, ``history``, ``status`` and ``config``; see ``catalogue``."""

DESK_TEXTS: dict[str, tuple[str, str]] = {
    # the head of a run
    "run_on_host": (
        "host {host}; begun {begun}, {state}",
        "host {host}; poczatek {begun}, {state}",
    ),
    "run_ended_at": (
        "host {host}; {begun} to {ended} ({length}), {state}",
        "host {host}; od {begun} do {ended} ({length}), {state}",
    ),
    "state_starting": ("the start hook is at work", "dziala hook startowy"),
    "state_backing_up": ("the client is reading", "klient czyta"),
    "state_removing": ("snapshots are being removed", "snapshoty sa usuwane"),
    "state_awaiting_log": (
        "all removed, the client's log is not read yet",
        "wszystko usuniete, log klienta jeszcze nie przeczytany",
    ),
    "state_finished": ("finished", "zakonczony"),
    "client_said": ("the client's log ends in: {text}", "log klienta konczy sie: {text}"),
    "totals": (
        "{chosen} chosen: {protected} protected, {failed} failed",
        "wybrane: {chosen}, zabezpieczone: {protected}, nieudane: {failed}",
    ),
    "totals_pending": ("{count} waiting", "czekajace: {count}"),
    "totals_open": ("{count} still open", "jeszcze otwarte: {count}"),
    "totals_not_due": ("{count} not due", "nie w tym terminie: {count}"),
    # one VM
    "snapshot_of": ("snapshot {snapshot}", "snapshot {snapshot}"),
    "was_waiting": ("waited {length}", "czekala {length}"),
    "was_making": ("made in {length}", "tworzony {length}"),
    "was_open": ("open {length}", "otwarty {length}"),
    "was_removing": ("removed in {length}", "usuwany {length}"),
    "is_waiting": ("waiting for {length}", "czeka od {length}"),
    "is_making": ("being made for {length}", "tworzony od {length}"),
    "is_open": ("open for {length}", "otwarty od {length}"),
    "is_removing": ("being removed for {length}", "usuwany od {length}"),
    "made_in_vain": ("tried in vain for {length}", "nieudana proba, {length}"),
}
