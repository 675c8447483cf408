"""inventories/lab: what Ansible reads of a lab, and that no lab never passes for no work."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from rdna1.lab import state
from rdna1.lab.layout import plan
from rdna1.lab.paths import CHECKOUT, LabPaths

INVENTORY = CHECKOUT / "inventories/lab"
FACTS = {
    "key_fingerprint": "AB" * 20,
    "requirements": {"rocm52": "/lock"},
    "standalone_url_path": "python/cpython.tar.gz",
    "standalone_sha256": "0" * 64,
    "standalone_release": "3.10.13",
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose path has a space in it."""
    root = tmp_path / "a checkout"
    (root / "inventories").mkdir(parents=True)
    shutil.copytree(INVENTORY, root / "inventories/lab")
    return root


def save(checkout: Path, name: str, facts: dict[str, Any]) -> None:
    hosts = {
        host.name: state.HostState(
            20001 + i, host.base, "image", host.card, host.card and "a card", host.groups
        )
        for i, host in enumerate(plan(4))
    }
    mirror = state.MirrorState(20000, "10.89.7.254", "http://mirror.lab:8080", facts)
    state.save(LabPaths(name, checkout), state.LabState(name, "operator", mirror, hosts))


def script(checkout: Path, lab: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run the script as Ansible does, with nothing of this project on its path."""
    environment = {key: value for key, value in os.environ.items() if key not in ("RDNA1_LAB", "PYTHONPATH")}
    if lab:
        environment["RDNA1_LAB"] = lab
    return subprocess.run(
        [sys.executable, "-I", str(checkout / "inventories/lab/hosts.py"), "--list"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_can_be_executed() -> None:
    assert os.access(INVENTORY / "hosts.py", os.X_OK)


def test_groups_and_hosts(checkout: Path) -> None:
    save(checkout, "lab", FACTS)
    found = json.loads(script(checkout).stdout)
    assert found["lab"]["hosts"] == ["rx5600xt-01", "rx5700xt-01", "rx5500xt-01", "cpu-reference"]
    assert found["rdna1"] == {"children": ["navi10", "navi12", "navi14"]}
    groups = {
        name: found[name]["hosts"] for name in ("navi10", "navi12", "navi14", "canary", "cpu_reference")
    }
    assert groups == {
        "navi10": ["rx5600xt-01", "rx5700xt-01"],
        "navi12": [],
        "navi14": ["rx5500xt-01"],
        "canary": ["rx5600xt-01"],
        "cpu_reference": ["cpu-reference"],
    }
    assert found["_meta"]["hostvars"]["rx5500xt-01"]["ansible_port"] == 20003


def test_the_connection_checks_host_keys(checkout: Path) -> None:
    save(checkout, "lab", FACTS)
    variables = json.loads(script(checkout).stdout)["lab"]["vars"]
    arguments = shlex.split(variables["ansible_ssh_common_args"])
    assert "StrictHostKeyChecking=yes" in arguments
    # ssh splits this value at spaces once more, unless it is quoted for ssh itself.
    assert f'UserKnownHostsFile="{checkout}/.lab/lab/ssh/known_hosts"' in arguments
    assert "no" not in [word.partition("=")[2] for word in arguments]
    assert variables["ansible_ssh_private_key_file"] == f"{checkout}/.lab/lab/ssh/id_ed25519"


def test_the_mirrors_facts_become_variables(checkout: Path) -> None:
    save(checkout, "lab", FACTS)
    variables = json.loads(script(checkout).stdout)["lab"]["vars"]
    assert variables["lab_standalone_url"] == "http://mirror.lab:8080/python/cpython.tar.gz"
    assert variables["lab_requirements"] == {"rocm52": "/lock"}
    assert variables["lab_key_fingerprint"] == "AB" * 20


def test_an_empty_mirror_is_no_reason_to_fail(checkout: Path) -> None:
    save(checkout, "lab", {})
    variables = json.loads(script(checkout).stdout)["lab"]["vars"]
    assert "lab_standalone_url" not in variables


def test_every_lab_variable_of_the_group_vars_is_given(checkout: Path) -> None:
    save(checkout, "lab", FACTS)
    given = json.loads(script(checkout).stdout)["lab"]["vars"].keys()
    text = (INVENTORY / "group_vars/lab.yml").read_text()
    used = set(re.findall(r"\blab_[a-z0-9_]+", text))
    assert used <= given


def test_the_environment_chooses_the_lab(checkout: Path) -> None:
    save(checkout, "other", FACTS)
    assert "other/ssh" in script(checkout, "other").stdout
    assert "no lab called lab is up" in script(checkout).stderr


@pytest.mark.parametrize("damage", [None, "{", "[]", '{"schema": "rdna1.lab-state/99"}'])
def test_without_a_lab_every_play_has_a_host_to_fail_on(checkout: Path, damage: str | None) -> None:
    if damage is not None:
        (checkout / ".lab/lab").mkdir(parents=True)
        (checkout / ".lab/lab/lab.json").write_text(damage)
    done = script(checkout)
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert "rdna1 lab " in done.stderr
    found = json.loads(done.stdout)
    for group in ("lab", "rdna1", "canary", "cpu_reference"):
        assert found[group]["hosts"] == ["no-lab-is-up"]


def test_without_a_lab_ansible_fails_with_the_sentence(checkout: Path) -> None:
    ansible = Path(sys.executable).parent / "ansible"
    if not ansible.exists():
        pytest.skip("Ansible is not in this environment")
    environment = {
        **os.environ,
        "ANSIBLE_HOME": str(checkout / ".ansible"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
    }
    environment.pop("RDNA1_LAB", None)
    done = subprocess.run(
        [ansible, "rdna1", "-i", str(checkout / "inventories/lab"), "-m", "ansible.builtin.ping"],
        env=environment,
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "no lab called lab is up; run `make lab`" in done.stdout + done.stderr


def test_group_vars_say_what_a_host_without_a_card_is() -> None:
    variables = yaml.safe_load((INVENTORY / "group_vars/cpu_reference.yml").read_text())
    assert variables == {
        "rdna1_stack": "cpu_reference",
        "host_check_require_card": False,
        "conv2d_verify_device": "cpu",
    }
