"""What the verifier's user may write is read without going where that user could lead root."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from ansible_collections.rdna1.provision.plugins.action import unprivileged_file
from ansible_collections.rdna1.provision.plugins.module_utils import observation, plain_file

NOBODY = 65534


def given_away(found: os.stat_result) -> os.stat_result:
    """Return what would be said of a file that is nobody's; giving one away for real takes root."""
    return os.stat_result((*found[:4], NOBODY, *found[5:]))


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Return a file in a directory of its user's, beside a secret of root's."""
    (tmp_path / "secret.json").write_text('{"secret": 1}')
    directory = tmp_path / "theirs"
    directory.mkdir()
    (directory / "verdict.json").write_text('{"ok": true}')
    return directory / "verdict.json"


def test_a_file_of_their_own_is_read(own: Path) -> None:
    assert plain_file.read_own(own) == b'{"ok": true}'
    # The name that everybody looks for is a link that root has made.
    link = own.parents[1] / "verdict.json"
    link.symlink_to(own)
    assert observation.record(observation.Host(), str(link)) == {"ok": True}
    link.unlink()
    link.symlink_to("theirs/verdict.json")
    assert plain_file.read_led_to(link) == b'{"ok": true}'


def test_a_link_in_their_directory_leads_nowhere(own: Path) -> None:
    own.unlink()
    own.symlink_to(own.parents[1] / "secret.json")
    with pytest.raises(plain_file.RefusedError, match="is a link"):
        plain_file.read_own(own)


def test_their_link_is_not_followed_for_the_plan_either(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own.unlink()
    own.symlink_to(own.parents[1] / "secret.json")
    lstat = Path.lstat
    monkeypatch.setattr(Path, "lstat", lambda path: given_away(lstat(path)) if path == own else lstat(path))
    link = own.parents[1] / "verdict.json"
    link.symlink_to(own)
    with pytest.raises(plain_file.RefusedError, match="is a link of another's"):
        plain_file.read_led_to(link)
    assert observation.record(observation.Host(), str(link)) is None


def test_a_second_name_of_roots_file_is_refused(own: Path) -> None:
    own.unlink()
    own.hardlink_to(own.parents[1] / "secret.json")
    with pytest.raises(plain_file.RefusedError, match=r"has 2 name\(s\)"):
        plain_file.read_own(own)


def test_a_file_of_somebody_elses_is_refused(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fstat = os.fstat

    def told(opened: int) -> os.stat_result:
        found = fstat(opened)
        return given_away(found) if stat.S_ISREG(found.st_mode) else found

    monkeypatch.setattr(os, "fstat", told)
    with pytest.raises(plain_file.RefusedError, match=f"belongs to user {NOBODY}"):
        plain_file.read_own(own)


def test_a_pipe_is_not_waited_for(own: Path) -> None:
    own.unlink()
    os.mkfifo(own)
    with pytest.raises(plain_file.RefusedError, match="is no plain file"):
        plain_file.read_own(own)


def test_no_more_is_read_than_a_verdict_has(own: Path) -> None:
    assert plain_file.read_own(own, largest=12) == b'{"ok": true}'
    with pytest.raises(plain_file.RefusedError, match="more than 11 bytes"):
        plain_file.read_own(own, largest=11)


def test_it_is_written_at_once_with_the_directories(tmp_path: Path) -> None:
    place = tmp_path / "verdicts/lab/host.json"
    for content in ('{"ok": false}', '{"ok": true}'):
        unprivileged_file.write(place, content)
        assert json.loads(place.read_text()) == json.loads(content)
    assert [path.name for path in place.parent.iterdir()] == ["host.json"]
    assert oct(place.stat().st_mode & 0o077) == oct(0o044 & ~_mask())


def _mask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
