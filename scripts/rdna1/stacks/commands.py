"""`rdna1 stacks` and `rdna1 lock`: the commands, and nothing but their input and output."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from rdna1.lab.errors import CHECK_FAILED, LabError
from rdna1.lab.state import write_atomically

if TYPE_CHECKING:
    from rdna1.stacks.model import Stack

# Wide enough for a stack's line also where there is no terminal.
WIDTH = 118


def stacks(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    allow_diagnostic: Annotated[
        bool, typer.Option(help="Judge as where pytorch_venv_allow_diagnostic is true.")
    ] = False,
) -> None:
    """List the stacks: what each is, and whether it can be installed or why not."""
    # Not above: no other command should have to wait for what reads and checks stacks.
    from rdna1.stacks import model

    rows, failures = [], []
    for name in model.names():
        try:
            rows.append(describe(model.load(name), allow_diagnostic=allow_diagnostic))
        except LabError as error:
            failures.append(
                {"host": "", "code": "invalid", "message": f"{error.where}: {error.what}", "fix": error.cure}
            )
    if as_json:
        report = {"schema": "rdna1.stacks/1", "ok": not failures, "failures": failures, "stacks": rows}
        print(json.dumps(report, indent=2))
    else:
        draw(rows)
        for failure in failures:
            print(f"rdna1: {failure['message']}; {failure['fix']}", file=sys.stderr)
    if failures:
        raise typer.Exit(CHECK_FAILED)


def describe(stack: Stack, *, allow_diagnostic: bool = False) -> dict[str, Any]:
    """Return what programs want to know of a stack."""
    refusal = stack.refusal(allow_diagnostic=allow_diagnostic)
    return {
        "name": stack.name,
        "title": stack.title,
        "cards": stack.data.get("cards", []),
        "python": stack.python,
        "torch": stack.torch,
        "rocm": stack.rocm or None,
        "policy": stack.policy or None,
        "hsa_override_gfx_version": stack.override or None,
        "diagnostic": bool(stack.diagnostic),
        "locked": stack.lock.exists(),
        "installable": not refusal,
        "why_not": refusal or None,
    }


def draw(rows: list[dict[str, Any]]) -> None:
    """Print the stacks as a table, and below it why some cannot be installed."""
    headings = ("stack", "Python", "torch", "system ROCm", "policy", "override", "installable")
    table = Table(*headings, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for row in rows:
        cells = (row["rocm"], row["policy"], row["hsa_override_gfx_version"])
        installable = "yes" if row["installable"] else "no"
        table.add_row(
            row["name"], row["python"], row["torch"], *(cell or "none" for cell in cells), installable
        )
    console = Console()
    console.width = max(console.width, WIDTH)
    console.print(table)
    for row in rows:
        if not row["installable"]:
            print(f"{row['name']}: {row['why_not']}.")


def lock(
    stack: Annotated[str, typer.Argument(help="Which stack: a folder of stacks/.")],
    index_url: Annotated[
        str, typer.Option(help="The index to ask first. Default: this machine's own, as pip has it.")
    ] = "",
    yes: Annotated[
        bool, typer.Option("--yes", help="Write without asking; what is new is shown all the same.")
    ] = False,
) -> None:
    """Download a stack's wheels, hash them, show what is new and from where, and write its lock.

    A hash that is known already must be met: another file under a known name is refused, with --yes too.
    """
    from rdna1.stacks import lock as locking
    from rdna1.stacks import model

    chosen = model.load(stack)
    first = index_url or configured("index-url")
    others = [
        *chosen.data["wheels"]["index_urls"],
        *(() if index_url else configured("extra-index-url").split()),
    ]
    print(
        f"lock: resolving and downloading {chosen.name} ({chosen.torch}); large wheels take their time",
        flush=True,
    )
    found = locking.obtain(chosen, locking.Indexes(first, tuple(others)))
    differences = locking.judge(chosen, found)
    if not differences:
        print(f"lock: {chosen.name} is as the index has it, all {len(found)} hashes were met")
        return
    for difference in differences:
        print(difference.words)
    new = sum(1 for difference in differences if difference.sha256)
    print(f"lock: {new} of {len(found)} hashes are new; nothing but these addresses speaks for them")
    if not yes and not confirmed():
        raise LabError(
            f"stacks/{stack}",
            "nothing was written",
            "compare the hashes with another source, then say yes or give --yes",
        )
    write_atomically(chosen.lock, locking.render(chosen, found))
    print(f"lock: wrote stacks/{chosen.name}/requirements.txt; commit it, so that every host gets the same")


def confirmed() -> bool:
    """Ask the person at the terminal; nobody there is a no."""
    return sys.stdin.isatty() and typer.confirm("Write them?", default=False)


def configured(key: str) -> str:
    """Return what this machine's pip is configured to use, since uv reads another configuration."""
    command = [sys.executable, "-m", "pip", "config", "get", f"global.{key}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""
