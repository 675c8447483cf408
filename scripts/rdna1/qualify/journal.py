"""A qualification's folder, `runs/<id>/`: what was asked for, and one file for each host and candidate.

A trial's file is written when it is over, so that a run that was cut off goes on with those that have none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from rdna1.lab.errors import LabError
from rdna1.qualify.candidate import Trial
from rdna1.qualify.plan import Try
from rdna1.runs import model

SCHEMA = "rdna1.qualify-run/1"
TRIAL = "rdna1.qualify-trial/1"
# How a failure begins that says nothing about the candidate: it is tried again.
NOT_TRIED = "not tried: "

State = Literal["running", "done", "interrupted", "stopped", "failed"]


@dataclass
class Asked:
    """What a qualification is about; kept, so that it can be resumed."""

    id: str
    started: str
    inventories: list[str]
    hosts: list[str]
    tries: list[Try]
    suites: list[str]
    minutes: int
    candidate_minutes: int
    reboot: str
    limit: str | None = None
    allow_diagnostic: bool = False
    extra_vars_names: list[str] = field(default_factory=list)
    state: State = "running"
    ended: str | None = None
    schema: str = SCHEMA


class Journal:
    """The folder, and what is in it."""

    def __init__(self, root: Path, asked: Asked) -> None:
        self.root, self.asked = root, asked

    @property
    def trials(self) -> Path:
        """Where the playbook puts what became of each candidate: HOST/STACK@POLICY.json."""
        return self.root / "trials"

    @property
    def log(self) -> Path:
        """What Ansible printed."""
        return self.root / "ansible.log"

    def save(self) -> None:
        """Write what is asked for and how far it got."""
        model.write(self.root / "asked.json", asdict(self.asked))

    def trial(self, host: str, one: Try) -> dict[str, Any] | None:
        """Return what became of a candidate on a host; none where it is still to be tried."""
        path = self.trials / host / f"{one.key}.json"
        try:
            found = model.read(path)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise damaged(path, error) from None
        if found.get("schema") != TRIAL:
            raise damaged(path, ValueError(f"the schema is {found.get('schema')}"))
        return found

    def pending(self, host: str, one: Try) -> bool:
        """Tell whether a candidate is still to be tried on a host."""
        found = self.trial(host, one)
        return found is None or str(found["failure"]).startswith(NOT_TRIED)

    def note(self, host: str, one: Try, why: str) -> None:
        """Write down that a candidate was not tried, or why nothing came of it."""
        model.write(
            self.trials / host / f"{one.key}.json",
            {
                "schema": TRIAL,
                "host": host,
                "stack": one.stack,
                "policy": one.policy,
                "cards": [],
                "verdict": None,
                "failure": why,
                "card_ok": True,
                "card_reason": "",
            },
        )

    def everything(self) -> Iterator[tuple[str, Try, dict[str, Any] | None]]:
        """Return every host and candidate with what became of it."""
        for host in self.asked.hosts:
            for one in self.asked.tries:
                yield host, one, self.trial(host, one)

    def by_card(self) -> dict[str, dict[str, list[Trial]]]:
        """Return all trials by chip and then by host: what serves one kind of card need not serve another."""
        chips = {host: chip(self.root, host, self.asked.tries) for host in self.asked.hosts}
        found: dict[str, dict[str, list[Trial]]] = {}
        for host, one, trial in self.everything():
            known = trial or {"verdict": None, "failure": f"{NOT_TRIED}it is still to come"}
            told = Trial(one.stack, one.policy, known["verdict"], known["failure"])
            found.setdefault(chips[host], {}).setdefault(host, []).append(told)
        return found


def chip(root: Path, host: str, tries: Sequence[Try]) -> str:
    """Return which card a host has, by its trials."""
    for one in tries:
        path = root / "trials" / host / f"{one.key}.json"
        cards = json.loads(path.read_text())["cards"] if path.exists() else []
        if cards:
            return str(cards[0]["gfx"])
    return "unknown card"


def load(root: Path) -> Journal:
    """Read a qualification."""
    path = root / "asked.json"
    try:
        found = model.read(path)
        if found["schema"] != SCHEMA:
            raise ValueError(f"the schema is {found['schema']}, not {SCHEMA}")
        return Journal(root, Asked(**{**found, "tries": [Try(**one) for one in found["tries"]]}))
    except FileNotFoundError:
        cure = "see what `ls runs/` has: those with an asked.json"
        raise LabError(str(root), "there is no qualification", cure) from None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise damaged(path, error) from None


def damaged(path: Path, error: Exception) -> LabError:
    """Return what to say of a file that cannot be read."""
    return LabError(
        str(path),
        f"it is damaged or of another version of this project ({error})",
        "move it away, and resume: it is then tried again",
    )
