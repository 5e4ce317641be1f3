"""`hlb lab`: the subcommands."""
