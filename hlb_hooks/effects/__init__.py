"""What the package may read of the world, and the few things it changes in it.

Each effect says of itself whether it *reads* or *changes* (see ``effect_kind``), and the entry
point picks the set that is used: the real one, or the one that only rehearses.
"""
