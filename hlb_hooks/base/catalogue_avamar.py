"""What ``hlb dataset``, ``hold``, ``drain``, ``whereis`` and ``probe`` say; see ``catalogue``."""

DATASET_TEXTS: dict[str, tuple[str, str]] = {
    "dataset": (
        "the dataset of job {job}, for the Linux file system plug-in",
        "dataset zadania {job}, dla wtyczki systemu plikow Linuksa",
    ),
    "dataset_sources": ("source data, files and folders:", "dane zrodlowe, pliki i foldery:"),
    "dataset_unwritable": (
        "this name has bytes that no dialogue takes: name a folder above it",
        "w tej nazwie sa bajty, ktorych nie da sie wpisac: podaj folder nadrzedny",
    ),
    "dataset_excludes": ("exclusions:", "wykluczenia:"),
    "why_swap": ("swap of a VM that runs: locked", "swap dzialajacej maszyny: zablokowany"),
    "why_delta": (
        "what is written while the snapshot is open: locked",
        "zapisy przy otwartym snapshocie: zablokowane",
    ),
    "why_block_list": (
        "list of changed blocks: a restore drops it",
        "lista zmienionych blokow: odtwarzanie ja usuwa",
    ),
    "why_snapshot_state": (
        "state of a snapshot: a restore drops it",
        "stan snapshotu: odtwarzanie go usuwa",
    ),
    "why_lock": ("a lock", "blokada"),
    "why_file_system": ("of VMFS itself", "wewnetrzny plik VMFS"),
    "dataset_includes": ("inclusions:", "wlaczenia:"),
    "dataset_no_includes": ("inclusions: none", "wlaczenia: brak"),
    "dataset_rescues": (
        "disks whose names look like those of a snapshot: without these lines they would be left "
        "out",
        "dyski o nazwach jak z pliku snapshotu: bez tych wierszy zostalyby pominiete",
    ),
    "dataset_options": ("options, More, attribute and value:", "opcje, More, atrybut i wartosc:"),
    "dataset_checked": (
        "checked against the files of {count} VMs of this host: all that a restore wants is in",
        "sprawdzone na plikach {count} maszyn tego hosta: jest wszystko, czego wymaga odtworzenie",
    ),
}

HOLD_TEXTS: dict[str, tuple[str, str]] = {
    "held": (
        "{name} is left alone from now on: {vmx}",
        "{name}: od teraz nikt jej nie rusza: {vmx}",
    ),
    "hold_and_run": (
        "run {run} is under way and knows it: what it has begun goes on, and is removed as ever",
        "przebieg {run} trwa i ja zna: co zaczal, dokonczy i usunie jak zawsze",
    ),
    "released": ("{name} is released: {vmx}", "{name}: znow w backupie: {vmx}"),
    "nothing_held": ("nothing is held", "nic nie jest wstrzymane"),
    "whole_host": ("the whole host", "caly host"),
    "is_held": (
        "{who} wants it left alone since {since}{why}",
        "{who} prosi, zeby jej nie ruszac, od {since}{why}",
    ),
    "release_it": (
        "when it may be backed up again: hlb hold --release {text}",
        "kiedy backup znow moze ja brac: hlb hold --release {text}",
    ),
    "release_host": (
        "when its maintenance is over: hlb drain --release",
        "po zakonczeniu prac: hlb drain --release",
    ),
    "draining": (
        "no run begins on this host until hlb drain --release",
        "na tym hoscie nie zacznie sie zaden przebieg az do hlb drain --release",
    ),
    "drain_waits": (
        "run {run} is not over, {count} snapshots of it are open",
        "przebieg {run} jeszcze trwa, otwarte snapshoty: {count}",
    ),
    "drained": (
        "nothing of ours is open: the host is free",
        "nic naszego nie jest otwarte: host jest wolny",
    ),
    "not_drained": (
        "{count} runs are not over yet",
        "przebiegow, ktore jeszcze trwaja: {count}",
    ),
    "drain_released": ("runs may begin again", "przebiegi znow moga sie zaczynac"),
}

WHEREIS_TEXTS: dict[str, tuple[str, str]] = {
    "whereis_registered": (
        "registered on this host, power state {text}",
        "zarejestrowana na tym hoscie, stan {text}",
    ),
    "whereis_not_registered": (
        "not registered on this host",
        "nie jest zarejestrowana na tym hoscie",
    ),
    "whereis_disk": ("disk {text}", "dysk {text}"),
    "whereis_snapshot": ("snapshot {text}", "snapshot {text}"),
    "whereis_claim": (
        "claimed by run {run} on host {host}, refreshed {refreshed}",
        "zajeta przez przebieg {run} na hoscie {host}, odswiezone {refreshed}",
    ),
    "whereis_elsewhere": (
        "a configuration of the same name lies at {text}",
        "konfiguracja o tej samej nazwie lezy w {text}",
    ),
    "whereis_open": (
        "run {run} has {snapshot} open, or may have",
        "przebieg {run} ma otwarty {snapshot} albo moze miec",
    ),
    "whereis_backup": (
        "backed up by run {run} of {begun}, job {job}",
        "w backupie z przebiegu {run} z {begun}, zadanie {job}",
    ),
    "whereis_perhaps": (
        "protected by run {run} of {begun}, job {job}; whether it was read is not known",
        "chroniona w przebiegu {run} z {begun}, zadanie {job}; nie wiadomo, czy ja przeczytano",
    ),
    "whereis_more": ("and {count} older ones", "i {count} starszych"),
    "whereis_no_backup": (
        "no run here has ever protected it",
        "zaden przebieg tutaj jej nie chronil",
    ),
}

PROBE_TEXTS: dict[str, tuple[str, str]] = {
    "probe_installed": (
        "{path} is inert now: it writes down what the client does to it, and makes no snapshot",
        "{path} jest teraz obojetny: zapisuje, co robi z nim klient, i nie tworzy snapshotow",
    ),
    "probe_what_now": (
        "run one backup, one that you cancel, and one restore; then: hlb probe show, and at the "
        "end: hlb probe remove",
        "zrob jeden backup, jeden przerwany i jedno odtworzenie; potem: hlb probe show, a na "
        "koniec: hlb probe remove",
    ),
    "probe_removed": (
        "{path} is the real hook again",
        "{path} jest znow prawdziwym hookiem",
    ),
    "probe_gone": (
        "{path} is gone: there was no hook before",
        "{path} usuniety: wczesniej nie bylo tu hooka",
    ),
    "probe_none": ("no inert hook is installed", "nie ma zadnego obojetnego hooka"),
    "probe_saw_nothing": (
        "the client has called no inert hook yet",
        "klient jeszcze nie wywolal obojetnego hooka",
    ),
    "probe_unclear": (
        "it was ended before it could write anything down",
        "zakonczony, zanim cokolwiek zapisal",
    ),
    "probe_ancestors": ("called by {chain}", "wywolany przez {chain}"),
    "probe_client": (
        "[run] owner finds the client, pid {pid}",
        "[run] owner znajduje klienta, pid {pid}",
    ),
    "probe_nobody": (
        "[run] owner matches none of them: no snapshot would be made",
        "[run] owner nie pasuje do zadnego z nich: nie powstanie zaden snapshot",
    ),
    "probe_command": ("the client's command line: {words}", "wiersz polecen klienta: {words}"),
    "probe_arguments": ("arguments given to the hook: {words}", "argumenty hooka: {words}"),
    "probe_environment": (
        "{count} variables in its environment, of note: {odd}",
        "zmiennych w srodowisku: {count}, godne uwagi: {odd}",
    ),
    "probe_place": (
        "in {folder} as user {user}, umask {umask}, stdin {stdin}, stdout {stdout}, stderr "
        "{stderr}",
        "w {folder} jako uzytkownik {user}, umask {umask}, stdin {stdin}, stdout {stdout}, stderr "
        "{stderr}",
    ),
    "probe_unheard": (
        "nobody listened on its stdout",
        "nikt nie sluchal jej standardowego wyjscia",
    ),
    "probe_no_log": (
        "the client names no --logfile: whether it takes lines as they come is not known",
        "klient nie podaje --logfile: nie wiadomo, czy przyjmuje linie na biezaco",
    ),
    "probe_streamed": (
        "its lines were in {log} as they came",
        "jej linie byly na biezaco w {log}",
    ),
    "probe_held_back": (
        "its lines were not in {log} while it ran",
        "jej linii nie bylo w {log}, kiedy dzialala",
    ),
    "probe_signal": (
        "was sent {name} after {seconds} s, and stayed",
        "po {seconds} s dostala {name} i zostala",
    ),
    "probe_left": (
        "left by itself with exit code {code} after {seconds} s",
        "zakonczyla sie sama z kodem {code} po {seconds} s",
    ),
    "probe_killed": (
        "was killed after {seconds} s, before it was done",
        "zostala zabita po {seconds} s, zanim skonczyla",
    ),
    "probe_at_work": (
        "is still at work, or nobody saw its end",
        "jeszcze dziala albo nikt nie widzial konca",
    ),
    "probe_client_gone": (
        "the client was gone after {seconds} s",
        "klient zniknal po {seconds} s",
    ),
    "probe_survived": (
        "a process that it left behind ({kind}) outlived hook and client",
        "proces, ktory zostawila ({kind}), przezyl hook i klienta",
    ),
    "probe_watcher_signal": (
        "a process that it left behind ({kind}) was sent {name}",
        "proces, ktory zostawila ({kind}), dostal {name}",
    ),
    "probe_watcher_killed": (
        "a process that it left behind ({kind}) was killed",
        "proces, ktory zostawila ({kind}), zostal zabity",
    ),
    "probe_watching": (
        "a process that it left behind ({kind}) is watching, or was killed",
        "proces, ktory zostawila ({kind}), patrzy albo zostal zabity",
    ),
}
