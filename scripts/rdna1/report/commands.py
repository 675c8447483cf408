"""`rdna1 report`: its input and output."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rdna1.lab.errors import CHECK_FAILED, LabError
from rdna1.runs import model

if TYPE_CHECKING:
    from rdna1.report.document import Document

RunsDir = Annotated[Path, typer.Option("--runs-dir", metavar="DIR", help="Where runs are kept.")]


def report(
    run_id: Annotated[str, typer.Argument(metavar="ID", help="Which run. Default: the newest.")] = "",
    runs_dir: RunsDir = Path("runs"),
    json_file: Annotated[
        Path | None,
        typer.Option(
            "--json", metavar="FILE", help="Everything as one document, schema rdna1.run/1; - prints it."
        ),
    ] = None,
    html_file: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="One page that needs no network.")
    ] = None,
    junit_file: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="JUnit XML, for CI: hosts and gates.")
    ] = None,
) -> None:
    """Say what a run did and found; without options, write runs/ID/report.html.

    The page: waves and gates with their reasons, each host's state, failure, changes and verdict, who differs
    from the others, times over size beside what the original documents report. A run that is still going can
    be reported, too.

    Exit code: 0 the run is done and every host passed; 1 it is not, or one did not; 2 there is no such run.
    """
    # Not above: no other command should have to wait for what makes pages.
    from rdna1.report import junit, page
    from rdna1.report.document import build

    paths = find(runs_dir, run_id)
    document = build(model.load_run(paths), model.load_hosts(paths), paths.root.parent)
    if not (json_file or html_file or junit_file):
        html_file = paths.root / "report.html"
    wanted = (
        (json_file, document.as_text),
        (html_file, lambda: page.render(document)),
        (junit_file, lambda: junit.render(document)),
    )
    for file, text in wanted:
        if file is not None:
            write(file, text())
    say(document)
    raise typer.Exit(0 if document.ok else CHECK_FAILED)


def find(directory: Path, run_id: str) -> model.RunPaths:
    """Return a run's files; without an id, the newest one's."""
    if run_id:
        if run_id in (".", "..") or run_id != Path(run_id).name:
            raise LabError("rdna1 report", f"{run_id} cannot be a run's id", f"see what `ls {directory}` has")
        return model.RunPaths(directory / run_id)
    newest = next(model.runs(directory), None)
    if newest is None:
        raise LabError(
            str(directory), "there is no run", "start one with `rdna1 rollout`, or name --runs-dir"
        )
    return newest


def write(file: Path, text: str) -> None:
    """Write a file, and say so; - is stdout."""
    if str(file) == "-":
        sys.stdout.write(text)
        return
    try:
        file.write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise LabError(str(file), f"it cannot be written ({error.strerror})", "name another file") from None
    print(f"wrote {file}", file=sys.stderr)


def say(document: Document) -> None:
    """Say in one line how the run is."""
    passed = sum(host.passed for host in document.hosts)
    notes = f"; {document.simulated} with simulated cards" if document.simulated else ""
    print(
        f"{document.id}: {document.state}, {passed} of {len(document.hosts)} hosts passed{notes}",
        file=sys.stderr,
    )
