"""Plain facts that every floor may use: errors, exit codes, clock, configuration, text, logs."""
