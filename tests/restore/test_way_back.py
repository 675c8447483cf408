"""On a lab host: to 5.2 and back, forward again, back although cut off, and as if nothing had ever been.

Some ten minutes on two cores; RDNA1_LAB names the lab, and its first host with a card is made anew.
"""

import json
import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conftest import HERE, LabHost

Compare = Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]

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
    assert re.search(r"changed=0 ", host.play("rollback")), "a second rollback has nothing to do"

    # Forward: the stack is as it was, and passes.
    said = host.play("rollback", "-e", "rdna1_point=forward")
    assert "10 of 10 cases pass" in said
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


def wait_for_apt(host: LabHost) -> None:
    """The module on the host outlives the controller by what it is doing."""
    deadline = time.monotonic() + 300
    while "busy" in host.root("sh -c 'pgrep -x apt-get >/dev/null && echo busy || echo idle'"):
        assert time.monotonic() < deadline
        time.sleep(2)
