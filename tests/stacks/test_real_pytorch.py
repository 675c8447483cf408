"""Two real PyTorchs in two venvs on one host's CPU: 1.13.1, and a newer one as a stack of the user's own.

The newer one is a CPU build for Debian 12's own Python. PyPI has none: this machine's pip must find it, in a
folder of PIP_FIND_LINKS or at an index of PIP_EXTRA_INDEX_URL. RDNA1_NEWER_TORCH says which it is.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml
from stacks_host import BIN, CHECKOUT, LAB, run

HOST = "rx5500xt-01"  # the lab's only Debian 12
NEWER = os.environ.get("RDNA1_NEWER_TORCH", "torch==2.13.0+cpu")
STACK = {
    "name": "cpu_newer",
    "title": "A PyTorch of today on the CPU",
    "python": "3.11",
    "wheels": {"index_urls": []},
    "expect": {},
}
WHEELS = "/srv/newer-wheels"
# The same numbers through both: what they compute must be the same convolution.
CONVOLVE = """
import json, torch
torch.set_num_threads(1)
numbers = torch.arange(2 * 3 * 44 * 44, dtype=torch.float32).reshape(2, 3, 44, 44).remainder(17.0).sub(8.0)
kernel = torch.arange(8 * 3 * 5 * 5, dtype=torch.float32).reshape(8, 3, 5, 5).remainder(7.0).sub(3.0)
numbers.requires_grad_()
found = torch.nn.functional.conv2d(numbers, kernel, padding=2)
found.square().sum().backward()
print(json.dumps([torch.__version__, torch.__file__, found.sum().item(), numbers.grad.abs().sum().item()]))
"""


def on_host(command: str, text: str = "") -> str:
    return run(BIN / "rdna1", "lab", "ssh", HOST, "--", f"sudo {command}", text=text).strip()


def converge(checkout: Path, **variables: object) -> str:
    """Have both in the host: nothing else of it is touched."""
    wanted = {
        "rdna1_roles": ["pytorch_venv"],
        "rdna1_stack": "cpu_reference",
        "rdna1_stacks_beside": ["cpu_newer"],
        "pytorch_venv_requirements": f"{checkout}/stacks/{{{{ rdna1_stack }}}}/requirements.txt",
        "pytorch_venv_find_links": [WHEELS],
        **variables,
    }
    # Not with -e, which would also win over the stack beside it.
    overlay = checkout / "overlay.yml"
    overlay.write_text(yaml.safe_dump({"rdna1": {"hosts": {HOST: wanted}}}))
    words = ("playbooks/rdna1.yml", "-i", "inventories/lab", "-i", overlay, "--limit", HOST)
    done = subprocess.run(
        [BIN / "ansible-playbook", *words],
        cwd=checkout,
        env=LAB,
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    return done.stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a copy of the project with a stack more, as a user would add it, and its wheels on the host."""
    copy, wheels = tmp_path / "checkout", tmp_path / "wheels"
    run("git", "clone", "--quiet", CHECKOUT, copy)
    (copy / ".lab").symlink_to(CHECKOUT / ".lab")
    command = [
        BIN / "python",
        "-m",
        "pip",
        "download",
        "--quiet",
        "--dest",
        wheels,
        "--python-version",
        "3.11",
    ]
    run(*command, "--only-binary=:all:", NEWER, "numpy==2.3.5")
    stack = copy / "stacks/cpu_newer"
    stack.mkdir()
    (stack / "stack.yml").write_text(yaml.safe_dump(STACK))
    lock = []
    for wheel in sorted(wheels.iterdir()):
        name, version = wheel.name.split("-")[:2]
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        lock.append(f"{name.replace('_', '-')}=={version} --hash=sha256:{digest}")
    (stack / "requirements.txt").write_text("\n".join(lock) + "\n")
    run(BIN / "rdna1", "lab", "reset", HOST)
    on_host(f"mkdir -p {WHEELS}")
    packed = subprocess.run(["tar", "-C", wheels, "-c", "."], capture_output=True, check=True).stdout
    subprocess.run(
        [BIN / "rdna1", "lab", "ssh", HOST, "--", f"sudo tar -C {WHEELS} -x"],
        cwd=CHECKOUT, env=LAB, input=packed, check=True, capture_output=True,
    )  # fmt: skip
    return copy


def test_two_real_ones_on_one_host(checkout: Path) -> None:
    converge(checkout)
    assert "changed=0" in converge(checkout)
    found = {}
    for stack in ("cpu_reference", "cpu_newer"):
        said = on_host(f"/opt/rdna1/stacks/{stack}/venv/bin/python -B -", CONVOLVE)
        found[stack] = json.loads(said.splitlines()[-1])
    old, new = found["cpu_reference"], found["cpu_newer"]
    assert (old[0], new[0]) == ("1.13.1+cu117", NEWER.partition("==")[2])
    assert old[1] != new[1]
    # Whole numbers below 2**24: exact in float32, whatever the order of the additions.
    assert old[2:] == pytest.approx(new[2:], rel=1e-6)
    assert on_host("/opt/rdna1/current/bin/python -B -c 'import torch; print(torch.__version__)'") == old[0]
    # The newer one goes as it came; the other stays as it is.
    before = on_host("ls /opt/rdna1/stacks")
    assert before.split() == ["cpu_newer", "cpu_reference"]
    converge(checkout, rdna1_stacks_beside=[])
    assert on_host("ls /opt/rdna1/stacks") == "cpu_reference"
    assert json.loads(on_host("/opt/rdna1/current/bin/python -B -", CONVOLVE).splitlines()[-1])[2:] == old[2:]
