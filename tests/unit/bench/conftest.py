"""The benchmarks' modules, which are no package, by their names."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

CONVERGED = Path(__file__).parents[3] / "bench/converged"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Import one of them, and forget it afterwards."""
    monkeypatch.syspath_prepend(CONVERGED)
    for path in CONVERGED.glob("*.py"):
        monkeypatch.delitem(sys.modules, path.stem, raising=False)
    return importlib.import_module
