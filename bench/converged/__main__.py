"""`bench/converged/run`: see there."""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import contenders
import fleet as lab
import profiling
import prove
import results
import wanted
from contenders import Contender
from fleet import CHECKOUT, BenchError, Fleet
from results import Row, Run

HERE = Path(__file__).resolve().parent
CACHE = CHECKOUT / ".cache/bench"
COMMITTED = ["git", "rev-parse", "--short=12", "HEAD"]


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="bench/converged/run", description="Time a converged re-run beside what does the same."
    )
    parser.add_argument("--hosts", type=int, nargs="+", default=[4, 16, 32], help="how many hosts, in turn")
    parser.add_argument("--lab", help="measure on this lab as it is, instead of one made for it and removed")
    parser.add_argument("--only", nargs="+", default=[], metavar="CONTENDER", help="a selection")
    parser.add_argument("--repetitions", type=int, default=7, help="of each contender")
    parser.add_argument("--slow-repetitions", type=int, default=2, help="of those that take minutes")
    parser.add_argument("--json", type=Path, default=CACHE / "converged.json", help="where the figures go")
    parser.add_argument("--profile", action="store_true", help="say where the time goes instead")
    parser.add_argument("--prove", action="store_true", help="show that all notice what is broken instead")
    return parser.parse_args()


def say(line: str) -> None:
    """Tell what is going on."""
    print(f"bench: {line}", file=sys.stderr, flush=True)


def run_once(fleet: Fleet, contender: Contender, log: Path) -> tuple[Run | None, str]:
    """Measure one repetition; without a figure, say why."""
    load, since, before = os.getloadavg()[0], time.time(), fleet.cpu_seconds()
    with tempfile.TemporaryDirectory(prefix="rdna1-") as folder:
        out = Path(folder) / "measured.json"
        command = [sys.executable, str(HERE / "measure.py"), str(out), str(log), *contender.command]
        env = contenders.environment(contender, fleet.lab, folder)
        subprocess.run(command, cwd=CHECKOUT, env=env, check=True)
        measured = json.loads(out.read_text())
    hosts_cpu = fleet.cpu_seconds() - before
    said = log.read_text(errors="replace")
    wrong = contender.judge(said)
    if measured["rc"] != 0 or wrong:
        return None, f"exit status {measured['rc']}, {wrong or 'nothing changed'} (log: {log})"
    return Run(
        wall=measured["wall"],
        user=measured["user"],
        system=measured["system"],
        peak_mib=measured["peak_mib"],
        hosts_cpu=round(hosts_cpu, 2),
        sessions=max(fleet.sessions(since).values()),
        load=round(load, 2),
    ), ""


def converge(fleet: Fleet, logs: Path) -> None:
    """Have the chain bring the fleet into its state."""
    say(f"converging {len(fleet.hosts)} hosts")
    with (logs / "converge.log").open("w") as log:
        rc = subprocess.run(contenders.CHAIN, cwd=CHECKOUT, env=fleet.env, stdout=log, stderr=log).returncode
    if rc != 0:
        raise BenchError(f"lab {fleet.lab}: the chain failed, exit status {rc}; read {log.name}")


def measure(fleet: Fleet, chosen: Sequence[Contender], logs: Path, options: argparse.Namespace) -> list[Row]:
    """Measure all contenders in turn, so that a busy minute meets each of them."""
    rows = {each.name: Row(each.name, each.title, len(fleet.hosts), each.remark) for each in chosen}
    for repetition in range(options.repetitions):
        for each in chosen:
            row = rows[each.name]
            if row.failure or (each.slow and repetition >= options.slow_repetitions):
                continue
            log = logs / f"{each.name}-{repetition}.log"
            run, row.failure = run_once(fleet, each, log)
            if run:
                row.runs.append(run)
            say(f"{len(fleet.hosts)} hosts, {each.name}: {f'{run.wall:.2f} s' if run else row.failure}")
    return list(rows.values())


def at_size(fleet: Fleet, options: argparse.Namespace) -> list[Row]:
    """Do what was asked for with one fleet."""
    logs = CACHE / f"{fleet.lab}-{len(fleet.hosts)}"
    logs.mkdir(parents=True, exist_ok=True)
    converge(fleet, logs)
    folder = logs / "wanted"
    wanted.take(fleet, folder)
    known = contenders.contenders(folder)
    unknown = set(options.only) - {each.name for each in known}
    if unknown:
        raise BenchError(
            f"--only: there is no {', '.join(sorted(unknown))};"
            f" choose from {', '.join(each.name for each in known)}"
        )
    chosen = [each for each in known if not options.only or each.name in options.only]
    if options.profile:
        profiling.profile(fleet, chosen, logs)
        return []
    if options.prove:
        prove.prove(fleet, folder)
        return []
    fleet.count_sessions(on=True)
    try:
        return measure(fleet, chosen, logs, options)
    finally:
        fleet.count_sessions(on=False)


def main() -> int:
    """Measure, write the document, print the table."""
    options = arguments()
    name = options.lab or "bench-converged"
    about = {
        "machine": results.machine(),
        "commit": lab.checked(COMMITTED).strip() + ("+" if lab.checked(["git", "status", "--short"]) else ""),
        "versions": {"ansible-core": version("ansible-core"), **contenders.versions()},
    }
    rows: list[Row] = []
    # A lab that was made for this goes also when this is told to end.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        for size in [0] if options.lab else options.hosts:
            rows += at_size(lab.take(name) if options.lab else lab.bring_up(name, size), options)
    except BenchError as error:
        print(f"bench/converged: {error}", file=sys.stderr)
        return 2
    finally:
        if not options.lab:
            lab.bring_down(name)
    if not rows:
        return 0
    document = results.document(rows, about)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(document, indent=2) + "\n")
    print(results.table(rows), *results.goals(rows), f"figures: {options.json}", sep="\n")
    return 0 if document["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
