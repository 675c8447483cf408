"""Which roles a host has: a stack without a ROCm of the system's needs no packages of it."""

from pathlib import Path

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

PLAYBOOKS = Path(__file__).parents[3] / "playbooks"
ALL = ["jammy_compat", "rocm", "pytorch_venv", "rocm_environment", "conv2d_verify"]


@pytest.mark.parametrize(
    ("group", "variables", "roles"),
    [
        ("rdna1", {}, ALL),
        ("rdna1", {"rdna1_stack": "rocm57"}, ALL),
        ("rdna1", {"rdna1_stack": "therock"}, ALL[2:]),
        ("rdna1", {"rdna1_stack": "no such stack"}, ALL),  # its roles say so
        ("rdna1", {"rdna1_stack": "therock", "rdna1_roles": ["rocm"]}, ["rocm"]),
        ("cpu_reference", {"rdna1_stack": "cpu_reference"}, ["pytorch_venv", "conv2d_verify"]),
    ],
)
def test_the_roles_of_a_host(group: str, variables: dict[str, object], roles: list[str]) -> None:
    loader = DataLoader()
    known = {
        **loader.load_from_file(str(PLAYBOOKS / "vars/composition.yml"), trusted_as_template=True),
        **variables,
        "playbook_dir": str(PLAYBOOKS),
        "group_names": [group],
    }
    templar = Templar(loader=loader, variables=known)
    assert list(templar.template(trust_as_template("{{ __rdna1_host_roles }}"))) == roles
