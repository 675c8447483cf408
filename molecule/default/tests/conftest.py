"""What the tests of a host share."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def stack() -> dict[str, Any]:
    """The data that the roles acted from."""
    return dict(yaml.safe_load((ROOT / "stacks/rocm52/stack.yml").read_text()))


@pytest.fixture
def candidate(host: Any) -> Any:
    """What apt would install for a package, as `apt-cache policy` says it; None where nothing."""

    def ask(package: str) -> str | None:
        lines = host.check_output("LC_ALL=C apt-cache policy %s", package).splitlines()
        found = [line.split(":", 1)[1].strip() for line in lines if line.strip().startswith("Candidate:")]
        return found[0] if found and found[0] != "(none)" else None

    return ask


@pytest.fixture
def verdict(host: Any) -> dict[str, Any]:
    """The verdict that the host keeps."""
    return dict(json.loads(host.file("/var/lib/rdna1/verdict.json").content_string))
