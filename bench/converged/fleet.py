"""The lab hosts that are measured on: the way to each, their processor time and their SSH sessions."""

import json
import os
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
INVENTORY = "inventories/lab"
LOGGING = "/etc/ssh/sshd_config.d/10-count-sessions.conf"


class BenchError(Exception):
    """One sentence: where, what, and how to cure it."""


def checked(command: list[str], env: Mapping[str, str] | None = None, stdin: str = "") -> str:
    """Run a command that must succeed; return what it printed."""
    done = subprocess.run(
        command, cwd=CHECKOUT, env=env, input=stdin, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip() or "no words").splitlines()[-1]
        raise BenchError(f"{' '.join(command)[:200]}: exit status {done.returncode}, {last}")
    return done.stdout


@dataclass(frozen=True)
class Host:
    """One host and the way to it."""

    name: str
    address: str
    port: int
    user: str
    key: str
    ssh_args: str
    container: str
    variables: dict[str, Any]

    @property
    def known_hosts(self) -> str:
        """The file with the lab's host keys; it lies beside the lab's own key."""
        return str(Path(self.key).with_name("known_hosts"))

    def ssh(self) -> list[str]:
        """Return the command that leads to the host, without one to run there."""
        options = ["-F", "none", "-o", f"UserKnownHostsFile={self.known_hosts}", "-o", "BatchMode=yes"]
        options += ["-o", "GlobalKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=yes"]
        # As for the chain, and as pyinfra's library prefers: exchanging keys is no part of this.
        options += ["-o", "KexAlgorithms=curve25519-sha256"]
        options += ["-o", "IdentitiesOnly=yes", "-i", self.key, "-p", str(self.port)]
        return ["ssh", *options, f"{self.user}@{self.address}"]

    def run(self, command: str, stdin: str = "") -> str:
        """Run a shell command as root; return what it printed."""
        return checked([*self.ssh(), command], stdin=stdin)


@dataclass(frozen=True)
class Fleet:
    """A lab that is up."""

    lab: str
    hosts: list[Host]

    @property
    def env(self) -> dict[str, str]:
        """The environment in which Ansible means this lab."""
        return {**os.environ, "RDNA1_LAB": self.lab}

    def everywhere(self, command: str, stdin: str = "") -> dict[str, str]:
        """Run a command on all hosts at once."""
        with ThreadPoolExecutor(max_workers=8) as pool:
            said = pool.map(lambda host: host.run(command, stdin), self.hosts)
            return dict(zip((host.name for host in self.hosts), said, strict=True))

    def cpu_seconds(self) -> float:
        """Return the processor time that all hosts have used since they started, by their cgroups."""
        return sum(_cgroup_cpu(host.container) for host in self.hosts)

    def count_sessions(self, *, on: bool) -> None:
        """Have the hosts' sshd write down each session, or no longer."""
        act = f"echo LogLevel VERBOSE >{LOGGING}" if on else f"rm -f {LOGGING}"
        self.everywhere(f"sudo sh -c '{act}; systemctl reload ssh'")

    def sessions(self, since: float) -> dict[str, int]:
        """Return how many commands and subsystems each host's sshd has started since a time."""
        look = (
            f"sudo journalctl --quiet --output=cat --since=@{since:.6f} _COMM=sshd + _COMM=sshd-session"
            " | grep -c '^Starting session' || true"
        )
        # The question itself is a session, written down before it is asked.
        return {name: int(said) - 1 for name, said in self.everywhere(look).items()}


def take(lab: str) -> Fleet:
    """Return a lab that is up."""
    env = {**os.environ, "RDNA1_LAB": lab}
    listing = json.loads(checked(["ansible-inventory", "-i", INVENTORY, "--list"], env))
    variables = listing["_meta"]["hostvars"]
    if "no-lab-is-up" in variables:
        raise BenchError(f"lab {lab}: it is not up; run `rdna1 lab up --name {lab}`, or leave --lab out")
    containers = _containers(lab)
    return Fleet(
        lab,
        [
            Host(
                name=name,
                address=found["ansible_host"],
                port=found["ansible_port"],
                user=found["ansible_user"],
                key=found["ansible_ssh_private_key_file"],
                ssh_args=found["ansible_ssh_common_args"],
                container=containers[name],
                variables=found,
            )
            for name, found in variables.items()
        ],
    )


def bring_up(lab: str, hosts: int, *, full_size: bool = False) -> Fleet:
    """Bring a lab up, or to another number of hosts, and return it; full_size is `rdna1 lab up`'s."""
    sizes = ["--full-size"] if full_size else []
    checked(["rdna1", "lab", "up", "--name", lab, "--hosts", str(hosts), *sizes])
    return take(lab)


def is_full_size(lab: str) -> bool:
    """Tell whether what a lab's hosts install takes the room of the real packages."""
    return bool(json.loads((CHECKOUT / ".lab" / lab / "lab.json").read_text()).get("full_size"))


def narrow(lab: str, megabits: int) -> None:
    """Let what a lab's mirror serves come at so many Mbit/s, as over a network."""
    said = checked(["podman", "inspect", "--format", "{{.State.Pid}}", _containers(lab)["mirror"]])
    limit = ["tbf", "rate", f"{megabits}mbit", "burst", "256kb", "latency", "50ms"]
    inside = ["nsenter", "--target", said.strip(), "--net"]
    checked([*inside, "tc", "qdisc", "replace", "dev", "eth0", "root", *limit])


def bring_down(lab: str) -> None:
    """Remove a lab."""
    checked(["rdna1", "lab", "down", "--name", lab])


def _containers(lab: str) -> dict[str, str]:
    filters = ["--filter", f"label=rdna1.lab={lab}", "--filter", f"label=rdna1.checkout={CHECKOUT}"]
    rows = json.loads(checked(["podman", "ps", *filters, "--format", "json"]))
    return {row["Labels"]["rdna1.host"]: row["Id"] for row in rows}


def _cgroup_cpu(container: str) -> float:
    path = checked(["podman", "inspect", "--format", "{{.State.CgroupPath}}", container]).strip().lstrip("/")
    unified = Path("/sys/fs/cgroup") / path / "cpu.stat"
    if unified.is_file():
        return int(unified.read_text().split()[1]) / 1e6
    return int((Path("/sys/fs/cgroup/cpuacct") / path / "cpuacct.usage").read_text()) / 1e9
