"""Where the time of a converged re-run goes: by task (a callback), by the controller's functions (py-spy)."""

import json
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import contenders
from contenders import VENV, Contender
from fleet import CHECKOUT, BenchError, Fleet

CALLBACKS = Path(__file__).with_name("callbacks")
RATE = 100
MOST = 25
# A function that has more of the samples than this is part of the trunk that all of them share, in percent.
TRUNK = 60
# Where a sample only waits.
WAITING = ("selectors.py", "socket.py", "subprocess.py", "threading.py", "multiprocessing/connection.py")


def profile(fleet: Fleet, chosen: Sequence[Contender], logs: Path) -> None:
    """Print both for each contender that is an ansible-playbook; the two runs do not disturb each other."""
    for each in chosen:
        if each.command[0] != "ansible-playbook":
            continue
        tasks = logs / f"{each.name}.tasks.json"
        stacks = logs / f"{each.name}.stacks"
        watched = {
            "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
            "ANSIBLE_CALLBACKS_ENABLED": "task_times",
            "RDNA1_TASK_TIMES": str(tasks),
        }
        _run(fleet, each, each.command, watched, logs / f"{each.name}-tasks.log")
        spy = [str(VENV / "bin/py-spy"), "record", "--subprocesses", "--rate", str(RATE), "--format", "raw"]
        spied = [*spy, "--output", str(stacks), "--", *each.command]
        _run(fleet, each, spied, {}, logs / f"{each.name}-spy.log")
        print(f"\n### {each.title}, {len(fleet.hosts)} hosts\n")
        print(by_task(json.loads(tasks.read_text())))
        print(by_function(stacks.read_text().splitlines()))


def _run(fleet: Fleet, contender: Contender, command: Sequence[str], more: dict[str, str], log: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="rdna1-") as sockets, log.open("w") as stream:
        env = {**contenders.environment(contender, fleet.lab, sockets), **more}
        rc = subprocess.run(command, cwd=CHECKOUT, env=env, stdout=stream, stderr=stream).returncode
    if rc != 0:
        raise BenchError(f"{contender.name} under observation: exit status {rc}; read {log}")


def by_task(tasks: Sequence[dict[str, str | float]]) -> str:
    """Return the dearest tasks, and the dearest kinds of task, as tables."""
    total = sum(float(task["seconds"]) for task in tasks)
    dearest = sorted(tasks, key=lambda task: -float(task["seconds"]))[:MOST]
    kinds: Counter[str] = Counter()
    for task in tasks:
        kinds[str(task["action"]) or str(task["name"])] += round(float(task["seconds"]) * 1e6)
    lines = [f"{len(tasks) - 1} tasks, {total:.2f} s", "", "| task | s |", "|---|---|"]
    lines += [f"| {task['name']} | {task['seconds']:.2f} |" for task in dearest]
    lines += ["", "| kind of task | s |", "|---|---|"]
    lines += [f"| {kind} | {micro / 1e6:.2f} |" for kind, micro in kinds.most_common(MOST)]
    return "\n".join(lines) + "\n"


def by_function(stacks: Iterable[str]) -> str:
    """Return the functions that most samples lie in or under, and the files that most lie in, as tables."""
    under: Counter[str] = Counter()
    within: Counter[str] = Counter()
    for line in stacks:
        frames, _, count = line.rpartition(" ")
        named = [frame.rpartition(":")[0] or frame for frame in frames.split(";") if "(" in frame]
        if not named or _file(named[-1]).endswith(WAITING):
            continue
        under.update(dict.fromkeys(set(named), int(count)))
        within[_file(named[-1])] += int(count)
    total = sum(within.values())
    branches = [(what, count) for what, count in under.most_common() if 100 * count <= TRUNK * total]
    lines = [f"{total / RATE:.1f} s of work on the controller, sampled", ""]
    for title, counted in (("in or under", branches[:MOST]), ("file", within.most_common(MOST))):
        lines += [f"| {title} | % |", "|---|---|"]
        lines += [f"| `{what}` | {100 * count / total:.0f} |" for what, count in counted]
        lines += [""]
    return "\n".join(lines)


def _file(frame: str) -> str:
    return frame.partition("(")[2].rstrip(")")
