"""Other people's sources, pins and keys, taken out one by one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rdna1.provision.plugins.modules import apt_retire

OWN = "deb http://archive.example/ubuntu noble main\n"

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def fingerprints() -> list[str]:
    return []


@pytest.fixture
def etc(tmp_path: Path, make_key: Callable[..., bytes], fingerprints: list[str]) -> Path:
    files = {
        "sources.list": OWN + "deb https://repo.radeon.com/amdgpu x main\n",
        "sources.list.d/rocm.list": "deb https://repo.radeon.com/rocm/apt/5.7 jammy main\n",
        "sources.list.d/rdna1-rocm.sources": "Types: deb\nURIs: https://repo.radeon.com/rocm\nSuites: u\n",
        "preferences.d/rocm-pin-600": "Package: *\nPin: release o=repo.radeon.com\nPin-Priority: 600\n",
        "preferences.d/mine.pref": "Package: vim\nPin: release o=me\nPin-Priority: 1\n",
    }
    for name, text in files.items():
        path = tmp_path / "etc" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    keys = tmp_path / "etc/trusted.gpg.d"
    keys.mkdir()
    (keys / "amd.gpg").write_bytes(make_key(1, fingerprints=fingerprints))
    (keys / "both.gpg").write_bytes(make_key(1, 2))
    (keys / "other.gpg").write_bytes(make_key(2))
    (keys / "broken.gpg").write_bytes(b"broken")
    return tmp_path / "etc"


@pytest.fixture
def retire(run_module: Run, etc: Path, fingerprints: list[str]) -> Run:
    def run(*, check: bool = False) -> dict[str, Any]:
        return run_module(
            apt_retire,
            check=check,
            etc=str(etc),
            backup=str(etc.parent / "backup"),
            files=[str(etc / "preferences.d/rocm-pin-600"), str(etc / "preferences.d/never-there")],
            source_uris=["*://repo.radeon.com/*"],
            pins=[{"fields": ["o"], "value": "repo.radeon.com"}],
            keys=fingerprints,
            keep=[str(etc / "sources.list.d/rdna1-rocm.sources")],
            reason="a test",
        )

    return run


def snapshot(etc: Path) -> dict[str, bytes]:
    return {str(path.relative_to(etc)): path.read_bytes() for path in etc.rglob("*") if path.is_file()}


def test_what_contradicts_goes_and_all_else_stays(retire: Run, etc: Path) -> None:
    before = snapshot(etc)
    answer = retire()
    assert answer["changed"]
    after = snapshot(etc)
    gone = {"preferences.d/rocm-pin-600", "sources.list.d/rocm.list", "trusted.gpg.d/amd.gpg"}
    assert set(before) - set(after) == gone
    assert {name for name in after if after[name] != before[name]} == {"sources.list"}
    assert after["sources.list"] == OWN.encode()
    assert {str(Path(path).relative_to(etc)) for path in answer["absent"]} == gone


def test_everything_that_changes_is_kept_first(retire: Run, etc: Path) -> None:
    before = snapshot(etc)
    retire()
    kept = [path.read_bytes() for path in (etc.parent / "backup").rglob("*") if path.is_file()]
    for name in (
        "preferences.d/rocm-pin-600",
        "sources.list.d/rocm.list",
        "trusted.gpg.d/amd.gpg",
        "sources.list",
    ):
        assert before[name] in kept


def test_the_second_time_there_is_nothing_to_do(retire: Run) -> None:
    retire()
    assert not retire()["changed"]


def test_check_mode_says_the_same_and_does_nothing(retire: Run, etc: Path) -> None:
    before = snapshot(etc)
    said = retire(check=True)
    assert snapshot(etc) == before
    assert not (etc.parent / "backup").exists()
    done = retire()
    assert (said["retired"], said["files"], said["absent"]) == (
        done["retired"],
        done["files"],
        done["absent"],
    )


def test_a_key_is_known_by_its_fingerprint_not_by_its_file(retire: Run, etc: Path) -> None:
    (etc / "trusted.gpg.d/amd.gpg").rename(etc / "trusted.gpg.d/innocent.gpg")
    assert str(etc / "trusted.gpg.d/innocent.gpg") in retire()["absent"]


def test_a_file_without_a_key_stays(retire: Run, etc: Path) -> None:
    (etc / "trusted.gpg.d/empty.gpg").touch()
    assert str(etc / "trusted.gpg.d/empty.gpg") not in retire()["absent"]


@pytest.mark.parametrize(
    ("stanza", "goes"),
    [
        ("Package: rocminfo\nPin: release o=Ubuntu\nPin-Priority: 1001", True),
        ("Package: vim rocm*\nPin: version 5.7*\nPin-Priority: 1001", True),
        ("Package: rocminfo\nPin: release o=repo.radeon.com\nPin-Priority: -1", True),
        ("Package: rocminfo\nPin: release o=repo.radeon.com\nPin-Priority: 700", False),
        ("Package: vim\nPin: release o=Ubuntu\nPin-Priority: 1001", False),
        ("Package: *\nPin: release o=Ubuntu\nPin-Priority: 1001", False),
    ],
)
def test_a_pin_by_name_that_outranks_ours_goes(run_module: Run, etc: Path, stanza: str, goes: bool) -> None:
    site = etc / "preferences.d/00-site.pref"
    site.write_text(stanza + "\n")
    result = run_module(
        apt_retire,
        etc=str(etc),
        backup=str(etc.parent / "backup"),
        named_pins={"packages": ["rocminfo", "rocm-core"], "wanted": "repo.radeon.com"},
        reason="a test",
    )
    assert [entry["path"] for entry in result["retired"]] == ([str(site)] if goes else [])
    assert site.exists() != goes


def test_the_addresses_of_the_own_release_are_known_from_the_host(run_module: Run, etc: Path) -> None:
    left = etc / "sources.list.d/old.list"
    left.write_text("deb http://archive.example/ubuntu focal main\n")
    result = run_module(
        apt_retire,
        etc=str(etc),
        backup=str(etc.parent / "backup"),
        own_archive_of="noble",
        source_suites=["focal"],
        reason="a test",
    )
    assert result["absent"] == [str(left)]
