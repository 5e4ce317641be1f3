"""The sentences of the end of a run, by hook, guard, reaper or hand; see ``catalogue``."""

END_TEXTS: dict[str, tuple[str, str]] = {
    # snap_remove, initial_umount
    "to_remove": ("found a snapshot to remove: {vmx}", "znaleziono snapshot do usuniecia: {vmx}"),
    "removing": ("removing snapshot {snapshot}...", "usuwanie snapshotu {snapshot}..."),
    "nothing_open": ("nothing to remove", "nie ma nic do usuniecia"),
    "no_run_of_owner": (
        "no run belongs to {owner}: nothing to do",
        "zaden przebieg nie nalezy do {owner}: nic do zrobienia",
    ),
    "run_ended": ("run {run} is already settled", "przebieg {run} jest juz rozliczony"),
    # why a snapshot stays or a backup is torn, and what to do
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
}
