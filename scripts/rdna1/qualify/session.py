"""One qualification from the command line's side: who is asked, what is shown, what is written."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from rdna1.lab.errors import CHECK_FAILED, COULD_NOT_JUDGE, LabError
from rdna1.lab.paths import CHECKOUT
from rdna1.qualify import page, plan, report
from rdna1.qualify.command import CANDIDATE_MINUTES, MINUTES
from rdna1.qualify.driver import Driver
from rdna1.qualify.journal import Asked, Journal, load
from rdna1.qualify.rank import rank
from rdna1.qualify.report import Qualified
from rdna1.rollout import fleet, lock, vault
from rdna1.rollout.ansible import Setting
from rdna1.rollout.fleet import Member
from rdna1.rollout.interrupts import Interrupts
from rdna1.rollout.prepare import INVENTORY, clear, extra_files, private_folder
from rdna1.runs import model
from rdna1.stacks import model as stacks
from rdna1.stacks import policies

# Wide enough for a candidate's line also where there is no terminal.
WIDTH = 130


@dataclass(frozen=True)
class Wish:
    """What was given on the command line; None or empty where nothing was."""

    inventories: list[Path] = field(default_factory=list)
    limit: str | None = None
    stacks: list[str] = field(default_factory=list)
    policies: list[str] = field(default_factory=list)
    exactly: list[str] = field(default_factory=list)
    suites: list[str] = field(default_factory=list)
    allow_diagnostic: bool = False
    minutes: int | None = None
    candidate_minutes: int | None = None
    reboot: str | None = None
    extra_vars: list[str] = field(default_factory=list)
    vault_password_files: list[Path] = field(default_factory=list)


def session(wish: Wish, resume: str | None, runs_dir: Path, as_json: str | None) -> int:
    """Qualify, show and write the result; return the exit code."""
    # Set by some container images; it makes Ansible's pipelining slower than none.
    os.environ.pop("PYTHONUNBUFFERED", None)
    if wish.reboot == "ask" and not sys.stdin.isatty():
        raise LabError("--reboot", "nobody can be asked: this is no terminal", "give if-needed or never")
    shown = Console(stderr=as_json == "-", highlight=False)
    with prepared(wish, resume, runs_dir.resolve()) as (journal, setting, members, said):
        for text in said:
            shown.print(text, markup=False)
        shown.print(f"qualification {journal.asked.id}", markup=False)
        with Interrupts(
            lambda text: shown.print(text.replace("wave", "candidate"), markup=False)
        ) as interrupts:
            driver = Driver(
                journal,
                setting,
                interrupts,
                tell=lambda text: shown.print(text, markup=False, soft_wrap=True),
                confirm=lambda question: typer.confirm(question, default=False, err=True),
            )
            driver.go()
        found = qualified(journal, members)
        written = write(journal, found)
    if as_json == "-":
        print(json.dumps(written, indent=2, ensure_ascii=False))
    else:
        if as_json:
            model.write(Path(as_json).resolve(), written)
        show(shown, journal, found)
    if journal.asked.state != "done":
        return COULD_NOT_JUDGE
    return 0 if written["ok"] else CHECK_FAILED


@contextlib.contextmanager
def prepared(
    wish: Wish, resume: str | None, runs_dir: Path
) -> Iterator[tuple[Journal, Setting, Mapping[str, Member], list[str]]]:
    """Make a qualification, or take one up again, and hold its hosts' locks: no rollout comes between."""
    before = taken_up(wish, runs_dir / resume) if resume else None
    given = map(Path, before.asked.inventories) if before else wish.inventories or [CHECKOUT / INVENTORY]
    inventories = [path.resolve() for path in given]
    with private_folder() as private:
        keys = vault.keys(wish.vault_password_files)
        files, names = extra_files(keys.loader, wish.extra_vars, private)
        if before and (missing := set(before.asked.extra_vars_names) - set(names)):
            raise LabError(
                f"qualification {before.asked.id}",
                f"it had extra variables ({', '.join(sorted(missing))}), whose values are not kept",
                "give them again with -e",
            )
        known = fleet.read(keys.loader, inventories, before.asked.limit if before else wish.limit)
        journal = before or fresh(wish, known.members, inventories, names, runs_dir)
        if lost := [host for host in journal.asked.hosts if host not in known.members]:
            raise LabError(
                "--inventory", f"it no longer has {', '.join(lost)}", "put them back, or begin anew"
            )
        changed(journal.asked, wish)
        owner = lock.me(journal.asked.id, str(private))
        with lock.held(locks(journal, known.members), owner) as dead:
            journal.trials.mkdir(parents=True, exist_ok=True)
            journal.save()
            passwords = [path.resolve() for path in wish.vault_password_files]
            setting = Setting(journal.asked.id, inventories, private, files, passwords)
            yield journal, setting, known.members, [clear(one) for one in dead]


def locks(journal: Journal, members: Mapping[str, Member]) -> Iterator[tuple[Path, str]]:
    """Return the locks that are needed, each with what it is about."""
    yield journal.root / "lock", f"qualification {journal.asked.id}"
    for host in journal.asked.hosts:
        yield lock.host_lock(members[host].address), f"host {host}"


def fresh(
    wish: Wish, members: Mapping[str, Member], inventories: list[Path], names: list[str], runs_dir: Path
) -> Journal:
    """Return a qualification that has not begun."""
    known = {one.name: one for one in stacks.load_all()}
    tries = plan.candidates(
        known, policies.load(), chosen=wish.stacks, also=wish.policies, exactly=wish.exactly
    )
    diagnostic = sorted({one.stack for one in tries if known[one.stack].diagnostic})
    if diagnostic and not wish.allow_diagnostic:
        raise LabError(
            "--stack",
            f"{', '.join(diagnostic)} is for diagnosis only",
            "leave it out, or add --allow-diagnostic",
        )
    run = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    asked = Asked(
        id=run,
        started=model.now(),
        inventories=[str(path) for path in inventories],
        hosts=plan.hosts(members, wish.limit),
        tries=tries,
        suites=wish.suites or ["all"],
        minutes=MINUTES,
        candidate_minutes=CANDIDATE_MINUTES,
        reboot="ask" if sys.stdin.isatty() else "never",
        limit=wish.limit,
        allow_diagnostic=wish.allow_diagnostic,
        extra_vars_names=names,
    )
    return Journal(runs_dir / run, asked)


def changed(asked: Asked, wish: Wish) -> None:
    """Take over what may differ each time that it is taken up."""
    asked.minutes = wish.minutes or asked.minutes
    asked.candidate_minutes = wish.candidate_minutes or asked.candidate_minutes
    asked.reboot = wish.reboot or asked.reboot
    if asked.reboot == "ask" and not sys.stdin.isatty():
        asked.reboot = "never"


def taken_up(wish: Wish, root: Path) -> Journal:
    """Return a qualification that is to be resumed."""
    for name in ("inventories", "limit", "stacks", "policies", "exactly", "suites", "allow_diagnostic"):
        if getattr(wish, name):
            words = {"inventories": "inventory", "exactly": "candidate", "policies": "policy"}
            raise LabError(
                f"--{words.get(name, name.rstrip('s').replace('_', '-'))}",
                "it cannot be changed when a qualification is resumed",
                "leave it out, or begin a new one",
            )
    return load(root)


def qualified(journal: Journal, members: Mapping[str, Member]) -> list[Qualified]:
    """Rank what was tried, for each kind of card by itself."""
    not_offered = [name for name in stacks.names() if stacks.load(name).diagnostic]
    found = []
    for card, hosts in sorted(journal.by_card().items()):
        trials = [trial for of_host in hosts.values() for trial in of_host]
        ranking = rank(trials, not_offered=not_offered)
        found.append(Qualified(card, list(hosts), plan.group_of(members, hosts), ranking, trials))
    return found


def write(journal: Journal, found: list[Qualified]) -> dict[str, Any]:
    """Write the result for programs, for people and for others to compare; return the first."""
    document = report.document(found, journal.asked.id, journal.asked.state)
    model.write(journal.root / "qualify.json", document)
    trials = [trial for one in found for trial in one.trials]
    for one in found:
        name = "record.json" if len(found) == 1 else f"record-{one.card.replace(' ', '-')}.json"
        model.write(journal.root / name, report.record(one.ranking, one.trials))
    (journal.root / "report.html").write_text(page.render(journal, found, trials))
    return document


def show(console: Console, journal: Journal, found: list[Qualified]) -> None:
    """Print the matrix, the recommendation and how to adopt it."""
    console.width = max(console.width, WIDTH)
    for one in found:
        console.print(f"\n{one.card}: {', '.join(one.hosts)}", markup=False)
        console.print(report.table(one.ranking))
        console.print(f"\n{one.ranking.sentence}", markup=False, soft_wrap=True)
        if one.ranking.best:
            console.print(f"\n# group_vars/{one.group}.yml", markup=False)
            console.print(report.inventory(one.ranking.best), markup=False, end="")
    root = journal.root
    console.print(f"\n{root}/report.html, qualify.json, record*.json", markup=False, soft_wrap=True)
    if journal.asked.state != "done":
        runs = "" if root.parent == Path("runs").resolve() else f" --runs-dir {root.parent}"
        console.print(
            f"not everything was tried; go on with: rdna1 qualify --resume {journal.asked.id}{runs}"
        )
