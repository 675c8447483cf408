"""Every fault of faults.yml: it is named; when it is gone, one run repairs and the next changes nothing.

    rdna1 lab up --name faults --hosts 2
    pytest tests/faults --lab faults [--only NAME,NAME]

What was seen is written to results/NAME.json; `python tests/faults/table.py` makes docs/reliability.md of it.
"""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from fault_host import CHECKOUT, HERE, MINE, FaultHost, Run

DATA = yaml.safe_load((HERE / "faults.yml").read_text())
RESULTS = HERE / "results"
Fault = Mapping[str, Any]
NOTHING_TO_HEAL: dict[str, str] = {}


class Ordeal:
    """One fault on one host, and what was seen of it."""

    def __init__(self, host: FaultHost, fault: Fault) -> None:
        self.host, self.fault = host, fault
        self.seen: dict[str, Any] = {"schema": "rdna1.fault/1", "fault": fault["name"], "what": fault["what"]}

    def script(self, part: Mapping[str, str]) -> None:
        """Do what the table has for a host, for what is around it, and for the control machine."""
        for where, run in (("host", self.host.root), ("machine", self.host.machine)):
            if where in part:
                run(part[where])
        if "controller" in part:
            self.host.controller(part["controller"])

    def inject(self) -> None:
        for what in self.fault["again"]:
            self.host.root(DATA["again"][what])
        if "mirror" in self.fault:
            self.host.lie(DATA["mirrors"]["start"], *self.fault["mirror"])
        if "clock" in self.fault:
            self.host.set_clock(self.fault["clock"])
        if "kill" in self.fault:
            self.host.lurk(*self.fault["kill"])
        self.script(self.fault.get("inject", NOTHING_TO_HEAL))

    def heal(self) -> None:
        if "mirror" in self.fault:
            self.host.root(DATA["mirrors"]["stop"])
        if "clock" in self.fault:
            self.host.right_clock()
        if "kill" in self.fault:
            self.host.root("systemctl stop fault 2>/dev/null || true")
        self.script(self.fault.get("heal", NOTHING_TO_HEAL))
        self.host.root("systemctl reset-failed fault 2>/dev/null || true")
        self.host.wait()

    def meet(self) -> Run:
        """Run into the fault."""
        variables = self.fault.get("with")
        if "during" in self.fault:
            during = self.fault["during"]
            return self.host.play_until(during["task"], lambda: self.script(during), variables)
        if "second" in self.fault:
            second: list[Run] = []
            first = self.host.play_until(
                self.fault["second"], lambda: second.append(self.host.play("rdna1", variables)), variables
            )
            assert first.code == 0, f"the first run has to come to its end: {first.said[-3000:]}"
            return second[0]
        return self.host.play("rdna1", variables)

    def run(self) -> None:
        """All of it."""
        before = self.host.snapshot()
        if "kill_at" in self.fault:
            self.killed()
        else:
            self.inject()
            try:
                first = self.meet()
            finally:
                self.heal()
            self.judge(first)
        repaired = self.host.play("rdna1")
        assert repaired.code == 0, repaired.said[-4000:]
        self.seen["repaired"] = repaired.changed
        third = self.host.play("rdna1")
        assert (third.code, third.changed) == (0, 0), third.said[-4000:]
        verified = self.host.play("verify")
        assert verified.code == 0, verified.said[-4000:]
        after = self.host.snapshot()
        different = {name: (before.get(name), after.get(name)) for name in before.keys() | after.keys()
                     if before.get(name) != after.get(name)}  # fmt: skip
        assert not different, different

    def judge(self, first: Run) -> None:
        """Compare what the run said with what it has to say."""
        if self.fault.get("goes_on"):
            assert first.code == 0, first.said[-4000:]
            self.host.root(self.fault["then"])
            self.seen["said"] = ""
            return
        assert first.code != 0, "the run met no fault"
        found = re.search(self.fault["says"], first.said)
        assert found, first.said[-4000:]
        self.seen["said"] = found[0]
        if "next_says" in self.fault:
            again = self.host.play("rdna1")
            found = re.search(self.fault["next_says"], again.said)
            assert again.code != 0, "the run must not go on"
            assert found, again.said[-4000:]
            self.seen["said"] += " … " + found[0]
        if "cure" in found.groupdict():
            cure = found["cure"].replace(" and then ", "; ").replace("apt-get ", "apt-get --yes ")
            self.host.root(f"export DEBIAN_FRONTEND=noninteractive; {cure}")

    def killed(self) -> None:
        """Kill the run at random moments, one after the other."""
        self.seen["killed_after"] = []
        for low, high in self.fault["kill_at"]:
            self.inject()
            moment = low + secrets.randbelow(10 * (high - low)) / 10
            done = self.host.play_for(moment)
            task = re.findall(r"TASK \[([^\]]*)\]", done.said)
            self.seen["killed_after"].append([moment, task[-1] if task else "", done.code])
            self.host.root(
                "for _ in $(seq 120); do pgrep -x apt-get > /dev/null || break; sleep 1; done; "
                "DEBIAN_FRONTEND=noninteractive dpkg --configure -a"
            )
        self.seen["said"] = ""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    only = [name for name in metafunc.config.getoption("--only").split(",") if name]
    known = {fault["name"]: fault for fault in DATA["faults"]}
    names = only or list(known)
    metafunc.parametrize("fault", [known[name] for name in names], ids=names)


def test_fault(fault: Fault, host: FaultHost) -> None:
    host.root(MINE)
    began = time.monotonic()
    ordeal = Ordeal(host, fault)
    ordeal.seen["ok"] = False
    try:
        ordeal.run()
        ordeal.seen["ok"] = True
    finally:
        commit = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], cwd=CHECKOUT, capture_output=True, text=True, check=False
        )
        ordeal.seen |= {
            "when": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(time.monotonic() - began),
            "commit": commit.stdout.strip(),
            "base": host.lab["hosts"][host.name]["base"],
        }
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{fault['name']}.json").write_text(
            json.dumps(ordeal.seen, indent=1, sort_keys=True) + "\n"
        )
