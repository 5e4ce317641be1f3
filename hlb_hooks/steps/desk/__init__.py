"""The operator's desk: the steps of ``hlb report``, ``history``, ``status`` and ``config``."""
