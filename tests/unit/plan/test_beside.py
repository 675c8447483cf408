"""Stacks beside the host's own: the plan asks for them as the roles' tasks make them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.rdna1.provision.plugins.module_utils import venv_lock, venv_state
from ansible_collections.rdna1.provision.plugins.plugin_utils import desired, kinds

ROOT = Path(__file__).parents[3]
FACTS = {"distribution": "Debian", "distribution_version": "13", "distribution_major_version": "13"}
BESIDE = {"rdna1_stack": "rocm52", "rdna1_stacks_beside": ["cpu_reference"]}
MakeScope = Callable[..., desired.RoleScope]


def scope(role: str, **variables: Any) -> desired.RoleScope:
    facts = {**FACTS, "distribution_release": "trixie", "architecture": "x86_64"}
    known = {"inventory_hostname": "host", "ansible_facts": facts, "group_names": [], **variables}
    return desired.RoleScope(role, Templar(loader=DataLoader(), variables=known), known)


def lock(stack: str) -> str:
    return (ROOT / f"stacks/{stack}/requirements.txt").read_text()


def name(stack: str) -> str:
    return venv_lock.identity(lock(stack))[:12]


def test_each_stack_has_a_venv_and_a_name() -> None:
    items = scope("pytorch_venv", **BESIDE).desired()
    (own,) = [item for item in items if item["kind"] == "venv"]
    (other,) = [item for item in items if item["kind"] == "venv_beside"]
    assert (own["lock"], other["lock"]) == (lock("rocm52"), lock("cpu_reference"))
    links = {item["path"]: item["target"] for item in items if item["kind"] == "link"}
    assert links == {
        "/opt/rdna1/stacks/rocm52/venv": f"../../venvs/{name('rocm52')}",
        "/opt/rdna1/stacks/cpu_reference/venv": f"../../venvs/{name('cpu_reference')}",
    }
    trees = {item["path"] for item in items if item["kind"] == "tree"}
    assert {path.split("/")[4] for path in trees} == {name("rocm52"), name("cpu_reference")}
    (wanted,) = [item["wanted"] for item in items if item["kind"] == "matching"]
    assert wanted == ["/opt/rdna1/stacks/rocm52", "/opt/rdna1/stacks/cpu_reference"]


def test_without_any_beside_it_nothing_more_is_asked_for() -> None:
    assert not [item for item in scope("pytorch_venv").desired() if item["kind"] == "venv_beside"]


def texts(**variables: Any) -> dict[str, str]:
    found = scope("rocm_environment", **variables)
    return {
        item["path"]: item.get("text") or found.text(item["template"])
        for item in found.desired()
        if item["kind"] == "file"
    }


def test_each_stack_has_the_environment_that_it_comes_with() -> None:
    """No override for AMD's native builds, whatever the inventory says of the host's own stack."""
    chosen = {"rocm_environment_policy": "gemm-off", "rocm_environment_hsa_override_gfx_version": "10.3.0"}
    found = texts(rdna1_stack="rocm52", rdna1_stacks_beside=["therock", "rocm57"], **chosen)
    own = found["/opt/rdna1/stacks/rocm52/environment"]
    assert own == found["/etc/rdna1/environment"]
    assert "MIOPEN_DEBUG_CONV_GEMM=0" in own
    native = found["/opt/rdna1/stacks/therock/environment"].splitlines()
    assert [line for line in native if line and not line.startswith("#")] == [
        'MIOPEN_USER_DB_PATH="~/.cache/rdna1/therock/miopen"',
        'MIOPEN_CUSTOM_CACHE_DIR="~/.cache/rdna1/therock/kernels"',
    ]
    older = found["/opt/rdna1/stacks/rocm57/environment"]
    assert "HSA_OVERRIDE_GFX_VERSION=10.3.0" in older
    assert "Policy gemm-only" in older
    module = found["/opt/rdna1/modulefiles/rdna1/therock"]
    assert module.startswith("#%Module1.0\n")
    assert "unsetenv HSA_OVERRIDE_GFX_VERSION" in module
    assert "prepend-path PATH {/opt/rdna1/stacks/therock/venv/bin}" in module


def test_what_is_kept_and_which_is_current_is_the_other_one_s_matter(tmp_path: Path) -> None:
    item = {
        "kind": "venv_beside", "path": "", "root": str(tmp_path), "lock": lock("rocm52"), "deep": False,
        "interpreter": "/usr/bin/python3.10",
    }  # fmt: skip
    layout = venv_state.Layout(tmp_path, name("rocm52"))
    assert kinds.KINDS["venv_beside"].ask(item)["kind"] == "venv"
    (found,) = kinds.KINDS["venv_beside"].judge(item, json.loads(json.dumps(venv_state.observe(layout))))
    assert "there is no venv" in found.reason


@pytest.mark.parametrize("role", ["pytorch_venv", "rocm_environment"])
def test_the_plan_and_the_tasks_set_the_same_variables(role: str) -> None:
    """Another variable in one of the two would have the plan ask for what no task makes."""
    (task,) = yaml.safe_load((ROOT / f"roles/{role}/tasks/beside.yml").read_text())
    set_by_task = set(task["vars"]) - {"pytorch_venv_switch"}
    assert set_by_task == {"rdna1_stack", f"{role}_stack", f"__{role}_is_beside"}
