"""playbooks/preflight.yml on hosts that nobody can reach: each has its line, no silence passes for a yes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """Run it once on two hosts that refuse the connection; return what it said and its report."""
    tmp = tmp_path_factory.mktemp("preflight")
    nobody = {"ansible_host": "127.0.0.1", "ansible_port": 1, "ansible_user": "nobody"}
    inventory = {
        "rdna1": {"hosts": {"render-01": nobody}},
        "cpu_reference": {"hosts": {"reference-01": nobody}},
    }
    (tmp / "hosts.yml").write_text(json.dumps(inventory))
    command: list[str | Path] = [Path(sys.executable).with_name("ansible-playbook"), "-i", tmp / "hosts.yml"]
    result = subprocess.run(
        [*command, "playbooks/preflight.yml", "-e", f"rdna1_preflight_to={tmp}/report.json"],
        cwd=ROOT, env={**os.environ, "ANSIBLE_HOME": str(tmp)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return result, json.loads((tmp / "report.json").read_text())


def test_it_fails_and_every_host_has_its_line(
    done: tuple[subprocess.CompletedProcess[str], dict[str, Any]],
) -> None:
    result, _ = done
    assert result.returncode != 0
    for host in ("render-01", "reference-01"):
        assert f"{host} cannot take the stack: it cannot be reached" in " ".join(result.stdout.split())
        assert any(line.split()[:2] == [host, "NO"] for line in result.stdout.splitlines())


def test_the_report_has_every_host_and_its_failure(
    done: tuple[subprocess.CompletedProcess[str], dict[str, Any]],
) -> None:
    _, report = done
    assert report["schema"] == "rdna1.preflight/1"
    assert report["ok"] is False
    assert sorted(report["hosts"]) == ["reference-01", "render-01"]
    assert sorted(failure["host"] for failure in report["failures"]) == ["reference-01", "render-01"]
    for failure in report["failures"]:
        assert failure.keys() == {"host", "code", "message", "fix"}
        assert failure["code"] == "unreachable"
    for host in report["hosts"].values():
        assert host["ok"] is False
        assert host["not_judged"] == host["roles"] != []
