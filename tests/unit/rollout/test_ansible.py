"""How Ansible is started: nothing secret in sight, host keys checked, nothing left behind."""

from __future__ import annotations

import json
import shlex
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rdna1.rollout import ansible, processes
from rdna1.rollout.ansible import Job, Setting


@dataclass
class Runner:
    status: str


@dataclass
class FakeRunner:
    """Stands in for ansible_runner.run and keeps what it was given, files included."""

    status: str = "successful"
    given: dict[str, Any] | None = None
    limit: str = ""
    extra: dict[str, Any] | None = None
    modes: tuple[int, ...] = ()
    kept: bool | None = None
    cancelled: bool | None = None

    def __call__(self, **given: Any) -> Runner:
        self.given = given
        limit, own = Path(given["limit"][1:]), Path(shlex.split(given["cmdline"])[-1][1:])
        self.limit, self.extra = limit.read_text(), json.loads(own.read_text())
        self.modes = tuple(stat.S_IMODE(path.stat().st_mode) for path in (limit, own))
        self.kept = given["event_handler"]({"event": "verbose"})
        self.cancelled = given["cancel_callback"]()
        return Runner(self.status)


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return Setting("a-run", [Path("/inventory")], tmp_path, [Path("/my vars/it's.yml")], [Path("/password")])


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeRunner:
    runner = FakeRunner()
    monkeypatch.setattr("rdna1.rollout.ansible.ansible_runner.run", runner)
    return runner


JOB = Job(["a", "b"], playbook="playbooks/rdna1.yml", extra={"token": "swordfish"}, timeout=7)


def nothing(_event: object) -> None:
    pass


def test_extra_variables_travel_by_private_files_that_are_removed(
    setting: Setting, fake: FakeRunner, tmp_path: Path
) -> None:
    assert ansible.run(setting, JOB, nothing, lambda: False) == "complete"
    assert fake.given
    assert fake.extra == {"token": "swordfish"}
    assert fake.limit == "a\nb\n"
    assert fake.modes == (0o600, 0o600)
    assert "swordfish" not in str(fake.given)
    words = shlex.split(fake.given["cmdline"])
    assert words[:4] == ["--vault-password-file", "/password", "-e", "@/my vars/it's.yml"]
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["settings"]


def test_facts_are_gathered_with_the_same_variables(setting: Setting, fake: FakeRunner) -> None:
    """How a host is reached, or its password for sudo, may stand in them."""
    ansible.run(setting, Job(["a", "b"], module="ansible.builtin.setup"), nothing, lambda: False)
    assert fake.given
    assert fake.given["module"] == "ansible.builtin.setup"
    assert shlex.split(fake.given["cmdline"])[2:4] == ["-e", "@/my vars/it's.yml"]


def test_host_keys_are_checked_and_facts_stay_off_the_disk(setting: Setting, fake: FakeRunner) -> None:
    ansible.run(setting, JOB, nothing, lambda: False)
    assert fake.given
    assert fake.given["envvars"]["ANSIBLE_HOST_KEY_CHECKING"] == "True"
    assert fake.given["envvars"][processes.MARK] == "a-run"
    assert fake.given["suppress_env_files"] is True
    assert fake.given["fact_cache_type"] != "jsonfile"
    assert fake.given["timeout"] == 7
    assert fake.kept is False


@pytest.mark.parametrize(
    ("status", "ending"),
    [("successful", "complete"), ("failed", "complete"), ("canceled", "cancelled"), ("timeout", "timeout")],
)
def test_endings(setting: Setting, fake: FakeRunner, status: str, ending: str) -> None:
    fake.status = status
    assert ansible.run(setting, JOB, nothing, lambda: False) == ending


def test_a_handler_that_breaks_stops_ansible_and_is_heard_of(setting: Setting, fake: FakeRunner) -> None:
    def breaks(_event: object) -> None:
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space"):
        ansible.run(setting, JOB, breaks, lambda: False)
    assert fake.cancelled is True


def test_a_wish_to_stop_is_passed_on(setting: Setting, fake: FakeRunner) -> None:
    ansible.run(setting, JOB, nothing, lambda: True)
    assert fake.cancelled is True
