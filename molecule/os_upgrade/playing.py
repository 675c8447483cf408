"""Run a playbook on the scenario's host, as a user would."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
HOST = "rx5600xt-01"


def play(playbook: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["ansible-playbook", f"playbooks/{playbook}.yml", "-i", "inventories/lab", "--limit", HOST]
    return subprocess.run(
        [*command, "-e", "@molecule/os_upgrade/vars/python.yml", *arguments],
        cwd=ROOT, env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "NO_COLOR": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def plan(folder: Path, *arguments: str) -> dict[str, Any]:
    """What differs on the host, as playbooks/drift.yml says it."""
    report = folder / "drift.json"
    play("drift", "-e", f"rdna1_drift_to={report}", *arguments)
    found: dict[str, Any] = json.loads(report.read_text())["hosts"][HOST]
    return found
