"""A malicious value in a public variable is refused before a host is asked, or does nothing in the end."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.rdna1.provision.plugins.action import check_variables
from rdna1.role_variables import RoleVariables

ROOT = Path(__file__).parents[3]
ALL = {name: spec for owned in check_variables.OPTIONS.values() for name, spec in owned.items()}
LINES = ["x\ntouch /tmp/owned", "x\n", "\r\nx", "a\x00b", "x\x1b[2J", "x\u2028y"]
SHELL = [
    "x; touch {mark}",
    "$(touch {mark})",
    "`touch {mark}`",
    "x'; touch {mark}; '",
    'x" touch {mark} "',
    "{{{{ 6 * 7 }}}}",
]


def shapes(spec: dict[str, Any], text: str) -> list[Any]:
    """The value in every form that a variable of this kind has."""
    kind = spec.get("type", "str")
    found: list[Any] = [text]
    if kind == "list":
        found = [[text], ["fine", text]]
    elif kind == "dict":
        found = [{"fine": text}, {text: "fine"}]
    elif kind == "raw":
        found += [[text], {"fine": text}]
    return found


@pytest.mark.parametrize("name", sorted(ALL.keys() - set(check_variables.TEXTS)))
def test_a_line_break_is_refused_in_every_public_variable(name: str) -> None:
    for value in [value for text in LINES for value in shapes(ALL[name], text)]:
        with pytest.raises(AnsibleActionFail) as refused:
            check_variables.check({"inventory_hostname": "one", name: value}, lambda found: found)
        assert str(refused.value).startswith("one: ")
        assert name in str(refused.value)
        assert "nothing was changed" in str(refused.value)


@pytest.mark.parametrize("name", check_variables.TEXTS)
def test_texts_may_have_lines(name: str) -> None:
    (value,) = shapes(ALL[name], "one\ntwo")[:1]
    check_variables.check({"inventory_hostname": "one", name: value}, lambda found: found)


@pytest.mark.parametrize("role", sorted(check_variables.OPTIONS.keys() - {"rdna1"}))
def test_no_default_is_refused(role: str) -> None:
    variables = RoleVariables(ROOT, role, "Debian_13")
    defaults = variables.load(ROOT / "roles" / role / "defaults/main.yml")
    plain = {name: value for name, value in defaults.items() if "{{" not in str(value)}
    assert list(check_variables.control_characters(plain)) == []


def written(role: str, template: str, name: str, value: Any) -> str | None:
    """A file as it would be written; None where the role's checks refuse the value before."""
    variables = RoleVariables(ROOT, role, "Debian_13")
    variables.set(**{name: value}, ansible_facts={"distribution": "Debian", "distribution_version": "13"})
    for task in variables.load(ROOT / "roles" / role / "tasks/check.yml"):
        conditions = task.get("ansible.builtin.assert", {}).get("that", [])
        variables.set(**task.get("vars", {}))
        for item in variables.template(task.get("loop", [None])) or []:
            variables.set(item=item)
            for condition in [conditions] if isinstance(conditions, str) else conditions:
                if not variables.true(condition):
                    return None
    return str(variables.template("{{ lookup('ansible.builtin.template', '" + template + "') }}"))


@pytest.mark.parametrize(
    "name",
    sorted(name for name in check_variables.OPTIONS["rocm_environment"] if ALL[name].get("type") != "bool"),
)
def test_what_a_shell_reads_runs_nothing_of_a_value(name: str, tmp_path: Path) -> None:
    mark, script = tmp_path / "owned", tmp_path / "file.sh"
    for text in SHELL:
        value = text.format(mark=mark)
        shape = {"list": [value], "dict": {"MINE": value}}.get(ALL[name].get("type", "str"), value)
        if name == "rocm_environment_policies":
            shape = {"readme": {"title": value, "effect": value, "variables": {}}}
        for template in ("profile.sh.j2", "environment.j2", "rdna1-python.j2"):
            file = written("rocm_environment", template, name, shape)
            if file is not None:
                script.write_text(file)
                subprocess.run(["sh", script], capture_output=True, check=False, cwd=tmp_path)
                assert not mark.exists(), file


@pytest.mark.parametrize(
    "value", ["/usr/bin/python3\nimport os", "/usr/bin/env evil python", "python", "/x'"]
)
def test_the_verifier_s_first_line_names_one_program(value: str) -> None:
    assert written("conv2d_verify", "conv2d-verify.j2", "conv2d_verify_python", value) is None
