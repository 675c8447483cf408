"""When a contender's run is no figure."""

import json
from collections.abc import Callable
from types import ModuleType

Bench = Callable[[str], ModuleType]
RECAP = "PLAY RECAP ****\n{0:<27}: ok=44   changed={1}  unreachable={2} failed={3} skipped=23\n"


def test_a_run_that_changed_nothing_is_a_figure(bench: Bench) -> None:
    assert bench("contenders").judge_ansible(RECAP.format("rx5600xt-01", 0, 0, 0)) == ""


def test_a_change_a_lost_host_and_a_failure_are_not(bench: Bench) -> None:
    judge = bench("contenders").judge_ansible
    for counts in ((1, 0, 0), (0, 1, 0), (0, 0, 1)):
        assert "rx5600xt-01" in judge(RECAP.format("rx5600xt-01", *counts))


def test_a_run_without_a_recap_is_not(bench: Bench) -> None:
    assert bench("contenders").judge_ansible("ERROR! the playbook could not be found\n") == "no recap"


def test_the_first_error_is_named(bench: Bench) -> None:
    log = "[ERROR]: Task failed: a: no such stack\n[ERROR]: Task failed: b\n" + RECAP.format("a", 0, 0, 1)
    assert "no such stack" in bench("contenders").judge_ansible(log)


def deployed(**hosts: list[str]) -> str:
    operation = {"name": "File /etc/x", "success": [], "error": [], "no_change": [], **hosts}
    return "--> Results:\n" + json.dumps({"plan": [], "results": {"operations": [operation]}}) + "\n--> Bye\n"


def test_pyinfra_may_change_nothing_either(bench: Bench) -> None:
    judge = bench("contenders").judge_pyinfra
    assert judge(deployed(no_change=["a"])) == ""
    assert judge(deployed(success=["a"])) == "File /etc/x: a"
    assert judge(deployed(error=["b"])) == "File /etc/x: b"
    assert judge("Could not connect\n") == "no results"
