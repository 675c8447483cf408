"""What to type next about a run: lines that do what they say in the folder that they are typed in."""

import shlex
from collections.abc import Iterable
from pathlib import Path

from rdna1.runs.model import Run

# Where `rdna1` looks for runs unless told.
HERE = Path("runs")


def where(runs_dir: Path) -> str:
    """Return the option that says where a run is; empty where it is found without."""
    runs_dir = runs_dir.resolve()
    return "" if runs_dir == HERE.resolve() else f" --runs-dir {shlex.quote(str(runs_dir))}"


def resume(run: Run, runs_dir: Path) -> str:
    """Return the command that goes on with a run; the values of its extra variables are not known here."""
    return f"rdna1 rollout --resume {run.id}{where(runs_dir)}{extra(run)}"


def reboot(run: Run, runs_dir: Path, hosts: Iterable[str]) -> str:
    """Return the command that reboots hosts which passed and need it, as a run of its own."""
    limit = shlex.quote(",".join(hosts))
    playbook = "" if run.options.playbook == "playbooks/rdna1.yml" else f" --playbook {run.options.playbook}"
    return (
        f"rdna1 rollout {inventories(run)} --limit {limit} --reboot if-needed"
        f"{playbook}{where(runs_dir)}{extra(run)}"
    )


def report(run: Run, runs_dir: Path) -> str:
    """Return the command that makes a run's report."""
    return f"rdna1 report {run.id}{where(runs_dir)}"


def inventories(run: Run) -> str:
    """Return a run's inventories as options."""
    return " ".join(f"-i {shlex.quote(path)}" for path in run.inventory.paths)


def extra(run: Run) -> str:
    """Return what reminds of the extra variables, whose values are not kept."""
    return f" -e … ({', '.join(run.options.extra_vars_names)})" if run.options.extra_vars_names else ""
