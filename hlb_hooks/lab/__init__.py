"""The lab: a folder that is an ESX host, to rehearse and to test on.

Nothing of the package imports it but the operator's command, and it imports nothing of the hooks:
they find the lab through their configuration, as they find a real host.

    layout      every path of a lab folder
    create      makes the folder; sample_vms, vm_templates and client_files say what is in it
    registry    which VMs the host knows, and their power states
    disks       a disk's content through its chain of files; delta is the lab's own encoding
    locks       which files the host keeps locked now
    snapshots   what createsnapshot and removesnapshots do to the files; merge commits deltas
    tasks       a task of the host goes on when the client that asked for it is gone
    vmware_cmd  the executable of that name
    guests      a daemon that writes as the machines' guests would
    avtar       the backup client: dataset, hooks, log and store have modules of their own
    demo        shows all of it to a person, and checks what it claims
"""
