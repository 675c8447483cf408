"""What every role owes its users."""

from pathlib import Path

import pytest
from rdna1.roles import Role, find_roles, markdown

ROOT = Path(__file__).parents[2]
ROLES = find_roles(ROOT)


def test_the_design_s_roles_are_there() -> None:
    assert {role.name for role in ROLES} >= {
        "host_check", "jammy_compat", "rocm", "pytorch_venv", "rocm_environment", "conv2d_verify"
    }  # fmt: skip


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_defaults_and_argument_specs_are_the_same(role: Role) -> None:
    options = {variable.name: variable for variable in role.variables}
    required = {name for name, variable in options.items() if variable.spec.get("required")}
    assert set(role.defaults) == set(options) - required
    for name, variable in options.items():
        if "{{" in str(variable.default):
            assert "default" not in variable.spec, f"{name}: a computed default cannot stand in the spec"
        elif name not in required:
            assert variable.spec.get("default") == variable.default, name


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_variable_carries_its_role_s_name_and_a_comment(role: Role) -> None:
    lines = (role.path / "defaults/main.yml").read_text().splitlines()
    for name in role.defaults:
        assert name.startswith(role.name + "_")
        index = next(number for number, line in enumerate(lines) if line.startswith(name + ":"))
        assert lines[index - 1].startswith("#"), f"{name} has no comment above it in defaults/main.yml"


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_the_readme_is_what_rdna1_docs_writes(role: Role) -> None:
    assert (role.path / "README.md").read_text() == role.readme(), "run: rdna1 docs"


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_role_can_be_checked_before_anything_changes(role: Role) -> None:
    """The chain includes tasks/check.yml of each role of a host, on all hosts, before the first change."""
    if role.name != "host_check":
        assert (role.path / "tasks/check.yml").is_file()


def test_markdown_turns_only_marked_words_into_code() -> None:
    assert markdown("C(/sys) is (mostly)\n  read") == "`/sys` is (mostly) read"
