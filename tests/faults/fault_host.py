"""A lab host that faults come over, and the runs that meet them."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rdna1.lab import lifecycle, ssh
from rdna1.lab.containers import Fleet
from rdna1.lab.paths import LabPaths

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[1]
SNAPSHOT = HERE.parent / "restore/snapshot.py"
# What nobody but the user put there.
MINE = """
mkdir -p /opt/site /home/operator/work
[ -e /opt/site/tool ] || echo '#!/bin/sh' > /opt/site/tool
[ -e /home/operator/work/result ] || head -c 100000 /dev/urandom > /home/operator/work/result
[ -e /etc/profile.d/site.sh ] || echo 'export SITE=1' > /etc/profile.d/site.sh
apt-mark -qq hold tzdata > /dev/null
chown -R operator /home/operator/work
"""
MINE_NOW = "find /opt/site /home/operator/work -type f | sort | xargs sha256sum"


@dataclass(frozen=True)
class Run:
    """How a run ended, and what it said, with single spaces."""

    code: int
    said: str

    @property
    def changed(self) -> int:
        """How many tasks changed something, as Ansible's own recap counts."""
        return sum(int(number) for number in re.findall(r" changed=(\d+) ", self.said))


class FaultHost:
    """One host of a lab."""

    def __init__(self, lab: str, name: str) -> None:
        self.name, self.paths = name, LabPaths(lab)
        self.fleet = Fleet(lifecycle.podman_of(self.paths), self.paths)
        self.lab = json.loads(self.paths.state.read_text())
        self.port = int(self.lab["hosts"][name]["port"])
        self.environment = {**os.environ, "RDNA1_LAB": lab, "NO_COLOR": "1"}

    # --- scripts ----------------------------------------------------------------------------------

    def root(self, script: str, *arguments: str) -> str:
        """Run a script on the host as root, past SSH."""
        name = self.fleet.container(self.name)
        words = ["exec", "--interactive", name, "bash", "-es", "-", *arguments]
        return self.fleet.podman(*words, stdin=script.encode(), host=self.name, timeout=300)

    def mount(self, script: str) -> None:
        """Run a script in the host's mount namespace with this machine's rights, which a container lacks."""
        name = self.fleet.container(self.name)
        process = self.fleet.podman("inspect", "--format", "{{.State.Pid}}", name).strip()
        subprocess.run(["nsenter", "-t", process, "-m", "-p", "sh", "-ec", script], check=True)

    def reboot(self) -> None:
        """Cut its power, and switch it on again."""
        name = self.fleet.container(self.name)
        self.fleet.podman("kill", "--signal", "KILL", name)
        time.sleep(1)
        self.fleet.podman("start", name)

    def machine(self, script: str) -> None:
        """Run what happens outside of the host."""
        if script == "reboot":
            self.reboot()
        else:
            self.mount(script)

    def wait(self) -> None:
        """Wait until it lets its user in."""
        ssh.wait_until_ready(self.fleet.podman.run, self.paths, self.lab["user"], self.port)

    def lie(self, start: str, *arguments: str) -> None:
        """Have it ask the lying mirror."""
        self.root("cat > /run/fault-mirror.py <<'PROGRAM'\n" + (HERE / "mirror.py").read_text() + "PROGRAM\n")
        self.root(start, *arguments)

    def lurk(self, *words: str) -> None:
        """Have kill.py wait on the host for its moment."""
        self.root("cat > /run/fault.py <<'PROGRAM'\n" + (HERE / "kill.py").read_text() + "PROGRAM\n")
        self.root('systemd-run --quiet --unit=fault python3 /run/fault.py "$@"', *words)

    def set_clock(self, seconds: int) -> None:
        """Have every program that is started from now on see a clock that is off; see clock.c."""
        with tempfile.TemporaryDirectory() as folder:
            library = Path(folder) / "fault-clock.so"
            subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library, HERE / "clock.c"], check=True)
            packed = base64.b64encode(library.read_bytes()).decode()
        self.root(
            f"base64 -d > /run/fault-clock.so <<'LIBRARY'\n{packed}\nLIBRARY\n"
            "chmod 0755 /run/fault-clock.so; echo $1 > /run/fault-clock;"
            "echo /run/fault-clock.so > /etc/ld.so.preload",
            str(seconds),
        )

    def right_clock(self) -> None:
        self.root("rm -f /etc/ld.so.preload /run/fault-clock")

    def controller(self, what: str) -> None:
        """Change what the control machine knows of the host's key."""
        file, kept = self.paths.known_hosts, self.paths.known_hosts.with_suffix(".right")
        if what == "right-host-key":
            kept.replace(file)
            return
        shutil.copy2(file, kept)
        other = self.paths.host_key(next(host for host in self.lab["hosts"] if host != self.name)).read_text()
        lines = file.read_text().splitlines()
        words = [line.split() for line in lines]
        mine = [" ".join([word[0], *other.split()[:2]]) if f":{self.port}" in word[0] else line
                for word, line in zip(words, lines, strict=True)]  # fmt: skip
        assert mine != lines, "the host has a line of its own"
        file.write_text("\n".join(mine) + "\n")
        # A connection of the run before may live on, and would not be asked for its key again.
        self.environment["ANSIBLE_SSH_CONTROL_PATH_DIR"] = tempfile.mkdtemp(prefix="rdna1-")

    # --- runs -------------------------------------------------------------------------------------

    def start(self, playbook: str, variables: Mapping[str, Any] | None = None) -> subprocess.Popen[str]:
        """Start a playbook on this host alone."""
        program = Path(sys.executable).with_name("ansible-playbook")
        extra = ["-e", json.dumps(variables)] if variables else []
        return subprocess.Popen(
            [program, f"playbooks/{playbook}.yml", "-i", "inventories/lab", "--limit", self.name, *extra],
            cwd=CHECKOUT, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
        )  # fmt: skip

    def end(self, process: subprocess.Popen[str], before: str = "") -> Run:
        """Wait for a run."""
        output, _ = process.communicate(timeout=1800)
        return Run(process.returncode, " ".join((before + output).replace("\\n", " ").split()))

    def play(self, playbook: str, variables: Mapping[str, Any] | None = None) -> Run:
        """Run a playbook to its end."""
        return self.end(self.start(playbook, variables))

    def play_until(
        self, task: str, then: Callable[[], Any], variables: Mapping[str, Any] | None = None
    ) -> Run:
        """Run the chain; when a task of this name begins, where the host is changed, do something."""
        process = self.start("rdna1", variables)
        assert process.stdout
        seen, changing = [], False
        for line in process.stdout:
            seen.append(line)
            changing = changing or "Record what is there" in line
            if changing and line.startswith("TASK [") and task in line:
                then()
                break
        else:
            raise AssertionError(f"no task {task} came: {''.join(seen)[-3000:]}")
        return self.end(process, "".join(seen))

    def play_for(self, seconds: float) -> Run:
        """Run the chain and kill it after a time, with all that it started on this machine."""
        process = self.start("rdna1")
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        return self.end(process)

    def snapshot(self) -> dict[str, Any]:
        """What the host is: /etc, packages with marks and holds, users, groups, and the user's own files."""
        name = self.fleet.container(self.name)
        words = ["exec", "--interactive", name, "python3", "-"]
        found: dict[str, Any] = json.loads(
            self.fleet.podman(*words, stdin=SNAPSHOT.read_bytes(), timeout=300)
        )
        del found["/etc/hosts"]  # podman writes a container's at each of its starts
        return {**found, "mine": self.root(MINE_NOW).splitlines()}
