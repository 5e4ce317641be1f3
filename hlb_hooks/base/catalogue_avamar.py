"""What ``hlb dataset`` says; see ``catalogue``."""

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
