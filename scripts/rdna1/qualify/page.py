"""A qualification as one HTML page that needs nothing but itself; everything in it is escaped."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2

from rdna1.qualify import report
from rdna1.qualify.candidate import Trial
from rdna1.qualify.journal import Journal
from rdna1.qualify.rank import state
from rdna1.qualify.report import Qualified
from rdna1.report import page as reports

HERE = Path(__file__).parent
# The page of a rollout looks the same.
STYLE = Path(reports.__file__).with_name("page.css")


def render(journal: Journal, found: Sequence[Qualified], trials: Sequence[Trial]) -> str:
    """Return the page."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([HERE, STYLE.parent]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"moment": reports.moment, "seconds": reports.seconds, "tone": tone}
    style = environment.get_template(STYLE.name).render()
    context: dict[str, Any] = {
        "asked": journal.asked,
        "found": found,
        "style_hash": base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        "suites": {
            one.card: report.suites(ranked.candidate for ranked in one.ranking.ranked) for one in found
        },
        "cell": report.cell,
        "state": state,
        "inventory": report.inventory,
        "simulated": any(ranked.candidate.simulated for one in found for ranked in one.ranking.ranked),
        "judged": sum(1 for trial in trials if trial.verdict is not None),
        "tried": len(trials),
    }
    return environment.get_template("page.html.j2").render(context)


def tone(words: str) -> str:
    """Return how a cell of the matrix is shown."""
    if words == "-":
        return "waiting"
    return "bad" if " " in words else "good"
