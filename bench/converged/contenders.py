"""What is compared: each one a command that must find a converged fleet converged."""

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fleet import CHECKOUT, INVENTORY

HERE = Path(__file__).resolve().parent
VENV = CHECKOUT / ".cache/bench/venv"
CHAIN = ("ansible-playbook", "playbooks/rdna1.yml", "-i", INVENTORY)
RECAP = re.compile(r"^(\S+) +: ok=\d+ +changed=(\d+) +unreachable=(\d+) +failed=(\d+)", re.MULTILINE)
ERROR = re.compile(r"^\[ERROR\]: (?:Task failed: )?(.*)$", re.MULTILINE)

# Says what is wrong with the log of a finished command; empty where nothing is.
Judge = Callable[[str], str]


def judge_ansible(log: str) -> str:
    """A converged re-run changes nothing anywhere."""
    rows = RECAP.findall(log)
    wrong = [
        f"{host} changed={changed} unreachable={unreachable} failed={failed}"
        for host, changed, unreachable, failed in rows
        if (changed, unreachable, failed) != ("0", "0", "0")
    ]
    if wrong and (error := ERROR.search(log)):
        return f"{wrong[0]}: {error[1]}"
    return ", ".join(wrong) if rows else "no recap"


def judge_pyinfra(log: str) -> str:
    """The same, of the one line of JSON among pyinfra's words."""
    [line] = [line for line in log.splitlines() if line.startswith('{"plan"')] or ['{"results": null}']
    results = json.loads(line)["results"]
    if not results:
        return "no results"
    acted = [
        f"{operation['name']}: {', '.join(operation['success'] + operation['error'])}"
        for operation in results["operations"]
        if operation["success"] or operation["error"]
    ]
    return "; ".join(acted)


@dataclass(frozen=True)
class Contender:
    """One way to do the same."""

    name: str
    title: str
    command: Sequence[str]
    judge: Judge
    slow: bool = False
    env: Mapping[str, str] = field(default_factory=dict)
    remark: str = ""


def mitogen_plugins() -> Path:
    """Return where mitogen's strategy plugins are."""
    return next(VENV.glob("lib/python3*/site-packages/ansible_mitogen/plugins/strategy"))


def contenders(wanted: Path, extra: Sequence[str] = ()) -> list[Contender]:
    """Return all of them; `wanted` is the folder of wanted.py, `extra` what ansible-playbook gets besides."""
    chain = (*CHAIN, *extra)
    full = (*chain, "-e", '{"rdna1_full": true}')
    return [
        Contender("chain", "the chain", chain, judge_ansible),
        Contender("full", "the chain with `rdna1_full=true`", full, judge_ansible, slow=True),
        Contender(
            "mitogen",
            "the chain with `rdna1_full=true` under mitogen",
            full,
            judge_ansible,
            slow=True,
            env={"ANSIBLE_STRATEGY_PLUGINS": str(mitogen_plugins()), "ANSIBLE_STRATEGY": "mitogen_linear"},
            remark="its many messages go through one SSH session",
        ),
        Contender(
            "chain-mitogen",
            "the chain under mitogen",
            chain,
            judge_ansible,
            env={"ANSIBLE_STRATEGY_PLUGINS": str(mitogen_plugins()), "ANSIBLE_STRATEGY": "mitogen_linear"},
            remark="its many messages go through one SSH session",
        ),
        Contender(
            "pyinfra",
            "a pyinfra deploy of the same things",
            (
                str(VENV / "bin/pyinfra"), "--yes", "--sudo", "--json",
                str(HERE / "pyinfra_inventory.py"), str(HERE / "pyinfra_deploy.py"),
            ),
            judge_pyinfra,
            env={"RDNA1_WANTED": str(wanted)},
        ),
        Contender(
            "ssh",
            "ssh with a plain shell check of the same things",
            (str(HERE / "plain_ssh"), str(wanted)),
            str.strip,
        ),
    ]  # fmt: skip


def environment(contender: Contender, lab: str, sockets: str) -> dict[str, str]:
    """Return a contender's environment; Ansible's shared connections are in a folder of this run alone."""
    return {**os.environ, "RDNA1_LAB": lab, "ANSIBLE_SSH_CONTROL_PATH_DIR": sockets, **contender.env}


def versions() -> dict[str, str]:
    """Return what the venv of the benchmarks has."""
    found = {
        path.name.split("-")[0]: path.name.split("-")[1]
        for path in VENV.glob("lib/python3*/site-packages/*.dist-info")
    }
    return {name: found[name].removesuffix(".dist") for name in ("mitogen", "pyinfra")}
