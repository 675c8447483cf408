"""What the role makes of its variables on each release, and what it says of mistakes in them."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from debian.deb822 import Deb822

ROOT = Path(__file__).parents[3]
ROLE = ROOT / "roles/pytorch_venv"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"

Evaluate = Callable[..., Any]


@pytest.fixture(scope="session")
def evaluate() -> Evaluate:
    """Evaluate an expression as a task of the role would, on a host of a release."""
    loader = DataLoader()

    def load(path: str) -> dict[str, Any]:
        return dict(loader.load_from_file(str(ROLE / path), trusted_as_template=True))

    def run(expression: str, release: str = "Debian_13", **variables: Any) -> Any:
        known = {**load("defaults/main.yml"), **load("vars/main.yml"), **load(f"vars/{release}.yml")}
        known.update(variables, role_path=str(ROLE))
        return Templar(loader=loader, variables=known).template(trust_as_template("{{ " + expression + " }}"))

    return run


@pytest.mark.parametrize(
    ("release", "source", "sources"),
    [
        ("Ubuntu_22.04", "distribution", ["distribution", "standalone"]),
        ("Ubuntu_24.04", "standalone", ["deadsnakes", "standalone"]),
        ("Debian_13", "standalone", ["standalone"]),
        ("Debian_12", "standalone", ["standalone"]),
    ],
)
def test_auto_takes_the_distribution_s_python_only_where_it_has_3_10(
    evaluate: Evaluate, release: str, source: str, sources: list[str]
) -> None:
    assert evaluate("__pytorch_venv_source", release) == source
    assert evaluate("__pytorch_venv_sources", release) == sources


def test_every_release_of_the_role_s_metadata_has_its_variables() -> None:
    platforms = yaml.safe_load((ROLE / "meta/main.yml").read_text())["galaxy_info"]["platforms"]
    codes = {"jammy": "22.04", "noble": "24.04", "bookworm": "12", "trixie": "13"}
    files = {f"{platform['name']}_{codes[code]}" for platform in platforms for code in platform["versions"]}
    assert {path.stem for path in ROLE.glob("vars/*_*.yml")} == files


def test_the_standalone_python_is_the_one_of_stacks_pythons_yml(evaluate: Evaluate) -> None:
    known = yaml.safe_load((ROOT / "stacks/pythons.yml").read_text())["3.10"]
    assert evaluate("pytorch_venv_standalone_url") == known["url"]
    assert evaluate("pytorch_venv_standalone_sha256") == known["sha256"]
    assert evaluate("pytorch_venv_standalone_release") == known["release"]
    assert evaluate("__pytorch_venv_interpreters[__pytorch_venv_source]") == (
        f"/opt/rdna1/python/{known['release']}/bin/python3.10"
    )


@pytest.mark.parametrize(
    ("url", "release"),
    [
        ("https://mirror.example/cpython-3.10.13-lab-x86_64-install_only.tar.gz", "3.10.13"),
        ("https://mirror.example/cpython-3.10.22%2B20261001-x86_64-install_only.tar.gz", "3.10.22"),
        ("https://mirror.example/python.tar.gz", "3.10.21"),
    ],
)
def test_a_mirror_s_archive_names_its_release(evaluate: Evaluate, url: str, release: str) -> None:
    assert evaluate("pytorch_venv_standalone_release", pytorch_venv_standalone_url=url) == release


def test_the_stack_decides_on_the_lock_and_the_indexes(evaluate: Evaluate) -> None:
    for stack in ("rocm52", "cpu_reference"):
        known = yaml.safe_load((ROOT / f"stacks/{stack}/stack.yml").read_text())
        assert evaluate("pytorch_venv_index_urls", rdna1_stack=stack) == known["wheels"]["index_urls"]
        lock = Path(evaluate("pytorch_venv_requirements", rdna1_stack=stack)).resolve()
        assert lock == ROOT / f"stacks/{stack}/requirements.txt"


def test_of_the_ppa_only_the_wanted_python_is_a_candidate(evaluate: Evaluate) -> None:
    variables = {
        "ansible_facts": {"distribution_release": "noble"},
        "ansible_managed": "Ansible managed",
        "ansible_search_path": [str(ROLE)],
    }

    def stanzas(template: str) -> list[dict[str, str]]:
        text = evaluate(f"lookup('ansible.builtin.template', '{template}')", "Ubuntu_24.04", **variables)
        return [dict(stanza) for stanza in Deb822.iter_paragraphs(str(text), use_apt_pkg=False)]

    (source,) = stanzas("deadsnakes.sources.j2")
    assert source["Suites"] == "noble"
    assert source["Signed-By"] == evaluate("__pytorch_venv_deadsnakes_keyring")
    allowed, denied = stanzas("deadsnakes.pref.j2")
    assert (denied["Package"], denied["Pin-Priority"]) == ("*", "-1")
    assert allowed["Pin"] == denied["Pin"] == "release o=LP-PPA-deadsnakes"
    packages = [
        "python3.10",
        "python3.10-venv",
        "python3.10-minimal",
        "libpython3.10-stdlib",
        "python3.12",
        "python3",
    ]
    assert [
        name for name in packages if any(fnmatch(name, glob) for glob in allowed["Package"].split())
    ] == packages[:4]


GOOD = {"distribution": "Debian", "distribution_major_version": "13", "distribution_version": "13.2"}
NOBLE = {"distribution": "Ubuntu", "distribution_major_version": "24", "distribution_version": "24.04"}
CASES: dict[str, tuple[Mapping[str, Any], str]] = {
    "good": ({}, ""),
    "stack": ({"rdna1_stack": "rocm53"}, "there is no stack rocm53; correct pytorch_venv_stack"),
    "lock": (
        {"pytorch_venv_requirements": "/nowhere.txt"},
        "there is no /nowhere.txt; correct pytorch_venv_requirements",
    ),
    "release": (
        {**GOOD, "distribution_major_version": "11"},
        "runs Debian 11, which this role does not know; it knows Debian 12, Debian 13, Ubuntu 22.04, Ubuntu",
    ),
    "debian": (
        {"pytorch_venv_python_source": "distribution"},
        "(Debian 13) cannot have Python 3.10 by pytorch_venv_python_source distribution; set it to stand",
    ),
    "noble": ({**NOBLE, "pytorch_venv_python_source": "distribution"}, "set it to deadsnakes or standalone"),
    "no-path": ({"pytorch_venv_python_source": "path"}, "set pytorch_venv_python_path"),
    "wrong-path": (
        {"pytorch_venv_python_source": "path", "pytorch_venv_python_path": sys.executable},
        f"{sys.executable} is Python {PYTHON}",
    ),
    "no-hash": ({"pytorch_venv_requirements": "{{ tmp }}/nohash.txt"}, "line 1: torch needs --hash=sha256:"),
    "full": ({"pytorch_venv_free_gib": 1000000}, "GiB; make room there"),
    "beside": ({"rdna1_stacks_beside": ["cpu_reference"]}, ""),
    "beside-itself": ({"rdna1_stacks_beside": ["rocm52"]}, "beside rocm52 there cannot be rocm52; name each"),
    "beside-not-kept": (
        {"rdna1_stacks_beside": ["cpu_reference"], "pytorch_venv_keep": 0},
        "there cannot be cpu_reference; name each stack once in pytorch_venv_beside",
    ),
    "beside-unknown": (
        {"rdna1_stacks_beside": ["rocm53"]},
        "the stack rocm53 cannot lie beside the host's own, since there is none of this name; correct",
    ),
    "beside-unlocked": ({"rdna1_stacks_beside": ["rocm57"]}, "nobody has locked it (rdna1 lock rocm57)"),
    "another-stack-s-lock": (
        {
            "rdna1_stack": "rocm57",
            "pytorch_venv_requirements": str(ROOT / "stacks/rocm52/requirements.txt"),
            "pytorch_venv_switch": False,
        },
        "pins torch 1.13.1+rocm5.2 and the stack rocm57 is torch 2.2.2+rocm5.7; let",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Run the entry `check` once, each host of the inventory with one mistake."""
    tmp = tmp_path_factory.mktemp("role")
    (tmp / "nohash.txt").write_text("torch==1.13.1\n")
    (tmp / "python.tar.gz").touch()
    common = {
        **GOOD,
        "distribution_release": "x",
        "tmp": str(tmp),
        "pytorch_venv_root": str(tmp / "rdna1"),
        "pytorch_venv_free_gib": 0,
        "pytorch_venv_standalone_url": (tmp / "python.tar.gz").as_uri(),
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
    }
    inventory = {"all": {"vars": common, "hosts": {name: dict(case) for name, (case, _) in CASES.items()}}}
    (tmp / "hosts.yml").write_text(json.dumps(inventory))
    facts = {name: f"{{{{ {name} }}}}" for name in [*GOOD, "distribution_release"]}
    tasks = [
        {"ansible.builtin.set_fact": {**facts, "cacheable": True}},
        {"ansible.builtin.include_role": {"name": "rdna1.provision.pytorch_venv", "tasks_from": "check"}},
    ]
    (tmp / "play.yml").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "-i", tmp / "hosts.yml", tmp / "play.yml"],
        cwd=ROOT, env={**os.environ, "ANSIBLE_HOME": str(tmp)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert not (tmp / "rdna1").exists(), "a check changed something"
    return " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize("name", CASES)
def test_each_mistake_has_its_sentence_before_anything_changes(said: str, name: str) -> None:
    sentence = CASES[name][1]
    recap = re.search(rf"(?<!\S){name} : ok=\d+ changed=\d unreachable=0 failed=(\d)", said)
    assert recap, "the host was not reached"
    assert recap[1] == ("1" if sentence else "0")
    assert sentence in said
