"""After one run on the new release. What apt, ROCm and the environment owe a host, default's tests ask."""

import json
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))
from playing import HOST, plan, play

testinfra_hosts = [f"ansible://{HOST}"]


def test_nothing_differs(tmp_path):
    found = plan(tmp_path, "-e", "rdna1_deep=true")
    assert found["converged"], found["differences"]


def test_the_donor_is_the_release_that_it_came_from(host):
    assert "Suites: bookworm" in host.file("/etc/apt/sources.list.d/rdna1-donor.sources").content_string


def test_the_hand_written_source_went_and_is_kept(host):
    assert not host.file("/etc/apt/sources.list.d/jammy-compat.sources").exists
    entries = host.file("/var/lib/rdna1/backup/manifest.jsonl").content_string.splitlines()
    assert "/etc/apt/sources.list.d/jammy-compat.sources" in [json.loads(line)["path"] for line in entries]


def test_the_venv_is_built_anew(host):
    base = host.check_output("/opt/rdna1/current/bin/python -c 'import sys; print(sys.base_prefix)'")
    assert base.startswith("/opt/rdna1/python/")
    assert host.run("/opt/rdna1/current/bin/python -c 'import torch, numpy'").rc == 0


def test_the_verdict_is_a_pass_and_was_reached_here(host):
    verdict = json.loads(host.file("/var/lib/rdna1/verdict.json").content_string)
    assert verdict["ok"] is True
    manifest = json.loads(host.file("/var/lib/rdna1/manifest.json").content_string)
    assert manifest["state"]["os"].startswith("Debian 13")


def test_verify_passes():
    done = play("verify")
    assert done.returncode == 0, done.stdout
