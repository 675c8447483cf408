"""`rdna1 lab …`: the commands, and nothing but their input and output."""

import json
import os
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from rdna1.lab import images, layout, lifecycle, ssh, state, status
from rdna1.lab.containers import Fleet
from rdna1.lab.errors import CHECK_FAILED, COULD_NOT_JUDGE, LabError
from rdna1.lab.paths import LabPaths

app = typer.Typer(
    no_args_is_help=True, help="A fleet of containers on this machine, with simulated RDNA1 cards."
)
# Wide enough for a host's line also where there is no terminal.
WIDTH = 100

Name = Annotated[
    str, typer.Option("--name", envvar="RDNA1_LAB", help="Which lab; several can be up at the same time.")
]


def say(line: str) -> None:
    """Tell what is going on."""
    print(f"lab: {line}", flush=True)


def complain(line: str) -> None:
    """Tell what is wrong."""
    print(f"rdna1: {line}", file=sys.stderr)


def chosen_bases(debian: str | None, lab_base: str) -> tuple[str, ...] | None:
    """Return the bases that were asked for; None leaves them as they are, or to the default."""
    if lab_base:
        where, names, known = "LAB_BASE", [lab_base], images.bases()
    elif debian is not None:
        where, known = "--debian", [base for base in images.bases() if base.startswith("debian-")]
        names = [f"debian-{release.strip()}" for release in debian.split(",")]
    else:
        return None
    for name in names:
        if name not in known:
            raise LabError(where, f"there is no base {name}", f"use {' or '.join(known)}")
    return tuple(names)


@app.command()
def up(
    hosts: Annotated[
        int | None,
        typer.Option(
            help="How many hosts, the CPU reference included. "
            f"Default: as many as the lab has, or {layout.DEFAULT_HOSTS}."
        ),
    ] = None,
    debian: Annotated[
        str | None,
        typer.Option(
            metavar="RELEASES", help="13, 12 or 13,12 (in turn). Default: 13, but 12 for the RX 5500 XT."
        ),
    ] = None,
    copy: Annotated[
        bool,
        typer.Option(
            "--copy",
            help="Begin each new host as a copy of one of its kind that is there, with all that is on it.",
        ),
    ] = False,
    full_size: Annotated[
        bool | None,
        typer.Option(
            "--full-size/--small",
            help="Whether the mirror's ROCm packages and torch are as large as the real ones: in total, "
            "what each takes is guessed. That makes 3 GB of archives, once, and 20 GB of each host that "
            "installs them. Default: as the lab is, or small.",
        ),
    ] = None,
    name: Name = "lab",
) -> None:
    """Bring a lab up, or repair and resize one that is.

    The hosts are containers with systemd and SSH. Their cards are simulated: files that show what the
    kernel would. Their base images are bootstrapped from Debian's own packages.

    LAB_BASE=ubuntu-24.04 or ubuntu-22.04 takes the base from an image registry instead. That way is not
    proven: no registry was within reach where it was written.
    """
    bases = chosen_bases(debian, os.environ.get("LAB_BASE", ""))
    conclude(lifecycle.up(LabPaths(name), hosts, bases, say, copy=copy, full_size=full_size))


@app.command()
def reset(
    hosts: Annotated[list[str] | None, typer.Argument(help="Which hosts. Default: all.")] = None,
    name: Name = "lab",
) -> None:
    """Make hosts anew from their base images: same ports, new host keys, nothing else kept."""
    conclude(lifecycle.reset(LabPaths(name), hosts or [], say))


def conclude(outcome: lifecycle.Outcome) -> None:
    """Say what was done; fail where something failed."""
    for error in outcome.failures.values():
        complain(str(error))
    if outcome.outdated:
        say(f"{', '.join(outcome.outdated)} run an older base image; `rdna1 lab reset` renews them")
    lab = outcome.lab
    ready = len(lab.hosts.keys() - outcome.failures.keys())
    say(
        f"{lab.name} has {ready} of {len(lab.hosts)} hosts ready"
        f" ({len(outcome.created)} new, {len(outcome.started)} started again)"
    )
    if outcome.failures:
        raise typer.Exit(max(error.exit_code for error in outcome.failures.values()))


@app.command()
def down(
    purge: Annotated[
        bool, typer.Option("--purge", help="Also remove this project's base images and caches.")
    ] = False,
    name: Name = "lab",
) -> None:
    """Remove a lab: its containers, network and state. Base images and caches stay."""
    lifecycle.down(LabPaths(name), purge=purge, say=say)


@app.command("status")
def show(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False, name: Name = "lab"
) -> None:
    """Log in to every host and say how it is."""
    paths = LabPaths(name)
    try:
        lab = state.need(paths)
    except LabError as error:
        if not as_json:
            raise
        missing = status.Failure("", "not-up", f"{error.where}: {error.what}", error.cure)
        print(json.dumps(status.Report(name, [missing], [], {}).as_json(), indent=2))
        raise typer.Exit(COULD_NOT_JUDGE) from None
    found = status.report(Fleet(lifecycle.podman_of(paths), paths), lab)
    if as_json:
        print(json.dumps(found.as_json(), indent=2))
    else:
        draw(found)
        for failure in found.failures:
            complain(f"{failure.host}: {failure.message}; run `{failure.fix}`")
    if found.failures:
        raise typer.Exit(CHECK_FAILED)


def draw(found: status.Report) -> None:
    """Print a report as a table."""
    table = Table(
        "host", "base", "card", "port", "systemd", "ssh", box=None, pad_edge=False, padding=(0, 2, 0, 0)
    )
    for row in found.hosts:
        card = f"{row.card} (simulated)" if row.simulated else "none"
        table.add_row(row.host, row.base, card, str(row.port), row.systemd, "ok" if row.ssh else "FAILED")
    console = Console()
    console.width = max(console.width, WIDTH)
    console.print(table)


@app.command("ssh")
def connect(
    host: Annotated[str, typer.Argument(help="Which host.")],
    command: Annotated[list[str] | None, typer.Argument(help="What to run there. Default: a shell.")] = None,
    name: Name = "lab",
) -> None:
    """Log in to a host, or run a command on it: `rdna1 lab ssh HOST -- CMD`."""
    paths = LabPaths(name)
    lab = state.need(paths)
    port = lifecycle.host_of(lab, host).port
    argv = ssh.argv(paths, lab.user, port, *(command or []), terminal=not command and sys.stdin.isatty())
    os.execvp(argv[0], argv)  # noqa: S606 - becomes ssh, whose terminal and exit code are then the command's
