"""The lab's hosts for pyinfra, with what is wanted of each (RDNA1_WANTED: the folder of wanted.py)."""

import json
import os
from pathlib import Path

hosts = [
    (path.stem, {**wanted.pop("connection"), "wanted": wanted})
    for path in sorted(Path(os.environ["RDNA1_WANTED"]).glob("*.json"))
    for wanted in [json.loads(path.read_text())]
]
