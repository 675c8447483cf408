"""Wait until pip has begun to install, and kill it there. Run as root on the host."""

import os
import time
from pathlib import Path

# What is in each lock, so that it says that the installation has begun.
FIRST = "*/lib/python3*/site-packages/numpy"


def installing() -> int:
    """Return the process that installs; 0 where there is none."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"pip" in words and b"install" in words:
            return int(folder.name)
    return 0


while True:
    time.sleep(0.05)
    process = installing()
    if process and any(Path("/opt/rdna1/venvs").glob(FIRST)):
        os.kill(process, 9)
        break
