"""On a lab host: to 5.2 and back, forward again, back although cut off, and as if nothing had ever been.

Some ten minutes on two cores; RDNA1_LAB names the lab, and its first host with a card is made anew.
"""

import json
import os
import re
import shlex
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conftest import HERE, LabHost

Compare = Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]

ENVIRONMENT = ("/etc/profile.d", "/etc/environment.d", "/etc/rdna1", "/etc/systemd/system/rdna1-job@")
KILLER = HERE.parent / "faults/kill.py"
DPKG = ("/var/lib/dpkg/updates/[0-9]*", "dpkg", "--unpack")
NOBODYS = (
    "find / -xdev \\( -path /proc -o -path /var/lib/rdna1/backup \\) -prune"
    " -o \\( -nouser -o -nogroup \\) -print"
)
PROVISIONED = "/opt/rdna1/current/bin/python"


def test_there_and_back(host: LabHost, differences: Compare, tmp_path: Path) -> None:
    host.root(f"sh -s {host.mirror}", (HERE / "seeds57.sh").read_text())
    seeds = host.snapshot()
    assert any("rocm-core" in line and "5.7.0" in line for line in seeds["packages"])
    assert "/etc/profile.d/rocm-rdna1-57.sh" in seeds
    assert seeds["held"] == ["rocm-core"]

    host.play("rdna1", "--check")
    assert host.root("sh -c 'ls /var/lib/rdna1 2>&1 || true'").strip().endswith("No such file or directory")

    host.play("rdna1")
    stack = host.snapshot()
    assert "/etc/profile.d/rocm-rdna1-57.sh" not in stack
    assert any("rocm-core" in line and "5.2.0.50200" in line for line in stack["packages"])
    assert host.root("stat -c '%a %U' /var/lib/rdna1/points").split() == ["700", "root"]

    # Listing and check mode change nothing.
    listed = tmp_path / "points.json"
    host.play("rollback", "-e", "rdna1_list=true", "-e", f"rdna1_points_to={listed}")
    document = json.loads(listed.read_text())
    assert (document["schema"], document["ok"]) == ("rdna1.points/1", True)
    (point,) = document["hosts"][host.name]
    assert point["closed"]
    said = host.play("rollback", "--check", "--diff")
    assert "+export HSA_OVERRIDE_GFX_VERSION=10.3.0" in said
    assert differences(stack, host.snapshot()) == {}

    # Back: files byte for byte, packages in their versions, holds, links, groups.
    said = host.play("rollback")
    assert "nothing was verified; this is no pass" in said
    assert differences(seeds, host.snapshot()) == {}
    assert "rocm5.7 lives here" in host.root("cat /opt/pytorch-5.7/bin/activate")
    # The verifier's account went, and what it had made is where no later account of its number gets at it.
    assert host.root(NOBODYS) == ""
    assert re.search(r"changed=0 ", host.play("rollback")), "a second rollback has nothing to do"

    # Forward: the stack is as it was, and passes.
    said = host.play("rollback", "-e", "rdna1_point=forward")
    assert "10 of 10 cases pass" in said
    assert differences(stack, host.snapshot()) == {}

    # Of one role alone: without its environment the stack does not pass, and the rollback says so.
    only = json.dumps({"rdna1_rollback_roles": ["rocm_environment"]})
    assert "is HSA_OVERRIDE_GFX_VERSION set to" in " ".join(
        host.play_into_failure("rollback", "-e", only).split()
    )
    changed = differences(stack, host.snapshot())
    assert "/etc/profile.d/rocm-rdna1-57.sh" in changed
    assert all(path.startswith(ENVIRONMENT) for path in changed), changed.keys()
    host.play("rollback", "-e", "rdna1_point=forward")
    assert differences(stack, host.snapshot()) == {}

    # Where dpkg itself was cut off, the next run says what heals it, and goes on after that.
    host.root("systemd-run --quiet " + shlex.join(["python3", "-c", KILLER.read_text(), *DPKG]))
    assert "apt failed" in host.play_into_failure("rollback")
    said = host.play_into_failure("rollback")
    cure = re.search(
        r"dpkg was interrupted on this host \([^)]*\); run ([^;]+?) there, then this again", said
    )
    assert cure, said[-3000:]
    healing = cure[1].replace(" and then ", "; ").replace("apt-get ", "apt-get --yes ")
    host.root(f"sh -c 'export DEBIAN_FRONTEND=noninteractive; {healing}'")
    host.play("rollback")
    assert differences(seeds, host.snapshot()) == {}
    host.play("rollback", "-e", "rdna1_point=forward")
    assert differences(stack, host.snapshot()) == {}

    # Cut off while packages are changed, a rollback goes on when it is run again.
    process = host.start("rollback", start_new_session=True)
    assert process.stdout
    for line in process.stdout:
        if "Bring its packages back" in line:
            break
    time.sleep(3)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    wait_for_apt(host)
    host.root("sh -c 'dpkg --configure -a'")
    host.play("rollback")
    assert differences(seeds, host.snapshot()) == {}

    # And as if nothing had ever been.
    host.play("rollback", "-e", "rdna1_point=forward")
    host.play("remove", "--check", "--diff")
    assert host.root(f"ls {PROVISIONED}").strip() == PROVISIONED
    host.play("remove")
    assert differences(seeds, host.snapshot()) == {}
    assert host.root("sh -c 'find /opt/rdna1 /var/lib/rdna1 2>/dev/null || true'") == ""
    assert re.search(r"changed=0 ", host.play("remove")), "a second removal has nothing to do"


def test_points_are_pruned_and_what_is_asked_for_is_kept(
    host: LabHost, differences: Compare, tmp_path: Path
) -> None:
    before = host.snapshot()
    roles = {"rdna1_roles": ["pytorch_venv", "rocm_environment"], "rdna1_points_keep": 2}
    variables = ("-e", json.dumps(roles))
    host.root("sh -c 'echo export MINE=yes > /etc/profile.d/rocm-rdna1.sh'")
    mine = host.snapshot()
    for number in range(5):
        host.root(f"sh -c 'echo export MINE={number} > /etc/profile.d/rocm-rdna1.sh'")
        host.play("rdna1", *variables)
    listed = tmp_path / "points.json"
    host.play("rollback", "-e", "rdna1_list=true", "-e", f"rdna1_points_to={listed}")
    points = json.loads(listed.read_text())["hosts"][host.name]
    assert [point["number"] for point in points] == [1, 4, 5]
    host.play("rollback", "-e", "rdna1_point=first")
    assert host.root("cat /etc/profile.d/rocm-rdna1.sh") == "export MINE=0\n"
    assert differences(mine, host.snapshot()).keys() == {"/etc/profile.d/rocm-rdna1.sh"}

    host.play("rollback", "-e", "rdna1_point=forward")
    host.play("remove", "-e", json.dumps({"rdna1_remove_keep": ["venvs", "backup"]}))
    assert differences(before, host.snapshot()).keys() == {"/etc/profile.d/rocm-rdna1.sh"}
    assert host.root("sh -c 'ls /opt/rdna1 /var/lib/rdna1'").split() == [
        "/opt/rdna1:", "python", "venvs", "/var/lib/rdna1:", "backup",
    ]  # fmt: skip
    said = " ".join(host.play_into_failure("remove").split())
    assert "no restore point says what was there before" in said, "and what was kept is taken away by hand"


def wait_for_apt(host: LabHost) -> None:
    """The module on the host outlives the controller by what it is doing."""
    deadline = time.monotonic() + 300
    while "busy" in host.root("sh -c 'pgrep -x apt-get >/dev/null && echo busy || echo idle'"):
        assert time.monotonic() < deadline
        time.sleep(2)
