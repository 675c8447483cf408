"""The table, the document and the goals."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

Bench = Callable[[str], ModuleType]


@pytest.fixture
def results(bench: Bench) -> ModuleType:
    return bench("results")


def row(
    results: ModuleType, name: str, hosts: int, *walls: float, sessions: int = 2, cpu: float = 1.0
) -> Any:
    runs = [
        results.Run(wall=wall, user=cpu, system=0.0, peak_mib=90, hosts_cpu=2.0, sessions=sessions, load=0.5)
        for wall in walls
    ]
    return results.Row(name, f"title of {name}", hosts, runs=runs)


def test_the_table_has_medians_extremes_and_ratios(results: ModuleType) -> None:
    rows = [row(results, "chain", 4, 1.0, 9.0, 2.0), row(results, "pyinfra", 4, 8.0, 6.0, 7.0)]
    chain, pyinfra = results.table(rows).splitlines()[2:4]
    assert "| 2.00 s | 1.00 to 9.00 s (3 runs) | 1.0 | 1.00 s | 0.250 s |" in chain
    assert "| 7.00 s | 6.00 to 8.00 s (3 runs) | 3.5 |" in pyinfra


def test_what_has_no_figure_says_why_and_spoils_the_document(results: ModuleType) -> None:
    failed = results.Row("mitogen", "under mitogen", 4, failure="exit status 2, it broke")
    rows = [row(results, "chain", 4, 1.0), failed]
    assert "no figure: exit status 2, it broke" in results.table(rows)
    document = results.document(rows, {})
    assert not document["ok"]
    assert "it broke" in document["failures"][0]["message"]
    assert results.document(rows[:1], {})["ok"]


def test_every_line_of_the_table_has_as_many_cells(results: ModuleType) -> None:
    rows = [row(results, "chain", 4, 1.0), results.Row("full", "in full", 4, failure="no")]
    lines = [line for line in results.table(rows).splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in lines}) == 1


def test_the_goals_are_judged_at_each_size(results: ModuleType) -> None:
    rows = [
        *(row(results, "chain", 4, 1.0), row(results, "pyinfra", 4, 4.0), row(results, "full", 4, 19.0)),
        *(row(results, "chain", 32, 2.0, sessions=3, cpu=20.0), row(results, "pyinfra", 32, 5.0)),
    ]
    said = list(results.goals(rows))
    assert "4 hosts: 4.0 times faster than pyinfra (goal: 3): met" in said
    assert "4 hosts: 19.0 times faster than full (goal: 20): NOT met" in said
    assert "32 hosts: 2.5 times faster than pyinfra (goal: 3): NOT met" in said
    assert "32 hosts: at most 3 SSH sessions a host (goal: 2): NOT met" in said
    assert said[-1].endswith("NOT met")
    assert "at 32" in said[-1]


def test_a_goal_without_its_figure_is_not_judged(results: ModuleType) -> None:
    assert not list(results.goals([row(results, "pyinfra", 4, 4.0)]))
