"""Wait until a file is there, and kill the process with these words in its command. Run as root on the host.

Usage: kill.py PATTERN WORD... (of a word that is a path, its last part counts).
"""

import os
import sys
import time
from pathlib import Path

NOW, *WORDS = sys.argv[1:]


def process() -> int:
    """Return the process with these words; 0 where there is none."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_text(errors="replace").split("\0")
        except OSError:
            continue
        if int(folder.name) != os.getpid() and {Path(word).name for word in words}.issuperset(WORDS):
            return int(folder.name)
    return 0


while True:
    if any(Path("/").glob(NOW.lstrip("/"))) and (found := process()):
        os.kill(found, 9)
        break
    time.sleep(0.0005)
