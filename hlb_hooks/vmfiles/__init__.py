"""Pure readers of a VM's own files, on bytes: .vmx, .vmsd, VMDK descriptors and their chains."""
