"""A lab host (RDNA1_LAB) whose state is compared: what the tests of the way back share."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).parents[2]
BIN = CHECKOUT / ".venv/bin"
HERE = Path(__file__).parent

Snapshot = dict[str, Any]


class LabHost:
    """One host of the lab, new when the test begins."""

    def __init__(self, lab: str, name: str, mirror: str) -> None:
        self.lab, self.name, self.mirror = lab, name, mirror
        self.environment = {**os.environ, "RDNA1_LAB": lab, "NO_COLOR": "1"}

    def reset(self) -> None:
        subprocess.run(
            [BIN / "rdna1", "lab", "reset", "--name", self.lab, self.name], check=True, env=self.environment
        )

    def root(self, command: str, text: str = "") -> str:
        """Run a command as root; return what it says."""
        words: list[str | Path] = [
            BIN / "rdna1",
            "lab",
            "ssh",
            "--name",
            self.lab,
            self.name,
            "--",
            f"sudo {command}",
        ]
        done = subprocess.run(words, input=text, capture_output=True, text=True, env=self.environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def snapshot(self) -> Snapshot:
        """Return /etc, packages with marks and holds, users and groups."""
        found: Snapshot = json.loads(self.root("python3 -", (HERE / "snapshot.py").read_text()))
        return found

    def start(self, playbook: str, *arguments: str, **more: Any) -> subprocess.Popen[str]:
        """Start a playbook on this host alone."""
        words: list[str | Path] = [
            BIN / "ansible-playbook",
            f"playbooks/{playbook}.yml",
            "-i",
            "inventories/lab",
        ]
        return subprocess.Popen(
            [*words, "--limit", self.name, *arguments], cwd=CHECKOUT, env=self.environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more,
        )  # fmt: skip

    def play(self, playbook: str, *arguments: str) -> str:
        """Run a playbook that must succeed; return its output."""
        process = self.start(playbook, *arguments)
        output, _ = process.communicate(timeout=1800)
        assert process.returncode == 0, output[-6000:]
        return output

    def play_into_failure(self, playbook: str, *arguments: str) -> str:
        """Run a playbook that must fail; return its output."""
        process = self.start(playbook, *arguments)
        output, _ = process.communicate(timeout=1800)
        assert process.returncode != 0, output[-6000:]
        return output


@pytest.fixture
def host() -> LabHost:
    """Return the first host with a card of the lab that RDNA1_LAB names, made anew."""
    lab = os.environ.get("RDNA1_LAB", "lab")
    state = CHECKOUT / ".lab" / lab / "lab.json"
    if not state.exists():
        pytest.fail(f"no lab called {lab} is up; run `rdna1 lab up --name {lab}`")
    document = json.loads(state.read_text())
    name = next(name for name, found in document["hosts"].items() if found["card"])
    found = LabHost(lab, name, document["mirror"]["url"])
    found.reset()
    return found


@pytest.fixture
def differences() -> Callable[[Snapshot, Snapshot], dict[str, Any]]:
    """Return what tells two snapshots apart."""

    def compare(before: Snapshot, after: Snapshot) -> dict[str, Any]:
        names = before.keys() | after.keys()
        return {
            name: (before.get(name), after.get(name))
            for name in sorted(names)
            if before.get(name) != after.get(name)
        }

    return compare
