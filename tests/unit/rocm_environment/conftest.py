"""The role's files, rendered by Ansible itself from the role's own variables."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROOT = Path(__file__).parents[3]
ROLE = ROOT / "roles/rocm_environment"

Evaluate = Callable[..., Any]


@pytest.fixture(scope="session")
def evaluate() -> Evaluate:
    """Evaluate an expression as a task of the role would, with variables as an inventory would set them."""
    loader = DataLoader()
    files = [
        loader.load_from_file(str(ROLE / path), trusted_as_template=True)
        for path in ("defaults/main.yml", "vars/main.yml")
    ]

    def run(expression: str, **variables: Any) -> Any:
        known = {
            **files[0], **files[1], **variables,
            "role_path": str(ROLE), "inventory_hostname": "host", "ansible_managed": "Ansible managed",
            "ansible_search_path": [str(ROLE)],
        }  # fmt: skip
        return Templar(loader=loader, variables=known).template(trust_as_template("{{ " + expression + " }}"))

    return run


@pytest.fixture(scope="session")
def render(evaluate: Evaluate) -> Evaluate:
    """Render one of the role's templates."""

    def run(template: str, **variables: Any) -> str:
        return str(evaluate(f"lookup('ansible.builtin.template', '{template}')", **variables))

    return run
