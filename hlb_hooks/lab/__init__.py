"""The lab: a folder that is an ESX host, to rehearse and to test on.

Nothing of the package imports it but the operator's command, and it imports nothing of the hooks:
they find the lab through their configuration, as they find a real host.

    layout      every path of a lab folder
    create      makes the folder; sample_vms, vm_templates and client_files say what is in it
    registry    which VMs the host knows, and their power states
    disks       a disk's content through its chain of files; delta is the lab's own encoding
    locks       which files a host keeps locked now
    registration, starting   how a host comes to know a VM and starts it; power_checks says what it
                looks at before, identity which UUIDs and addresses the VM has then
    questions   what a VM asks; answering says what comes of the answer, answer_client asks a person
    shadows     what a disk's guest has written, as the lab remembers it
    snapshots   what createsnapshot does to the files; removal, chain_edit and merge undo it
    tasks       a task of the host goes on when the client that asked for it is gone
    vmware_cmd  the executable of that name; command_line reads its words, refusals has its errors,
                changes and task_client start tasks
    faults      what the host shall do wrong; ordeal and orders play it, outage is a restart
    operate     what an administrator does; power and relocation change the files, and destruction
                loses them
    evidence    what the host noted at each snapshot, for whoever proves something
    neighbours  the hosts that share datastores; hosts makes them, moves VMs, and lets one die
    guests      a daemon that writes as the machines' guests would
    command     ``hlb lab``: a module for each of its actions
    avtar       the backup client; avtar_session is one command, avtar_lab_options what is unknown
    mount       the lab as a file system with real EBUSY; mount_files are its operations
    demo        shows all of it to a person, and checks what it claims
"""
