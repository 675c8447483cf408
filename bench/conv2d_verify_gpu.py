#!/usr/bin/env python3
"""Prove the verifier on a real GPU, and measure it against one process per case.

Any card that torch.cuda serves will do.

    PYTHON bench/conv2d_verify_gpu.py --output DIR        (PYTHON: one that has torch)

Writes DIR/summary.md, DIR/summary.json and the verdicts; ends with 1 when anything is not as it must be.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parents[1] / "roles/conv2d_verify/files"
SIZES = (32, 40, 42, 44, 48, 56, 64, 128, 224, 512)
HANG_TIMEOUT_S = 10
BURNIN_MINUTES = 1

# What the original test did: a process a case, which imports torch, convolves once and ends.
ONE_CASE = """
import sys, time, torch
size = int(sys.argv[1])
conv = torch.nn.Conv2d(3, 64, kernel_size=3, padding=1).to(sys.argv[2])
x = torch.randn(1, 3, size, size).to(sys.argv[2])
start = time.time()
y = conv(x)
if sys.argv[2] != "cpu":
    torch.cuda.synchronize()
print(f"{size} {time.time() - start:.4f}")
"""


@dataclass
class Finding:
    """One thing that was tried, and whether it went as it must."""

    name: str
    ok: bool
    measured: str


class Proof:
    """The runs, one method each."""

    def __init__(self, python: str, device: str, output: Path) -> None:
        self.python = python
        self.device = device
        self.output = output
        self.findings: list[Finding] = []

    def verify(self, name: str, *options: str) -> tuple[int, float, dict[str, Any]]:
        """Run the verifier; return its exit code, the wall time and the verdict."""
        start = time.monotonic()
        done = subprocess.run(self.command(name, *options), env=self.environment(), check=False)
        seconds = time.monotonic() - start
        file = self.output / f"{name}.json"
        return done.returncode, seconds, json.loads(file.read_text()) if file.exists() else {}

    def command(self, name: str, *options: str) -> list[str]:
        """Return the command line that leaves its verdict as NAME.json."""
        return [
            *(self.python, "-m", "conv2d_verify", "--allow-root", "--device", self.device),
            *("--directory", str(self.output), "--json", f"{name}.json", *options),
        ]

    def environment(self) -> dict[str, str]:
        """Return an environment in which the package is found."""
        return {**os.environ, "PYTHONPATH": str(PACKAGE)}

    def note(self, name: str, ok: bool, measured: str) -> None:
        """Keep a finding, and say it."""
        self.findings.append(Finding(name, ok, measured))
        print(f"{'ok  ' if ok else 'BAD '} {name}: {measured}", flush=True)

    def all_suites(self) -> None:
        code, seconds, verdict = self.verify("all", "--suite", "all", "--junit", "all.xml")
        states = verdict.get("counts", {})
        self.note("all suites pass", code == 0 and set(states) == {"pass"}, f"{states} in {seconds:.1f} s")

    def selftest(self) -> None:
        code, seconds, verdict = self.verify("selftest", "--suite", "selftest")
        bad = [case["id"] for case in verdict.get("cases", []) if case["state"] != "pass"]
        said = f"{len(verdict.get('cases', []))} cases in {seconds:.1f} s"
        unnoticed = f"not noticed: {', '.join(bad) or 'none'}"
        self.note("every injected fault is noticed", code == 0 and not bad, f"{said}; {unnoticed}")

    def side_by_side(self, repeats: int) -> None:
        ours: list[float] = []
        theirs: list[float] = []
        codes = []
        for _ in range(repeats):
            code, seconds, _verdict = self.verify("smoke", "--quiet")
            codes.append(code)
            ours.append(seconds)
            theirs.append(self.one_process_per_case())
        ratio = statistics.median(theirs) / statistics.median(ours)
        measured = (
            f"one worker {_spread(ours)}, one process per case {_spread(theirs)}: {ratio:.1f} times faster, "
            "although the worker also computes both gradients and compares all three results with fp64"
        )
        self.note("ten cases at least 7 times faster", ratio >= 7 and set(codes) == {0}, measured)
        start = time.monotonic()
        for size in SIZES:
            self.verify("alone", "--quiet", "--case", f"smoke/{size}")
        alone = time.monotonic() - start
        same = f"{alone:.1f} s: {alone / statistics.median(ours):.1f} times as long"
        self.note("the same checks with one process per case", True, same)

    def one_process_per_case(self) -> float:
        """Return the seconds the original way takes for the ten sizes."""
        start = time.monotonic()
        for size in SIZES:
            subprocess.run(
                [self.python, "-c", ONE_CASE, str(size), self.device],
                check=True,
                stdout=subprocess.DEVNULL,
                timeout=120,
            )
        return time.monotonic() - start

    def hang_in_the_middle(self) -> None:
        """A kernel that spins for a minute, among ten cases: what does it cost, do the later ones pass?"""
        cases: list[dict[str, Any]] = [{"size": size} for size in SIZES]
        cases.insert(5, {"id": "spins", "size": 50, "fault": "spin"})
        suite = self.output / "hang.suite.json"
        document = {
            "schema": "rdna1.suite/1",
            "name": "hang",
            "about": "A hang in the middle.",
            "cases": cases,
        }
        suite.write_text(json.dumps(document))
        options = ("--suite", str(suite), "--timeout", str(HANG_TIMEOUT_S))
        code, healthy, _ = self.verify("healthy", *options, "--case", "hang/[0-9]*")
        code, seconds, verdict = self.verify("hang", *options)
        states = {case["id"]: case["state"] for case in verdict["cases"]}
        others = {state for name, state in states.items() if name != "hang/spins"}
        restart = max(0.0, seconds - healthy - HANG_TIMEOUT_S)
        start = verdict["runtime"]["seconds"]
        measured = (
            f"{seconds:.1f} s with it, {healthy:.1f} s without: timeout {HANG_TIMEOUT_S} s, "
            f"{restart:.1f} s for the restart, of which {start:.1f} s wake torch and the device; "
            f"{verdict['workers']['deaths'][0]}"
        )
        right = code == 3 and states["hang/spins"] == "hang" and others == {"pass"}
        self.note("a spinning kernel is caught, killed, and the next cases pass", right, measured)

    def killed_parent(self) -> None:
        """Kill the verifier with SIGKILL while its worker spins on the device: nothing may be left."""
        log = (self.output / "killed.log").open("w")
        parent = subprocess.Popen(
            self.command("killed", "--suite", "selftest", "--case", "selftest/hang"),
            env=self.environment(),
            stderr=log,
        )
        worker = 0
        end = time.monotonic() + 60
        while not worker and time.monotonic() < end:
            time.sleep(0.2)
            worker = _child(parent.pid)
        time.sleep(8)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        start = time.monotonic()
        while Path(f"/proc/{worker}").exists() and time.monotonic() < start + 30:
            time.sleep(0.01)
        gone = not Path(f"/proc/{worker}").exists()
        self.note(
            "a killed verifier leaves no worker",
            bool(worker) and gone,
            f"gone after {time.monotonic() - start:.2f} s",
        )

    def two_at_once(self) -> None:
        first = subprocess.Popen(
            self.command("first", "--suite", "timing", "--quiet"),
            env=self.environment(),
            stderr=subprocess.DEVNULL,
        )
        time.sleep(1.0)
        second = subprocess.run(
            self.command("second", "--quiet"),
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        waited, seconds, _ = self.verify("waited", "--quiet", "--wait", "60", "--case", "smoke/32")
        refused = second.returncode == 2 and "another conv2d-verify uses this card" in second.stderr
        measured = f"the second leaves with 2; with --wait it ends with {waited} after {seconds:.1f} s"
        self.note("two at once on a card", refused and waited == 0 and first.wait() == 0, measured)

    def five(self) -> None:
        """Not a pass or a fail of ours: what the library makes of 5x5 kernels on this card."""
        suite = str(Path(__file__).with_name("conv2d_verify_5x5.json"))
        _, _, verdict = self.verify("five", "--suite", suite)
        reasons = [f"{case['id']}: {case['reason'] or 'exact enough'}" for case in verdict["cases"]]
        self.note("5x5 kernels", True, "; ".join(reasons))

    def burnin(self) -> None:
        code, seconds, verdict = self.verify(
            "burnin", "--suite", "burnin", "--minutes", str(BURNIN_MINUTES), "--quiet"
        )
        rounds = min((case["rounds"] for case in verdict.get("cases", [])), default=0)
        self.note(
            "burnin",
            code == 0,
            f"{rounds} rounds of {len(verdict.get('cases', []))} cases in {seconds:.0f} s",
        )


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} s ({min(values):.2f} to {max(values):.2f}, n={len(values)})"


def _child(parent: int) -> int:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == parent:
                return int(entry.name)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has torch")
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=3)
    wanted = parser.parse_args()
    wanted.output.mkdir(parents=True, exist_ok=True)
    proof = Proof(wanted.python, wanted.device, wanted.output.resolve())
    proof.all_suites()
    proof.side_by_side(wanted.repeats)
    proof.hang_in_the_middle()
    proof.selftest()
    if wanted.device != "cpu":
        proof.two_at_once()
    proof.killed_parent()
    proof.five()
    proof.burnin()
    verdict = json.loads((wanted.output / "all.json").read_text())
    machine = {
        "gpu": (verdict["device"]["runtime"] or {}).get("name", "the CPU"),
        "torch": verdict["runtime"]["torch"],
        "python": verdict["runtime"]["python"],
        "kernel": platform.release(),
        "cores": os.cpu_count(),
    }
    summary = {"machine": machine, "findings": [asdict(finding) for finding in proof.findings]}
    (wanted.output / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    lines = [
        f"| {finding.name} | {'yes' if finding.ok else 'NO'} | {finding.measured} |"
        for finding in proof.findings
    ]
    (wanted.output / "summary.md").write_text(
        "\n".join([str(machine), "| | as it must be | measured |", "|---|---|---|", *lines, ""])
    )
    print((wanted.output / "summary.md").read_text())
    return 0 if all(finding.ok for finding in proof.findings) else 1


if __name__ == "__main__":
    sys.exit(main())
