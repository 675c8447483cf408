"""Rollouts of a small stand-in chain and of the real one: real ansible-runner, processes and kills."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from rdna1.rollout import processes

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[1]
CHAIN = HERE / "standin/chain.yml"
RDNA1 = Path(sys.executable).with_name("rdna1")


@dataclass
class Site:
    """A control machine of its own: inventory, runs directory, locks."""

    root: Path
    hosts: dict[str, dict[str, Any]] = field(default_factory=dict)
    canaries: list[str] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)

    @property
    def inventory(self) -> Path:
        return self.root / "inventory/hosts.yml"

    @property
    def runs(self) -> Path:
        return self.root / "runs"

    def write(self) -> None:
        """Write the inventory: hosts on this machine, each with a directory instead of a disk."""
        variables = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "standin_root": str(self.root / "state"),
            **self.variables,
        }
        groups: dict[str, Any] = {"rdna1": {"hosts": self.hosts, "vars": variables}}
        if self.canaries:
            groups["canary"] = {"hosts": {name: {} for name in self.canaries}}
        self.inventory.parent.mkdir(parents=True, exist_ok=True)
        self.inventory.write_text(yaml.safe_dump(groups, sort_keys=False))

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "XDG_STATE_HOME": str(self.root / "xdg-state"),
            "XDG_RUNTIME_DIR": str(self.root / "xdg-runtime"),
            "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
            "NO_COLOR": "1",
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the driver and do not wait for it."""
        self.write()
        (self.root / "xdg-runtime").mkdir(exist_ok=True)
        return subprocess.Popen(
            [str(RDNA1), "rollout", "--runs-dir", str(self.runs), *arguments],
            cwd=CHECKOUT, env=self.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    @property
    def words(self) -> list[str]:
        """Return what tells the driver of this site."""
        return ["-i", str(self.inventory), "--playbook", str(CHAIN)]

    def rollout(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the driver to its end."""
        return self.finish(self.start(*self.words, *arguments))

    def resume(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.finish(self.start("--resume", self.run["id"], *arguments))

    @staticmethod
    def finish(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
        try:
            out, err = process.communicate(timeout=1800)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    @property
    def run(self) -> dict[str, Any]:
        """Return the newest run."""
        document: dict[str, Any] = json.loads(max(self.runs.glob("*/run.json")).read_text())
        return document

    def of(self, host: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.runs / self.run["id"] / f"hosts/{host}.json").read_text())
        return document

    def states(self) -> dict[str, str]:
        return {host: self.of(host)["state"] for host in self.hosts}

    def attempts(self, host: str) -> int:
        """Return how often the chain has really changed a host."""
        file = self.root / "state" / host / "attempts"
        return len(file.read_text().splitlines()) if file.exists() else 0


Make = Callable[..., Site]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Make]:
    """Return what makes a site: hosts by what happens to them (see standin/chain.yml)."""

    def made(hosts: dict[str, str], **more: Any) -> Site:
        return Site(tmp_path, {name: {"standin": does} for name, does in hosts.items()}, **more)

    yield made
    # A driver that a test killed, or that took too long, leaves Ansible running.
    for run in (tmp_path / "runs").glob("*/run.json"):
        processes.end_marked(run.parent.name)


@pytest.fixture
def lab() -> str:
    """Return the lab that RDNA1_LAB names; its first hosts have cards."""
    name = os.environ.get("RDNA1_LAB", "lab")
    if not (CHECKOUT / ".lab" / name / "lab.json").exists():
        pytest.fail(f"no lab called {name} is up; run `rdna1 lab up --name {name}`")
    return name
