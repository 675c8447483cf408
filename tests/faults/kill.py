"""Wait until a file is there, and kill the process with these words in its command. Run as root on the host.

Usage: kill.py PATTERN WORD... (of a word that is a path, its last part counts).
"""

import os
import sys
import time
from pathlib import Path

NOW = sys.argv[1].lstrip("/")
WORDS = {os.fsencode(word) for word in sys.argv[2:]}


def process() -> int:
    """Return the process with these words; 0 where there is none."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if {word.rpartition(b"/")[2] for word in words} >= WORDS and int(folder.name) != os.getpid():
            return int(folder.name)
    return 0


while True:
    if any(Path("/").glob(NOW)) and (found := process()):
        os.kill(found, 9)
        break
    time.sleep(0.0005)
