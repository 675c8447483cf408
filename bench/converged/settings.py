"""`bench/settings`: see there."""

import argparse
import configparser
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import contenders
import fleet as lab
import yaml
from fleet import CHECKOUT, INVENTORY, BenchError

HERE = Path(__file__).resolve().parent
SETTINGS = HERE / "settings.yml"
CONFIG = CHECKOUT / "ansible.cfg"
# Relative to the file that they stand in.
PATHS = ("inventory", "roles_path", "collections_path")
PLAYS = {"chain": "playbooks/rdna1.yml", "small": str(HERE / "settings_play.yml")}


def changed_config(changes: dict[str, dict[str, str]]) -> configparser.ConfigParser:
    """Return ansible.cfg with some settings changed, good in any folder."""
    config = configparser.ConfigParser(interpolation=None)
    config.read(CONFIG)
    for name in PATHS:
        config["defaults"][name] = str(CHECKOUT / config["defaults"][name])
    config.read_dict(changes)
    return config


def run(name: str, play: str, changes: dict[str, dict[str, str]]) -> dict[str, float]:
    """Measure the play once, from its first connection on."""
    with tempfile.TemporaryDirectory(prefix="rdna1-") as folder:
        out, log, config = (Path(folder) / each for each in ("out.json", "log", "ansible.cfg"))
        with config.open("w") as stream:
            changed_config(changes).write(stream)
        command = [sys.executable, str(HERE / "measure.py"), str(out), str(log)]
        env = {"RDNA1_LAB": name, "ANSIBLE_SSH_CONTROL_PATH_DIR": folder, "ANSIBLE_CONFIG": str(config)}
        subprocess.run(
            [*command, "ansible-playbook", PLAYS[play], "-i", INVENTORY],
            cwd=CHECKOUT,
            env={**os.environ, **env},
            check=True,
        )
        found = json.loads(out.read_text())
        # Not every callback prints a recap; where there is one, it must be clean.
        wrong = contenders.judge_ansible(log.read_text())
        if found["rc"] != 0 or wrong not in ("", "no recap"):
            raise BenchError(f"{play} with {changes or 'ansible.cfg as it is'}: {found['rc']}, {wrong}")
    return {"wall": found["wall"], "cpu": found["user"] + found["system"]}


def compare(name: str, play: str, setting: dict[str, Any], pairs: int) -> str:
    """Run the play without and with a setting, in turn; return a line of the table."""
    without, with_it = [], []
    for _ in range(pairs):
        without.append(run(name, play, {}))
        with_it.append(run(name, play, setting["set"]))
    cells = [setting["name"], setting["asks"]]
    for figure in ("wall", "cpu"):
        before, after = (statistics.median(each[figure] for each in runs) for runs in (without, with_it))
        ratio = statistics.median(b[figure] / a[figure] for a, b in zip(without, with_it, strict=True))
        cells.append(f"{before:.2f} s → {after:.2f} s ({ratio:.2f})")
    return f"| {' | '.join(cells)} |"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="bench/settings", description="Time settings of Ansible, each beside ansible.cfg as it is."
    )
    parser.add_argument("--lab", required=True, help="a lab that is up and converged")
    parser.add_argument("--play", choices=sorted(PLAYS), default="chain")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--only", nargs="+", default=[], help="settings that begin so")
    options = parser.parse_args()
    settings = [
        each
        for each in yaml.safe_load(SETTINGS.read_text())
        if not options.only or each["name"].startswith(tuple(options.only))
    ]
    try:
        hosts = len(lab.take(options.lab).hosts)
        run(options.lab, options.play, {})
        print(f"{hosts} hosts, {options.play}, medians of {options.pairs} pairs (and their ratios)\n")
        print("| in ansible.cfg | asks | wall time | controller's CPU |\n|---|---|---|---|")
        for each in settings:
            print(compare(options.lab, options.play, each, options.pairs), flush=True)
    except BenchError as error:
        print(f"bench/settings: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
