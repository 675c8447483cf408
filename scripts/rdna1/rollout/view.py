"""What a person sees while a rollout runs: a table on a terminal, else lines, JSON, or little."""

import json
import sys
import threading
import time
from collections.abc import Iterable

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.prompt import Confirm
from rich.table import Table
from rich.text import Text

from rdna1.rollout import eta
from rdna1.rollout.summary import duration, last_failure
from rdna1.runs import model
from rdna1.runs.model import FAILED, PASSED, UNFINISHED, Host, Run

# Events that a line is worth where there is no table; phases would be one line for each host and role.
LINES = frozenset({"phase", "plan"})
STYLES: dict[str, str] = {**dict.fromkeys(PASSED, "green"), **dict.fromkeys(FAILED, "red"), "running": "cyan"}
COLUMNS = {
    "host_check": "check",
    "jammy_compat": "compat",
    "rocm": "rocm",
    "pytorch_venv": "venv",
    "rocm_environment": "env",
    "conv2d_verify": "verify",
}
# Kept free below the table for the last failure and the terminal's own line.
MARGIN = 12


def agreed(question: str, console: Console) -> bool:
    """Ask whether to go on; an input that ends is a no."""
    try:
        return Confirm.ask(question, default=False, console=console)
    except EOFError:
        return False


class Quiet:
    """Shows gates and nothing else."""

    kinds: frozenset[str] = frozenset({"gate"})

    def tell(self, kind: str, text: str, host: str = "", phase: str = "") -> None:  # noqa: ARG002
        """Show one event."""
        if kind in self.kinds:
            print(f"rollout: {f'{host}: ' if host else ''}{text}", flush=True)

    def confirm(self, question: str) -> bool:
        """Ask whether to go on; not on stdout, which may be somebody's pipe."""
        return agreed(question, Console(stderr=True))


class Lines(Quiet):
    """Shows one line for each event that somebody reading a log would miss."""

    def tell(self, kind: str, text: str, host: str = "", phase: str = "") -> None:
        """Show one event."""
        if kind not in LINES:
            print(
                f"{time.strftime('%H:%M:%S')} {f'{host}: ' if host else ''}{text}"
                + (f" (in {phase})" if phase and kind in FAILED else ""),
                flush=True,
            )


class JsonLines(Quiet):
    """Shows every event as a line of JSON, as events.jsonl has it."""

    def tell(self, kind: str, text: str, host: str = "", phase: str = "") -> None:
        """Show one event."""
        line = {"time": model.now(), "kind": kind, "host": host, "phase": phase, "text": text}
        print(json.dumps(line, ensure_ascii=False), flush=True)


class Screen(Quiet):
    """Keeps a table of hosts and phases on the terminal while events scroll above it."""

    def __init__(self, run: Run, hosts: dict[str, Host], budget: int, forks: int) -> None:
        self._run, self._hosts, self._budget, self._forks = run, hosts, budget, forks
        self._console = Console()
        self._lock = threading.Lock()
        self._live = Live(
            console=self._console, get_renderable=self.draw, refresh_per_second=2, transient=True
        )

    def __enter__(self) -> "Screen":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def tell(self, kind: str, text: str, host: str = "", phase: str = "") -> None:  # noqa: ARG002
        """Show one event."""
        if kind not in LINES:
            style = STYLES.get(kind, "bold" if kind in ("wave", "gate") else "")
            self._console.print(
                Text(f"{time.strftime('%H:%M:%S')} {f'{host}: ' if host else ''}{text}", style)
            )

    def confirm(self, question: str) -> bool:
        """Ask whether to go on; the table makes room for the question."""
        self._live.stop()
        try:
            return agreed(question, self._console)
        finally:
            self._live.start()

    def draw(self) -> RenderableType:
        """Return the whole picture."""
        with self._lock:
            parts: list[RenderableType] = [Text(self.headline(), "bold"), self.table()]
            if failed := last_failure(self._hosts.values()):
                parts.append(Text(failed, "red"))
            return Group(*parts)

    def headline(self) -> str:
        """Return where the run is."""
        return headline(self._run, self._hosts, self._budget, self._forks)

    def table(self) -> Table:
        """Return hosts and phases, those that run first, as many as there is room for."""
        table = Table("host", "state", *COLUMNS.values(), box=None, pad_edge=False, padding=(0, 2, 0, 0))
        room = max(5, self._console.height - MARGIN)
        chosen = shown(self._hosts.values(), room)
        for host in chosen:
            table.add_row(host.host, Text(host.state, STYLES.get(host.state, "dim")), *cells(host))
        if rest := len(self._hosts) - len(chosen):
            table.add_row(Text(f"and {rest} more", "dim"))
        return table


def cells(host: Host) -> list[str]:
    """Return how long a host spent in each phase so far; the one it is in has dots."""
    spent = {phase.name: f"{phase.seconds:.0f} s" for phase in host.phases}
    if host.state == "running" and host.phases:
        spent[host.phases[-1].name] += " …"
    return [spent.get(name, "") for name in COLUMNS]


def shown(hosts: Iterable[Host], room: int) -> list[Host]:
    """Return the hosts that are worth a row: running, failed, passed, then those to come; in their order."""
    groups = ({"running"}, FAILED, PASSED, {"pending"})
    ranks = {state: rank for rank, states in enumerate(groups) for state in states}
    return sorted(hosts, key=lambda host: (ranks[host.state], host.wave or 0))[:room]


def headline(run: Run, hosts: dict[str, Host], budget: int, forks: int) -> str:
    """Return where a run is, in one line."""
    count = {
        "passed": sum(host.state in PASSED for host in hosts.values()),
        "failed": sum(host.state in FAILED for host in hosts.values()),
        "to go": sum(host.state in UNFINISHED for host in hosts.values()),
    }
    current = next((wave for wave in reversed(run.waves) if wave.state != "pending"), run.waves[0])
    left = eta.estimate(run.waves, hosts, forks, run.options.soak)
    return (
        f"run {run.id}  wave {current.number} of {len(run.waves)} ({current.spec})  "
        + ", ".join(f"{number} {what}" for what, number in count.items())
        + f"  budget left {max(0, budget - count['failed'])} of {budget}"
        + (f"  about {duration(left)} left" if left is not None else "")
    )


def terminal() -> bool:
    """Tell whether somebody watches."""
    return sys.stdout.isatty()
