"""The sentences of the start of a run: which VMs, why not, their snapshots; see ``catalogue``."""

START_TEXTS: dict[str, tuple[str, str]] = {
    # initial_backup
    "run": ("run {run}, job {job}, owner {owner}", "przebieg {run}, zadanie {job}, klient {owner}"),
    "no_owner_run": ("run {run}, job {job}", "przebieg {run}, zadanie {job}"),
    "vms_present": (
        "virtual machines present on the host: {count}",
        "maszyny wirtualne obecne na hoscie: {count}",
    ),
    "written_to": ("written to file {path}", "zapis do pliku {path}"),
    # compare_backup
    "looking": ("looking for machines to back up...", "wyszukiwanie maszyn do backupu..."),
    "found": ("**found {name}", "**znalazlem {name}"),
    "found_because": ("line {line}: {target}", "linia {line}: {target}"),
    "excluded": (
        "{name}: left out by line {line}: {target}",
        "{name}: pominieta przez linie {line}: {target}",
    ),
    "not_named": (
        "no line of the targets file names it",
        "nie wymienia jej zadna linia pliku z lista",
    ),
    "found_by_argument": ("named on the command line", "podana w wierszu polecen"),
    "unmatched": (
        "line {line}: {target} is no VM of this host (it may be on another one)",
        "linia {line}: {target} nie jest maszyna tego hosta (moze byc na innym)",
    ),
    "due_never_yet": (
        "every {interval}: due, no success is known",
        "co {interval}: do zrobienia, nie ma zadnego udanego backupu",
    ),
    "due_clock_set_back": (
        "every {interval}: due, its last success {last} (run {run}) is in the future: the clock "
        "was set back",
        "co {interval}: do zrobienia, ostatni udany backup {last} (przebieg {run}) jest w "
        "przyszlosci: cofnieto zegar",
    ),
    "due_since": (
        "every {interval}: due since {moment}, last success {last} (run {run})",
        "co {interval}: do zrobienia od {moment}, ostatni udany backup {last} (przebieg {run})",
    ),
    "not_due": (
        "every {interval}: next due {moment}, last success {last} (run {run})",
        "co {interval}: nastepny od {moment}, ostatni udany backup {last} (przebieg {run})",
    ),
    "reading_unknown": (
        "run {run} of {begun} does not count, as nobody knows whether the VM was read: see "
        "[jobs.{job}] success",
        "przebieg {run} z {begun} sie nie liczy, bo nie wiadomo, czy maszyne przeczytano: zobacz "
        "[jobs.{job}] success",
    ),
    "carried": (
        "{names}: for others, nothing is done about it here",
        "{names}: dla innych, tutaj nic z tym nie jest robione",
    ),
    "nothing_due": (
        "nothing is due on this host now",
        "na tym hoscie nic nie jest teraz do zrobienia",
    ),
    "nothing_chosen": ("nothing to back up on this host", "na tym hoscie nie ma nic do backupu"),
    # snap_request
    "creating": ("creating snapshot of {vmx}...", "tworzenie snapshotu {vmx}..."),
    "created": ("snapshot {snapshot}, {level}", "snapshot {snapshot}, {level}"),
    # The host ignores the wish where no tools run in the guest, and says nothing of it.
    "quiesced": (
        "quiesced, as far as VMware Tools run in the guest",
        "z wstrzymaniem zapisu, o ile w systemie goscia dzialaja VMware Tools",
    ),
    "crash_consistent": ("crash-consistent", "bez wstrzymania zapisu w systemie goscia"),
    "powered_off": ("powered off", "maszyna wylaczona"),
    "suspended": ("suspended", "maszyna wstrzymana"),
    "readable": (
        "readable without a snapshot: {vmx}",
        "mozna czytac bez snapshotu: {vmx}",
    ),
    # why a VM is left out or gets no snapshot, and what to do
    "is_template": ("a template: nobody locks its disks", "szablon: nikt nie blokuje jego dyskow"),
    "has_no_disk": (
        "its .vmx names no disk, or was cut short",
        "jej .vmx nie wymienia zadnego dysku albo jest uciety",
    ),
    "look_at_vmx": (
        "look at the file; a VM that has none is left out with ! in the targets file",
        "sprawdz plik; maszyne bez dyskow pomija ! w pliku z lista",
    ),
    "is_stuck": ("it waits for an answer", "czeka na odpowiedz"),
    "answer_it": (
        "answer its question: vmware-cmd VMX answer",
        "odpowiedz na pytanie: vmware-cmd VMX answer",
    ),
    "has_leftover": (
        "it has a snapshot of an earlier run: {names}",
        "ma snapshot z wczesniejszego przebiegu: {names}",
    ),
    "settle_leftover": (
        "grep its name in [paths] state_dir: the guard of that run or hlb reap removes it; what no "
        "state file names is yours to remove by hand",
        "szukaj jego nazwy (grep) w [paths] state_dir: usunie go straznik tamtego przebiegu albo "
        "hlb reap; jesli nie ma go w zadnym pliku stanu, usun go recznie",
    ),
    "has_foreign_snapshot": (
        "it has a snapshot that is not ours: {names}",
        "ma snapshot, ktory nie jest nasz: {names}",
    ),
    "let_owner_remove": (
        "whoever made it removes it; it is never touched here",
        "usuwa go ten, kto go zrobil; tutaj nikt go nie rusza",
    ),
    "has_unknown_delta": (
        "a disk runs on a delta that no snapshot accounts for: {path}",
        "dysk dziala na delcie, ktorej nie wyjasnia zaden snapshot: {path}",
    ),
    "consolidate": (
        "make and remove a snapshot by hand to merge it, then look at the disk again",
        "zrob i usun snapshot recznie, zeby scalic dyski, potem sprawdz dysk ponownie",
    ),
    "is_linked_clone": (
        "it is a linked clone of {path}",
        "jest klonem polaczonym z {path}",
    ),
    "allow_clones": (
        "set [snapshot] allow_linked_clones = true if its parent is backed up too",
        "ustaw [snapshot] allow_linked_clones = true, jesli rodzic tez jest w backupie",
    ),
    "snapshots_disabled": (
        "snapshots are switched off in its .vmx (snapshot.disabled)",
        "snapshoty sa wylaczone w jej pliku .vmx (snapshot.disabled)",
    ),
    "shares_bus": (
        "it shares a SCSI bus, which takes no snapshot: {controllers}",
        "wspoldzieli szyne SCSI, a wtedy nie ma snapshotu: {controllers}",
    ),
    "has_raw_disk": (
        "its disk {node} is a raw device, which takes no snapshot",
        "jej dysk {node} to surowe urzadzenie, a wtedy nie ma snapshotu",
    ),
    "nothing_covered": (
        "a snapshot covers none of its disks",
        "snapshot nie obejmuje zadnego z jej dyskow",
    ),
    "back_up_inside": (
        "back it up by an agent inside the guest",
        "zrob backup agentem wewnatrz systemu goscia",
    ),
    "independent_disk": (
        "disk {node} is independent, a snapshot does not cover it: {path}",
        "dysk {node} jest niezalezny, snapshot go nie obejmuje: {path}",
    ),
    "physical_rdm": (
        "disk {node} is a physical RDM, a snapshot does not cover it: {path}",
        "dysk {node} to fizyczne RDM, snapshot go nie obejmuje: {path}",
    ),
    "disk_elsewhere": (
        "disk {node} lies outside the VM's folder, the dataset must name it too: {path}",
        "dysk {node} lezy poza folderem maszyny, dataset musi go tez wymieniac: {path}",
    ),
    "claimed": (
        "run {run} on host {host} has claimed it",
        "zajal ja przebieg {run} na hoscie {host}",
    ),
    "claim_unreadable": ("another run is claiming it", "wlasnie zajmuje ja inny przebieg"),
    "wait_for_claim": (
        "wait until that run is settled (it has until two hours after its last refresh)",
        "poczekaj, az tamten przebieg sie rozliczy (ma czas do dwoch godzin od odswiezenia)",
    ),
    "short_of_space": (
        "datastore {datastore} would have {left_gib} GiB free, {limit_gib} GiB must stay free",
        "na datastore {datastore} zostaloby {left_gib} GiB, musi zostac {limit_gib} GiB",
    ),
    "make_space": (
        "free space there, or lower [snapshot] min_free_percent and min_free_gib",
        "zwolnij miejsce albo zmniejsz [snapshot] min_free_percent i min_free_gib",
    ),
    "space_unknown": (
        "the free space of {datastore} cannot be known here",
        "nie da sie tu sprawdzic wolnego miejsca na {datastore}",
    ),
    "over_budget": (
        "not ready within [run] start_budget_seconds = {seconds}",
        "nie zdazyla w [run] start_budget_seconds = {seconds}",
    ),
    "stopped_before": (
        "the hook was told to stop before it was ready",
        "hook zatrzymano, zanim byla gotowa",
    ),
    "not_begun": (
        "not begun, as another VM failed and [run] on_failure is abort",
        "nierozpoczeta, bo inna maszyna zawiodla, a [run] on_failure to abort",
    ),
    "owner_gone": (
        "the backup client was gone before its turn came",
        "klient backupu zniknal, zanim przyszla na nia kolej",
    ),
    "run_again": (
        "start the backup again; if it was too slow, see [run] start_budget_seconds and "
        "[snapshot] parallel",
        "uruchom backup jeszcze raz; jesli byl za wolny, zobacz [run] start_budget_seconds i "
        "[snapshot] parallel",
    ),
    "rolled_back": (
        "taken back, as another VM failed and [run] on_failure is abort",
        "wycofana, bo inna maszyna zawiodla, a [run] on_failure to abort",
    ),
    "mend_the_other": (
        "mend what failed, then start the backup again",
        "napraw to, co zawiodlo, i uruchom backup jeszcze raz",
    ),
    "may_still_come": (
        "whether the snapshot came to be is not clear; it is looked for again at the end",
        "nie wiadomo, czy snapshot powstal; na koncu bedzie szukany jeszcze raz",
    ),
    "not_made": ("the host made no snapshot: {message}", "host nie zrobil snapshotu: {message}"),
    "unclear_made": (
        "it is not clear whether the host made the snapshot: {message}",
        "nie wiadomo, czy host zrobil snapshot: {message}",
    ),
    "look_at_host": (
        "read the host's log for this VM; then run the hook again",
        "sprawdz log hosta dla tej maszyny; potem uruchom hook ponownie",
    ),
    "quiescing_failed": (
        "quiescing failed, the snapshot is crash-consistent: {message}",
        "wstrzymanie zapisu nie udalo sie, snapshot jest bez niego: {message}",
    ),
}
