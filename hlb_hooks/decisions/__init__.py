"""Pure decisions: facts in, plan out. Nothing here reads a file, a clock or a host."""
