"""What is decided when a VM that a backup client has put back is to run again."""
