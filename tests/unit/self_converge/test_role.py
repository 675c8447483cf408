"""What the role writes: its lock, its settings, its units, and what it refuses."""

import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.rdna1.provision.plugins.filter.lock_of import lock_of
from ansible_collections.rdna1.provision.plugins.module_utils import venv_lock
from rdna1.role_variables import RoleVariables

ROOT = Path(__file__).parents[3]
ROLE = ROOT / "roles/self_converge"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def variables(**more: Any) -> RoleVariables:
    found = RoleVariables(ROOT, "self_converge", "Debian_13")
    found.set(
        self_converge_repository="https://git.example.org/gpu/provision.git",
        self_converge_commit=COMMIT,
        **more,
    )
    return found


def test_its_lock_is_a_part_of_the_controllers() -> None:
    whole = (ROOT / "requirements.txt").read_text()
    pins = venv_lock.parse(variables()["__self_converge_lock"])
    assert [pin.name for pin in pins] == sorted(variables()["__self_converge_distributions"])
    for pin in pins:
        assert f"{pin.name}=={pin.version} " in whole
        assert pin.hashes
        assert all(f"sha256:{digest}" in whole for digest in pin.hashes)
    assert next(pin for pin in pins if pin.name == "ansible-core").version.startswith("2.21.")


def test_a_lock_without_a_name_says_so() -> None:
    with pytest.raises(AnsibleFilterError, match=r"the lock has no nobody for Python 3\.12"):
        lock_of((ROOT / "requirements.txt").read_text(), ["jinja2", "nobody"], "3.12")


def test_of_two_conditional_pins_the_one_for_this_python_is_taken() -> None:
    text = (
        "a==1 ; python_full_version < '3.12' \\\n    --hash=sha256:" + 64 * "1" + "\n    # via x\n"
        "a==2 ; python_full_version >= '3.12' \\\n    --hash=sha256:" + 64 * "2" + "\n"
    )
    assert lock_of(text, ["a"], "3.12").split() == ["a==2", "\\", f"--hash=sha256:{64 * '2'}"]
    assert lock_of(text, ["a"], "3.11").startswith("a==1 ")


def test_the_settings_are_what_the_program_reads() -> None:
    program = importlib.import_module("self_converge.settings")
    found = json.loads(variables(self_converge_key="/key.asc").render("self_converge.json.j2"))
    settings = program.Settings(**found)
    assert (settings.schema, settings.commit, settings.host) == (program.SCHEMA, COMMIT, "host")
    assert settings.keyring == "/etc/rdna1/self_converge.asc"
    assert json.loads(variables().render("self_converge.json.j2"))["keyring"] == ""


def test_nothing_of_the_release_s_packages_is_asked_of_the_distribution() -> None:
    """A release upgrade must not take away what repairs after it; git and gpg are in every release."""
    assert variables()["__self_converge_packages"] == ["git"]
    assert variables(self_converge_key="/key.asc")["__self_converge_packages"] == ["git", "gpg"]
    assert variables()["__self_converge_interpreter"].startswith("/opt/rdna1/self_converge/python/3.12.")


def paths(found: RoleVariables, name: str) -> set[str]:
    return {item["path"] for item in found[name]}


@pytest.mark.parametrize(
    ("changed", "unit"),
    [
        ({"self_converge_schedule": ""}, "rdna1-self-converge.timer"),
        ({"self_converge_at_boot": False}, "rdna1-self-converge-boot.service"),
        ({"self_converge_key": ""}, "self_converge.asc"),
    ],
)
def test_what_is_switched_off_must_be_gone(changed: dict[str, Any], unit: str) -> None:
    on, off = (
        variables(self_converge_key="/key.asc"),
        variables(**{"self_converge_key": "/key.asc", **changed}),
    )
    there = paths(on, "__self_converge_all_files") | paths(on, "__self_converge_all_links")
    still = paths(off, "__self_converge_all_files") | paths(off, "__self_converge_all_links")
    gone = {item["path"] for item in off["__self_converge_unwanted"] if item["kind"] == "absent"}
    assert there - still == gone
    assert all(unit in path for path in gone)
    assert gone
    assert on["__self_converge_unwanted"] == []


def test_the_timer_has_its_schedule_and_its_jitter() -> None:
    text = variables(self_converge_schedule="Mon *-*-* 04:00", self_converge_jitter="90min").render(
        "rdna1-self-converge.timer.j2"
    )
    assert "OnCalendar=Mon *-*-* 04:00\n" in text
    assert "RandomizedDelaySec=90min\n" in text


def asserted(task: str, **values: Any) -> bool:
    """Whether a check lets these values pass."""
    tasks = yaml.safe_load((ROLE / "tasks/check.yml").read_text())
    (found,) = [entry for entry in tasks if entry["name"] == task]
    given = variables()
    given.set(**values)
    conditions = found["ansible.builtin.assert"]["that"]
    return all(
        given.true(condition) for condition in ([conditions] if isinstance(conditions, str) else conditions)
    )


@pytest.mark.parametrize(
    ("address", "passes"),
    [
        ("https://git.example.org/a.git", True),
        ("ssh://git.example.org:22/~a/b.git", True),
        ("file:///srv/release", True),
        ("", False),
        ("git.example.org:a.git", False),
        ("https://user:secret@git.example.org/a.git", False),
        ('https://git.example.org/a.git" -m shell -a "id', False),
        ("https://git.example.org/$(id)", False),
        ("ext://sh -c id", False),
        ("https://git.example.org/a\nb", False),
    ],
)
def test_addresses(address: str, passes: bool) -> None:
    assert asserted("Check | Judge where the release comes from", self_converge_repository=address) is passes


@pytest.mark.parametrize(
    "commit", ["", "main", "v1.0", COMMIT[:12], COMMIT.upper(), COMMIT + "\n", COMMIT + "0"]
)
def test_what_moves_is_no_commit(commit: str) -> None:
    assert asserted("Check | Judge which commit")
    assert not asserted("Check | Judge which commit", self_converge_commit=commit)


@pytest.mark.parametrize(
    ("path", "passes"),
    [
        ("inventories/mine", True),
        ("../x", False),
        ("/etc", False),
        ("-x", False),
        ("a b", False),
        ("a;b", False),
    ],
)
def test_paths(path: str, passes: bool) -> None:
    assert asserted("Check | Judge the inventory's path and the host's name", item=path) is passes


def test_the_role_is_in_no_group_s_composition() -> None:
    text = (ROOT / "playbooks/vars/composition.yml").read_text()
    assert "self_converge" not in text, "it is opt-in"
    assert re.search(
        r"'self_converge' in __rdna1_host_roles", (ROOT / "playbooks/tasks/chain.yml").read_text()
    )
