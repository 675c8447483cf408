"""What the tests of stacks share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from stacks_host import FAULTS, Host


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """Return the host; afterwards its card is well again."""
    found = Host(tmp_path)
    yield found
    found.root(f"rm -f {FAULTS} /var/lib/rdna1/qualify/after.json /var/lib/rdna1/qualify/good.json")
