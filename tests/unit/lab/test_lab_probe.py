"""How podman must be called is found by trying, remembered, and explained where nothing works."""

from __future__ import annotations

import platform
import resource
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rdna1.lab import limits, probe
from rdna1.lab.errors import LabError
from rdna1.lab.podman import Podman, as_root, check_root, explain
from rdna1.lab.probe import Settings

if TYPE_CHECKING:
    from tests.unit.lab.conftest import FakeMachine


LIMITS = ("nofile=1024:20000", "nproc=10000:10000")
LABELS = ["--label", "rdna1.lab=try", "--label", "rdna1.host=probe", "--label", "rdna1.image=i"]


def ways() -> list[Settings]:
    return list(probe.candidates(["runc", "crun"], LIMITS))


def test_the_machines_own_settings_come_first() -> None:
    assert ways()[0].is_default
    assert not any(way.is_default for way in ways()[1:])
    assert len(set(ways())) == 6


@pytest.mark.parametrize("works", ways())
def test_the_first_way_that_works_is_taken(works: Settings) -> None:
    tried: list[Settings] = []

    def attempt(way: Settings) -> str | None:
        tried.append(way)
        return None if way == works else "no"

    assert probe.choose(ways(), attempt) == works
    assert tried == ways()[: ways().index(works) + 1]


def test_where_nothing_works_every_reason_is_said_once() -> None:
    with pytest.raises(LabError) as caught:
        probe.choose(ways(), lambda way: "rlimit" if way.ulimits else "cgroup")
    text = str(caught.value)
    assert (text.count("rlimit"), text.count("cgroup")) == (1, 1)
    assert "Traceback" not in text


def test_the_conf_is_what_podman_reads() -> None:
    conf = tomllib.loads(probe.render(Settings("runc", LIMITS)))
    assert conf == {"containers": {"default_ulimits": list(LIMITS)}, "engine": {"runtime": "runc"}}
    assert tomllib.loads(probe.render(Settings(None, LIMITS)))["engine"] == {}


def test_own_limits_are_ones_that_podman_can_give(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pid_max = tmp_path / "pid_max"
    pid_max.write_text("32768\n")
    monkeypatch.setattr(probe, "PID_MAX", pid_max)
    hard = {"nofile": 20000, "nproc": 96365}
    monkeypatch.setattr(
        resource,
        "getrlimit",
        lambda kind: (1, hard["nofile" if kind == resource.RLIMIT_NOFILE else "nproc"]),
    )
    assert probe.own_limits() == ("nofile=1024:20000", "nproc=32768:32768")
    hard["nproc"] = resource.RLIM_INFINITY
    assert probe.own_limits()[1] == "nproc=32768:32768"
    hard |= {"nproc": 100, "nofile": 500}
    assert probe.own_limits() == ("nofile=500:500", "nproc=100:100")


def test_the_finding_is_remembered_for_this_machine_alone(
    machine: FakeMachine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf = tmp_path / "containers.conf"
    settled = probe.settle(conf, "image", "probe", LABELS, machine)
    assert settled.conf is None, "the defaults work here, so nothing overrides them"
    assert len(machine.podman_commands("run")) == 1
    assert machine.containers == {}, "the probe's container was left behind"
    probe.settle(conf, "image", "probe", LABELS, machine)
    assert len(machine.podman_commands("run")) == 1
    monkeypatch.setattr(platform, "release", lambda: "another kernel")
    probe.settle(conf, "image", "probe", LABELS, machine)
    assert len(machine.podman_commands("run")) == 2


def test_a_way_that_is_not_the_default_is_kept_as_conf(machine: FakeMachine, tmp_path: Path) -> None:
    conf = tmp_path / "containers.conf"
    attempts: list[bool] = []

    def attempt(podman: Podman) -> str | None:
        attempts.append(podman.conf is None)
        return None if podman.conf and "default_ulimits" in podman.conf.read_text() else "rlimit"

    found = probe.find(conf, machine, attempt)
    assert attempts == [True, False]
    assert found.conf == conf
    remembered = probe.remembered(conf, probe.machine(found))
    assert remembered == Settings(None, probe.own_limits())


@pytest.mark.parametrize("damage", ["", "[]", "{", '{"machine": "m"}'])
def test_a_damaged_memory_means_trying_again(tmp_path: Path, damage: str) -> None:
    (tmp_path / "containers.json").write_text(damage)
    assert probe.remembered(tmp_path / "containers.conf", "m") is None


def test_an_image_that_does_not_boot_is_a_reason(
    machine: FakeMachine, podman: Podman, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.systemd = "initializing"
    monkeypatch.setattr(probe, "BOOT_TIMEOUT", 0.1)
    reason = probe.boot(podman, "image", "probe", LABELS)
    assert reason == "systemd did not come up within 0 s (initializing)"
    assert machine.containers == {}


def test_podmans_error_is_explained() -> None:
    raw = "Error: netavark: No such file or directory (os error 2)\n"
    assert "apt-get install iptables nftables" in explain(raw)
    assert explain("Error: runc: operation not permitted\n") == "runc: operation not permitted"


def test_root_needs_no_sudo_and_others_keep_their_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert as_root(["podman", "ps"]) == ["podman", "ps"]
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert as_root(["podman", "ps"], {"CONTAINERS_CONF": "/c"}) == [
        "sudo",
        "env",
        "CONTAINERS_CONF=/c",
        "podman",
        "ps",
    ]


def test_without_root_and_sudo_it_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    check_root()
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabError, match="run the same command as root"):
        check_root()


@pytest.mark.parametrize(("hosts", "raised"), [(8, None), (9, "1024"), (200, "1664")])
def test_inotify_is_raised_only_where_it_is_needed(
    machine: FakeMachine, tmp_path: Path, hosts: int, raised: str | None
) -> None:
    limit = tmp_path / "max_user_instances"
    limit.write_text("128\n")
    limits.make_room(machine, hosts, print, limit)
    settings = [words[-1] for words in machine.commands]
    assert settings == ([f"fs.inotify.max_user_instances={raised}"] if raised else [])


def test_a_limit_that_cannot_be_raised_is_said(machine: FakeMachine, tmp_path: Path) -> None:
    limit = tmp_path / "max_user_instances"
    limit.write_text("128\n")
    machine.fail = {"sysctl": "sysctl: permission denied"}
    with pytest.raises(LabError, match=r"40 hosts need 384.*permission denied"):
        limits.make_room(machine, 40, print, limit)
