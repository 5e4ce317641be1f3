"""Every sentence the hooks say on stdout, in English and in the talk's Polish.

Placeholders in braces; a test checks that both languages have every text with the same ones.
Step markers, ``***OK***``, flags and the HLB line are the same in both and stand elsewhere.
The Polish goes without diacritics, as in the talk: no console of that time mangles it.
"""

from hlb_hooks.base.catalogue_avamar import DATASET_TEXTS, HOLD_TEXTS, WHEREIS_TEXTS
from hlb_hooks.base.catalogue_check import CHECK_TEXTS
from hlb_hooks.base.catalogue_desk import DESK_TEXTS
from hlb_hooks.base.catalogue_restore import RESTORE_TEXTS

TEXTS: dict[str, tuple[str, str]] = {
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
    # snap_remove, initial_umount
    "to_remove": ("found a snapshot to remove: {vmx}", "znaleziono snapshot do usuniecia: {vmx}"),
    "removing": ("removing snapshot {snapshot}...", "usuwanie snapshotu {snapshot}..."),
    "nothing_open": ("nothing to remove", "nie ma nic do usuniecia"),
    "no_run_of_owner": (
        "no run belongs to {owner}: nothing to do",
        "zaden przebieg nie nalezy do {owner}: nic do zrobienia",
    ),
    "run_ended": ("run {run} is already settled", "przebieg {run} jest juz rozliczony"),
    # reasons and next steps
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
    "removed_by_other": (
        "the snapshot was gone before we removed it",
        "snapshot zniknal, zanim zostal przez nas usuniety",
    ),
    "base_changed": (
        "a base file changed while the snapshot was open: {path}",
        "plik bazowy zmienil sie przy otwartym snapshocie: {path}",
    ),
    "back_up_again": (
        "do not trust this backup of the VM: back it up again",
        "nie ufaj temu backupowi maszyny: powtorz go",
    ),
    "foreign_beside_ours": (
        "beside ours there is a snapshot that is not ours: {names}",
        "obok naszego jest snapshot, ktory nie jest nasz: {names}",
    ),
    "remove_by_name": (
        "remove {snapshot} by hand, by its name, when the other one may go or can stay alone",
        "usun {snapshot} recznie, po nazwie, kiedy drugi moze zniknac albo zostac sam",
    ),
    "start_cut_short": (
        "the start hook ended before it knew of this VM's snapshot",
        "hook startowy skonczyl sie, zanim wiedzial o snapshocie tej maszyny",
    ),
    "not_registered": (
        "it is not registered on this host any more",
        "nie jest juz zarejestrowana na tym hoscie",
    ),
    "remove_elsewhere": (
        "run hlb reap on the host where it is registered now: it removes {snapshot} and no other; "
        "registered nowhere, it waits here",
        "uruchom hlb reap na hoscie, gdzie jest teraz: usunie {snapshot} i zaden inny; jesli nie "
        "jest nigdzie zarejestrowana, snapshot czeka tutaj",
    ),
    "adopted_elsewhere": (
        "host {host} has the VM now and removes it, as run {run}",
        "maszyne ma teraz host {host} i on usuwa snapshot, jako przebieg {run}",
    ),
    "nothing_here": (
        "nothing to do here; if that host gives up, this one goes on after two hours",
        "tutaj nic; jesli tamten host przestanie, po dwoch godzinach robi to ten",
    ),
    "unknown_delta_above": (
        "above ours there is a delta that no snapshot accounts for",
        "nad naszym jest delta, ktorej nie wyjasnia zaden snapshot",
    ),
    "find_its_maker": (
        "find out who is making or removing a snapshot there; ours is tried again later",
        "sprawdz, kto robi tam albo usuwa snapshot; nasz bedzie usuwany pozniej",
    ),
    "removed_under_reader": (
        "removed by hand while {owner} was alive and may have been reading",
        "usuniety recznie, kiedy {owner} dzialal i mogl jeszcze czytac",
    ),
    "merge_lost": (
        "the snapshot is gone from the list, and the host has not merged its deltas in time, or "
        "was started anew meanwhile",
        "snapshotu nie ma juz na liscie, a host nie scalil delt w czasie albo zostal w trakcie "
        "uruchomiony od nowa",
    ),
    "helper_left": (
        "the host has not merged its own helper snapshot: {names}",
        "host nie scalil wlasnego snapshotu pomocniczego: {names}",
    ),
    "merge_by_hand": (
        "if the host does nothing any more, make and remove a snapshot by hand: that merges them",
        "jesli host juz nic nie robi, zrob i usun snapshot recznie: to scala delty",
    ),
    "consolidate_all": (
        "if the host does nothing any more, consolidate the VM by hand: Delete All",
        "jesli host juz nic nie robi, skonsoliduj maszyne recznie: Delete All",
    ),
    "still_merging": (
        "the host is still merging the snapshot into the disks",
        "host jeszcze scala snapshot z dyskami",
    ),
    "stopped_removing": (
        "the hook was told to stop before it was removed",
        "hook zatrzymano przed usunieciem",
    ),
    "not_removed_yet": (
        "not removed within [run] end_budget_seconds = {seconds}",
        "nie usuniety w [run] end_budget_seconds = {seconds}",
    ),
    "guard_goes_on": (
        "nothing to do: the guard or the next hlb reap goes on",
        "nic: dalej robi to straznik albo nastepny hlb reap",
    ),
    "not_removed": ("the host did not remove it: {message}", "host go nie usunal: {message}"),
    "disk_taken_out": (
        "disk {nodes} was taken out of the VM while the snapshot was open: its delta may lie about",
        "dysk {nodes} wyjeto z maszyny przy otwartym snapshocie: jego delta moze gdzies lezec",
    ),
    "found_twice": (
        "its .vmx is gone, and several VMs bear our snapshot: {places}",
        "jej .vmx nie ma, a nasz snapshot ma kilka maszyn: {places}",
    ),
    "remove_copy": (
        "take the copy out of the inventory, or remove the snapshot from each by its name",
        "wyrejestruj kopie albo usun snapshot z kazdej po nazwie",
    ),
    "removal_claimed": (
        "the host said it was done, and the .vmsd still shows {snapshot}",
        "host powiedzial, ze gotowe, a .vmsd nadal pokazuje {snapshot}",
    ),
    "disks_displaced": (
        "its disks are on other files than before the snapshot",
        "jej dyski sa na innych plikach niz przed snapshotem",
    ),
    "files_unreadable": ("{message}", "{message}"),
    "look_by_hand": (
        "look at the VM by hand: vmware-cmd VMX hassnapshot, its .vmsd and its .vmx",
        "sprawdz maszyne recznie: vmware-cmd VMX hassnapshot, jej .vmsd i .vmx",
    ),
    "emergency": (
        "removed early: {path} is nearly full ([snapshot] emergency_free_percent)",
        "usuniety przed czasem: {path} jest prawie pelny ([snapshot] emergency_free_percent)",
    ),
    "claim_stays": (
        "the claim could not be removed: {message}",
        "nie udalo sie usunac znacznika: {message}",
    ),
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
    # hlb reap
    "reap_waits": ("run {run} is left alone: {text}", "przebieg {run} zostaje: {text}"),
    "reap_goes_on": (
        "run {run}: {count} still open; the next reap tries again",
        "przebieg {run}: {count} jeszcze otwartych; nastepny reap sprobuje ponownie",
    ),
    "adopting": (
        "{vmx}: snapshot {snapshot} of run {run}, made on host {host}: adopted as run {own}",
        "{vmx}: snapshot {snapshot} przebiegu {run} z hosta {host}: przejety jako przebieg {own}",
    ),
    "adoption_waits": (
        "this host was started just now: what other hosts left is looked for {minutes} min after",
        "host wlasnie wystartowal: pozostalosci innych hostow sprawdzane {minutes} min po starcie",
    ),
    "claim_swept": (
        "{vmx}: the claim of run {run} on host {host} is removed, its snapshot is gone",
        "{vmx}: znacznik przebiegu {run} z hosta {host} usuniety, snapshotu juz nie ma",
    ),
    "forgotten": (
        "{path}: deleted, its run ended more than {days} days ago ([run] keep_days)",
        "{path}: skasowany, przebieg zakonczyl sie ponad {days} dni temu ([run] keep_days)",
    ),
    "nothing_left": (
        "nothing of ours is open that has nobody",
        "nic naszego nie zostalo bez opieki",
    ),
    # hlb status
    "kept_by": ("kept by {text}", "pilnuje: {text}"),
    "kept_by_nobody": ("nobody", "nikt"),
    "owner_lives": ("its client {owner}", "klient {owner}"),
    "guard_lives": ("its guard (pid {pid})", "straznik (pid {pid})"),
    "waits_for": ("which waits: {text}", "ktory czeka: {text}"),
    "open_since": ("{snapshot}, open for {hours} h", "{snapshot}, otwarty od {hours} h"),
    "open_too_long": (
        "open for {hours} h, [snapshot] alarm_open_hours is {limit}",
        "otwarty od {hours} h, [snapshot] alarm_open_hours to {limit}",
    ),
    "look_at_run": (
        "see why in the log file (grep {run}); if its client hangs, end it: the guard goes on",
        "sprawdz dlaczego w logu (grep {run}); jesli klient wisi, zakoncz go: dalej robi straznik",
    ),
    "reap_it": (
        "its guard is gone, run hlb reap",
        "nie ma straznika, uruchom hlb reap",
    ),
    "nothing_is_open": ("no snapshot of ours is open", "zaden nasz snapshot nie jest otwarty"),
    "nothing_to_do": ("nothing to do by hand", "nie ma nic do zrobienia recznie"),
    "to_do": ("{count} to be done by hand:", "{count} do zrobienia recznie:"),
    # before the package is removed
    "removal_leaves_open": (
        "run {run} has {count} snapshots open, and nobody would be left to remove them:",
        "przebieg {run} ma {count} otwartych snapshotow, a nie zostanie nikt, kto je usunie:",
    ),
    "removal_after_reap": (
        "see hlb status; wait for the guard, or run hlb reap, then remove the package",
        "zobacz hlb status; zaczekaj na straznika lub uruchom hlb reap, potem usun pakiet",
    ),
    "removal_during_run": (
        "run {run} of {owner} is under way",
        "przebieg {run} klienta {owner} jeszcze trwa",
    ),
    "removal_after_run": (
        "let it end, then remove the package",
        "poczekaj na jego koniec, potem usun pakiet",
    ),
    # what became of the reading
    "client_failed": (
        "the client's log ends in: {text}",
        "log klienta konczy sie: {text}",
    ),
    "client_has_no_verdict": (
        "the client's log ends without a verdict: {path}",
        "log klienta konczy sie bez wyniku: {path}",
    ),
    "client_complained": (
        "the client could not read all of it: {text}",
        "klient nie przeczytal wszystkiego: {text}",
    ),
    "log_unreadable": (
        "what was read is not known, the client's log cannot be read: {path}: {text}",
        "nie wiadomo, co przeczytano, bo nie da sie przeczytac logu klienta: {path}: {text}",
    ),
    "unmoved_base": (
        "{path}: same size and mtime as at run {run}, though the VM ran; the client's file cache "
        "will not open it again: back up once without that cache",
        "{path}: ten sam rozmiar i mtime co w przebiegu {run}, a maszyna dzialala; klient z "
        "buforem plikow nie otworzy go ponownie: zrob jeden backup bez bufora",
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
    # hlb whereis
    **WHEREIS_TEXTS,
    # hlb report, history, status, config
    **DESK_TEXTS,
    # hlb restore
    **RESTORE_TEXTS,
}
LANGUAGES = ("en", "pl")
