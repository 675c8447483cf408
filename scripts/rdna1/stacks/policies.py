"""Environment policies as data: what each sets, which of it changes nothing, and how they compose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from rdna1.lab.errors import LabError
from rdna1.stacks import model

# What joins the names of several.
JOIN = "+"
SOLVERS = tuple(
    f"MIOPEN_DEBUG_CONV_{name}" for name in ("FFT", "DIRECT", "GEMM", "WINOGRAD", "IMPLICIT_GEMM")
)
OFF = ("0", "no", "off", "false", "disable", "disabled")


@dataclass(frozen=True)
class Policy:
    """One policy, or several joined."""

    name: str
    title: str
    source: str
    effect: str
    variables: Mapping[str, str]
    no_effect: Sequence[str] = ()
    unknown: Sequence[str] = ()

    @property
    def changes(self) -> dict[str, str]:
        """What it sets that makes a difference, or may make one."""
        return {name: value for name, value in self.variables.items() if name not in self.no_effect}

    @property
    def idle(self) -> bool:
        """Whether it sets something and changes nothing."""
        return bool(self.variables) and not self.changes


def load() -> dict[str, Policy]:
    """Read all policies."""
    data: dict[str, dict[str, Any]] = yaml.safe_load(model.POLICIES.read_text())
    return {
        name: Policy(
            name=name,
            title=entry["title"],
            source=entry["source"],
            effect=entry["effect"].strip(),
            variables=entry["variables"],
            no_effect=tuple(entry.get("no_effect", ())),
            unknown=tuple(entry.get("unknown", ())),
        )
        for name, entry in data.items()
    }


def compose(name: str, known: Mapping[str, Policy]) -> Policy:
    """Return the policy of a name, or of several joined by a plus; what cannot be meant is refused."""
    parts = []
    for part in name.split(JOIN):
        if part not in known:
            raise LabError(
                f"policy {name}", f"there is no {part or 'empty name'}", f"use {', '.join(sorted(known))}"
            )
        parts.append(known[part])
    variables: dict[str, str] = {}
    for policy in parts:
        for variable, value in policy.variables.items():
            if variables.setdefault(variable, value) != value:
                what = f"{variable} would be {variables[variable]} and {value}"
                raise LabError(f"policy {name}", what, "leave out one of the two policies")
    if all(variables.get(solver, "").lower() in OFF for solver in SOLVERS):
        what = "it switches every solver of MIOpen off, so that no convolution can run"
        raise LabError(f"policy {name}", what, f"leave at least one of {', '.join(SOLVERS)} on")
    return Policy(
        name=name,
        title=" + ".join(policy.title for policy in parts),
        source="; ".join(dict.fromkeys(policy.source for policy in parts)),
        effect=" ".join(policy.effect for policy in parts),
        variables=variables,
        no_effect=tuple(dict.fromkeys(name for policy in parts for name in policy.no_effect)),
        unknown=tuple(dict.fromkeys(name for policy in parts for name in policy.unknown)),
    )
