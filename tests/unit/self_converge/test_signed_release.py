"""With the real git, gpg and ansible-pull: only the wanted commit is played, with the wanted signature."""

import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

main = importlib.import_module("self_converge.__main__").main
Prepare = Callable[..., list[str]]


def result(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "result.json").read_text())
    return found


def test_a_signed_commit_is_played_on_this_host_alone(
    release: Any, prepare: Prepare, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    key = release.key("fleet")
    wanted = release.commit("wanted", "fleet")
    release.commit("later", "fleet")
    arguments = prepare(repository=f"file://{release.folder}", commit=wanted, keyring=str(key))
    assert main(arguments) == 0, capfd.readouterr().out
    assert release.trace.read_text() == "render-01 local wanted", (
        "not the later commit, no other host, no SSH"
    )
    found = result(tmp_path)
    assert (found["ok"], found["verified"], found["changed"], found["commit"]) == (True, True, 1, wanted)
    assert (found["os"], found["exit_code"]) == ("debian 13", 0)
    assert found["sentence"] == "the host is as wanted; 1 tasks changed something"
    assert "rdna1_self_converge_ok 1\n" in (tmp_path / "metrics.prom").read_text()
    assert not list(tmp_path.glob("keys-*")), "the keyring is made for one run"

    assert main(arguments) == 0
    assert result(tmp_path)["sentence"] == "the host is as wanted; nothing was changed"


def test_no_agent_is_needed(release: Any, prepare: Prepare, tmp_path: Path) -> None:
    """Debian's gpg alone has none."""
    key = release.key("fleet")
    gpg = tmp_path / "bin/gpg"
    gpg.parent.mkdir()
    gpg.write_text('#!/bin/sh\nexec /usr/bin/gpg --agent-program /nowhere "$@"\n')
    gpg.chmod(0o755)
    arguments = prepare(
        repository=f"file://{release.folder}",
        commit=release.commit("wanted", "fleet"),
        keyring=str(key),
        environment={"PATH": f"{gpg.parent}:{Path(sys.executable).parent}:/usr/bin:/bin"},
    )
    assert main(arguments) == 0, result(tmp_path)


@pytest.mark.parametrize("signed_by", [None, "stranger"])
def test_another_s_signature_or_none_is_refused_each_time(
    signed_by: str | None, release: Any, prepare: Prepare, tmp_path: Path
) -> None:
    """Each time: Ansible's git takes a checkout that is already there for one that it has verified."""
    key = release.key("fleet")
    if signed_by:
        release.key(signed_by)
    commit = release.commit("forged", signed_by)
    arguments = prepare(repository=f"file://{release.folder}", commit=commit, keyring=str(key))
    for _ in range(2):
        assert main(arguments) == 1
        assert not release.trace.exists()
        found = result(tmp_path)
        assert found["ok"] is False
        assert found["changed"] is None
        assert "rdna1_self_converge_ok 0\n" in (tmp_path / "metrics.prom").read_text()


def test_without_a_key_the_commit_s_number_decides(release: Any, prepare: Prepare, tmp_path: Path) -> None:
    commit = release.commit("unsigned")
    assert main(prepare(repository=f"file://{release.folder}", commit=commit)) == 0
    assert result(tmp_path)["verified"] is False


def test_an_edited_checkout_is_not_played(release: Any, prepare: Prepare, tmp_path: Path) -> None:
    commit = release.commit("right")
    arguments = prepare(repository=f"file://{release.folder}", commit=commit)
    assert main(arguments) == 0
    play = tmp_path / "release/playbooks/rdna1.yml"
    play.write_text(play.read_text().replace("right", "edited"))
    assert main(arguments) == 0
    assert release.trace.read_text().endswith(" right")


def test_a_commit_that_is_not_there_is_one_sentence(release: Any, prepare: Prepare, tmp_path: Path) -> None:
    release.commit("other")
    assert main(prepare(repository=f"file://{release.folder}")) == 1
    assert 10 < len(result(tmp_path)["sentence"]) <= 300
