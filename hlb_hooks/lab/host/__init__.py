"""The lab's ESX host: `vmware-cmd`, the host's own tasks, locks, guests, and faults to order."""
