"""What is known of a host without calling it: its last run, and the newest of its verdicts."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rdna1.lab.errors import LabError
from rdna1.report import verdicts
from rdna1.runs import model

NONE = "none"
# A verdict is about exactly these; where the host has others now, it says nothing of it.
JUDGED = ("kernel", "torch", "policy", "lock")


@dataclass
class Known:
    """One host."""

    host: str
    outcome: str = NONE
    # Why the verdict says nothing of the host as it is now; empty where it does.
    stale: str = ""
    finished: str | None = None
    # What the verdict said: one sentence.
    sentence: str = ""
    state: str | None = None
    run: str | None = None
    simulated: bool = False
    stand_in: bool = False
    summary: dict[str, Any] = field(default_factory=dict)
    differences: list[dict[str, str]] = field(default_factory=list)
    verdict: dict[str, Any] | None = None

    @property
    def passed(self) -> bool:
        """Whether the host, as it is now, has passed."""
        return self.outcome == "pass" and not self.stale


def gather(
    runs_dir: Path, verdicts_dir: Path, only: Iterable[str] | None = None, max_age: timedelta | None = None
) -> list[Known]:
    """Return what is known of every host, or of the hosts that are asked for."""
    wanted = list(only) if only is not None else None
    last = _last_runs(runs_dir, wanted)
    fetched = _fetched(verdicts_dir, wanted)
    names = wanted if wanted is not None else sorted({*last, *fetched})
    return [_know(name, last.get(name), fetched.get(name), max_age) for name in names]


def _last_runs(directory: Path, wanted: list[str] | None) -> dict[str, tuple[str, model.Host]]:
    """Return each host as the newest run left it that got as far as to try it; else as one that did not."""
    found: dict[str, tuple[str, model.Host]] = {}
    untried: dict[str, tuple[str, model.Host]] = {}
    for paths in model.runs(directory):
        known = {paths.host(name).name for name in found}
        asked = None if wanted is None else {paths.host(name).name for name in wanted}
        for file in sorted((paths.root / "hosts").glob("*.json")):
            if file.name in known or (asked is not None and file.name not in asked):
                continue
            host = model.load_host(file)
            if host.state == "pending":
                untried.setdefault(host.host, (paths.root.name, host))
            else:
                found[host.host] = (paths.root.name, host)
        if wanted is not None and len(found) == len(wanted):
            break
    return {**untried, **found}


def _fetched(directory: Path, wanted: list[str] | None) -> dict[str, dict[str, Any]]:
    """Return the verdicts that playbooks fetched, by file name: what a verdict calls its host is hearsay."""
    found = {}
    for file in sorted(directory.glob("*.json")):
        if wanted is not None and file.stem not in wanted:
            continue
        try:
            found[file.stem] = model.read(file)
        except (OSError, ValueError, TypeError) as error:
            raise LabError(
                str(file), f"it is no verdict ({error})", f"rm {file}, and verify the host again"
            ) from None
    return found


def _know(
    name: str,
    last: tuple[str, model.Host] | None,
    fetched: dict[str, Any] | None,
    max_age: timedelta | None,
) -> Known:
    known = Known(name)
    found = [fetched] if fetched else []
    now: dict[str, Any] = {}
    host = model.Host(name)
    if last:
        known.run, host = last
        known.state = host.state
        # What a run has repaired is history.
        known.differences = [] if host.state in model.PASSED else host.differences
        now = verdicts.now(host)
        found += [verdict for verdict in (host.verdict, host.restored) if verdict]
    if found:
        newest = max(found, key=lambda verdict: str(verdict.get("finished", "")))
        known.verdict, known.outcome = newest, verdicts.outcome(newest)
        known.finished, known.sentence = str(newest.get("finished", "")), str(newest.get("summary", ""))
    elif host.prior and host.prior.get("verdict"):
        known.outcome, known.finished = str(host.prior["verdict"]), host.prior.get("finished")
        known.sentence = str(host.prior.get("sentence", ""))
    judged = verdicts.summary(known.verdict)
    known.summary = {**judged, **{field: value for field, value in now.items() if value is not None}}
    known.simulated = verdicts.simulated(known.verdict) or bool(now.get("simulated"))
    known.stand_in = verdicts.stand_in(known.verdict)
    if known.outcome != NONE:
        known.stale = _stale(known, judged, now, host, max_age)
    return known


def _stale(
    known: Known, judged: dict[str, Any], now: dict[str, Any], host: model.Host, max_age: timedelta | None
) -> str:
    for name in JUDGED:
        if judged.get(name) and now.get(name) and judged[name] != now[name]:
            return f"{name} is {now[name]} now, {judged[name]} was judged"
    # The last run looked at the host and made no verdict of its own: this one is from before it.
    made, begun = _moment(known.finished), _moment(host.started)
    if host.verdict is None and (known.verdict is None or (made and begun and made < begun)):
        if host.prior and not host.prior.get("current"):
            return "the host has changed since"
        if host.differences:
            return "a run has changed the host since, and not verified it"
    if max_age is not None:
        age = _age(known.finished)
        if age is None:
            return "nobody knows when it was made"
        if age > max_age:
            return f"it is {age.days} days old"
    return ""


def _age(finished: str | None) -> timedelta | None:
    made = _moment(finished)
    return datetime.now(UTC) - made if made else None


def _moment(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
