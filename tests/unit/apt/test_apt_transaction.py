"""Simulated, judged, and only then done: in which order, and when not at all."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rdna1.provision.plugins.module_utils import (
    apt_get,
    apt_world,
    dpkg_status,
    restore_ledger,
)
from ansible_collections.rdna1.provision.plugins.modules import apt_transaction

Run = Callable[..., dict[str, Any]]

STATUS = """\
Package: dpkg
Status: install ok installed
Architecture: amd64
Version: 1

Package: rocminfo
Status: hold ok installed
Architecture: amd64
Version: 5.7

Package: libold
Status: install ok installed
Architecture: amd64
Version: 1
"""
STATUS_OF_LIBOLD = STATUS.split("\n\n")[-1]
NEW = "Inst rocm-core (5.2.0.50200-65 repo.radeon.com:ubuntu [amd64])\n"


class Machine:
    """A host on which apt-get answers as told; what it was asked is written down."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: dict[str, tuple[int, str, str]] = {}
        self.commands: list[list[str]] = []
        self.dpkg = tmp_path / "dpkg"
        (self.dpkg / "info").mkdir(parents=True)
        (self.dpkg / "status").write_text(STATUS)
        (tmp_path / "etc").mkdir()
        (tmp_path / "lists").mkdir()
        monkeypatch.setattr(dpkg_status, "ADMIN", self.dpkg)
        for function in (
            dpkg_status.interrupted,
            dpkg_status.missing_files,
            dpkg_status.edited_files,
            dpkg_status.has_files_under,
        ):
            monkeypatch.setattr(function, "__defaults__", (self.dpkg,))
        monkeypatch.setattr(apt_world, "ETC", tmp_path / "etc")
        monkeypatch.setattr(apt_world, "LISTS", tmp_path / "lists")
        self.states = tmp_path / "extended_states"
        monkeypatch.setattr(apt_get, "STATES", self.states)
        self.ledger = tmp_path / "ledger.jsonl"
        monkeypatch.setattr(restore_ledger, "LEDGER", self.ledger)
        monkeypatch.setattr(
            "ansible.module_utils.basic.AnsibleModule.run_command", lambda _, command, **__: self.run(command)
        )

    def run(self, command: list[str]) -> tuple[int, str, str]:
        """Answer the command whose words after the options begin so."""
        words = [word for word, before in zip(command[2:], command[1:], strict=False) if before != "-o"]
        line = " ".join(word for word in words if word != "-o")
        self.commands.append(command)
        return next((answer for start, answer in self.answers.items() if line.startswith(start)), (0, "", ""))

    @property
    def done(self) -> list[str]:
        """What was really done, in its order."""
        flags = ("--assume-yes", "--allow-downgrades", "--allow-change-held-packages")
        lines = [
            [
                word
                for word, before in zip(command, ["", *command], strict=False)
                if "-o" not in (word, before)
            ]
            for command in self.commands
            if "--assume-yes" in command and "--print-uris" not in command
        ]
        return [" ".join(word for word in line[2:] if word not in flags) for line in lines]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def test_what_is_there_needs_no_apt(run_module: Run, machine: Machine) -> None:
    answer = run_module(apt_transaction, install=["libold", "rocminfo=5.7"], remove=["never-there"])
    assert answer["changed"] is False
    assert answer["summary"] == "nothing"
    assert machine.commands == []


def test_a_plain_name_means_any_version_and_a_version_means_that_one(
    run_module: Run, machine: Machine
) -> None:
    run_module(apt_transaction, install=["libold", "rocminfo=1.0", "rocm-core"])
    assert machine.done[-1] == "install rocminfo=1.0 rocm-core"


def test_everything_is_downloaded_before_anything_goes(run_module: Run, machine: Machine) -> None:
    machine.answers = {
        "--simulate install rocminfo-": (0, "Purg rocminfo [5.7]\n", ""),
        "--simulate install rocm-core": (0, NEW, ""),
    }
    answer = run_module(apt_transaction, install=["rocm-core"], remove=["rocminfo"])
    assert answer["changed"]
    assert machine.done == ["--download-only install rocm-core", "remove rocminfo", "install rocm-core"]
    assert [item["name"] for item in answer["remove"]] == ["rocminfo"]
    assert [item["name"] for item in answer["install"]] == ["rocm-core"]


def test_the_installation_is_simulated_on_the_host_as_it_will_be(
    run_module: Run, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    answer = machine.run

    def run(command: list[str]) -> tuple[int, str, str]:
        for word in command:
            if word.startswith("Dir::State::status=") and "--simulate" in command:
                seen.append(Path(word.partition("=")[2]).read_text())
        return answer(command)

    monkeypatch.setattr(machine, "run", run)
    machine.answers = {"--simulate install rocminfo-": (0, "Purg rocminfo [5.7]\n", "")}
    run_module(apt_transaction, install=["rocm-core"], remove=["rocminfo"])
    (status,) = seen
    assert "Package: rocminfo" not in status
    assert "Package: libold" in status


def test_what_the_removal_took_away_is_wanted_again(run_module: Run, machine: Machine) -> None:
    """The same name, of another vendor: satisfied before, not any more."""
    machine.answers = {"--simulate install rocminfo-": (0, "Purg rocminfo [5.7]\nPurg libold [1]\n", "")}
    answer = run_module(apt_transaction, install=["libold"], remove=["rocminfo"], allow_remove=["libold"])
    assert "failed" not in answer
    assert machine.done[-1] == "install libold"


@pytest.mark.parametrize(
    ("simulated", "named"),
    [
        ("Remv libold [1]\n" + NEW, "remove libold (1)"),
        ("Inst libold [2] (1 X:x [amd64])\n", "downgrade libold (2 to 1)"),
        ("Inst rocm-core (5.7.0.50700-63 repo.radeon.com:ubuntu [amd64])\n", "rocm-core (5.7.0.50700-63)"),
    ],
)
def test_what_nobody_allowed_stops_it_with_the_list(
    run_module: Run, machine: Machine, simulated: str, named: str
) -> None:
    machine.answers = {"--simulate install rocm-core": (0, simulated, "")}
    require = [{"label": "repo.radeon.com", "version": "*.50200-65"}]
    answer = run_module(apt_transaction, install=["rocm-core"], require=require)
    assert answer["failed"]
    assert named in answer["msg"]
    assert machine.done == []


def test_the_same_is_done_where_it_is_allowed(run_module: Run, machine: Machine) -> None:
    machine.answers = {
        "--simulate install rocm-core": (0, "Remv libold [1]\nInst rocminfo [5.7] (1.0 X:x [amd64])\n", "")
    }
    answer = run_module(
        apt_transaction, install=["rocm-core"], allow_remove=["lib*"], allow_downgrade=["rocminfo"]
    )
    assert answer["changed"]
    assert machine.done == ["install rocm-core"]


def test_check_mode_does_nothing_and_says_the_same(run_module: Run, machine: Machine) -> None:
    machine.answers = {"--simulate install rocm-core": (0, NEW, "")}
    said = run_module(apt_transaction, check=True, install=["rocm-core"])
    assert machine.done == []
    assert said["summary"] == run_module(apt_transaction, install=["rocm-core"])["summary"]


@pytest.mark.parametrize("check", [False, True])
def test_an_interrupted_dpkg_is_not_touched(run_module: Run, machine: Machine, check: bool) -> None:
    (machine.dpkg / "updates").mkdir()
    (machine.dpkg / "updates/0003").touch()
    answer = run_module(apt_transaction, check=check, install=["rocm-core"])
    assert "dpkg --configure -a" in answer["msg"]
    assert machine.commands == []


def test_a_package_with_a_missing_file_is_installed_again(
    run_module: Run, machine: Machine, tmp_path: Path
) -> None:
    (machine.dpkg / "info/libold.list").write_text(f"{tmp_path}/opt/gone\n")
    machine.answers = {"--simulate install --reinstall libold": (0, "Inst libold [1] (1 X:x [amd64])\n", "")}
    answer = run_module(apt_transaction, intact=[{"version": "1", "under": f"{tmp_path}/opt"}])
    assert [item["name"] for item in answer["reinstall"]] == ["libold"]
    assert machine.done == ["install --reinstall libold"]


def test_a_repair_asks_for_nothing_by_name(run_module: Run, machine: Machine, tmp_path: Path) -> None:
    """What had come as a dependency still goes with what needs it."""
    needs = STATUS.replace("Package: libold\n", "Package: libold\nDepends: libgone, rocm-core\n")
    (machine.dpkg / "status").write_text(needs)
    (machine.dpkg / "info/libold.list").write_text(f"{tmp_path}/opt/gone\n")
    machine.answers = {
        "--simulate install": (0, f"Inst libold [1] (1 X:x [amd64])\nInst libgone (1 X:x [amd64])\n{NEW}", "")
    }
    rule = {"version": "1", "under": f"{tmp_path}/opt"}
    run_module(apt_transaction, install=["rocm-core"], intact=[rule])
    assert machine.commands[-1] == ["apt-mark", "auto", "libgone"]
    machine.states.write_text("Package: libold\nArchitecture: amd64\nAuto-Installed: 1\n")
    run_module(apt_transaction, install=["rocm-core"], intact=[rule])
    assert machine.commands[-1] == ["apt-mark", "auto", "libold", "libgone"]


def test_nor_does_one_that_was_cut_off_and_it_says_what_heals(
    run_module: Run, machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (machine.dpkg / "info/libold.list").write_text(f"{tmp_path}/opt/gone\n")
    others = "Package: other\nArchitecture: amd64\nAuto-Installed: 1\n\n"
    machine.states.write_text(f"Package: libold\nArchitecture: amd64\nAuto-Installed: 1\n\n{others}")
    machine.answers = {
        "--simulate install": (0, "Inst libold [1] (1 X:x [amd64])\n", ""),
        "--assume-yes": (100, "", "E: Sub-process /usr/bin/dpkg was killed\n"),
    }
    (machine.dpkg / "updates").mkdir()

    def cut_off(command: list[str]) -> tuple[int, str, str]:
        if "--assume-yes" in command and "--print-uris" not in command:
            (machine.dpkg / "updates/0001").write_text(
                STATUS_OF_LIBOLD.replace("ok installed", "ok half-installed")
            )
            machine.states.write_text(others)  # apt was told its name
        return machine.run(command)

    monkeypatch.setattr(
        "ansible.module_utils.basic.AnsibleModule.run_command", lambda _, command, **__: cut_off(command)
    )
    answer = run_module(apt_transaction, intact=[{"version": "1", "under": f"{tmp_path}/opt"}])
    assert answer["failed"]
    assert f"run {dpkg_status.CURE} there, then run this again" in answer["msg"]
    assert apt_get.automatic() == ["libold", "other"], "apt-mark would not see it installed"
    assert machine.states.read_text().startswith(others)


def test_a_package_with_an_edited_file_is_installed_again_where_that_is_looked_for(
    run_module: Run, machine: Machine, tmp_path: Path
) -> None:
    place = tmp_path / "opt/edited"
    place.parent.mkdir()
    place.write_text("other")
    (machine.dpkg / "info/libold.list").write_text(f"{place}\n")
    (machine.dpkg / "info/libold.md5sums").write_text(f"{'0' * 32}  {str(place).lstrip('/')}\n")
    machine.answers = {"--simulate install --reinstall libold": (0, "Inst libold [1] (1 X:x [amd64])\n", "")}
    rule = {"version": "1", "under": f"{tmp_path}/opt"}
    assert run_module(apt_transaction, intact=[rule])["changed"] is False
    answer = run_module(apt_transaction, intact=[{**rule, "deep": True}])
    assert [item["name"] for item in answer["reinstall"]] == ["libold"]


def test_a_missing_list_of_a_named_source_is_fetched_and_only_that(
    run_module: Run, machine: Machine, tmp_path: Path
) -> None:
    source = tmp_path / "etc/sources.list.d/rdna1.list"
    source.parent.mkdir()
    source.write_text("deb http://a.example ubuntu main\n")
    answer = run_module(apt_transaction, install=["libold"], sources=[str(source)])
    (command,) = machine.commands
    assert f"Dir::Etc::sourcelist={source}" in command
    assert answer["changed"] is False
    machine.answers = {"update --error-on=any": (100, "", "E: Failed to fetch http://a.example/x  gone\n")}
    message = run_module(apt_transaction, install=["libold"], sources=[str(source)])["msg"]
    assert message.startswith("apt cannot read rdna1.list: http://a.example/x: gone; correct the address")


def test_why_apt_finds_no_way_and_what_would_help_are_said(run_module: Run, machine: Machine) -> None:
    machine.answers = {"--simulate": (100, "", "E: Unable to locate package rocm-core\n")}
    answer = run_module(apt_transaction, install=["rocm-core"], cure="run the other role first")
    assert answer["msg"] == (
        "apt finds no way to install rocm-core: Unable to locate package rocm-core; run the other role first."
    )


def test_a_failure_half_way_says_that_it_can_be_gone_on_from(run_module: Run, machine: Machine) -> None:
    machine.answers = {"--assume-yes": (100, "", "E: Sub-process /usr/bin/dpkg returned an error code (1)\n")}
    answer = run_module(apt_transaction, install=["rocm-core"])
    assert "returned an error code" in answer["msg"]
    assert "run this again" in answer["msg"]


def test_a_half_installed_package_needs_its_file_again(run_module: Run, machine: Machine) -> None:
    broken = STATUS.replace(
        "install ok installed\nArchitecture: amd64\nVersion: 1\n\nPackage: rocminfo",
        "install reinstreq half-installed\nArchitecture: amd64\nVersion: 1\n\nPackage: rocminfo",
    )
    (machine.dpkg / "status").write_text(broken)
    answer = run_module(apt_transaction, install=["rocm-core"])
    assert answer["code"] == "interrupted"
    assert "(dpkg is half-installed)" in answer["msg"]
    assert f"run {dpkg_status.CURE} there" in answer["msg"]
    assert machine.commands == []


URIS = "'http://a.example/pool/rocm-core_5.2_amd64.deb' rocm-core_5.2.0.50200-65_amd64.deb 700 SHA256:1c\n"
DEAD = "W: Failed to fetch http://a.example/dists/ubuntu/InRelease  Could not connect to a.example\n"


@pytest.fixture
def rehearse(run_module: Run, machine: Machine) -> Callable[[], dict[str, Any]]:
    machine.answers = {
        "--simulate install rocminfo-": (0, "Purg rocminfo [5.7]\n", ""),
        "--simulate install rocm-core": (0, NEW, ""),
        "--print-uris": (0, URIS, ""),
        "show rocm-core=5.2.0.50200-65": (0, "Package: rocm-core\nInstalled-Size: 3\n", ""),
    }
    intact = [{"version": "*.50200-65", "under": "/opt/rocm-5.2.0"}]
    return lambda: run_module(
        apt_transaction, check=True, install=["rocm-core"], remove=["rocminfo"], intact=intact
    )


def test_a_rehearsal_says_what_each_package_takes_and_where(
    rehearse: Callable[[], dict[str, Any]], machine: Machine
) -> None:
    status = (machine.dpkg / "status").read_text()
    (machine.dpkg / "status").write_text(status.replace("Version: 5.7", "Version: 5.7\nInstalled-Size: 4"))
    (machine.dpkg / "info/rocminfo.list").write_text("/opt\n/opt/rocm-5.7.0/bin/rocminfo\n")
    answer = rehearse()
    assert answer["install"][0]["cost"] == {"download": 700, "disk": 3072, "path": "/opt/rocm-5.2.0"}
    assert answer["remove"][0]["cost"] == {"download": 0, "disk": -4096, "path": "/opt"}
    assert answer["held"] == ["rocminfo"]


def test_a_rehearsal_fails_where_a_needed_server_is_dead_and_says_all_it_knows(
    rehearse: Callable[[], dict[str, Any]], machine: Machine
) -> None:
    machine.answers["update"] = (0, "", DEAD)
    answer = rehearse()
    assert answer["failed"]
    assert answer["code"] == "unreachable"
    assert "http://a.example/dists/ubuntu/InRelease cannot be read (Could not connect" in answer["msg"]
    assert "wanted packages (1) come from there" in answer["msg"]
    assert [item["name"] for item in answer["install"]] == ["rocm-core"]


def test_a_rehearsal_goes_on_where_a_third_party_s_server_is_dead(
    rehearse: Callable[[], dict[str, Any]], machine: Machine
) -> None:
    machine.answers["update"] = (0, "", DEAD.replace("a.example", "other.example"))
    answer = rehearse()
    assert "failed" not in answer
    assert answer["mirrors"][0]["packages"] == 0
    assert "other.example" in answer["warnings_of_apt"][0]


def test_a_rehearsal_leaves_the_host_s_lists_alone(
    rehearse: Callable[[], dict[str, Any]], machine: Machine, tmp_path: Path
) -> None:
    assert rehearse()["simulated_in"] == "copy"
    (update,) = [command for command in machine.commands if "update" in command]
    assert not any(word == f"Dir::State::lists={tmp_path}/lists/" for word in update)
    assert any(word.startswith("Dir::State::lists=/var/tmp/rdna1-apt-") for word in update)


CLASH = "E: python-is-python3 Breaks python\n"


@pytest.mark.parametrize(("allowed", "named"), [("libold", True), ("lib*", False)])
def test_what_is_allowed_to_go_by_its_name_is_named_to_apt_where_it_will_not_go_by_itself(
    run_module: Run, machine: Machine, allowed: str, named: bool
) -> None:
    machine.answers = {
        "--simulate install rocm-core libold-": (0, "Remv libold [1]\n" + NEW, ""),
        "--simulate install rocm-core": (100, "", CLASH),
    }
    answer = run_module(apt_transaction, install=["rocm-core"], allow_remove=[allowed])
    assert ("failed" not in answer) is named
    assert machine.done == (["install rocm-core libold-"] if named else [])


def test_what_is_rehearsed_as_well_is_no_advice(run_module: Run, machine: Machine) -> None:
    machine.answers = {"--simulate": (100, "", "E: Unable to locate package libfirst\n")}
    overlay = {"install": ["libfirst"]}
    answer = run_module(
        apt_transaction, check=True, install=["rocm-core"], overlay=overlay, cure="run the other role first"
    )
    assert answer["msg"].startswith("apt finds no way to install libfirst rocm-core: Unable to locate")
    assert answer["msg"].endswith(f"; {apt_transaction.NO_WAY}.")


def test_a_hold_in_the_way_is_named_with_its_cure(run_module: Run, machine: Machine) -> None:
    machine.answers = {"--simulate install rocm-core": (100, "", "E: rocminfo Breaks rocm-core\n")}
    answer = run_module(apt_transaction, install=["rocm-core"])
    assert answer["code"] == "unsolvable"
    assert "apt-mark unhold rocminfo" in answer["msg"]
