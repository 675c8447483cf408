"""Up, reset and down, on a machine that is not there."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from rdna1.lab import images, lifecycle, limits, mirror, parallel, ports, ssh, state, status
from rdna1.lab.containers import Fleet
from rdna1.lab.errors import LabError
from rdna1.lab.paths import LabPaths
from rdna1.lab.podman import Podman, Result

if TYPE_CHECKING:
    from tests.unit.lab.conftest import FakeMachine


HOSTS = ["rx5600xt-01", "rx5700xt-01", "rx5500xt-01", "cpu-reference"]


@pytest.fixture(autouse=True)
def _a_quiet_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, machine: FakeMachine) -> None:
    """All base images are there, every port is free, SSH answers, the mirror's content is ready."""
    machine.images = {images.recipe(base).image for base in ("debian-13", "debian-12")}
    facts = SimpleNamespace(
        key_fingerprint="AB" * 20,
        requirements={"rocm52": Path("/lock")},
        standalone_url_path="python/p.tar.gz",
        standalone_sha256="0" * 64,
        standalone_release="3.10.13",
    )
    limit = tmp_path / "max_user_instances"
    limit.write_text("4096")
    monkeypatch.setattr(limits, "INOTIFY", limit)
    monkeypatch.setattr(limits.make_room, "__defaults__", (limit,))
    monkeypatch.setattr(mirror, "build", lambda _www, *, cache, full_size: facts if cache else full_size)
    monkeypatch.setattr(ssh, "answers", lambda _port: True)
    monkeypatch.setattr(ports, "is_free", lambda _port: True)
    monkeypatch.setattr(ports.assign, "__defaults__", (lambda _port: True,))


def network(paths: LabPaths) -> str:
    return f"rdna1-{paths.scope}-{paths.name}"


def container(paths: LabPaths, host: str) -> str:
    return f"{network(paths)}-{host}"


def up(machine: FakeMachine, paths: LabPaths, count: int | None = None, **options: Any) -> lifecycle.Outcome:
    bases = options.pop("bases", None)
    return lifecycle.up(paths, count, bases, lambda _line: None, machine, **options)


def test_up_makes_four_hosts_and_the_mirror(machine: FakeMachine, paths: LabPaths) -> None:
    outcome = up(machine, paths)
    assert outcome.created == HOSTS
    assert outcome.failures == {}
    assert sorted(machine.containers) == sorted(container(paths, name) for name in [*HOSTS, "mirror"])
    assert {one["State"] for one in machine.containers.values()} == {"running"}
    assert machine.networks == {network(paths)}
    saved = state.need(paths)
    assert list(saved.hosts) == HOSTS
    assert saved.mirror.facts["key_fingerprint"] == "AB" * 20
    assert saved.mirror.facts["requirements"] == {"rocm52": "/lock"}
    assert saved.mirror.address == "10.89.7.254"


def test_host_keys_are_known_before_a_host_starts(machine: FakeMachine, paths: LabPaths) -> None:
    known: list[str] = []
    answer = machine.__call__

    def watch(argv: Any, **options: Any) -> Result:
        if "start" in argv:
            known.append(paths.known_hosts.read_text())
        return answer(argv, **options)

    lifecycle.up(paths, None, None, lambda _line: None, watch)
    assert len(known) == len(HOSTS) + 1
    assert {text.count("\n") for text in known} == {len(HOSTS)}
    for name, host in state.need(paths).hosts.items():
        kind, key, _comment = paths.host_key(name).read_text().split()
        assert f"[127.0.0.1]:{host.port} {kind} {key}\n" in paths.known_hosts.read_text()
        assert machine.seeds[container(paths, name)].find(key.encode()) > 0, "another key is in the host"


def test_ssh_checks_host_keys_and_reads_no_configuration(paths: LabPaths) -> None:
    line = " ".join(ssh.argv(paths, "operator", 20001, "true"))
    assert "StrictHostKeyChecking=yes" in line
    assert f'UserKnownHostsFile="{paths.known_hosts}"' in line
    assert "-F none" in line


def test_up_again_changes_nothing(machine: FakeMachine, paths: LabPaths) -> None:
    up(machine, paths)
    before, known = dict(machine.containers), paths.known_hosts.read_text()
    machine.commands.clear()
    outcome = up(machine, paths)
    assert (outcome.created, outcome.started) == ([], [])
    assert machine.containers == before
    assert paths.known_hosts.read_text() == known
    assert not [words for words in machine.commands if words[1] in ("create", "start", "rm")]


def test_up_repairs_what_is_missing_or_stopped_or_half(machine: FakeMachine, paths: LabPaths) -> None:
    up(machine, paths)
    held = state.need(paths).ports()
    del machine.containers[container(paths, "rx5600xt-01")]
    machine.containers[container(paths, "rx5700xt-01")]["State"] = "exited"
    machine.containers[container(paths, "rx5500xt-01")]["State"] = "created"
    machine.containers[container(paths, "mirror")]["State"] = "exited"
    outcome = up(machine, paths)
    assert outcome.created == ["rx5600xt-01", "rx5500xt-01"]
    assert outcome.started == ["rx5700xt-01"]
    assert {one["State"] for one in machine.containers.values()} == {"running"}
    assert state.need(paths).ports() == held


def test_a_copy_begins_with_the_disk_of_one_of_its_kind_and_has_keys_of_its_own(
    machine: FakeMachine, paths: LabPaths
) -> None:
    up(machine, paths)
    machine.commands.clear()
    outcome = up(machine, paths, 6, copy=True)
    assert outcome.created == ["rx5600xt-02", "rx5700xt-02"]
    made_from = {words[3]: words[-1] for words in machine.podman_commands("create")}
    copied = {words[-1]: words[-2] for words in machine.podman_commands("commit")}
    for name in outcome.created:
        original = container(paths, name.replace("02", "01"))
        image = made_from[container(paths, name)]
        assert image == f"localhost/rdna1-lab/copy:{original}"
        assert copied[image] == original
        assert machine.seeds[container(paths, name)] != machine.seeds[original]
    assert up(machine, paths).created == [], "a copy must count as one of its base"


def test_without_one_of_its_kind_a_copy_is_a_fresh_host(machine: FakeMachine, paths: LabPaths) -> None:
    assert up(machine, paths, copy=True).created == HOSTS
    assert not machine.podman_commands("commit")


def test_the_images_of_copies_go_with_the_lab(machine: FakeMachine, paths: LabPaths) -> None:
    up(machine, paths)
    up(machine, paths, 6, copy=True)
    lifecycle.down(paths, purge=False, say=lambda _line: None, runner=machine)
    assert not [name for name in machine.images if "/copy:" in name]


@pytest.mark.parametrize(
    "moment", ["podman create", "podman cp", "podman start", "network create", "ssh-keygen"]
)
def test_whatever_broke_the_next_up_repairs(machine: FakeMachine, paths: LabPaths, moment: str) -> None:
    machine.fail = {moment: "Error: the machine was tired"}
    with contextlib.suppress(LabError):  # or the hosts' failures, where it is they that broke
        assert up(machine, paths).failures
    machine.fail = {}
    assert up(machine, paths).failures == {}
    assert len(machine.containers) == len(HOSTS) + 1


def test_one_hosts_failure_does_not_stop_the_others(machine: FakeMachine, paths: LabPaths) -> None:
    machine.fail = {f"start {container(paths, 'rx5700xt-01')}": "Error: no"}
    outcome = up(machine, paths)
    assert list(outcome.failures) == ["rx5700xt-01"]
    assert outcome.failures["rx5700xt-01"].exit_code == 1
    assert "rdna1 lab reset rx5700xt-01 --name try" in str(outcome.failures["rx5700xt-01"])
    assert sum(one["State"] == "running" for one in machine.containers.values()) == len(HOSTS)


def test_a_failed_mirror_leaves_the_hosts_and_its_older_facts(
    machine: FakeMachine, paths: LabPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    up(machine, paths)

    def no_content(_www: Path, *, cache: Path, full_size: bool) -> None:
        raise LabError("the mirror", f"no wheels in {cache}, {full_size=}", "mend the network")

    monkeypatch.setattr(mirror, "build", no_content)
    outcome = up(machine, paths)
    assert list(outcome.failures) == [lifecycle.CONTENT]
    assert state.need(paths).mirror.facts


def test_resizing_keeps_who_stays(machine: FakeMachine, paths: LabPaths) -> None:
    up(machine, paths)
    held = state.need(paths).ports()
    assert up(machine, paths, 6).created == ["rx5600xt-02", "rx5700xt-02"]
    assert up(machine, paths).lab.ports().keys() >= held.keys(), "without a number the size stays"
    assert up(machine, paths, 2).created == []
    assert state.need(paths).ports().items() <= held.items()
    assert sorted(machine.containers) == [
        container(paths, name) for name in ("cpu-reference", "mirror", "rx5600xt-01")
    ]


def test_another_base_makes_those_hosts_anew(machine: FakeMachine, paths: LabPaths) -> None:
    up(machine, paths)
    assert up(machine, paths, bases=("debian-12",)).created == [
        name for name in HOSTS if name != "rx5500xt-01"
    ]
    assert up(machine, paths).created == [], "the choice is kept"


def test_the_packages_size_is_kept_until_another_is_asked_for(
    machine: FakeMachine, paths: LabPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    ready = mirror.build

    def watch(www: Path, *, cache: Path, full_size: bool) -> mirror.MirrorFacts:
        asked.append(full_size)
        return ready(www, cache=cache, full_size=full_size)

    monkeypatch.setattr(mirror, "build", watch)
    up(machine, paths)
    up(machine, paths, full_size=True)
    up(machine, paths)
    lifecycle.reset(paths, ["cpu-reference"], lambda _line: None, machine)
    assert state.need(paths).full_size
    up(machine, paths, full_size=False)
    up(machine, paths)
    assert asked == [False, True, True, True, False, False]


def test_an_older_recipes_host_stays_and_is_named(
    machine: FakeMachine, paths: LabPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    up(machine, paths)
    table = images.data()
    monkeypatch.setattr(images, "data", lambda: {**table, "packages": ["other"]})
    outcome = up(machine, paths)
    assert (outcome.created, outcome.outdated) == ([], HOSTS)
    renewed = lifecycle.reset(paths, [], lambda _line: None, machine)
    assert (renewed.created, renewed.outdated) == (HOSTS, [])


def test_without_state_the_hosts_are_made_anew(machine: FakeMachine, paths: LabPaths) -> None:
    up(machine, paths)
    paths.state.unlink()
    assert up(machine, paths).created == HOSTS


def test_a_host_whose_key_is_not_recorded_is_made_anew(machine: FakeMachine, paths: LabPaths) -> None:
    up(machine, paths)
    paths.host_key("cpu-reference").unlink()
    assert up(machine, paths).created == ["cpu-reference"]


def test_reset_gives_a_host_a_new_key_and_its_old_port(machine: FakeMachine, paths: LabPaths) -> None:
    up(machine, paths)
    held, old, other = (
        state.need(paths).ports(),
        paths.host_key("cpu-reference").read_text(),
        paths.host_key("rx5600xt-01").read_text(),
    )
    outcome = lifecycle.reset(paths, ["cpu-reference"], lambda _line: None, machine)
    assert outcome.created == ["cpu-reference"]
    assert state.need(paths).ports() == held
    assert paths.host_key("cpu-reference").read_text() != old
    assert paths.host_key("rx5600xt-01").read_text() == other
    assert old.split()[1] not in paths.known_hosts.read_text()


def test_reset_knows_its_hosts(machine: FakeMachine, paths: LabPaths) -> None:
    with pytest.raises(LabError, match="not up"):
        lifecycle.reset(paths, [], lambda _line: None, machine)
    up(machine, paths)
    with pytest.raises(LabError, match="has no host rx580; use one of rx5600xt-01"):
        lifecycle.reset(paths, ["rx580"], lambda _line: None, machine)


def test_a_host_that_lets_nobody_in_fails(
    machine: FakeMachine, paths: LabPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh, "answers", lambda _port: False)
    monkeypatch.setattr(ssh, "READY_TIMEOUT", 0.05)
    outcome = up(machine, paths, 1)
    assert "nothing answers on its port" in str(outcome.failures["cpu-reference"])
    assert outcome.failures["cpu-reference"].exit_code == 1


def test_down_removes_everything_in_any_state(machine: FakeMachine, paths: LabPaths) -> None:
    up(machine, paths)
    other = {"Labels": {"rdna1.lab": "other"}, "Image": "x", "State": "running"}
    machine.containers["rdna1-other-cpu-reference"] = other
    machine.containers[container(paths, "rx5600xt-01")]["State"] = "created"
    paths.state.write_text("damaged")
    lifecycle.down(paths, purge=False, say=lambda _line: None, runner=machine)
    assert list(machine.containers) == ["rdna1-other-cpu-reference"]
    assert machine.networks == set()
    assert not paths.root.exists()
    assert not paths.lock.exists()
    assert machine.images, "images stay without --purge"
    lifecycle.down(paths, purge=True, say=lambda _line: None, runner=machine)
    assert machine.images == set()


def test_another_checkouts_lab_of_the_same_name_is_left_alone(
    machine: FakeMachine, paths: LabPaths, tmp_path: Path
) -> None:
    elsewhere = LabPaths("try", tmp_path / "elsewhere")
    up(machine, elsewhere)
    up(machine, paths)
    lifecycle.down(paths, purge=False, say=lambda _line: None, runner=machine)
    assert sorted(machine.containers) == sorted(container(elsewhere, name) for name in [*HOSTS, "mirror"])
    assert machine.networks == {network(elsewhere)}


def test_two_commands_do_not_change_one_lab(machine: FakeMachine, paths: LabPaths) -> None:
    with lifecycle.locked(paths), pytest.raises(LabError, match="another command is changing it"):
        up(machine, paths)
    assert machine.containers == {}


def test_labs_do_not_meet(machine: FakeMachine, paths: LabPaths) -> None:
    other = LabPaths("molecule-default", paths.checkout)
    up(machine, paths)
    up(machine, other)
    assert len(machine.containers) == 2 * (len(HOSTS) + 1)
    assert machine.networks == {network(paths), network(other)}
    assert not set(state.need(paths).ports().values()) & set(state.need(other).ports().values())
    assert paths.private_key.read_text() != other.private_key.read_text()


def test_ctrl_c_starts_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "WORKERS", 1)
    done = threading.Event()
    ran: list[str] = []

    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        parallel.each(
            {"first": interrupted, "second": lambda: done.wait(0.2), "third": lambda: ran.append("third")}
        )
    assert ran == []


def report(machine: FakeMachine, paths: LabPaths) -> status.Report:
    return status.report(Fleet(Podman(machine), paths), state.need(paths))


def test_status_of_a_healthy_lab(machine: FakeMachine, paths: LabPaths) -> None:
    up(machine, paths)
    found = report(machine, paths).as_json()
    assert found["schema"] == "rdna1.lab/1"
    assert (found["ok"], found["failures"]) == (True, [])
    assert [row["simulated"] for row in found["hosts"]] == [True, True, True, False]
    assert found["mirror"]["filled"]


def test_status_names_what_is_wrong_and_the_cure(machine: FakeMachine, paths: LabPaths) -> None:
    up(machine, paths)
    del machine.containers[container(paths, "rx5600xt-01")]
    machine.containers[container(paths, "mirror")]["State"] = "exited"
    port = state.need(paths).hosts["rx5700xt-01"].port
    machine.fail = {f"-p {port}": "refused"}
    answer = machine.__call__

    def by_host(argv: Any, **options: Any) -> Result:
        result = answer(argv, **options)
        return Result(255, "", "refused") if f"-p {port}" in " ".join(argv) else result

    found = status.report(Fleet(Podman(by_host), paths), state.need(paths)).as_json()
    assert not found["ok"]
    assert {(one["host"], one["code"], one["fix"]) for one in found["failures"]} == {
        ("rx5600xt-01", "not-running", "rdna1 lab up --name try"),
        ("rx5700xt-01", "no-ssh", "rdna1 lab reset rx5700xt-01 --name try"),
        ("mirror", "not-running", "rdna1 lab up --name try"),
    }


def test_a_host_that_never_finished_booting_is_not_ok(machine: FakeMachine, paths: LabPaths) -> None:
    up(machine, paths, 1)
    machine.systemd = "starting"
    assert [(one.host, one.code) for one in report(machine, paths).failures] == [
        ("cpu-reference", "not-booted")
    ]
    machine.systemd = "degraded"
    assert report(machine, paths).failures == []


def test_podman_without_its_own_dns_and_sockets_on_loopback(machine: FakeMachine, paths: LabPaths) -> None:
    up(machine, paths)
    for words in machine.podman_commands("create"):
        published = words[words.index("--publish") + 1]
        assert published.startswith("127.0.0.1:"), "a lab is never reachable from another machine"
    (created,) = [words for words in machine.commands if words[1:3] == ["network", "create"]]
    assert "--disable-dns" in created


def test_the_mirror_is_replaced_when_its_server_changes(
    machine: FakeMachine, paths: LabPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    up(machine, paths)
    held = state.need(paths).mirror.port
    server = tmp_path / "serve.py"
    server.write_text("another server")
    monkeypatch.setattr(lifecycle, "SERVER", server)
    machine.commands.clear()
    assert up(machine, paths).created == []
    assert [words[3] for words in machine.podman_commands("create")] == [container(paths, "mirror")]
    assert b"another server" in machine.seeds[container(paths, "mirror")]
    assert state.need(paths).mirror.port == held
