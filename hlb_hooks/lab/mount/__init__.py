"""The lab's folder as a file system on which a locked file is busy for any program."""
