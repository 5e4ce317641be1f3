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
    "totals_ready": (
        "{chosen} chosen: {protected} ready to be read, {failed} failed",
        "wybrane: {chosen}, gotowe do odczytu: {protected}, nieudane: {failed}",
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
    "was_read": (
        "read by the client for about {length}; the snapshot was there {beyond} longer",
        "klient czytal ok. {length}; snapshot istnial o {beyond} dluzej",
    ),
    "was_read_open": (
        "read by the client for about {length}",
        "klient czytal ok. {length}",
    ),
    "beyond_reading": (
        "snapshots were there beyond the reading: about {hours} hours, all VMs together (estimate)",
        "snapshoty istnialy poza czytaniem: ok. {hours} godz., wszystkie maszyny razem (szacunek)",
    ),
    # hlb status
    "last_successes": (
        "last success of each VM, the oldest first:",
        "ostatni udany backup kazdej maszyny, od najstarszego:",
    ),
    "last_success": (
        "{moment} ({length} ago), run {run}",
        "{moment} ({length} temu), przebieg {run}",
    ),
    "no_success": ("no success is known", "nie ma zadnego udanego backupu"),
    "uncounted_run": (
        "run {run} does not count, as nobody knows whether it was read: see [jobs.{job}] success",
        "przebieg {run} sie nie liczy, bo nie wiadomo, czy ja przeczytano: zobacz [jobs.{job}] "
        "success",
    ),
    # hlb history
    "result_read": (
        "protected, and read by the client",
        "zabezpieczona i przeczytana przez klienta",
    ),
    "result_protected": (
        "protected; whether it was read is not known",
        "zabezpieczona; nie wiadomo, czy przeczytana",
    ),
    "result_failed": ("failed: see hlb report {run}", "nieudana: zobacz hlb report {run}"),
    "result_not_due": ("not due", "nie w tym terminie"),
    "result_pending": ("waiting for its turn", "czeka na swoja kolej"),
    "no_runs": ("no run since then", "od tego czasu nie bylo przebiegu"),
    # the page
    "page_title": (
        "Backup of job {job} on {host}, {begun}",
        "Backup zadania {job} na {host}, {begun}",
    ),
    "verdict_failed": (
        "{failed} of {chosen} chosen VMs not protected",
        "{failed} z {chosen} wybranych maszyn nie jest zabezpieczonych",
    ),
    "verdict_under_way": ("Under way: {text}", "W toku: {text}"),
    "verdict_open": (
        "All protected, {open} snapshots still open",
        "Wszystkie zabezpieczone, otwarte snapshoty: {open}",
    ),
    "verdict_good": (
        "All {chosen} chosen VMs protected",
        "Wszystkie wybrane maszyny zabezpieczone: {chosen}",
    ),
    "verdict_nothing": ("No VM was to be backed up", "Nie bylo nic do backupu"),
    "tile_chosen": ("chosen", "wybrane"),
    "tile_protected": ("protected", "zabezpieczone"),
    "tile_ready": ("ready", "gotowe"),
    "tile_read": ("read by the client", "przeczytane"),
    "tile_failed": ("failed", "nieudane"),
    "tile_pending": ("waiting", "czekajace"),
    "tile_open": ("still open", "otwarte"),
    "tile_not_due": ("not due", "nie w tym terminie"),
    "tile_beyond": (
        "snapshot hours beyond reading (estimate)",
        "godziny snapshotow poza czytaniem (szacunek)",
    ),
    "tile_length": ("took", "trwalo"),
    "tile_so_far": ("so far", "dotad"),
    "fact_run": ("run", "przebieg"),
    "fact_state": ("state", "stan"),
    "fact_begun": ("begun", "poczatek"),
    "fact_started": ("start hook over", "koniec hooka startowego"),
    "fact_handed_over": ("end hook over", "koniec hooka koncowego"),
    "fact_ended": ("all settled", "wszystko rozliczone"),
    "fact_owner": ("client", "klient"),
    "fact_client": ("its log", "jego log"),
    "page_unread": (
        "whether the client has read the VMs is not known",
        "nie wiadomo, czy klient przeczytal maszyny",
    ),
    "page_problems": ("Could not be read", "Nie udalo sie przeczytac"),
    "page_troubles": ("Needs a hand: {count}", "Do zrobienia: {count}"),
    "page_reason": ("reason", "powod"),
    "page_next_step": ("next step", "co dalej"),
    "page_missed": (
        "Disks that this backup may be without: {count}",
        "Dyski, ktorych w tym backupie moze nie byc: {count}",
    ),
    "page_disk": ("disk", "dysk"),
    "page_why": ("why", "dlaczego"),
    "missed_independent_disk": (
        "independent: a snapshot does not cover it",
        "niezalezny: snapshot go nie obejmuje",
    ),
    "missed_physical_rdm": (
        "physical RDM: a snapshot does not cover it",
        "fizyczne RDM: snapshot go nie obejmuje",
    ),
    "missed_disk_elsewhere": (
        "outside the VM's folder: the dataset must name it too",
        "poza folderem maszyny: dataset musi go tez wymieniac",
    ),
    "page_timeline": ("Every VM", "Wszystkie maszyny"),
    "page_vm": ("VM", "maszyna"),
    "page_result": ("result", "wynik"),
    "phase_waiting": ("waiting for its turn", "czeka na kolej"),
    "phase_making": ("snapshot being made", "tworzenie snapshotu"),
    "phase_open": ("open, can be read", "otwarty, mozna czytac"),
    "phase_reading": ("being read (estimate)", "czytanie (szacunek)"),
    "phase_removing": ("being removed", "usuwanie"),
    "outcome_failed": ("failed", "nieudana"),
    "outcome_open": ("still open", "jeszcze otwarta"),
    "outcome_pending": ("waiting", "czeka"),
    "outcome_ready": ("ready", "gotowa"),
    "outcome_protected": ("protected", "zabezpieczona"),
    "outcome_adopted": ("adopted", "przejeta"),
    "outcome_not_due": ("not due", "nie w tym terminie"),
    "page_not_due": ("Not due: {count}", "Nie w tym terminie: {count}"),
    "page_quiesced": ("quiesced", "z wstrzymaniem zapisu"),
    "page_written": (
        "written {moment} by hlb-hooks {version}",
        "napisane {moment} przez hlb-hooks {version}",
    ),
    # hlb config
    "config_is_good": ("{path}: good", "{path}: w porzadku"),
    "targets_are_good": (
        "job {job}: {path}: good, {count} lines",
        "zadanie {job}: {path}: w porzadku, linii: {count}",
    ),
    "table_is_good": (
        "job {job}: {path}: good, {count} rows",
        "zadanie {job}: {path}: w porzadku, wierszy: {count}",
    ),
    "config_file": ("{path} ({said_by})", "{path} ({said_by})"),
    "by_default": ("the default path", "sciezka domyslna"),
    "from_default": ("default", "domyslnie"),
    "from_line": ("line {line}", "linia {line}"),
    # one VM
    "made_in_vain": ("tried in vain for {length}", "nieudana proba, {length}"),
}
