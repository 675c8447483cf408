"""The `rdna1` command: one sub-command for each thing it drives."""

import sys
from collections.abc import Sequence

import typer
from typer.exceptions import TyperException

from rdna1.docs import docs
from rdna1.doctor.commands import doctor
from rdna1.help import arrange
from rdna1.judged import drift, preflight
from rdna1.lab.commands import app as lab
from rdna1.lab.errors import COULD_NOT_JUDGE, LabError
from rdna1.qualify.command import qualify
from rdna1.report.commands import report
from rdna1.rollout.command import rollout
from rdna1.stacks.commands import lock, stacks
from rdna1.status.commands import diff, status

# What typer returns after Ctrl-C.
INTERRUPTED = 130

app = typer.Typer(
    name="rdna1",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="ROCm 5.2 and PyTorch 1.13.1 for AMD RDNA1 cards.",
)
app.add_typer(lab, name="lab")
app.command()(docs)
app.command()(preflight)
app.command()(rollout)
app.command()(drift)
app.command()(doctor)
app.command()(stacks)
app.command()(qualify)
app.command()(lock)
app.command()(report)
app.command()(status)
app.command()(diff)
arrange(app)


def code(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; an error is one sentence on stderr, never a traceback."""
    try:
        returned = app(args=arguments, prog_name="rdna1", standalone_mode=False)
    except LabError as error:
        print(f"rdna1: {error}", file=sys.stderr)
        return error.exit_code
    except TyperException as error:
        if error.format_message():  # empty where the help has just been printed instead
            print(f"rdna1: {error.format_message().rstrip('.')}; see `rdna1 --help`", file=sys.stderr)
        return COULD_NOT_JUDGE
    if returned == INTERRUPTED:
        print(
            "rdna1: interrupted; run the same command again to finish, or `rdna1 lab down`", file=sys.stderr
        )
        return COULD_NOT_JUDGE
    return returned if isinstance(returned, int) else 0


def main() -> None:
    """Run the command. Exit codes: 0 ok, 1 a check or a host failed, 2 could not judge or bad usage."""
    sys.exit(code())
