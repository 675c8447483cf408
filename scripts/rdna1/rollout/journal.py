"""All that a run writes into its directory goes through here, without secrets and never half."""

import json
from pathlib import Path
from typing import IO, Any

from rdna1.rollout.secrets import Scrubber
from rdna1.runs import model
from rdna1.runs.model import Failure, Host, Run, RunPaths


class Journal:
    """A run and its hosts, in memory and on disk."""

    def __init__(self, paths: RunPaths, run: Run, hosts: dict[str, Host], scrubber: Scrubber) -> None:
        self.paths = paths
        self.run = run
        self.hosts = hosts
        self.scrubber = scrubber
        self._open: dict[Path, IO[str]] = {}

    def save(self) -> None:
        """Write run.json."""
        model.save_run(self.paths, self.run)

    def save_host(self, name: str, *, durable: bool = True) -> None:
        """Write one host's file."""
        model.save_host(self.paths, self.hosts[name], durable=durable)

    def event(self, kind: str, text: str, host: str = "", phase: str = "") -> str:
        """Add a line to events.jsonl and return its text as it may be shown."""
        text = self.scrubber.text(text)
        line = {"time": model.now(), "kind": kind, "host": host, "phase": phase, "text": text}
        self._add(self.paths.events, json.dumps(line, ensure_ascii=False))
        return text

    def log(self, wave: int, text: str) -> None:
        """Add what Ansible printed to the wave's log."""
        self._add(self.paths.log(wave), self.scrubber.text(text))

    def _add(self, path: Path, line: str) -> None:
        """Add a line to a file, in the kernel's hands when this returns; files stay open for the next one."""
        if path not in self._open:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._open[path] = path.open("a", buffering=1)
        self._open[path].write(line + "\n")

    def failure(self, failure: Failure | None) -> Failure | None:
        """Return a failure as it may be kept."""
        if failure is None:
            return None
        return Failure(
            failure.phase,
            failure.task,
            self.scrubber.text(failure.message),
            self.scrubber.text(failure.stderr_tail),
        )

    def fetched(self, name: str) -> Path:
        """Where the chain puts a host's verdict."""
        return self.paths.verdicts / f"{name}.json"

    def restored(self, name: str) -> Path:
        """Where a rollback puts the verdict on what it brought back."""
        return self.paths.restored / f"{name}.json"

    def verdict(self, path: Path) -> dict[str, Any] | None:
        """Return a verdict that was fetched; None where there is none that can be read."""
        try:
            document = model.read(path)
        except (OSError, ValueError, TypeError):
            return None
        clean: dict[str, Any] = self.scrubber.document(document)
        if clean != document:
            model.write(path, clean)
        return clean
