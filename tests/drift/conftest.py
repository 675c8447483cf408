"""A lab fleet that converged, and runs of the chain on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[1]
EXTRA = ("-i", "inventories/lab", "-e", "@tests/drift/vars.yml")
PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--lab", default="", help="a lab that is up; otherwise one is made, and taken down after"
    )
    parser.addoption("--seed", type=int, default=1, help="in which order things are broken")
    parser.addoption(
        "--batches", type=int, default=1, help="how many batches to run; 0: until all was broken"
    )
    parser.addoption("--from", type=int, default=0, help="how many batches of the same seed were run before")
    parser.addoption("--examples", type=int, default=2, help="how many combinations Hypothesis chooses")
    parser.addoption("--only", default="", help="only breakages whose words match this regular expression")


@dataclass(frozen=True)
class Hosts:
    """The lab's hosts, reached as a fleet's would be."""

    lab: str
    folder: Path

    def play(self, playbook: str, *arguments: str, check: bool = True) -> str:
        """Run a playbook; return what Ansible said."""
        done = subprocess.run(
            [PLAYBOOK, *EXTRA, "-e", f"drift_to={self.folder}", playbook, *arguments],
            cwd=CHECKOUT,
            env={**os.environ, "RDNA1_LAB": self.lab},
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            pytest.fail(
                f"{playbook} {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
            )
        return done.stdout

    def look(self, *arguments: str) -> dict[str, Any]:
        """What each host's plan is, and what it is made from."""
        self.play("tests/drift/plan.yml", *arguments)
        return self.looked()

    def looked(self) -> dict[str, Any]:
        """What the last look wrote."""
        return {path.stem: json.loads(path.read_text()) for path in sorted(self.folder.glob("*.json"))}

    def run(self, scripts: Mapping[str, str], *arguments: str) -> dict[str, Any]:
        """Run a script on each host as root, then look."""
        for path in self.folder.glob("*.sh"):
            path.unlink()
        for host, script in scripts.items():
            (self.folder / f"{host}.sh").write_text(script)
        self.play("tests/drift/break.yml", "tests/drift/plan.yml", *arguments)
        return self.looked()


@pytest.fixture(scope="session")
def hosts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    """Two hosts, one with a simulated card and one without, that have converged."""
    lab = request.config.getoption("--lab") or "drift"
    rdna1 = Path(sys.executable).with_name("rdna1")
    subprocess.run([rdna1, "lab", "up", "--name", lab, "--hosts", "2"], cwd=CHECKOUT, check=True)
    found = Hosts(lab, tmp_path_factory.mktemp("drift"))
    found.play("playbooks/rdna1.yml")
    yield found
    if not request.config.getoption("--lab"):
        subprocess.run([rdna1, "lab", "down", "--name", lab], cwd=CHECKOUT, check=True)


Option = Callable[[str], Any]


@pytest.fixture
def option(request: pytest.FixtureRequest) -> Option:
    return request.config.getoption
