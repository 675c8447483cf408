"""`rdna1 doctor`: its input and output."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from rdna1.doctor.findings import Finding, Report
from rdna1.lab.errors import LabError
from rdna1.lab.paths import CHECKOUT

DEFAULT_INVENTORY = str(CHECKOUT / "inventories/lab")


def doctor(
    inventories: Annotated[
        list[str] | None,
        typer.Option(
            "-i",
            "--inventory",
            metavar="PATH",
            help="An inventory; give it again to join several. Default: inventories/lab.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: schema rdna1.doctor/1.")] = False,
) -> None:
    """Look whether this machine, its inventory and every host are ready for a run; change nothing.

    This machine: Python, the locked Ansible, ssh, free space, whether host keys are checked. The inventory:
    whether it parses, its groups, misspelt variables. Every host, all at the same time: SSH, host key,
    Python, sudo, clock, release, card, free space. Each finding comes with a command that cures it.

    Exit code: 0 a run may start; 1 something must be cured first; 2 the inventory cannot be read, or Ansible
    not be run.
    """
    try:
        report = examine(inventories or [DEFAULT_INVENTORY])
    except LabError as error:
        if not as_json:
            raise
        failure = Finding("", "not-judged", f"{error.where}: {error.what}", error.cure)
        typer.echo(json.dumps(Report(failures=[failure]).as_json(), indent=2))
        raise typer.Exit(error.exit_code) from None
    if as_json:
        typer.echo(json.dumps(report.as_json(), indent=2))
    else:
        draw(report, Console(highlight=False, soft_wrap=True))
    raise typer.Exit(report.exit_code)


def examine(paths: list[str]) -> Report:
    """Look at everything; hosts are called only where the inventory has any."""
    # Not above: they import Ansible, which no other command should have to wait for.
    from rdna1.doctor import control, hosts, inventory

    report = control.look(CHECKOUT)
    found = inventory.read(CHECKOUT, paths)
    report.add(inventory.judge(found))
    if found.hosts:
        report.add(hosts.look(CHECKOUT, found))
    return report


def draw(report: Report, console: Console) -> None:
    """Print what is well, then what is not, each with its cure."""
    for line in report.healthy:
        console.print(Text("ok    ", "green") + Text(line, ""))
    for colour, word, findings in (("yellow", "warn  ", report.warnings), ("red", "FAIL  ", report.failures)):
        for finding in findings:
            console.print(Text(word, f"bold {colour}") + Text(printable(finding.message), ""))
            console.print(Text("      cure: ", "dim") + Text(printable(finding.fix), "bold"))
    if report.failures:
        hosts_hit = len({finding.host for finding in report.failures if finding.host})
        console.print(f"{len(report.failures)} to cure, on {hosts_hit} of {len(report.hosts)} hosts.")
    else:
        console.print("Ready.")


def printable(text: str) -> str:
    """Return one line without control characters: what a host says must not move a terminal's cursor."""
    return "".join(char if char.isprintable() else " " for char in " ".join(text.split()))
