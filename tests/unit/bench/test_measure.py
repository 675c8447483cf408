"""What bench/converged/measure.py counts and ends."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

MEASURE = Path(__file__).parents[3] / "bench/converged/measure.py"
BURN = "import time\nend = time.process_time() + {}\nwhile time.process_time() < end: pass\n"
# Forks twice, as ssh does for a shared connection, and outlives the command by a minute.
OUTLIVES = (
    """
import os, pathlib, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
"""
    + "        " + BURN.format(0.4).replace("\n", "\n        ")
    + """
        pathlib.Path(sys.argv[1]).write_text(str(os.getpid()))
        time.sleep(60)
    os._exit(0)
os.wait()
while not pathlib.Path(sys.argv[1]).exists(): time.sleep(0.01)
"""
)  # fmt: skip


def measured(tmp_path: Path, *command: str) -> dict[str, Any]:
    out = tmp_path / "out.json"
    subprocess.run(
        [sys.executable, MEASURE, out, tmp_path / "log", *command], check=True, timeout=30, cwd=tmp_path
    )
    found: dict[str, Any] = json.loads(out.read_text())
    return found


def test_the_processor_time_of_the_command_is_counted(tmp_path: Path) -> None:
    found = measured(tmp_path, sys.executable, "-c", BURN.format(0.3))
    assert found["user"] + found["system"] >= 0.3
    assert found["wall"] >= 0.3


def test_the_exit_status_and_both_outputs_are_kept(tmp_path: Path) -> None:
    found = measured(tmp_path, "sh", "-c", "echo said; echo complained >&2; exit 7")
    assert found["rc"] == 7
    assert (tmp_path / "log").read_text().split() == ["said", "complained"]


def test_what_outlives_the_command_is_counted_and_ended_but_not_waited_for(tmp_path: Path) -> None:
    alive = tmp_path / "pid"
    found = measured(tmp_path, sys.executable, "-c", OUTLIVES, str(alive))
    assert found["outlived"] == 1
    assert found["user"] + found["system"] >= 0.4
    assert found["wall"] < 20
    assert not Path(f"/proc/{alive.read_text()}").exists()


def test_what_ignores_being_told_to_end_is_killed(tmp_path: Path) -> None:
    alive = tmp_path / "pid"
    stubborn = OUTLIVES.replace("import os,", "import signal; signal.signal(15, signal.SIG_IGN)\nimport os,")
    measured(tmp_path, sys.executable, "-c", stubborn, str(alive))
    assert not Path(f"/proc/{alive.read_text()}").exists()


def test_who_is_interrupted_leaves_nothing_running(tmp_path: Path) -> None:
    alive = tmp_path / "pid"
    script = OUTLIVES + "time.sleep(60)\n"
    asking = "import subprocess, sys; subprocess.run(sys.argv[1:])"
    files = [str(path) for path in (MEASURE, tmp_path / "out.json", tmp_path / "log")]
    command = [sys.executable, *files, sys.executable, "-c", script, str(alive)]
    asked = subprocess.Popen([sys.executable, "-c", asking, *command])
    while not alive.exists() or not alive.read_text():
        time.sleep(0.02)
    os.kill(asked.pid, signal.SIGKILL)
    asked.wait()
    deadline = time.monotonic() + 20
    while Path(f"/proc/{alive.read_text()}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{alive.read_text()}").exists()
