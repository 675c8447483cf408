"""`rdna1 status` and `rdna1 diff`: their input and output."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rdna1.doctor.commands import printable
from rdna1.lab.errors import CHECK_FAILED, LabError
from rdna1.lab.paths import CHECKOUT
from rdna1.report.commands import RunsDir
from rdna1.status import compare
from rdna1.status.known import NONE, Known, gather

SCHEMA = "rdna1.status/1"
# Where there is no terminal, a host is one line, however long.
WIDTH = 1000
COLOURS = {"pass": "green", "fail": "red", "hang": "red"}

VerdictsDir = Annotated[
    Path,
    typer.Option("--verdicts-dir", metavar="DIR", help="Where the playbooks put the verdicts they fetch."),
]
Json = Annotated[bool, typer.Option("--json", help="For programs.")]


def status(
    inventories: Annotated[
        list[str] | None,
        typer.Option(
            "-i",
            "--inventory",
            metavar="PATH",
            help="Show its hosts, also those of which nothing is known. "
            "Default: those that have a verdict or a run.",
        ),
    ] = None,
    runs_dir: RunsDir = Path("runs"),
    verdicts_dir: VerdictsDir = Path("verdicts"),
    max_age: Annotated[
        int,
        typer.Option(
            "--max-age", metavar="DAYS", min=0, help="An older verdict is stale. Default: none is too old."
        ),
    ] = 0,
    as_json: Json = False,
) -> None:
    """Show the fleet as its last verdicts and runs left it; no host is called.

    A verdict is stale where the host has another kernel, torch, policy or lock now than was judged, or where
    it is older than --max-age. A stale pass is no pass.

    Exit code: 0 every host has a pass; 1 one has not; 2 nothing is known of any host.
    """
    # Not above, as what makes pages in draw(): it imports Ansible; no other command should have to wait.
    from rdna1.doctor import inventory

    only = inventory.read(CHECKOUT, inventories).hosts if inventories else None
    known = gather(runs_dir, verdicts_dir, only, timedelta(days=max_age) if max_age else None)
    if not known:
        raise LabError(
            "rdna1 status",
            f"there is neither a verdict in {verdicts_dir} nor a run in {runs_dir}",
            "run playbooks/rdna1.yml or `rdna1 rollout`, or name --verdicts-dir and --runs-dir",
        )
    if as_json:
        typer.echo(json.dumps(status_json(known), indent=2))
    else:
        draw(known)
    raise typer.Exit(0 if all(host.passed for host in known) else CHECK_FAILED)


def status_json(known: list[Known]) -> dict[str, Any]:
    """Return what `rdna1 status --json` prints; the verdicts themselves stay in their files."""
    failures = [
        {
            "host": host.host,
            "code": "stale" if host.stale and host.outcome == "pass" else f"verdict-{host.outcome}",
            "message": host.stale or host.sentence or "it has no verdict",
            "fix": f"ansible-playbook playbooks/verify.yml --limit {host.host}",
        }
        for host in known
        if not host.passed
    ]
    hosts = [{name: value for name, value in vars(host).items() if name != "verdict"} for host in known]
    return {"schema": SCHEMA, "ok": not failures, "failures": failures, "hosts": hosts}


def draw(known: list[Known]) -> None:
    """Print the fleet as a table, and how many pass."""
    from rdna1.report.page import moment, short

    table = Table(
        *("host", "verdict", "when (UTC)", "last run", "card", "kernel", "torch", "policy", "note"),
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )
    for host in known:
        said = Text(host.outcome, "yellow" if host.stale else COLOURS.get(host.outcome, "yellow"))
        card = short(host.summary.get("card") or "") + (" (simulated)" if host.simulated else "")
        torch = str(host.summary.get("torch") or "") + (" (stand-in)" if host.stand_in else "")
        note = f"STALE: {host.stale}" if host.stale else "" if host.passed else host.sentence
        cells = (moment(host.finished)[:16], host.state or "", card, host.summary.get("kernel"), torch)
        rest = [Text(printable(str(cell or ""))) for cell in (*cells, host.summary.get("policy"), note)]
        table.add_row(Text(printable(host.host)), said, *rest)
    console = _console()
    console.print(table)
    console.print(f"{sum(host.passed for host in known)} of {len(known)} hosts pass.")


def diff(
    left: Annotated[str, typer.Argument(metavar="HOST")],
    right: Annotated[str, typer.Argument(metavar="HOST")],
    runs_dir: RunsDir = Path("runs"),
    verdicts_dir: VerdictsDir = Path("verdicts"),
    as_json: Json = False,
) -> None:
    """Say in what two hosts differ: versions, plan, verdict, cases and their times; no host is called.

    From the last run that tried each of them, and the newest verdict of each. Times of a case differ where
    one is at least a quarter longer.

    Exit code: 0 they are alike; 1 they differ; 2 nothing is known of one of them.
    """
    one, other = (gather(runs_dir, verdicts_dir, [name])[0] for name in (left, right))
    for host in (one, other):
        if host.outcome == NONE and host.run is None:
            raise LabError(
                host.host,
                f"there is neither a verdict of it in {verdicts_dir} nor a run in {runs_dir} that tried it",
                "see `rdna1 status` for the hosts that are known",
            )
    found = compare.compare(one, other)
    if as_json:
        typer.echo(json.dumps(compare.as_json(one, other, found), indent=2))
    elif found:
        table = Table("", printable(left), printable(right), box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for each in found:
            table.add_row(*(Text(printable(cell)) for cell in (each.what, each.left, each.right)))
        _console().print(table)
    else:
        print(f"{left} and {right} are alike.")
    raise typer.Exit(CHECK_FAILED if found else 0)


def _console() -> Console:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    return console
