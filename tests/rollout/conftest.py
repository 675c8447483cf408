"""Rollouts of a small stand-in chain and of the real one: real ansible-runner, processes and kills."""

from __future__ import annotations

import contextlib
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
from rdna1.lab import lifecycle
from rdna1.lab.containers import Fleet
from rdna1.lab.paths import LabPaths
from rdna1.rollout import processes

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[1]
CHAIN = HERE / "standin/chain.yml"
RDNA1 = Path(sys.executable).with_name("rdna1")
# Of any lab of three hosts.
CANARY, SECOND, CPU = "rx5600xt-01", "rx5700xt-01", "cpu-reference"
VENVS = "/opt/rdna1/venvs"
# A busy machine's stand-in torch may need more than a card's minute.
LIFT = "rdna1_quarantine=false"
PATIENT = "conv2d_verify_timeout=300"


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
            "TERM": "xterm",
        }

    def start(self, *arguments: str, stdout: int = subprocess.PIPE) -> subprocess.Popen[str]:
        """Start the driver and do not wait for it."""
        self.write()
        (self.root / "xdg-runtime").mkdir(exist_ok=True)
        return subprocess.Popen(
            [str(RDNA1), "rollout", "--runs-dir", str(self.runs), *arguments],
            cwd=CHECKOUT, env=self.environment(), stdin=subprocess.DEVNULL, stdout=stdout,
            stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    @property
    def words(self) -> list[str]:
        """Return what tells the driver of this site."""
        return ["-i", str(self.inventory), "--playbook", str(CHAIN)]

    def in_lab(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the driver with the real chain on the lab that RDNA1_LAB names."""
        return self.finish(self.start("-i", "inventories/lab", "-e", PATIENT, *arguments))

    def tell(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another command of rdna1."""
        return subprocess.run(
            [str(RDNA1), *arguments],
            cwd=self.root,
            env=self.environment(),
            check=False,
            capture_output=True,
            text=True,
        )

    def report(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another command of rdna1 on this site's runs."""
        return self.tell(*arguments, "--runs-dir", str(self.runs))

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


@dataclass(frozen=True)
class Lab:
    """A lab that is up and converged: 3 hosts or more, the first of them the canary."""

    name: str

    def container(self, host: str) -> str:
        paths = LabPaths(self.name)
        return Fleet(lifecycle.podman_of(paths), paths).container(host)

    def podman(self, *words: str, check: bool = True) -> str:
        done = subprocess.run(["podman", *words], check=check, capture_output=True, text=True)
        return done.stdout

    def on(self, host: str, command: str, *, check: bool = True, privileged: bool = False) -> str:
        """Run a shell command on a host as root, past SSH and sudo."""
        more = ["--privileged"] if privileged else []
        return self.podman("exec", *more, self.container(host), "sh", "-c", command, check=check)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start ansible-playbook without the driver, and do not wait for it."""
        command = [str(RDNA1.with_name("ansible-playbook")), *arguments]
        environment = {**os.environ, "RDNA1_LAB": self.name, "ANSIBLE_NOCOLOR": "1"}
        return subprocess.Popen(
            command,
            cwd=CHECKOUT,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def play(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ansible-playbook without the driver."""
        with self.start(*arguments) as process:
            said, _ = process.communicate(timeout=900)
        return subprocess.CompletedProcess(process.args, process.returncode, said)

    @contextlib.contextmanager
    def power(self, host: str) -> Iterator[None]:
        """Start a host's container again where it stops: the part of a reboot that is a machine's."""
        container = self.container(host)
        code = f"podman wait {container} && podman start {container}"
        with subprocess.Popen(["sh", "-c", code], stdout=subprocess.DEVNULL) as button:
            try:
                yield
            finally:
                button.terminate()

    def boot(self, host: str) -> str:
        """Return what tells one boot of a host from the next."""
        return self.on(host, "cut -d ' ' -f 22 /proc/1/stat")


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """Return the lab that RDNA1_LAB names; what a test breaks there is mended."""
    name = os.environ.get("RDNA1_LAB", "lab")
    if not (CHECKOUT / ".lab" / name / "lab.json").exists():
        pytest.fail(f"no lab called {name} is up; run `rdna1 lab up --name {name}`")
    monkeypatch.setenv("RDNA1_LAB", name)
    made = Lab(name)
    yield made
    for host in (CANARY, SECOND, CPU):
        made.on(host, "systemctl start ssh", check=False)  # it may be stopped
    subprocess.run([RDNA1, "lab", "up", "--name", name], check=True, capture_output=True)
    for host in (CANARY, SECOND, CPU):
        mend = "systemctl start ssh; rm -f /etc/sudoers.d/zz-password /srv/simulated-card/conv2d.json"
        made.on(host, f"{mend} /run/reboot-required; umount -q {VENVS} || true", privileged=True)
        if made.on(host, "ls /var/lib/rdna1/quarantined.json", check=False):
            made.play("playbooks/quarantine.yml", "-i", "inventories/lab", "--limit", host, "-e", LIFT)


@pytest.fixture
def one(site: Make, lab: Lab) -> Site:
    """Return a site whose hosts are the lab's."""
    assert lab.name
    return site(dict.fromkeys((CANARY, SECOND, CPU), ""))
