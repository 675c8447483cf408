"""When the host looks at itself, what it leaves alone, and what it says; ansible-pull is a stand-in here."""

import fcntl
import importlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

due, pull, report, settings = (
    importlib.import_module(f"self_converge.{name}") for name in ("due", "pull", "report", "settings")
)
main = importlib.import_module("self_converge.__main__").main
Prepare = Callable[..., list[str]]

RECAP = "PLAY RECAP ***\nrender-01                  : ok=3    changed={}    unreachable=0    failed=0\n"


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    """A folder with a program in ansible-pull's place; it notes how it was called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "ansible-pull"
    program.write_text(
        f'#!/bin/sh\necho "$@" >> {folder}/called\nenv > {folder}/around\n. {folder}/behaviour\n'
    )
    program.chmod(0o755)
    (folder / "behaviour").write_text(f"printf '{RECAP.format(0)}'\n")
    return folder


def calls(stand_in: Path) -> int:
    place = stand_in / "called"
    return len(place.read_text().splitlines()) if place.exists() else 0


def test_at_boot_only_another_os_or_kernel_or_a_failure_is_a_reason(
    stand_in: Path, prepare: Prepare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = [*prepare(programs=str(stand_in)), "--reason", "boot"]
    for expected in (1, 1):  # the first boot; then nothing changed
        assert main(arguments) == 0
        assert calls(stand_in) == expected
    (tmp_path / "os-release").write_text("ID=debian\nVERSION_ID=14\n")
    assert main(arguments) == 0
    assert calls(stand_in) == 2, "another OS"
    monkeypatch.setattr(due.platform, "release", lambda: "99.0-other")
    (stand_in / "behaviour").write_text("exit 2\n")
    assert main(arguments) == 1
    assert calls(stand_in) == 3, "another kernel"
    assert main(arguments) == 1
    assert calls(stand_in) == 4, "the last run failed"


def test_on_schedule_it_always_looks(stand_in: Path, prepare: Prepare) -> None:
    arguments = [*prepare(programs=str(stand_in)), "--reason", "schedule"]
    assert [main(arguments), main(arguments)] == [0, 0]
    assert calls(stand_in) == 2


def test_a_host_under_quarantine_leaves_itself_alone(
    stand_in: Path, prepare: Prepare, tmp_path: Path
) -> None:
    arguments = prepare(programs=str(stand_in))
    (tmp_path / "quarantined.json").write_text("{}")
    assert main(arguments) == 2
    assert calls(stand_in) == 0
    found = report.last(tmp_path)
    assert found is not None
    assert found["ok"] is False
    assert "only the fleet lifts" in found["sentence"]


def test_one_run_at_a_time(stand_in: Path, prepare: Prepare, tmp_path: Path) -> None:
    arguments = prepare(programs=str(stand_in))
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert main(arguments) == 0
    assert calls(stand_in) == 0


def test_it_is_called_with_one_commit_and_nothing_of_who_started_it(
    stand_in: Path, prepare: Prepare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANSIBLE_CONFIG", "/tmp/evil.cfg")  # noqa: S108
    prepared = prepare(programs=str(stand_in), environment={"https_proxy": "http://proxy.example.org"})
    assert main(prepared) == 0
    called = (stand_in / "called").read_text()
    assert f"--checkout {40 * '0'} --directory {tmp_path}/release --limit render-01" in called
    assert (
        f"ansible_connection=local --extra-vars self_converge_commit={40 * '0'} playbooks/rdna1.yml" in called
    )
    assert "--verify-commit" not in called
    around = (stand_in / "around").read_text()
    assert "ANSIBLE_CONFIG" not in around
    assert f"ANSIBLE_INVENTORY={tmp_path}/release/hosts.yml\n" in around
    assert "https_proxy=http://proxy.example.org\n" in around


def test_what_takes_too_long_is_ended_with_its_children(
    stand_in: Path, prepare: Prepare, tmp_path: Path
) -> None:
    (stand_in / "behaviour").write_text(f"sleep 300 & echo $! > {stand_in}/child; wait\n")
    assert main(prepare(programs=str(stand_in), timeout=1)) == 1
    found = report.last(tmp_path)
    assert found is not None
    assert found["sentence"] == "it took too long and was ended"
    child = Path("/proc") / (stand_in / "child").read_text().strip()
    assert not child.exists() or "Z" in (child / "stat").read_text().split()[2]


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("[ERROR]: Task failed: Action failed: render-01: no dpkg\nfatal: [render-01]: FAILED!\n",
         "render-01: no dpkg"),
        ('localhost | FAILED! => {\n    "changed": false,\n    "msg": "Failed to verify GPG signature"\n}\n',
         "Failed to verify GPG signature"),
        ("", "ansible-pull ended with 2"),
    ],
)  # fmt: skip
def test_a_failure_is_one_sentence(output: str, sentence: str) -> None:
    assert pull.Outcome(2, output).sentence == sentence


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": "other/1"}'])
def test_bad_settings_are_one_sentence_and_code_2(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "settings.json"
    place.write_text(text)
    with pytest.raises(settings.SettingsError, match="run the role self_converge again"):
        settings.read(place)
    assert main(["--settings", str(place)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_last_result_can_be_asked_for(
    stand_in: Path, prepare: Prepare, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = prepare(programs=str(stand_in))
    assert main([*arguments, "--last"]) == 0
    assert json.loads(capsys.readouterr().out) is None
    main(arguments)
    capsys.readouterr()
    main([*arguments, "--last"])
    assert json.loads(capsys.readouterr().out)["ok"] is True
