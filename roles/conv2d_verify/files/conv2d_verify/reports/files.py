"""Where the reports go: decided before the run, so that a bad place is told before anything is computed."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conv2d_verify.errors import UsageError
from conv2d_verify.reports import junit, metrics

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from conv2d_verify.store import Store


@dataclass(frozen=True)
class Reports:
    """The files asked for."""

    store: Store
    json: Path | None
    junit: Path | None
    metrics: Path | None
    to_stdout: bool

    def write(self, verdict: dict[str, Any]) -> None:
        """Write them all; what cannot be written leaves the old file whole, and is an error."""
        text = json.dumps(verdict, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        if self.to_stdout:
            sys.stdout.write(text)
            sys.stdout.flush()
        problems = []
        contents = (
            (self.json, text),
            (self.junit, junit.render(verdict)),
            (self.metrics, metrics.render(verdict)),
        )
        for path, content in contents:
            if path is None:
                continue
            try:
                self.store.write(path, content)
            except OSError as error:
                problems.append(
                    f"{path} cannot be written ({error.strerror}); what was there before is unchanged"
                )
        if problems:
            raise UsageError(
                f"{'; '.join(problems)}. The verdict was: {verdict['outcome']}, {verdict['summary']}."
            )


def plan(store: Store, wanted: argparse.Namespace) -> Reports:
    """Return where each report goes; a place outside the verifier's directory is refused."""
    printed = wanted.json == "-"
    return Reports(
        store=store,
        json=store.path("--json", wanted.json) if wanted.json and not printed else None,
        junit=store.path("--junit", wanted.junit) if wanted.junit else None,
        metrics=store.path("--metrics", wanted.metrics) if wanted.metrics else None,
        to_stdout=printed,
    )
