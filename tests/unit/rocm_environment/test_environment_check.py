"""A mistake in the inventory is one sentence, before anything of a host is asked."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
FILTERS = ("FFT", "DIRECT", "GEMM", "WINOGRAD", "IMPLICIT_GEMM")
ALL_OFF = {f"MIOPEN_DEBUG_CONV_{name}": "0" for name in FILTERS}
NO_SOLVER = "switches every solver of MIOpen off, so that no convolution can run"

CASES: dict[str, tuple[Mapping[str, Any], str]] = {
    "good": ({}, ""),
    "cpu": ({"rdna1_stack": "cpu_reference"}, ""),
    "number": ({"rocm_environment_variables": {"MIOPEN_LOG_LEVEL": 5}}, ""),
    "stack": ({"rdna1_stack": "rocm53"}, "there is no stack rocm53; correct rocm_environment_stack"),
    "beside": ({"rdna1_stacks_beside": ["rocm57", "therock"]}, ""),
    "beside-same-rocm": ({"rdna1_stacks_beside": ["rocm52-mixed"]}, ""),
    "beside-unknown": (
        {"rdna1_stacks_beside": ["rocm53"]},
        "the stack rocm53 cannot lie beside rocm52, since there is none of this name; correct",
    ),
    "beside-other-rocm": (
        {"rdna1_stack": "rocm57", "rdna1_stacks_beside": ["rocm52-mixed"]},
        "cannot lie beside rocm57, since it needs the libraries of /opt/rocm-5.2.0, and the host has "
        "/opt/rocm-5.7.0: one release of its packages excludes another; correct rocm_environment_beside",
    ),
    "beside-no-rocm": (
        {"rdna1_stack": "therock", "rdna1_stacks_beside": ["rocm52-mixed"]},
        "it needs the libraries of /opt/rocm-5.2.0, and the host has no ROCm",
    ),
    "policy": (
        {"rocm_environment_policy": "gemm-of"},
        "there is no policy gemm-of; set rocm_environment_policy to one of defaults, direct-off, ",
    ),
    "all-off": (
        {"rocm_environment_policies": {"mine": {"variables": ALL_OFF}}, "rocm_environment_policy": "mine"},
        f"the policy mine with rocm_environment_variables {NO_SOLVER}",
    ),
    "off-together": (
        {
            "rocm_environment_policy": "gemm-off",
            "rocm_environment_variables": {"MIOPEN_DEBUG_CONV_IMPLICIT_GEMM": 0},
        },
        f"the policy gemm-off with rocm_environment_variables {NO_SOLVER}",
    ),
    "off-in-words": (
        {"rocm_environment_variables": {**ALL_OFF, "MIOPEN_DEBUG_CONV_FFT": "Disabled"}},
        f"the policy readme with rocm_environment_variables {NO_SOLVER}",
    ),
    "enforce": (
        {"rocm_environment_variables": {"MIOPEN_FIND_ENFORCE": "3"}},
        '"MIOPEN_FIND_ENFORCE" cannot be set to "3"; leave it out, its searches hang',
    ),
    "library": (
        {"rocm_environment_variables": {"LD_LIBRARY_PATH": "/x"}},
        '"LD_LIBRARY_PATH" cannot be set to "/x"; use rocm_environment_ld_library_path',
    ),
    "path": ({"rocm_environment_variables": {"PATH": "/x"}}, '"PATH" cannot be set to "/x"'),
    "boolean": (
        {"rocm_environment_variables": {"HSA_ENABLE_SDMA": False}},
        '"HSA_ENABLE_SDMA" cannot be set to false; use a variable name, and a quoted value',
    ),
    "newline": (
        {"rocm_environment_variables": {"HSA_ENABLE_SDMA": "0\nLD_PRELOAD=/tmp/x.so"}},
        r'"HSA_ENABLE_SDMA" cannot be set to "0\nLD_PRELOAD=/tmp/x.so"',
    ),
    "last-newline": ({"rocm_environment_variables": {"A": "0\n"}}, r'"A" cannot be set to "0\n"'),
    "command": ({"rocm_environment_variables": {"A": "$(reboot)"}}, '"A" cannot be set to "$(reboot)"'),
    "name": ({"rocm_environment_variables": {"A; reboot #": "1"}}, '"A; reboot #" cannot be set to "1"'),
    "override": (
        {"rocm_environment_hsa_override_gfx_version": "10.3.0; reboot"},
        '"HSA_OVERRIDE_GFX_VERSION" cannot be set to "10.3.0; reboot"',
    ),
    "root": ({"rocm_environment_root": "/opt/$(reboot)"}, '"rocm_environment_root" cannot be set to'),
    "service": (
        {"rocm_environment_systemd_services": ["../../etc/cron.d/x"]},
        'rocm_environment_systemd_services holds ["../../etc/cron.d/x"]; give names of services',
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Run the entry `check` once, each host of the inventory with one mistake."""
    tmp = tmp_path_factory.mktemp("role")
    inventory = {
        "all": {
            # A connection that no host answers: what needs none passes.
            "vars": {"ansible_host": "127.0.0.1", "ansible_port": 1, "ansible_user": "nobody"},
            "hosts": {name: dict(case) for name, (case, _) in CASES.items()},
        }
    }
    (tmp / "hosts.yml").write_text(json.dumps(inventory))
    tasks = [
        {"ansible.builtin.include_role": {"name": "rdna1.provision.rocm_environment", "tasks_from": "check"}}
    ]
    (tmp / "play.yml").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "-i", tmp / "hosts.yml", tmp / "play.yml"],
        cwd=ROOT, env={**os.environ, "ANSIBLE_HOME": str(tmp)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize("name", CASES)
def test_each_mistake_has_its_sentence(said: str, name: str) -> None:
    sentence = CASES[name][1]
    recap = re.search(rf"(?<!\S){name} : ok=\d+ changed=0 unreachable=0 failed=(\d)", said)
    assert recap, "the host was not reached"
    assert recap[1] == ("1" if sentence else "0")
    assert sentence in said
