"""Print a section of setup.cfg as command line options: ruff itself reads no setup.cfg."""

import configparser
import sys
from pathlib import Path

settings = configparser.ConfigParser()
settings.read(Path(__file__).parent.parent / "setup.cfg", "utf-8")
options = {**settings["ruff"], **settings[sys.argv[1]]}
print(" ".join(f"--{name}={value}" for name, value in options.items()))
