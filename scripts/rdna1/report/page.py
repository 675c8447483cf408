"""A run as one HTML page that needs nothing but itself: no network, no framework, everything escaped."""

import base64
import hashlib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from rdna1.report import fleet, plot, verdicts
from rdna1.report.document import Document, ReportedHost
from rdna1.report.document import seconds as elapsed
from rdna1.runs import model

HERE = Path(__file__).parent
# The columns of the hosts, and how each is sorted.
COLUMNS = (
    ("Host", "text"),
    ("Wave", "number"),
    ("State", "rank"),
    ("Card", "text"),
    ("Verdict", "text"),
    ("Changes", "number"),
    ("Kernel", "text"),
    ("ROCm", "text"),
    ("torch", "text"),
    ("Policy", "text"),
    ("Took", "number"),
    ("Reboot", "text"),
)
# So many are named where a list could be as long as the fleet; the rest is counted.
SHOWN, MOST = 20, 50
# Marks are shapes as well as colours: nobody should need to tell red from green.
MARKS = {"good": "✓", "bad": "✕", "odd": "!", "waiting": "…"}
TONES: dict[str, str] = {
    **dict.fromkeys(model.FAILED, "bad"),
    **dict.fromkeys(model.PASSED, "good"),
    **dict.fromkeys(model.UNFINISHED, "waiting"),
    "needs-reboot": "odd",
    "skipped": "odd",
    "rolled-back": "odd",
    # Of verdicts and cases.
    **dict.fromkeys(("pass",), "good"),
    **dict.fromkeys(("fail", "hang", "compile-timeout", "crash", "error"), "bad"),
    **dict.fromkeys(("unknown", "stale", "skip", "not-run", "expected-hang", "unexpected-pass"), "odd"),
    "none": "waiting",
    # Of runs and waves.
    **dict.fromkeys(("done",), "good"),
    **dict.fromkeys(("stopped", "interrupted"), "bad"),
    **dict.fromkeys(("paused",), "waiting"),
}


def tone(state: str) -> str:
    """Return how a state is shown; one that nobody knows is odd, not good."""
    return TONES.get(state, "odd")


def duration(seconds: float | None) -> str:
    """Return a duration as a person says it."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def moment(text: str | None) -> str:
    """Return a time as a person reads it, in UTC; what is no time stays as it is."""
    if not text:
        return ""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return text
    if found.tzinfo:
        found = found.astimezone(UTC)
    return f"{found:%Y-%m-%d %H:%M:%S}"


def seconds(value: float | None) -> str:
    """Return a measured time with three digits that count."""
    return "" if value is None else f"{value:.3g}"


def short(name: object) -> str:
    """Return a name without its maker: the column is narrow."""
    return str(name).removeprefix("AMD ").removeprefix("Radeon ")


def rank(state: str) -> int:
    """Return where a state stands when hosts are sorted by it: the worst first."""
    return ("bad", "odd", "waiting", "good").index(tone(state))


def reasons(host: ReportedHost) -> dict[str, list[dict[str, str]]]:
    """Return the plan's differences by the role that owns them, in the order of the chain."""
    found: dict[str, list[dict[str, str]]] = {}
    for difference in host.differences:
        found.setdefault(difference.get("role", ""), []).append(difference)
    return found


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "tone": tone,
        "mark": lambda state: MARKS[tone(state)],
        "duration": duration,
        "moment": moment,
        "seconds": seconds,
        "short": short,
    }
    return environment


def render(document: Document) -> str:
    """Return the page."""
    style, script = ((HERE / name).read_text() for name in ("page.css", "page.js"))
    by_name = {host.host: host for host in document.hosts}
    troubled = [(by_name[finding.host], finding) for finding in document.failures]
    troubled = [(host, finding) for host, finding in troubled if tone(host.state) != "waiting"]
    context: dict[str, Any] = {
        "run": document,
        "style": Markup(style),  # noqa: S704 - this project's own file
        "script": Markup(script),  # noqa: S704
        # Only these two may run: whatever a host's message holds, it can be no script.
        "style_hash": _hash(style),
        "script_hash": _hash(script),
        "plots": [(family, plot.draw(family)) for family in document.families],
        "figures": verdicts.figures(),
        "fields": fleet.FIELDS,
        "cases": {host.host: verdicts.cases(host.verdict) for host in document.hosts},
        "reasons": {host.host: reasons(host) for host in document.hosts},
        "notices": {host.host: verdicts.notices(host.verdict) for host in document.hosts},
        "troubled": sorted(troubled, key=lambda one: rank(one[0].state)),
        "waiting": len(document.failures) - len(troubled),
        "columns": COLUMNS,
        "shown": SHOWN,
        "most": MOST,
        "numbers": {host.host: number for number, host in enumerate(document.hosts, 1)},
        "state_rank": rank,
        "run_seconds": lambda wave: elapsed(wave.started, wave.ended),
        "passed": sum(host.passed for host in document.hosts),
    }
    return _environment().get_template("page.html.j2").render(context)
