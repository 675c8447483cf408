"""What apt-get is told, and what is made of its failures."""

from pathlib import Path

import pytest
from ansible_collections.rdna1.provision.plugins.module_utils import apt_get
from ansible_collections.rdna1.provision.plugins.module_utils.apt_get import AptError, AptGet, LockedError
from ansible_collections.rdna1.provision.plugins.module_utils.apt_world import World

LISTS_LOCKED = (
    "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 226 (apt-get)\n"
    "E: Unable to lock directory /var/lib/apt/lists/\n"
)
DPKG_LOCKED = (
    "Waiting for cache lock: Could not get lock /var/lib/dpkg/lock-frontend. "
    "It is held by process 7 (unattended-upgr)...\n",
    "E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend)\n",
)
UNREACHABLE = (
    "E: Failed to fetch http://a.example/x/InRelease  Could not resolve 'a.example'\n"
    "E: Some index files failed to download. They have been ignored, or old ones used instead.\n"
)


@pytest.fixture(autouse=True)
def no_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The processes of these answers are none of this machine's."""
    monkeypatch.setattr(apt_get, "PROC", tmp_path)


class Machine:
    """apt-get, as it answers here one time after the other."""

    def __init__(self, *answers: tuple[int, str, str]) -> None:
        self.answers = list(answers)
        self.commands: list[list[str]] = []
        self.slept = 0.0
        self.apt = AptGet(self.run, World(Path("/x"), Path("/y"), ["Dir::Etc=/x/"]), 20, False, self.sleep)

    def run(self, command: list[str]) -> tuple[int, str, str]:
        self.commands.append(command)
        return self.answers.pop(0)

    def sleep(self, seconds: float) -> None:
        self.slept += seconds


def test_it_never_asks_and_knows_its_world() -> None:
    machine = Machine((0, "", ""), (0, "", ""))
    machine.apt.simulate(["install", "a"])
    machine.apt.execute(["install", "a"], "Dir::State::status=/y")
    simulated, executed = machine.commands
    assert simulated[-3:] == ["--simulate", "install", "a"]
    assert {"Dir::Etc=/x/", "DPkg::Lock::Timeout=20", "APT::Install-Recommends=false"} <= set(simulated)
    assert "--assume-yes" in executed
    assert "Dir::State::status=/y" in executed


def test_the_lists_lock_is_waited_for_because_apt_does_not() -> None:
    machine = Machine((100, "", LISTS_LOCKED), (100, "", LISTS_LOCKED), (0, "", ""))
    assert machine.apt.update() == []
    assert machine.slept == 10


def test_a_lists_lock_that_stays_is_named_with_who_holds_it() -> None:
    machine = Machine(*[(100, "", LISTS_LOCKED)] * 9)
    with pytest.raises(
        LockedError, match=r"/var/lib/apt/lists/lock is held by apt-get \(process 226\)"
    ) as caught:
        machine.apt.update(Path("/etc/apt/sources.list.d/x.sources"))
    assert machine.slept == 20
    assert "lock_timeout" in caught.value.cure


def test_who_holds_a_lock_is_told_with_the_whole_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7/cmdline").write_bytes(b"/usr/bin/python3\0/usr/bin/unattended-upgrade\0")
    monkeypatch.setattr(apt_get, "PROC", tmp_path)
    machine = Machine((100, *DPKG_LOCKED))
    with pytest.raises(LockedError, match=r"by /usr/bin/python3 /usr/bin/unattended-upgrade \(process 7\)"):
        machine.apt.execute(["install", "a"])


def test_dpkg_s_lock_is_not_waited_for_twice() -> None:
    machine = Machine((100, *DPKG_LOCKED))
    with pytest.raises(LockedError, match="unattended-upgr"):
        machine.apt.execute(["install", "a"])
    assert machine.slept == 0


def test_of_one_source_every_failure_counts() -> None:
    machine = Machine((100, "", UNREACHABLE))
    with pytest.raises(AptError, match=r"^http://a.example/x/InRelease: Could not resolve 'a.example'$"):
        machine.apt.update(Path("/etc/apt/sources.list.d/x.sources"))
    assert "--error-on=any" in machine.commands[0]
    assert "Dir::Etc::sourcelist=/etc/apt/sources.list.d/x.sources" in machine.commands[0]


@pytest.mark.parametrize("status", [0, 100])
def test_of_all_sources_other_people_s_are_warned_of(status: int) -> None:
    machine = Machine((status, "", UNREACHABLE.replace("E:", "W:") if status == 0 else UNREACHABLE))
    assert machine.apt.update() == [("http://a.example/x/InRelease", "Could not resolve 'a.example'")]


def test_a_server_without_such_a_repository_is_named_with_its_suite() -> None:
    stderr = "E: The repository 'http://a.example/rocm/ focal Release' does not have a Release file.\n"
    machine = Machine((100, "", stderr))
    assert machine.apt.update() == [("http://a.example/rocm/dists/focal", "does not have a Release file")]


def test_a_signature_that_is_too_weak_names_the_policy() -> None:
    stderr = "W: OpenPGP signature verification failed: SHA1 is not considered secure\nE: x is not signed.\n"
    machine = Machine((100, "", stderr))
    with pytest.raises(AptError) as caught:
        machine.apt.update(Path("/x"))
    assert str(apt_get.SQV_POLICY) in caught.value.cure


def test_of_many_failures_one_is_named_and_the_others_counted() -> None:
    stderr = "".join(f"E: Failed to fetch http://a.example/{name}.deb  404  Not Found\n" for name in "abc")
    machine = Machine((100, "", stderr))
    with pytest.raises(AptError, match=r"^http://a.example/a.deb: 404  Not Found \(and 2 more\)$"):
        machine.apt.execute(["install", "a", "b", "c"])


A_DEB = "E: Failed to fetch http://a.example/a.deb  "
UNSIGNED = (
    "W: OpenPGP signature verification failed: http://a.example x InRelease: {}\n"
    "E: The repository 'http://a.example x InRelease' is not signed."
)
NOT_NOW = (
    "E: Release file for http://a.example/x/InRelease is {}. Updates for this repository will not be applied."
)


@pytest.mark.parametrize(
    ("said", "reason", "cure"),
    [
        (A_DEB + "404  Not Found", "a.deb: 404  Not Found", "apt-get update"),
        (A_DEB + "Hash Sum mismatch", "a.deb: Hash Sum mismatch", "in step with itself"),
        (
            A_DEB + "File has unexpected size (1 != 2).",
            "a.deb: File has unexpected size",
            "in step with itself",
        ),
        (A_DEB + "Could not resolve 'a.example'", "a.deb: Could not resolve", "proxy, DNS, clock"),
        (A_DEB + "Connection timed out", "a.deb: Connection timed out", "proxy, DNS, clock"),
        (A_DEB + "write (28: No space left on device)", "a.deb: write (28", "make room on this host"),
        (A_DEB + "sqv said: Not live until 2026-09-12", "a.deb: sqv said", "this host's clock is behind"),
        (
            "E: You don't have enough free space in /var.",
            "enough free space in /var",
            "make room on this host",
        ),
        (
            UNSIGNED.format("Splitting up /x/a.example_InRelease into data and signature failed"),
            "Splitting up",
            "make room in /tmp",
        ),
        (
            UNSIGNED.format("Verifying signature: Not live until 2026-11-21"),
            "Not live until",
            "this host's clock is behind",
        ),
        (
            NOT_NOW.format("not valid yet (invalid for another 364d)"),
            "http://a.example/x/InRelease: not valid yet (invalid for another 364d)",
            "this host's clock is behind",
        ),
        (
            NOT_NOW.format("expired (invalid since 359d)"),
            "http://a.example/x/InRelease: expired (invalid since 359d)",
            "if this host's clock is ahead",
        ),
    ],
)
def test_each_way_to_fail_has_its_cure(said: str, reason: str, cure: str) -> None:
    machine = Machine((100, "", f"{said}\n"))
    with pytest.raises(AptError) as caught:
        machine.apt.execute(["install", "a"])
    assert reason in str(caught.value)
    assert cure in caught.value.cure


@pytest.mark.parametrize(
    ("reason", "code"), [("Connection timed out", "unreachable"), ("(28: No space left on device)", "apt")]
)
def test_no_server_is_to_blame_for_what_is_wrong_on_the_host(reason: str, code: str) -> None:
    machine = Machine((100, "", f"{A_DEB}{reason}\n"))
    with pytest.raises(AptError) as caught:
        machine.apt.execute(["install", "a"])
    assert caught.value.code == code


def test_an_unsigned_repository_is_explained_by_its_signature() -> None:
    stderr = (
        "W: GPG error: http://a.example x InRelease: NO_PUBKEY 9386B48A1A693C5C\n"
        "E: The repository 'http://a.example x InRelease' is not signed.\n"
    )
    machine = Machine((100, "", stderr))
    with pytest.raises(AptError, match="NO_PUBKEY 9386B48A1A693C5C"):
        machine.apt.update(Path("/x"))
