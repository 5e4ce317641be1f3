"""Entry points: argv, environment, signals and exit codes. Nothing imports this floor."""
