"""Run by the packaged interpreter at each start, isolated or not.

Hooks start it through a link that an upgrade points to another version. What a hook starts itself,
its guard above all, has to be of the hook's own version.
"""

import os
import sys

sys.executable = os.path.realpath(sys.executable)
