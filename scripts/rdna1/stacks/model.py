"""The stacks of a checkout: read, checked, and asked whether they can be installed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from rdna1.lab.errors import LabError
from rdna1.lab.mirror.lock import Requirement, normalise, parse
from rdna1.lab.paths import CHECKOUT

STACKS = CHECKOUT / "stacks"
SCHEMA = STACKS / "schema.json"
PYTHONS = STACKS / "pythons.yml"
POLICIES = CHECKOUT / "roles/rocm_environment/files/policies.yml"
UNKNOWN = "unknown"
# The role's switch for stacks that are for diagnosis only.
ALLOW = "pytorch_venv_allow_diagnostic"


@dataclass(frozen=True)
class Stack:
    """One folder of stacks/."""

    folder: Path
    data: dict[str, Any]

    @property
    def name(self) -> str:
        """The folder's name, which the data repeats."""
        return self.folder.name

    @property
    def title(self) -> str:
        """What it is, in one line."""
        return str(self.data.get("title", self.name))

    @property
    def python(self) -> str:
        """The Python that its wheels are for."""
        return str(self.data["python"])

    @property
    def lock(self) -> Path:
        """The hash lock that pytorch_venv installs."""
        return self.folder / "requirements.txt"

    @property
    def pins(self) -> list[Requirement]:
        """What the lock pins; empty where nobody has locked it yet."""
        return parse(self.lock.read_text(), str(self.lock)) if self.lock.exists() else []

    @property
    def wanted(self) -> dict[str, str]:
        """What is chosen (NAME==VERSION), each with its sha256 as another source has it, or `unknown`."""
        return {str(key): str(value) for key, value in self.data["wheels"].get("wanted", {}).items()}

    @property
    def torch(self) -> str:
        """PyTorch's version."""
        pinned = {pin.project: pin.version for pin in self.pins}
        chosen = {project(key): key.split("==")[1] for key in self.wanted}
        return pinned.get("torch") or chosen.get("torch", UNKNOWN)

    @property
    def on_card(self) -> bool:
        """Whether it is for a card, and not for the CPU."""
        return "cards" in self.data

    @property
    def policy(self) -> str:
        """The environment policy that goes with it."""
        return str(self.data.get("environment", {}).get("policy", ""))

    @property
    def override(self) -> str:
        """What HSA_OVERRIDE_GFX_VERSION is set to; empty for none."""
        return str(self.data.get("environment", {}).get("hsa_override_gfx_version", ""))

    @property
    def rocm(self) -> str:
        """The system's ROCm; empty for none."""
        return str(self.data.get("rocm", {}).get("version", ""))

    @property
    def diagnostic(self) -> str:
        """Why it is for diagnosis only; empty for all others."""
        return str(self.data.get("diagnostic", ""))

    @property
    def stale(self) -> str:
        """Say where the lock is not, or no longer, of what is wanted; empty where it is."""
        pins = {pin.project: pin for pin in self.pins}
        for key, sha256 in self.wanted.items():
            pin = pins.get(project(key))
            if pin is None or pin.version != key.split("==")[1]:
                return f"its lock does not pin {key}"
            if sha256 not in (UNKNOWN, pin.sha256):
                return f"its lock has another hash for {key}"
        return ""

    def refusal(self, *, allow_diagnostic: bool = False) -> str:
        """Say why it is not installed, and the cure; empty where it can be."""
        if self.diagnostic and not allow_diagnostic:
            what = f"it is for diagnosis only, because {self.diagnostic}"
            return f"{what}; set {ALLOW}: true to have it all the same"
        if not self.lock.exists():
            unknown = [project(key) for key, value in self.wanted.items() if value == UNKNOWN]
            what = f"nobody has written down the hashes of {', '.join(unknown)} and of what they need"
        else:
            what = self.stale
        if what:
            return f"{what}; run `rdna1 lock {self.name}` on a machine that reaches its index"
        return ""


def project(requirement: str) -> str:
    """Return the name in NAME[EXTRAS]==VERSION, as indexes compare it."""
    return normalise(requirement.split("==")[0].split("[")[0])


@cache
def schema() -> dict[str, Any]:
    """Return the schema of stack.yml."""
    return dict(json.loads(SCHEMA.read_text()))


def names(root: Path | None = None) -> list[str]:
    """Return the names of all stacks."""
    return sorted(path.parent.name for path in (root or STACKS).glob("*/stack.yml"))


def load(name: str, root: Path | None = None) -> Stack:
    """Read one stack and hold it against the schema."""
    if name not in names(root):
        raise LabError(f"stacks/{name}", "there is no such stack", f"choose from {', '.join(names(root))}")
    file = (root or STACKS) / name / "stack.yml"
    stack = Stack(file.parent, yaml.safe_load(file.read_text()))
    wrong = problems(stack)
    if wrong:
        raise LabError(
            f"stacks/{name}/stack.yml", wrong[0], "correct it as stacks/schema.json says", exit_code=1
        )
    return stack


def load_all(root: Path | None = None) -> list[Stack]:
    """Read every stack."""
    stacks = [load(name, root) for name in names(root)]
    for problem in contradictions(stacks):
        raise LabError("stacks", problem, "make the sections the same", exit_code=1)
    return stacks


def problems(stack: Stack) -> list[str]:
    """Say everything that is wrong with one stack."""
    validator = jsonschema.Draft202012Validator(schema())
    errors = sorted(validator.iter_errors(stack.data), key=lambda error: list(map(str, error.absolute_path)))
    found = [f"{error.json_path}: {error.message}" for error in errors]
    return found or [*_meaning(stack)]


def _meaning(stack: Stack) -> Iterator[str]:
    """Yield what no schema can say: names that must exist, hashes that must agree."""
    if stack.data["name"] != stack.name:
        yield f"$.name: it is {stack.data['name']} in the folder {stack.name}"
    pythons = yaml.safe_load(PYTHONS.read_text())
    if stack.python not in pythons:
        yield f"$.python: stacks/pythons.yml has no {stack.python}"
    policies = yaml.safe_load(POLICIES.read_text())
    if stack.policy and stack.policy not in policies:
        yield f"$.environment.policy: there is no policy {stack.policy}"
    if not stack.wanted and not stack.lock.exists():
        yield "$.wheels: there is neither a lock nor anything wanted that could be locked"
    for name, packages in stack.data.get("rocm", {}).get("packages", {}).items():
        for package, version in packages.items():
            if not version.endswith("." + stack.data["rocm"]["build"]):
                yield f"$.rocm.packages.{name}.{package}: {version} is of another build than the release"


def contradictions(stacks: list[Stack]) -> list[str]:
    """Say where two stacks describe one ROCm release in two ways."""
    first: dict[str, Stack] = {}
    found = []
    for stack in stacks:
        if stack.rocm:
            other = first.setdefault(stack.rocm, stack)
            if other.data["rocm"] != stack.data["rocm"]:
                found.append(f"{other.name} and {stack.name} describe ROCm {stack.rocm} differently")
    return found
