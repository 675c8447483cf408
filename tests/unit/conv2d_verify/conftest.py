"""Workers that misbehave on demand, a simulated card, and the verifier run as a command."""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "roles/conv2d_verify/files"
STAND_IN = ROOT / "scripts/rdna1/lab/standin"

PRELUDE = """
import json, os, signal, subprocess, sys, tempfile, time
sys.path.insert(0, {package!r})
from conv2d_verify import lifeline, protocol
commands, events, line, parent = (int(argument) for argument in sys.argv[1:5])
lifeline.tie(line, parent)
def say(**message):
    protocol.send(events, message)
def phase(case, name):
    say(say="phase", case=case["id"], phase=name)
def good(case, **more):
    finding = {{"what": "forward", "length": 28, "max_abs": 0.0, "max_abs_allowed": 1.0, "problem": ""}}
    answer = {{"status": "pass", "times": [0.2, 0.1], "seconds": 0.3, "findings": [finding], **more}}
    say(say="result", case=case["id"], **answer)
def cases():
    for text in os.fdopen(commands, "rb"):
        message = protocol.command(text)
        if message["do"] == "end":
            return
        yield message["case"]
HELLO = dict(say="hello", seconds=0.1, torch="0", gpu_available=True)
"""


@pytest.fixture
def worker(tmp_path: Path) -> Any:
    """Return a function that makes a worker's command of the body of its program."""

    def make(body: str) -> list[str]:
        file = tmp_path / "worker.py"
        file.write_text(PRELUDE.format(package=str(PACKAGE)) + textwrap.dedent(body))
        return [sys.executable, "-s", str(file)]

    return make


@dataclass
class Host:
    """A host with a simulated card and a stand-in torch, as far as the verifier can tell."""

    folder: Path
    environment: dict[str, str]

    def insert_card(self) -> None:
        for number, text in enumerate(
            (
                "gfx_target_version 0\n",
                "gfx_target_version 100100\ndevice_id 29471\ndrm_render_minor 128\n",
            )
        ):
            node = self.folder / f"card/sys/class/kfd/kfd/topology/nodes/{number}"
            node.mkdir(parents=True)
            (node / "properties").write_text(text)
        (self.folder / "card/dev").mkdir()
        (self.folder / "card/dev/kfd").touch()
        about = {"simulated": True, "name": "AMD Radeon RX 5600 XT", "gfx": "gfx1010", "device_id": "731f"}
        (self.folder / "card/card.json").write_text(json.dumps(about))

    def break_card(self, *faults: dict[str, Any]) -> None:
        (self.folder / "card/conv2d.json").write_text(json.dumps({"faults": faults}))

    def command(self, *options: str) -> list[str]:
        return [
            *(
                sys.executable,
                "-m",
                "conv2d_verify",
                "--allow-root",
                "--directory",
                str(self.folder / "state"),
            ),
            *("--sysfs", str(self.folder / "card/sys"), "--kfd", str(self.folder / "card/dev/kfd"), *options),
        ]

    def verify(self, *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command("--json", "verdict.json", *options),
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def verdict(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "state/verdict.json").read_text())
        return found


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """Return a host whose slot is still empty."""
    (tmp_path / "card").mkdir()
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HSA_", "HIP_", "ROCR_", "CUDA_"))
    }
    environment |= {
        "PYTHONPATH": f"{PACKAGE}:{STAND_IN}",
        "RDNA1_SIMULATED_CARD": str(tmp_path / "card"),
        "HSA_OVERRIDE_GFX_VERSION": "10.3.0",
        # The tests' own machine may be busy: one thread a process is quicker than many that wait.
        "OPENBLAS_NUM_THREADS": "1",
    }
    return Host(tmp_path, environment)


@pytest.fixture
def card(host: Host) -> Host:
    """Return a host with a card."""
    host.insert_card()
    return host


Xml = Callable[[str], ElementTree.Element]


@pytest.fixture
def xml() -> Xml:
    """Return a reader of XML that the verifier has just written: nobody else had a hand in it."""
    return lambda text: ElementTree.fromstring(text.encode("utf-8", "replace"))  # noqa: S314
