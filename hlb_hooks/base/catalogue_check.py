"""What ``hlb check`` finds, and what is to be done about it; see ``catalogue``."""

CHECK_TEXTS: dict[str, tuple[str, str]] = {
    "config_good": ("{path} is in order, jobs: {jobs}", "{path} w porzadku, zadania: {jobs}"),
    "not_root": (
        "this check runs as user {user}: what root may do is not known",
        "sprawdza uzytkownik {user}: nie wiadomo, co wolno rootowi",
    ),
    "be_root": ("run it as root, as the client does", "uruchom jako root, tak jak klient"),
    "host_good": (
        "{program} lists {count} VMs, and understands getstate and hassnapshot ({vmx} is {state})",
        "{program} podaje {count} maszyn, rozumie getstate i hassnapshot ({vmx}: {state})",
    ),
    "host_empty": (
        "{program} lists no VM: this host has none",
        "{program} nie podaje zadnej maszyny: ten host ich nie ma",
    ),
    "try_program": (
        "see what it says by hand: {program} -l; if the host's agent is down, start it again",
        "sprawdz recznie: {program} -l; jesli agent hosta nie dziala, uruchom go ponownie",
    ),
    "look_at_it": ("look at what is named there", "sprawdz to, co tam wymieniono"),
    "job_without_vms": (
        "job {job} chooses no VM of this host",
        "zadanie {job} nie wybiera zadnej maszyny tego hosta",
    ),
    "look_at_targets": (
        "if that is not meant: compare_backup --job {job} says which line means which VM",
        "jesli to pomylka: compare_backup --job {job} pokaze, ktora linia oznacza ktora maszyne",
    ),
    "scripts_not_needed": (
        "not looked at: [run] owner names no avtar, so another client runs the hooks",
        "nie sprawdzane: [run] owner nie wymienia avtar, hooki uruchamia inny klient",
    ),
    "script_good": ("{path} is ours, version {version}", "{path} jest nasz, wersja {version}"),
    "script_missing": (
        "{path} is not there: the client would find no hook",
        "nie ma {path}: klient nie znajdzie hooka",
    ),
    "script_broken_link": (
        "{path} is a link to {target}, which is not there",
        "{path} to dowiazanie do {target}, ktorego nie ma",
    ),
    "script_not_executable": ("{path} is not executable", "{path} nie jest wykonywalny"),
    "script_foreign": (
        "{path} is a script that is not ours",
        "{path} to skrypt, ktory nie jest nasz",
    ),
    "script_is_probe": (
        "{path} is the inert hook of hlb probe: no snapshot would be made",
        "{path} to obojetny hook polecenia hlb probe: nie powstanie zaden snapshot",
    ),
    "script_broken": ("{path} does not start: {told}", "{path} nie uruchamia sie: {told}"),
    "script_of_other_version": (
        "{path} calls itself {told}, and this is {version}",
        "{path} podaje sie za {told}, a to jest {version}",
    ),
    "script_without_job": (
        "{folder} has hooks for job {job}, which is not configured",
        "w {folder} sa hooki zadania {job}, ktore nie jest skonfigurowane",
    ),
    "link_hook": (
        "link the installed hook to {text}, or mend [paths] scripts_dir",
        "podlinkuj zainstalowany hook jako {text} albo popraw [paths] scripts_dir",
    ),
    "mend_script": (
        "see who wrote it, then: chown -h root {text}; chmod go-w on the file behind it",
        "sprawdz, kto go napisal, potem: chown -h root {text}; chmod go-w na pliku za nim",
    ),
    "make_executable": ("chmod 755 {text}", "chmod 755 {text}"),
    "remove_probe": (
        "when it has seen enough: hlb probe remove",
        "kiedy juz wszystko zapisal: hlb probe remove",
    ),
    "install_again": (
        "install hlb-hooks again, all of it in one version",
        "zainstaluj hlb-hooks ponownie, wszystko w jednej wersji",
    ),
    "add_job": (
        "add [jobs.{job}] to hlb.toml, or remove the links",
        "dodaj [jobs.{job}] do hlb.toml albo usun dowiazania",
    ),
    "state_good": ("{folder} is ours and has room", "{folder} jest nasz i ma miejsce"),
    "state_not_there_yet": (
        "{folder} is made when the first run begins",
        "{folder} powstanie przy pierwszym przebiegu",
    ),
    "state_read_only": (
        "{folder} cannot be written: no snapshot would be made",
        "nie da sie pisac w {folder}: nie powstanie zaden snapshot",
    ),
    "state_short": (
        "{folder}: {mib} MiB are free, or hardly a name for a file",
        "{folder}: wolne {mib} MiB albo prawie brak nazw dla plikow",
    ),
    "mend_state": (
        "mend its permissions, make room, or see whether the disk is mounted read-only",
        "popraw uprawnienia, zrob miejsce albo sprawdz, czy dysk nie jest tylko do odczytu",
    ),
    "metrics_old": (
        "{path} is older than the last run: nobody can write it",
        "{path} jest starszy niz ostatni przebieg: nikt nie moze go zapisac",
    ),
    "reports_nowhere": (
        "no report can be left in {path}, [paths] report_dir",
        "w {path}, [paths] report_dir, nie da sie zostawic raportu",
    ),
    "mend_reports": (
        "make that folder, or mend its permissions, or leave the key out",
        "zaloz ten katalog, popraw prawa albo usun klucz",
    ),
    "mend_metrics": (
        "look at the folder of [paths] metrics_file, and in the log file for metrics_unwritten",
        "sprawdz folder z [paths] metrics_file i w logu metrics_unwritten",
    ),
    "space_good": (
        "{datastore}: {percent} % free, {gib} GiB",
        "{datastore}: wolne {percent} %, {gib} GiB",
    ),
    "space_short": (
        "{datastore}: {percent} % free, {gib} GiB; its VMs would be left out",
        "{datastore}: wolne {percent} %, {gib} GiB; jej maszyny zostana pominiete",
    ),
    "space_gone": (
        "{datastore}: {percent} % free, {gib} GiB; our snapshots there are removed early",
        "{datastore}: wolne {percent} %, {gib} GiB; nasze snapshoty znikna przed czasem",
    ),
    "clock_good": (
        "it is {now}, this host was started {booted}, no run is of the future",
        "jest {now}, host uruchomiono {booted}, zaden przebieg nie jest z przyszlosci",
    ),
    "clock_behind": (
        "a run is of {latest}, which is still to come: the clock was set back",
        "jest przebieg z {latest}, ktore dopiero nadejdzie: cofnieto zegar",
    ),
    "set_clock": (
        "set the clock, best by NTP; ages and intervals are wrong until then",
        "ustaw zegar, najlepiej przez NTP; do tego czasu wiek i odstepy sa bledne",
    ),
    "reaper_good": (
        "hlb reap was over at {moment}, exit code {exit}",
        "hlb reap skonczyl sie {moment}, kod {exit}",
    ),
    "reaper_late": (
        "hlb reap was last over at {moment}: it is to run every ten minutes",
        "hlb reap skonczyl sie ostatnio {moment}: ma dzialac co dziesiec minut",
    ),
    "reaper_unscheduled": (
        "no cron table and no timer runs hlb reap, and it has never run",
        "zadna tablica cron ani timer nie uruchamia hlb reap i nigdy nie dzialal",
    ),
    "reaper_scheduled": (
        "hlb reap is in {text}; no run has begun yet",
        "hlb reap jest w {text}; jeszcze nie bylo przebiegu",
    ),
    "reaper_never_ran": (
        "hlb reap is in {text}, and has never run to its end",
        "hlb reap jest w {text}, a nigdy nie zadzialal do konca",
    ),
    "schedule_reaper": (
        "let cron or a timer run hlb reap every ten minutes, as root",
        "niech cron albo timer uruchamia hlb reap co dziesiec minut, jako root",
    ),
    "try_reaper": (
        "run hlb reap by hand and see what it says; is cron alive?",
        "uruchom hlb reap recznie i zobacz, co powie; czy cron dziala?",
    ),
    "run_unattended": (
        "run {run} has something open, and its guard is gone",
        "przebieg {run} ma cos otwartego, a jego straznika nie ma",
    ),
    "snapshot_stays": (
        "{vmx}: our snapshot is open for {hours} h, [snapshot] alarm_open_hours is {limit}",
        "{vmx}: nasz snapshot otwarty od {hours} h, [snapshot] alarm_open_hours to {limit}",
    ),
    "snapshots_open": (
        "{count} snapshots of ours are open, none for too long",
        "otwartych naszych snapshotow: {count}, zaden za dlugo",
    ),
    "job_never_ran": ("job {job} has never run here", "zadanie {job} nigdy tu nie dzialalo"),
    "begin_job": (
        "hlb plan --job {job} shows what its first run will do",
        "hlb plan --job {job} pokaze, co zrobi pierwszy przebieg",
    ),
    "success_late": (
        "{name}, job {job}: last success {last}, the next should be there ({vmx})",
        "{name}, zadanie {job}: ostatni udany backup {last}, powinien byc nastepny ({vmx})",
    ),
    "success_never": (
        "{name}, job {job}: no success is known ({vmx})",
        "{name}, zadanie {job}: nie ma zadnego udanego backupu ({vmx})",
    ),
    "find_out_why": (
        "see why: hlb report, and hlb plan --job {job} for the next run",
        "sprawdz dlaczego: hlb report, a dla nastepnego przebiegu hlb plan --job {job}",
    ),
    "last_run_failed": (
        "run {run} ended with {text}",
        "przebieg {run} zakonczyl sie z {text}",
    ),
    "read_report": ("hlb report {run}", "hlb report {run}"),
    "successes_in_time": (
        "{count} VMs, each with a success in time",
        "maszyny: {count}, kazda z udanym backupem na czas",
    ),
}
