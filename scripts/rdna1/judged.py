"""`rdna1 preflight` and `rdna1 drift`: the playbooks of these names, with the exit codes of this project."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from rdna1.lab.errors import CHECK_FAILED, COULD_NOT_JUDGE
from rdna1.lab.paths import CHECKOUT

# ansible-playbook returns 2 where hosts failed and 4 where some could not be reached; the playbooks fail such
# hosts by a check of their own. Whatever else it returns, nobody was judged.
HOSTS_FAILED = (2, 4)

Inventories = Annotated[
    list[Path] | None,
    typer.Option("--inventory", "-i", metavar="PATH", help="As for ansible-playbook. Default: the lab."),
]
Limit = Annotated[str | None, typer.Option(metavar="PATTERN", help="Fewer hosts, as for ansible-playbook.")]
Json = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Where the report for programs goes.")
]
Extra = Annotated[
    list[str] | None, typer.Option("--extra-vars", "-e", metavar="VARS", help="As for ansible-playbook.")
]


def preflight(
    inventory: Inventories = None, limit: Limit = None, json: Json = None, extra_vars: Extra = None
) -> None:
    """Say what the chain would do to each host, and whether the host can take it. Changes nothing."""
    raise typer.Exit(play("preflight", inventory, limit, json, extra_vars or []))


def drift(
    inventory: Inventories = None,
    limit: Limit = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Compare every file of the venvs with its hash.")
    ] = False,
    json: Json = None,
    extra_vars: Extra = None,
) -> None:
    """Say what differs between each host and the state that it shall be in. Changes nothing."""
    more = ["rdna1_deep=true"] if deep else []
    raise typer.Exit(play("drift", inventory, limit, json, [*(extra_vars or []), *more]))


def play(
    name: str, inventory: list[Path] | None, limit: str | None, json: Path | None, extra: Sequence[str]
) -> int:
    """Run the playbook as a user would; return 0 (all is well), 1 (a host failed) or 2 (could not judge)."""
    # Beside this interpreter: that is the Ansible whose version is locked.
    argv = [str(Path(sys.executable).with_name("ansible-playbook")), str(CHECKOUT / f"playbooks/{name}.yml")]
    for path in inventory or [CHECKOUT / "inventories/lab"]:
        argv += ["--inventory", str(path.resolve())]
    if limit:
        argv += ["--limit", limit]
    where = (json or Path(f"{name}.json")).resolve()
    for text in (f"rdna1_{name}_to={where}", *extra):
        argv += ["--extra-vars", text]
    returned = subprocess.run(argv, cwd=CHECKOUT, check=False).returncode
    if returned in HOSTS_FAILED:
        return CHECK_FAILED
    return COULD_NOT_JUDGE if returned else 0
