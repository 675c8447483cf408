"""Start a worker: `python -s start_worker.py COMMANDS EVENTS LIFELINE PARENT DEVICE`, by the parent alone."""

from __future__ import annotations

import sys
from pathlib import Path

# A script's own folder comes first on the path; it is the package's parent that belongs there.
sys.path[0] = str(Path(__file__).resolve().parents[1])

from conv2d_verify import lifeline, worker  # noqa: E402

if __name__ == "__main__":
    commands, events, line, parent = (int(argument) for argument in sys.argv[1:5])
    lifeline.tie(line, parent)
    worker.serve(commands, events, sys.argv[5])
