"""Whatever a role's tasks change is part of the desired state: derived from the task files themselves."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROLES = Path(__file__).parents[3] / "roles"
NAMES = sorted(path.parent.parent.name for path in ROLES.glob("*/vars/main.yml"))
WORD = re.compile(r"\w+")

# The parameters that say what a module changes.
CHANGES = {
    "ansible.builtin.apt": ["name"],
    "ansible.builtin.file": ["path", "dest"],
    "ansible.builtin.group": ["name"],
    "ansible.builtin.template": ["dest"],
    "ansible.builtin.user": ["name", "groups"],
    "rdna1.provision.apt_retire": ["files", "source_uris", "pins", "named_pins", "keep"],
    "rdna1.provision.apt_transaction": ["install"],
    "rdna1.provision.dpkg_hold": ["version"],
    "rdna1.provision.dpkg_standin": ["standins"],
    "rdna1.provision.files": ["items"],
    "rdna1.provision.miopen_policy": ["record", "policy"],
    "rdna1.provision.shell_leftovers": ["files", "variables", "library_paths"],
    "rdna1.provision.signing_key": ["dest", "fingerprint"],
    "rdna1.provision.venv_python": ["root", "release"],
    "rdna1.provision.venv_stack": ["root", "lock", "interpreter", "keep"],
}
# These look, judge or tell, or lead to other tasks.
CHANGES_NOTHING = {
    *(f"ansible.builtin.{name}" for name in (
        "assert", "debug", "fail", "fetch", "find", "getent", "import_tasks", "include_role", "include_tasks",
        "include_vars", "meta", "set_fact", "setup", "stat", "wait_for",
    )),
    *(f"rdna1.provision.{name}" for name in (
        "apt_archive", "card_facts", "check_variables", "disk_space", "dpkg_leftovers", "observe",
        "release_state", "unprivileged_file", "venv_wheels",
    )),
}  # fmt: skip
# Tasks that change a thing which is not in the desired state: why that is right.
EXCEPTIONS = {
    ("conv2d_verify", "Run | Run the suites"): "the verdict itself, judged by the kind verdict",
    ("conv2d_verify", "Run | Draw the verdict"): "a picture on the controller",
    ("rocm", "Have udev read its rules"): "a handler of the file that it reads",
    ("rocm", "Have udev apply them to the device"): "a handler of the file that it reads",
    ("rocm_environment", "Reload systemd"): "a handler of the files that it reads",
    ("self_converge", "Have systemd read the units"): "a handler of the files that it reads",
    ("self_converge", "Have the timer run by its new settings"): "a handler of the files that it reads",
}


def flat(tasks: Any) -> Iterator[dict[str, Any]]:
    for task in tasks or []:
        inner = [task[key] for key in ("block", "rescue", "always") if key in task]
        if inner:
            for block in inner:
                yield from flat(block)
        else:
            yield task


def tasks_of(role: str) -> list[dict[str, Any]]:
    # A candidate of a qualification is tried, and nothing of the host's state.
    own = [path for path in (ROLES / role).glob("tasks/*.yml") if path.name != "candidate.yml"]
    files = [*own, *(ROLES / role).glob("handlers/*.yml")]
    return [task for path in sorted(files) for task in flat(yaml.safe_load(path.read_text()))]


def variables_of(role: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted([ROLES / role / "defaults/main.yml", *(ROLES / role).glob("vars/*.yml")]):
        for name, value in (yaml.safe_load(path.read_text()) or {}).items():
            found[name] = found.get(name, "") + str(value)
    return found


def mentioned(text: str, variables: dict[str, str]) -> set[str]:
    """The role's variables that a text mentions, and those that they mention in turn."""
    found: set[str] = set()
    fresh = set(WORD.findall(text)) & variables.keys()
    while fresh:
        found |= fresh
        words = {word for name in fresh for word in WORD.findall(variables[name])}
        fresh = (words & variables.keys()) - found
    return found


def module_of(task: dict[str, Any]) -> str:
    return next(key for key in task if "." in key)


def uncovered(role: str, task: dict[str, Any]) -> str:
    """What a task changes that the desired state does not mention, in words; empty where nothing."""
    variables = variables_of(role)
    desired = mentioned(f"__{role}_desired", variables)
    module = module_of(task)
    if module in CHANGES_NOTHING:
        return ""
    if module not in CHANGES:
        return f"nobody has said what {module} changes"
    for parameter in CHANGES[module]:
        value = str(task[module].get(parameter, ""))
        if re.search(r"\bitem\b", value):
            value += str(task.get("loop", ""))
        here = set(WORD.findall(value)) & variables.keys()
        if value and not value.startswith("{{ role_path") and (not here or not here <= desired):
            return f"{module} {parameter}: {value}"
    return ""


@pytest.mark.parametrize("role", NAMES)
def test_every_task_s_target_is_in_the_desired_state(role: str) -> None:
    found = {
        task["name"]: said
        for task in tasks_of(role)
        if (said := uncovered(role, task)) and (role, task["name"]) not in EXCEPTIONS
    }
    assert not found


@pytest.mark.parametrize("role", NAMES)
def test_way_is_made_for_every_path(role: str) -> None:
    """ansible.builtin.template would write into a directory of its name, and no link replaces one."""
    variables = variables_of(role)
    made = {
        name
        for task in tasks_of(role)
        if module_of(task) == "rdna1.provision.files"
        for name in mentioned(str(task["rdna1.provision.files"]["items"]), variables)
    }
    # Those of the signing keys are the module's own.
    paths = {
        name
        for name in mentioned(f"__{role}_desired", variables)
        if name != f"__{role}_desired" and re.search(r"'kind': '(file|link|directory)'", variables[name])
    }
    paths |= set(re.findall(r"'kind': 'files', 'paths': '{{ (\w+) }}'", variables[f"__{role}_desired"]))
    assert paths <= made, f"nobody makes way for {paths - made}"


def test_the_exceptions_are_needed() -> None:
    for role, name in EXCEPTIONS:
        (task,) = [task for task in tasks_of(role) if task.get("name") == name]
        assert uncovered(role, task), f"{role}: {name} needs no exception"


@pytest.mark.parametrize(
    "task",
    [
        {"ansible.builtin.copy": {"dest": "/etc/motd"}},
        {"ansible.builtin.template": {"dest": "{{ item.path }}"}, "loop": "{{ rocm_users }}{{ rocm_url }}"},
        {"ansible.builtin.template": {"dest": "{{ item.path }}"}, "loop": "{{ rocm_lock_timeout }}"},
        {"ansible.builtin.command": {"argv": ["touch", "/etc/x"]}},
    ],
)
def test_a_thing_outside_of_the_desired_state_would_be_found(task: dict[str, Any]) -> None:
    if "rocm_url" in str(task):  # an unknown word beside a known one is a registered result
        assert not uncovered("rocm", task)
    else:
        assert uncovered("rocm", task)
