"""The first host of a lab (RDNA1_LAB). Its card and its torch are the lab's stand-ins."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from rdna1.lab import lifecycle
from rdna1.lab.containers import Fleet
from rdna1.lab.paths import LabPaths

CHECKOUT = Path(__file__).parents[2]
BIN = CHECKOUT / ".venv/bin"
LAB = {**os.environ, "NO_COLOR": "1"}
HOST = "rx5600xt-01"
FAULTS = "/srv/simulated-card/conv2d.json"


def run(*words: str | Path, text: str = "", codes: tuple[int, ...] = (0,)) -> str:
    """Run a command from the checkout that must end so; return what it says."""
    done = subprocess.run(
        words, cwd=CHECKOUT, env=LAB, input=text, capture_output=True, text=True, timeout=1800
    )
    assert done.returncode in codes, (done.stdout + done.stderr)[-6000:]
    return done.stdout


class Host:
    """The host, and the inventory with one variable more in the group of its cards."""

    def __init__(self, folder: Path) -> None:
        self.overlay = folder / "group.yml"
        self.runs = folder / "runs"

    def root(self, command: str, text: str = "") -> str:
        """Run a command on it as root."""
        return run(BIN / "rdna1", "lab", "ssh", HOST, "--", f"sudo {command}", text=text).strip()

    def wants(self, **variables: object) -> None:
        """Set what the group has."""
        self.overlay.write_text(yaml.safe_dump({"rdna1": {"vars": variables}}))

    def converge(self) -> str:
        """Take it through the chain."""
        inventories = ("-i", "inventories/lab", "-i", self.overlay)
        return run(BIN / "ansible-playbook", "playbooks/rdna1.yml", *inventories, "--limit", HOST)

    def breaks(self, *faults: dict[str, Any]) -> None:
        """Have its card misbehave."""
        self.root(f"tee {FAULTS}", json.dumps({"faults": list(faults)}))

    @contextlib.contextmanager
    def power(self) -> Iterator[None]:
        """Start its container again whenever that stops: the part of a reboot that is a machine's."""
        paths = LabPaths(LAB.get("RDNA1_LAB", "lab"))
        container = Fleet(lifecycle.podman_of(paths), paths).container(HOST)
        code = f"while podman wait {container} && podman start {container}; do :; done"
        with subprocess.Popen(
            ["sh", "-c", code], stdout=subprocess.DEVNULL, start_new_session=True
        ) as button:
            try:
                yield
            finally:
                os.killpg(button.pid, signal.SIGTERM)

    def qualify(self, *words: str, code: int = 0) -> dict[str, Any]:
        """Qualify on it; return the result for programs."""
        fixed = ("--runs-dir", self.runs, "--json", "-", "-e", "conv2d_verify_timeout=20")
        found: dict[str, Any] = json.loads(run(BIN / "rdna1", "qualify", *fixed, *words, codes=(code,)))
        return found
