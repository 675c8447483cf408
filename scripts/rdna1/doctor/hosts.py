"""Every host at once, in one run of Ansible: its variables, reach, root, clock, system, card and space."""

import os
import re
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import ansible_runner
import yaml

from rdna1.doctor.findings import Finding, Report
from rdna1.doctor.inventory import Inventory
from rdna1.lab.errors import LabError

HERE = Path(__file__).parent
# apt refuses a Release file, and TLS a certificate, that is younger than the clock.
SKEW_SECONDS = 30.0
MANY = 50
FAILED = ("runner_item_on_failed", "runner_on_failed", "runner_on_unreachable")
# What Ansible puts before the words of ssh.
WRAPPING = re.compile(r"^Task failed: |Data could not be sent to remote host .*? over ssh: ")
# host_check's messages hold their own cure; these say it again as a command, by the part of the role.
FIXES = {
    "Variables": "ansible-inventory -i {inventory} --host {host}   # then correct the name or the value",
    "System": "ansible {host} -i {inventory} -b -m ansible.builtin.setup -a filter=ansible_distribution*",
    "Card": "ansible {host} -i {inventory} -b -m ansible.builtin.command -a 'dmesg --level err,warn'",
    "Space": "ansible {host} -i {inventory} -b -m ansible.builtin.command -a 'df -h /opt /var'",
}

Event = Mapping[str, Any]


def look(checkout: Path, inventory: Inventory) -> Report:
    """Run the playbook over all hosts and judge what they answered."""
    judge = Judge(inventory)
    with tempfile.TemporaryDirectory(prefix="rdna1-") as private:
        run = ansible_runner.run(
            private_data_dir=private,
            project_dir=str(checkout),
            playbook=str(HERE / "hosts.yml"),
            inventory=[str(Path(path).resolve()) for path in inventory.paths],
            forks=min(MANY, max(1, len(inventory.hosts))),
            quiet=True,
            suppress_env_files=True,
            # ansible-runner switches this off where nobody says otherwise.
            envvars={"ANSIBLE_HOST_KEY_CHECKING": os.environ.get("ANSIBLE_HOST_KEY_CHECKING", "True")},
            event_handler=judge.hear,
        )
    if not judge.heard:
        said = Path(run.config.artifact_dir, "stderr")
        words = said.read_text().strip().splitlines()[-1:] if said.exists() else []
        raise LabError(
            "the hosts",
            f"ansible-playbook did not start ({' '.join(words) or run.status})",
            f"see what `ansible-playbook {HERE / 'hosts.yml'} -i {inventory.paths[0]}` says",
        )
    return judge.report()


class Judge:
    """Hears the events of the run; a host of which nothing was heard is not well."""

    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory
        self.causes: dict[str, list[dict[str, str]]] = yaml.safe_load((HERE / "causes.yml").read_text())
        self.findings: list[Finding] = []
        self.reached: set[str] = set()
        self.root: set[str] = set()
        self.skews: dict[str, float] = {}
        self.heard = False

    def hear(self, event: Event) -> bool:
        """Take in one event; True keeps ansible-runner's own record."""
        data = event.get("event_data", {})
        host = data.get("host")
        if host is None:
            return True
        self.heard = True
        task = str(data.get("task", ""))
        if event["event"] in FAILED:
            self._failed(host, task, data)
        elif event["event"] == "runner_on_ok" and task == "Reach":
            self.reached.add(host)
        elif event["event"] == "runner_on_ok" and task == "Root":
            self.root.add(host)
            if (found := skew(data)) is not None:
                self.skews[host] = found
        return True

    def _failed(self, host: str, task: str, data: Mapping[str, Any]) -> None:
        result = data.get("res", {})
        if "results" in result:
            return  # a loop, each of whose failed items had an event of its own
        said = words(result)
        part = task.split(" | ")[0]
        if part in FIXES:
            fix = FIXES[part].format(host=host, inventory=self.inventory.paths[0])
            self.findings.append(Finding(host, part.lower(), said, fix))
        else:
            self.findings.append(self._cause(host, "root" if task == "Root" else "reach", said))

    def _cause(self, host: str, step: str, said: str) -> Finding:
        variables = self.inventory.hostvars.get(host, {})
        address = variables.get("ansible_host", host)
        cause = next(cause for cause in self.causes[step] if re.search(cause["says"], said or "-", re.DOTALL))
        fix = cause["fix"].format(
            host=host,
            ssh=self.inventory.login(host),
            forget=self.inventory.forget(host),
            address=address,
            user=variables.get("ansible_user", "$USER"),
        )
        return Finding(
            host, cause["code"], f"{host}: {cause['means']} ({last_line(WRAPPING.sub('', said))})", fix
        )

    def report(self) -> Report:
        """Return what was found, and which hosts answered nothing at all."""
        hosts = self.inventory.hosts
        failures = list(self.findings)
        for host in hosts:
            if host not in self.reached and not any(finding.host == host for finding in failures):
                message = f"{host}: Ansible ended before it was asked"
                failures.append(Finding(host, "not-asked", message, "rdna1 doctor"))
        failures += self._clocks()
        order = {host: number for number, host in enumerate(hosts)}
        failures.sort(key=lambda finding: order.get(finding.host, -1))
        report = Report(failures=failures)
        for hosts_so, what in (
            (self.reached, "answer"),
            (self.root, "give root"),
            (self.in_time(), "keep time"),
        ):
            if len(hosts_so) == len(hosts):
                report.healthy.append(f"{len(hosts)} of {len(hosts)} hosts {what}")
        return report

    def in_time(self) -> set[str]:
        """Return the hosts whose clock was read and is right."""
        return {host for host, seconds in self.skews.items() if abs(seconds) <= SKEW_SECONDS}

    def _clocks(self) -> list[Finding]:
        wrong = {host: seconds for host, seconds in self.skews.items() if abs(seconds) > SKEW_SECONDS}
        if len(wrong) > 1 and len(wrong) == len(self.skews):
            seconds = min(wrong.values(), key=abs)
            message = (
                f"every host's clock is {_ahead(seconds)} this machine's, so it is this one that is wrong"
            )
            return [Finding("", "clock", message, "sudo timedatectl set-ntp true")]
        return [
            Finding(
                host,
                "clock",
                f"{host}: its clock is {_ahead(seconds)} this machine's",
                f"ssh {self.inventory.login(host)} sudo timedatectl set-ntp true",
            )
            for host, seconds in wrong.items()
        ]


def _ahead(seconds: float) -> str:
    return f"{abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'}"


def skew(data: Mapping[str, Any]) -> float | None:
    """Return by how much a host's clock is off, at the least.

    The host read its clock between the task's start and its end: only what lies outside of these is skew,
    however slow the connection is.
    """
    facts = data.get("res", {}).get("ansible_facts", {})
    there = facts.get("ansible_date_time", {}).get("iso8601_micro")
    if not there or not data.get("start") or not data.get("end"):
        return None
    clock = datetime.fromisoformat(there)
    start, end = (_utc(data[name], clock) for name in ("start", "end"))
    if clock < start:
        return (clock - start).total_seconds()
    return (clock - end).total_seconds() if clock > end else 0.0


def _utc(text: str, like: datetime) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=like.tzinfo)


def words(result: Mapping[str, Any]) -> str:
    """Return everything a failed task said: the cause is sometimes in what the module's shell printed."""
    parts = [str(result.get(name) or "").strip() for name in ("msg", "module_stderr", "module_stdout")]
    return "\n".join(part for part in dict.fromkeys(parts) if part)


def last_line(text: str) -> str:
    """Return the line that a person would look at."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else "it said nothing"
