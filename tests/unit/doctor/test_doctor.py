"""The doctor's judgement of this machine, of inventories, of what hosts answered; none is called here."""

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from rdna1 import cli
from rdna1.doctor import commands, control, hosts, inventory
from rdna1.doctor.findings import Finding, Report
from rdna1.lab.errors import LabError
from rdna1.lab.paths import CHECKOUT
from rich.console import Console

COMPOSED = ("rdna1", "cpu_reference")


def listed(**groups: Any) -> dict[str, Any]:
    """Return what `ansible-inventory --list` would say."""
    hostvars = groups.pop("hostvars", {})
    return {"_meta": {"hostvars": hostvars}, **groups}


def of(**groups: Any) -> inventory.Inventory:
    return inventory.of(listed(**groups), ("inventories/mine",), COMPOSED)


def codes(report: Report) -> list[tuple[str, str]]:
    return [(finding.host, finding.code) for finding in report.failures]


# --- this machine ------------------------------------------------------------------------------------


def test_this_machine_is_what_make_setup_made() -> None:
    report = control.look(CHECKOUT, {})
    assert codes(report) == []
    assert any(line.startswith("ansible-core ") for line in report.healthy)
    assert "host keys are checked" in report.healthy


@pytest.mark.parametrize("value", ["False", "0", "no", "off"])
def test_an_environment_that_trusts_anybody_is_found(value: str) -> None:
    (finding,) = control.look(CHECKOUT, {"ANSIBLE_HOST_KEY_CHECKING": value}).failures
    assert (finding.code, finding.fix) == ("host-key-checking", "unset ANSIBLE_HOST_KEY_CHECKING")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in ("ansible.cfg", "pyproject.toml", "requirements.txt"):
        (tmp_path / name).write_text((CHECKOUT / name).read_text())
    return tmp_path


def test_a_configuration_that_trusts_anybody_is_found(checkout: Path) -> None:
    file = checkout / "ansible.cfg"
    file.write_text(file.read_text().replace("[defaults]", "[defaults]\nhost_key_checking = False"))
    (finding,) = control.look(checkout, {}).failures
    assert finding.code == "host-key-checking"
    assert str(file) in finding.fix


def test_another_ansible_than_the_locked_one_is_found(checkout: Path) -> None:
    (checkout / "requirements.txt").write_text(
        "ansible-core==2.1 \\\n  --hash=sha256:0\nansible-runner==0.1\n"
    )
    report = control.look(checkout, {})
    assert codes(report) == [("", "package"), ("", "package")]
    assert "requirements.txt locks 2.1" in report.failures[0].message
    assert report.failures[0].fix == "make setup"


def test_another_python_than_the_wanted_one_is_found(checkout: Path) -> None:
    file = checkout / "pyproject.toml"
    file.write_text(re.sub(r'requires-python = ".*"', 'requires-python = ">=3.99"', file.read_text()))
    assert codes(control.look(checkout, {})) == [("", "python")]


def test_missing_programs_are_found(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "PROGRAMS", ("ssh", "no-such-program"))
    (finding,) = control.look(checkout, {}).failures
    assert finding.message == "no-such-program is not installed"


def test_a_full_disk_is_found(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "FREE_BYTES", 1 << 60)
    assert codes(control.look(checkout, {})) == [("", "space")]


def test_a_lock_may_have_a_version_for_each_python() -> None:
    text = "ansible-core==2.19.14 ; python_version < '3.12' \\\nansible_core==2.21.5 \\\n"
    assert control.locked(text) == {"ansible-core": {"2.19.14", "2.21.5"}}


# --- the inventory -----------------------------------------------------------------------------------


def test_a_group_has_its_children_s_hosts() -> None:
    found = of(
        rdna1={"children": ["navi10", "navi14"]}, navi10={"hosts": ["a"]}, navi14={"hosts": ["b", "a"]}
    )
    assert found.hosts == ["a", "b"]


@pytest.mark.parametrize(
    ("groups", "code"),
    [
        ({"rdna1": {}}, ("", "no-hosts")),
        ({"rdna1": {"hosts": ["a"]}, "cpu_reference": {"hosts": ["a"]}}, ("a", "groups")),
        ({"rdna1": {"hosts": ["a"]}, "canary": {"hosts": ["b"]}}, ("b", "canary")),
        (
            {
                "rdna1": {"hosts": ["a"]},
                "hostvars": {"a": {"ansible_ssh_common_args": "-o 'StrictHostKeyChecking=no'"}},
            },
            ("a", "host-key-checking"),
        ),
        (
            {
                "rdna1": {"hosts": ["a"]},
                "hostvars": {"a": {"ansible_ssh_extra_args": "-oStrictHostKeyChecking=accept-new"}},
            },
            ("a", "host-key-checking"),
        ),
    ],
)
def test_what_is_wrong_with_an_inventory(groups: dict[str, Any], code: tuple[str, str]) -> None:
    report = inventory.judge(of(**groups))
    assert codes(report) == [code]
    assert report.failures[0].fix


def test_a_good_inventory_is_counted() -> None:
    report = inventory.judge(of(rdna1={"hosts": ["a", "b"]}, canary={"hosts": ["a"]}))
    assert (report.failures, report.warnings) == ([], [])
    assert report.healthy == ["inventories/mine: 2 in rdna1, 0 in cpu_reference"]


def test_strict_checking_of_host_keys_is_no_finding() -> None:
    arguments = {"ansible_ssh_common_args": "-o StrictHostKeyChecking=yes"}
    assert codes(inventory.judge(of(rdna1={"hosts": ["a"]}, hostvars={"a": arguments}))) == []


@pytest.mark.parametrize(
    ("name", "meant"), [("canaries", "canary"), ("RDNA1", "rdna1"), ("navi_10", "navi10")]
)
def test_a_group_that_is_nearly_one_of_ours_is_a_warning(name: str, meant: str) -> None:
    report = inventory.judge(of(rdna1={"hosts": ["a"]}, canary={"hosts": ["a"]}, **{name: {"hosts": ["a"]}}))
    (warning,) = report.warnings
    assert warning.message == f"the group {name} means nothing to the playbooks; {meant} does"
    assert report.failures == []


def test_nobody_going_first_is_a_warning() -> None:
    (warning,) = inventory.judge(of(rdna1={"hosts": ["a", "b"]})).warnings
    assert warning.code == "no-canary"


def test_an_inventory_that_does_not_parse_cannot_be_judged(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yml"
    bad.write_text("rdna1: [")
    with pytest.raises(LabError, match="it cannot be read"):
        inventory.read(CHECKOUT, [str(bad)])
    with pytest.raises(LabError, match="there is no inventory"):
        inventory.read(CHECKOUT, [str(tmp_path / "none.yml")])


def test_an_inventory_that_parses_is_read_by_ansible_itself(tmp_path: Path) -> None:
    good = tmp_path / "good.yml"
    good.write_text("rdna1: {children: {navi10: {hosts: {a: {ansible_host: 192.0.2.1}}}}}\n")
    found = inventory.read(CHECKOUT, [str(good)])
    assert found.hosts == ["a"]
    assert found.login("a") == "192.0.2.1"
    assert set(found.composed) >= {"rdna1", "cpu_reference"}


def test_how_a_person_logs_in() -> None:
    variables = {
        "ansible_host": "192.0.2.1",
        "ansible_port": 2222,
        "ansible_user": "operator",
        "ansible_ssh_common_args": "-o UserKnownHostsFile=/keys/known",
    }
    found = of(rdna1={"hosts": ["a", "b"]}, hostvars={"a": variables})
    assert found.login("a") == "-o UserKnownHostsFile=/keys/known -p 2222 operator@192.0.2.1"
    assert found.forget("a") == "-R '[192.0.2.1]:2222' -f /keys/known"
    assert (found.login("b"), found.forget("b")) == ("b", "-R b")


# --- the hosts ---------------------------------------------------------------------------------------

CHANGED_KEY = "@@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @@\nHost key verification failed."
TWO = of(rdna1={"hosts": ["a", "b"]}, hostvars={"a": {"ansible_user": "operator"}})
START, END = "2026-11-21T09:00:00.000000+00:00", "2026-11-21T09:00:04.000000+00:00"


def event(kind: str, host: str, task: str, **result: Any) -> dict[str, Any]:
    data = {"host": host, "task": task, "res": result, "start": START, "end": END}
    return {"event": kind, "event_data": data}


def clock(host: str, moment: str) -> dict[str, Any]:
    return event("runner_on_ok", host, "Root", ansible_facts={"ansible_date_time": {"iso8601_micro": moment}})


def well(host: str) -> list[dict[str, Any]]:
    return [event("runner_on_ok", host, "Reach", ping="pong"), clock(host, "2026-11-21T09:00:02.5Z")]


def judged(*events: dict[str, Any], among: inventory.Inventory = TWO) -> Report:
    judge = hosts.Judge(among)
    for one in events:
        assert judge.hear(one) is True, "or ansible-runner drops its record"
    return judge.report()


def test_hosts_that_answer_are_well() -> None:
    report = judged(*well("a"), *well("b"))
    assert report.failures == []
    assert report.healthy == ["2 of 2 hosts answer", "2 of 2 hosts give root", "2 of 2 hosts keep time"]


def test_a_host_that_was_never_asked_is_not_well() -> None:
    report = judged(*well("a"))
    assert codes(report) == [("b", "not-asked")]
    assert report.healthy == []


SSH = 'Task failed: Data could not be sent to remote host "a". Make sure this host can be reached over ssh: '


@pytest.mark.parametrize(
    ("said", "code", "fix"),
    [
        (CHANGED_KEY, "host-key-changed", "ssh-keygen -R a"),
        ("Host key verification failed.", "host-key-unknown", "ssh operator@a"),
        ("ssh: Could not resolve hostname a: Name or service not known", "name", "getent hosts a"),
        ("operator@a: Permission denied (publickey,password).", "login", "ssh-copy-id operator@a"),
        ("ssh: connect to host a port 22: Connection refused", "refused", "ssh operator@a"),
        ("ssh: connect to host a port 22: Connection timed out", "unreachable", "ssh -v operator@a"),
        ("ssh: connect to host a port 22: No route to host", "unreachable", "ssh -v operator@a"),
        ("something new", "reach", "ssh -v operator@a"),
    ],
)  # fmt: skip
def test_why_a_host_was_not_reached(said: str, code: str, fix: str) -> None:
    report = judged(event("runner_on_unreachable", "a", "Reach", msg=SSH + said), *well("b"))
    (finding,) = report.failures
    assert (finding.host, finding.code) == ("a", code)
    assert finding.fix.startswith(fix)
    assert "Data could not be sent" not in finding.message


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("Task failed: Missing sudo password", "sudo-password"),
        ("sudo: a password is required", "sudo-password"),
        ("Incorrect sudo password", "sudo-password"),
        ("operator is not in the sudoers file.", "sudo"),
        ("/bin/sh: 1: sudo: not found", "no-sudo"),
        ("something new", "root"),
    ],
)
def test_why_a_host_gives_no_root(said: str, code: str) -> None:
    reached = event("runner_on_ok", "a", "Reach", ping="pong")
    report = judged(reached, event("runner_on_failed", "a", "Root", msg=said), *well("b"))
    assert codes(report) == [("a", code)]
    assert "2 of 2 hosts give root" not in report.healthy


def test_a_host_without_python_says_so_in_its_shell_s_words() -> None:
    failed = event(
        "runner_on_failed", "a", "Reach", msg="The module interpreter '/usr/bin/python3' was not found.",
        module_stdout="", module_stderr="/bin/sh: 1: /usr/bin/python3: not found",
    )  # fmt: skip
    (finding,) = judged(failed, *well("b")).failures
    assert (finding.code, finding.fix) == ("no-python", "ssh operator@a sudo apt-get install -y python3")


def test_what_host_check_says_is_kept_whole_and_each_item_is_a_finding() -> None:
    opt = event("runner_item_on_failed", "a", "Space | Judge it", msg="a has 1 GiB free under /opt")
    var = event("runner_item_on_failed", "a", "Space | Judge it", msg="a has 1 GiB free under /var")
    loop = event(
        "runner_on_failed", "a", "Space | Judge it", msg="One or more items failed", results=[{}, {}]
    )
    name = event("runner_on_failed", "a", "Variables", msg="a: rocm_pakage_set is not a variable")
    report = judged(name, *well("a"), opt, var, loop, *well("b"))
    assert codes(report) == [("a", "variables"), ("a", "space"), ("a", "space")]
    assert [finding.message[-4:] for finding in report.failures[1:]] == ["/opt", "/var"]


@pytest.mark.parametrize(
    ("moment", "skew"),
    [
        ("2026-11-21T09:00:02.5Z", 0.0),
        ("2026-11-21T08:59:20Z", -40.0),
        ("2026-11-21T09:00:44Z", 40.0),
    ],
)
def test_only_what_lies_outside_of_the_task_is_skew(moment: str, skew: float) -> None:
    assert hosts.skew(clock("a", moment)["event_data"]) == skew
    found = codes(judged(*well("a"), clock("a", moment), *well("b")))
    assert found == ([("a", "clock")] if skew else [])


def test_a_clock_that_nobody_read_is_not_right() -> None:
    blind = event("runner_on_ok", "a", "Root", ansible_facts={})
    report = judged(event("runner_on_ok", "a", "Reach"), blind, *well("b"))
    assert "2 of 2 hosts keep time" not in report.healthy


def test_where_all_clocks_differ_it_is_this_machine_s() -> None:
    late = [clock(host, "2026-11-21T08:00:00Z") for host in ("a", "b")]
    (finding,) = judged(*well("a"), *well("b"), *late).failures
    assert (finding.host, finding.code) == ("", "clock")
    assert "3600 s behind this machine's, so it is this one that is wrong" in finding.message


def test_every_cause_can_be_cured() -> None:
    causes = yaml.safe_load((CHECKOUT / "scripts/rdna1/doctor/causes.yml").read_text())
    for step in causes.values():
        assert step[-1]["says"] == ".", "the last one catches what nobody foresaw"
        for cause in step:
            re.compile(cause["says"])
            assert cause["fix"].format(ssh="s", forget="f", host="h", address="a", user="u")


def test_the_playbook_s_tasks_are_those_that_are_listened_for() -> None:
    (play,) = yaml.safe_load((CHECKOUT / "scripts/rdna1/doctor/hosts.yml").read_text())
    tasks = [*play["tasks"], *(inner for task in play["tasks"] for inner in task.get("block", []))]
    assert {"Variables", "Reach", "Root"} <= {task["name"] for task in tasks}
    parts = {
        task["ansible.builtin.include_role"]["tasks_from"]
        for task in tasks
        if "ansible.builtin.include_role" in task
    }
    for part in parts:
        file = CHECKOUT / "roles/host_check/tasks" / f"{part}.yml"
        names = [task["name"] for task in yaml.safe_load(file.read_text())]
        assert all(name.split(" | ")[0] in hosts.FIXES for name in names), names


# --- the command -------------------------------------------------------------------------------------


def found(monkeypatch: pytest.MonkeyPatch, report: Report) -> None:
    monkeypatch.setattr(commands, "examine", lambda _: report)


def test_a_ready_fleet_exits_0(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    found(monkeypatch, Report(healthy=["all well"], warnings=[Finding("", "w", "a warning", "cure it")]))
    assert cli.code(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "warn  a warning" in said
    assert said.endswith("Ready.\n")


def test_each_finding_has_its_cure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found(
        monkeypatch,
        Report(failures=[Finding("a", "x", "a\x1b[2J: [red]bad[/red]", "ssh a")], hosts=["a", "b"]),
    )
    assert cli.code(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "[red]bad[/red]\n      cure: ssh a\n" in said
    assert "1 to cure, on 1 of 2 hosts." in said


def test_as_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    found(monkeypatch, Report(failures=[Finding("a", "x", "bad", "ssh a")]))
    assert cli.code(["doctor", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["schema"], said["ok"]) == ("rdna1.doctor/1", False)
    assert said["failures"] == [{"host": "a", "code": "x", "message": "bad", "fix": "ssh a"}]


def test_what_cannot_be_judged_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.code(["doctor", "-i", "nowhere"]) == 2
    assert capsys.readouterr().err.startswith("rdna1: nowhere: there is no inventory nowhere; ")
    assert cli.code(["doctor", "-i", "nowhere", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["ok"] is False


@pytest.mark.parametrize("no_colour", [False, True])
def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch, no_colour: bool) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_colour:
        monkeypatch.setenv("NO_COLOR", "1")
    console = Console(file=io.StringIO(), force_terminal=True, color_system="standard", highlight=False)
    commands.draw(Report(failures=[Finding("a", "x", "bad", "ssh a")]), console)
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert "bad" in said
    assert bool(re.search(r"\x1b\[[0-9;]*31m", said)) is not no_colour
