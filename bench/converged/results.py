"""The measurements as a document (rdna1.bench-converged/1) and as a table in Markdown."""

import os
import platform
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

SCHEMA = "rdna1.bench-converged/1"


@dataclass(frozen=True)
class Run:
    """One repetition."""

    wall: float
    user: float
    system: float
    peak_mib: int
    # What all hosts used meanwhile; on one machine, that is what the controller competes with.
    hosts_cpu: float
    # SSH sessions (commands and subsystems) on the host with the most.
    sessions: int
    load: float

    @property
    def cpu(self) -> float:
        """Processor seconds of the controller."""
        return self.user + self.system


@dataclass
class Row:
    """One contender at one number of hosts."""

    contender: str
    title: str
    hosts: int
    remark: str = ""
    runs: list[Run] = field(default_factory=list)
    # Why there is no figure.
    failure: str = ""

    def median(self, name: str) -> float:
        """Return the median of a figure."""
        return statistics.median(getattr(run, name) for run in self.runs)


def machine() -> dict[str, Any]:
    """Describe the machine and how busy it is."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load": os.getloadavg(),
    }


def document(rows: Sequence[Row], about: Mapping[str, Any]) -> dict[str, Any]:
    """Return everything that was measured."""
    failures = [
        {
            "host": None,
            "code": "no-figure",
            "message": f"{row.title} at {row.hosts} hosts: {row.failure}",
            "fix": "read the log that is named there",
        }
        for row in rows
        if row.failure
    ]
    return {
        "schema": SCHEMA,
        "ok": not failures,
        "failures": failures,
        **about,
        "rows": [asdict(row) for row in rows],
    }


def table(rows: Sequence[Row]) -> str:
    """Return the table: medians, with the least and the most of the time."""
    head = ["what", "hosts", "wall time", "least to most", "of the chain's", "controller's CPU", "a host"]
    head += ["the hosts' own CPU", "SSH sessions a host"]
    lines = [head, ["---"] * len(head), *(_cells(row, rows) for row in rows)]
    notes = sorted({f"{row.title}: {row.remark}" for row in rows if row.remark})
    return (
        "\n".join([*(f"| {' | '.join(line)} |" for line in lines), "", *(f"- {note}" for note in notes)])
        + "\n"
    )


def _cells(row: Row, rows: Sequence[Row]) -> list[str]:
    name = [row.title, str(row.hosts)]
    if row.failure:
        return [*name, f"no figure: {row.failure}", *[""] * 6]
    walls = [run.wall for run in row.runs]
    chain = next((other for other in rows if (other.contender, other.hosts) == ("chain", row.hosts)), None)
    ratio = f"{row.median('wall') / chain.median('wall'):.1f}" if chain and chain.runs else ""
    return [
        *name,
        f"{row.median('wall'):.2f} s",
        f"{min(walls):.2f} to {max(walls):.2f} s ({len(walls)} runs)",
        ratio,
        f"{row.median('cpu'):.2f} s",
        f"{row.median('cpu') / row.hosts:.3f} s",
        f"{row.median('hosts_cpu'):.2f} s",
        f"{row.median('sessions'):.0f}",
    ]


def goals(rows: Sequence[Row]) -> Iterator[str]:
    """Say how far each goal of the converged re-run is met; nothing about what was not measured."""
    by = {(row.contender, row.hosts): row for row in rows if row.runs}
    for (contender, hosts), row in sorted(by.items(), key=lambda item: item[0][1]):
        if contender != "chain":
            continue
        for other, wanted in (("pyinfra", 3), ("full", 20)):
            if (other, hosts) in by:
                times = by[other, hosts].median("wall") / row.median("wall")
                met = _met(times >= wanted)
                yield f"{hosts} hosts: {times:.1f} times faster than {other} (goal: {wanted}): {met}"
        most = max(run.sessions for run in row.runs)
        yield f"{hosts} hosts: at most {most} SSH sessions a host (goal: 2): {_met(most <= 2)}"
    sizes = sorted(hosts for contender, hosts in by if contender == "chain")
    if len(sizes) > 1:
        least, most_hosts = (by["chain", size].median("cpu") / size for size in (sizes[0], sizes[-1]))
        yield (
            f"controller's CPU a host: {least:.3f} s at {sizes[0]} hosts, {most_hosts:.3f} s at {sizes[-1]}"
            f" (goal: flat): {_met(most_hosts <= 1.1 * least)}"
        )


def _met(met: bool) -> str:
    return "met" if met else "NOT met"
