"""docs/reliability.md says what the results of tests/faults say, and calls nothing seen that was not."""

import json
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[3]
FAULTS = ROOT / "tests/faults"


def test_the_page_is_what_the_results_say() -> None:
    done = subprocess.run(
        [sys.executable, FAULTS / "table.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_fault_without_a_good_result_is_among_those_not_seen() -> None:
    seen, missing = (ROOT / "docs/reliability.md").read_text().split("## Not seen")
    data = yaml.safe_load((FAULTS / "faults.yml").read_text())
    for fault in data["faults"]:
        file = FAULTS / "results" / f"{fault['name']}.json"
        good = file.exists() and json.loads(file.read_text())["ok"]
        assert (f"| {fault['what']} |" in seen) == good
        assert (f"- {fault['what']}: " in missing) != good
