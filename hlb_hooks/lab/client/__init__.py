"""The lab's backup client: an avtar that runs the hooks, reads, stores and restores."""
