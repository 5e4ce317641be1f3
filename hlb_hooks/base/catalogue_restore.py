"""The sentences of ``hlb restore``, in English and in Polish; see ``catalogue``."""

RESTORE_TEXTS: dict[str, tuple[str, str]] = {
    "restore_of": ("restore of {name} in {folder}", "odtworzenie {name} w {folder}"),
    "restore_changes": ("what changes:", "co sie zmienia:"),
    "restore_no_change": (
        "its files are as they have to be: nothing to change",
        "pliki sa takie, jakie maja byc: nic do zmiany",
    ),
    "restore_from_saved": (
        "the configuration is the one saved before the snapshot: {path}",
        "konfiguracja zapisana przed snapshotem: {path}",
    ),
    "restore_saved_unreadable": (
        "what was saved before the snapshot cannot be used ({message}): the .vmx is mended",
        "nie mozna uzyc zapisu sprzed snapshotu ({message}): naprawiam .vmx",
    ),
    "restore_disk_added": (
        "disk {node} was added after the snapshot: it is not part of what is restored",
        "dysk {node} dodano po snapshocie: nie nalezy do tego, co jest odtwarzane",
    ),
    "restore_disk_removed": (
        "disk {node} was taken out after the snapshot: it is part of what is restored",
        "dysk {node} usunieto po snapshocie: nalezy do tego, co jest odtwarzane",
    ),
    "restore_disk": (
        "{setting} becomes {value}: the disk as it was when the snapshot was made",
        "{setting} to teraz {value}: dysk z chwili wykonania snapshotu",
    ),
    "restore_without_disk": (
        "{setting} becomes {value}: the VM goes without this disk",
        "{setting} to teraz {value}: maszyna bez tego dysku",
    ),
    "restore_drop_swap": (
        "{setting} goes: the host makes a swap file when the VM starts",
        "{setting} znika: host tworzy plik wymiany przy starcie maszyny",
    ),
    "restore_drop_missing": (
        "{setting} goes: {value} is not there",
        "{setting} znika: nie ma {value}",
    ),
    "restore_drop_working_dir": (
        "{setting} goes: {value} is the original's",
        "{setting} znika: {value} nalezy do oryginalu",
    ),
    "restore_here": ("{setting} becomes {value}", "{setting} to teraz {value}"),
    "restore_no_image": (
        "{setting} becomes {value}: its image is not on this host",
        "{setting} to teraz {value}: nie ma tego obrazu na tym hoscie",
    ),
    "restore_memory_missing": (
        "{setting} becomes empty: what the VM had in memory is not there, it starts anew",
        "{setting} staje sie puste: nie ma zawartosci pamieci, maszyna startuje od nowa",
    ),
    "restore_memory_doubtful": (
        "{setting} becomes empty: its memory may not be of the moment of its disks, it starts anew",
        "{setting} staje sie puste: pamiec moze nie byc z chwili dyskow, maszyna startuje od nowa",
    ),
    "restore_name": ("{setting} becomes {value}", "{setting} to teraz {value}"),
    "restore_uuid_create": (
        '{setting} = "{value}" until the first start: the host gives the copy a new identity',
        '{setting} = "{value}" do pierwszego startu: host nadaje kopii nowa tozsamosc',
    ),
    "restore_uuid_keep": (
        '{setting} = "{value}" until the first start: the VM keeps its identity',
        '{setting} = "{value}" do pierwszego startu: maszyna zachowuje tozsamosc',
    ),
    "restore_drop_address": (
        "{setting} goes ({value}): the copy gets a new one",
        "{setting} znika ({value}): kopia dostanie nowy",
    ),
    "restore_static_address": (
        "{setting} has the static address {value}, as the original: change it by hand if that runs",
        "{setting} ma staly adres {value}, jak oryginal: zmien recznie, jesli oryginal dziala",
    ),
    "restore_disconnect": (
        "{setting} becomes {value}: plug the card in by hand",
        "{setting} to teraz {value}: karte podlacz recznie",
    ),
    "restore_linked_clone": (
        "disk {node} is a linked clone of {path}, which it needs",
        "dysk {node} jest klonem dowiazanym do {path} i potrzebuje go",
    ),
    "restore_raw": (
        "disk {node} is a raw device mapping, {path}: its data is on a LUN, not in the backup",
        "dysk {node} to mapowanie LUN, {path}: jego danych nie ma w backupie",
    ),
    "restore_changed_since": (
        "disk {node}: {path} was written to after the snapshot was made, the backup may be torn",
        "dysk {node}: do {path} pisano po wykonaniu snapshotu, backup moze byc niespojny",
    ),
    "restore_new_text": ("written: {path}", "zapisano: {path}"),
    "restore_aside": ("put aside: {path}", "odlozono: {path}"),
    "restore_kept": (
        "what was there is kept in {folder}: delete it when the VM is well",
        "to, co bylo, jest w {folder}: usun, gdy maszyna dziala",
    ),
    "restore_registered": ("registered: {path}", "zarejestrowano: {path}"),
    "restore_is_registered": ("is registered already", "jest juz zarejestrowana"),
    "restore_started": ("the VM runs", "maszyna dziala"),
    "restore_runs": (
        "the VM runs already: nothing is changed",
        "maszyna juz dziala: nic nie zmieniam",
    ),
    "restore_answered": (
        "asked: {text}; answered: {answer}",
        "pytanie: {text}; odpowiedz: {answer}",
    ),
    "restore_uuid_action_gone": (
        "uuid.action is taken out again: the VM has its identity",
        "uuid.action usuniete: maszyna ma swoja tozsamosc",
    ),
    "restore_uuid_action_stays": (
        "uuid.action stays in the .vmx ({message}): run the same command again later",
        "uuid.action zostaje w .vmx ({message}): uruchom to samo polecenie pozniej",
    ),
    "restore_host_unknown": (
        "the host cannot be asked which VMs it has: {text}",
        "nie mozna zapytac hosta o jego maszyny: {text}",
    ),
    "restore_next_register": (
        "register and start it: the same command with --register --power-on",
        "zarejestruj ja i uruchom: to samo polecenie z --register --power-on",
    ),
    "restore_next_start": (
        "start it, then run the same command once more: it takes uuid.action out again",
        "uruchom ja, potem raz jeszcze to samo polecenie: usunie uuid.action",
    ),
    "would_put_aside": (
        "WOULD put aside: {path}, into {folder}",
        "WOULD: odlozenie {path} do {folder}",
    ),
    "would_run": ("WOULD run: {command}", "WOULD: polecenie {command}"),
}
