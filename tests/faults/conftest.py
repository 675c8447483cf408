"""Which lab host the faults come over."""

from __future__ import annotations

import pytest
from fault_host import FaultHost
from rdna1.lab import state
from rdna1.lab.paths import LabPaths


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--lab", default="faults", help="a lab that is up")
    parser.addoption("--only", default="", help="names of faults, with commas between them; default: all")


@pytest.fixture(scope="session")
def host(request: pytest.FixtureRequest) -> FaultHost:
    """The lab's first host with a card, which has converged."""
    lab = request.config.getoption("--lab")
    name = next(name for name, host in state.need(LabPaths(lab)).hosts.items() if host.card)
    found = FaultHost(lab, name)
    ready = found.play("rdna1")
    assert ready.code == 0, ready.said[-4000:]
    return found
