"""A key is installed for its fingerprint, never for where it came from."""

import base64
import io
import urllib.error
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rdna1.provision.plugins.modules import signing_key

Run = Callable[..., dict[str, Any]]

BORN = 1_600_000_000
DAY = 86_400
URL = "https://keys.example/key"


@pytest.fixture
def wanted(make_key: Callable[..., bytes]) -> str:
    """The fingerprint of the key that everything here is about."""
    found: list[str] = []
    make_key(BORN, fingerprints=found)
    return found[0]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, make_key: Callable[..., bytes]) -> dict[str, Any]:
    """What the server answers, and how often it was asked."""
    state: dict[str, Any] = {"data": make_key(BORN), "asked": 0}

    def open_url(url: str, **_: Any) -> io.BytesIO:
        assert url == URL
        state["asked"] += 1
        if isinstance(state["data"], Exception):
            raise state["data"]
        return io.BytesIO(state["data"])

    monkeypatch.setattr(signing_key, "open_url", open_url)
    return state


@pytest.fixture
def ensure(run_module: Run, server: dict[str, Any], wanted: str) -> Run:
    """Have the key at a path."""
    assert server["asked"] == 0

    def run(dest: Path, *, check: bool = False, fingerprint: str = wanted) -> dict[str, Any]:
        return run_module(
            signing_key, check=check, url=URL, fingerprint=fingerprint, dest=str(dest), mode="0644"
        )

    return run


def test_the_wanted_key_is_installed_in_binary_once(
    ensure: Run, server: dict[str, Any], wanted: str, tmp_path: Path
) -> None:
    good = server["data"]
    server["data"] = b"\n".join(
        [
            b"-----BEGIN PGP PUBLIC KEY BLOCK-----",
            b"",
            base64.b64encode(good),
            b"-----END PGP PUBLIC KEY BLOCK-----",
        ]
    )
    dest = tmp_path / "keyrings/amd.gpg"
    answer = ensure(dest, fingerprint=f" {wanted[:4]} {wanted[4:].lower()}")
    assert answer["changed"]
    assert answer["fingerprint"] == wanted
    assert dest.read_bytes() == good
    assert dest.stat().st_mode & 0o777 == 0o644
    assert not ensure(dest)["changed"]
    assert server["asked"] == 1


def test_check_mode_judges_and_writes_nothing(
    ensure: Run, server: dict[str, Any], make_key: Callable[..., bytes], tmp_path: Path
) -> None:
    dest = tmp_path / "keyrings/amd.gpg"
    assert ensure(dest, check=True)["changed"]
    assert not dest.parent.exists()
    server["data"] = make_key(BORN + 1)
    assert ensure(dest, check=True)["failed"]


@pytest.mark.parametrize("old", ["other", "expired", "cut", "empty"])
def test_a_bad_copy_is_replaced(
    ensure: Run, server: dict[str, Any], make_key: Callable[..., bytes], tmp_path: Path, old: str
) -> None:
    dest = tmp_path / "amd.gpg"
    files = {
        "other": make_key(BORN + 1),
        "expired": make_key(BORN, lifetime=DAY),
        "cut": server["data"][:20],
        "empty": b"",
    }
    dest.write_bytes(files[old])
    assert ensure(dest)["fetched"]
    assert dest.read_bytes() == server["data"]


def test_a_lost_mode_is_restored_without_asking(ensure: Run, server: dict[str, Any], tmp_path: Path) -> None:
    dest = tmp_path / "amd.gpg"
    dest.write_bytes(server["data"])
    dest.chmod(0o600)
    assert ensure(dest)["changed"]
    assert dest.stat().st_mode & 0o777 == 0o644
    assert server["asked"] == 0


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"born": [BORN + 1]}, ["not trusted", "correct the address"]),
        ({"born": [BORN, BORN + 1]}, ["2 keys", "that key alone"]),
        ({"born": [BORN], "lifetime": DAY}, ["expired on 2020-09-14", "clock"]),
        ({"born": [BORN], "revoked": True}, ["revoked"]),
        (b"<html>not here</html>", ["no public key", "correct the address"]),
        (b"x" * (signing_key.LIMIT + 1), ["too large"]),
        (urllib.error.URLError("Name or service not known"), ["Name or service not known", "proxy"]),
    ],
    ids=["other", "two", "expired", "revoked", "page", "huge", "unreachable"],
)
def test_anything_else_is_refused_in_one_sentence_and_the_old_file_stays(
    ensure: Run,
    server: dict[str, Any],
    make_key: Callable[..., bytes],
    tmp_path: Path,
    answer: Any,
    words: list[str],
) -> None:
    server["data"] = make_key(*answer.pop("born"), **answer) if isinstance(answer, dict) else answer
    dest = tmp_path / "amd.gpg"
    dest.write_bytes(b"the old file")
    result = ensure(dest)
    assert result["failed"]
    for word in words:
        assert word in result["msg"]
    assert dest.read_bytes() == b"the old file"


def test_both_fingerprints_are_named(
    ensure: Run, server: dict[str, Any], make_key: Callable[..., bytes], wanted: str, tmp_path: Path
) -> None:
    found: list[str] = []
    server["data"] = make_key(BORN + 1, fingerprints=found)
    message = ensure(tmp_path / "amd.gpg")["msg"]
    assert wanted in message
    assert found[0] in message


def test_a_fingerprint_that_is_none_is_refused_before_anything_is_fetched(
    ensure: Run, server: dict[str, Any], wanted: str, tmp_path: Path
) -> None:
    assert "40 hexadecimal digits" in ensure(tmp_path / "amd.gpg", fingerprint=wanted[-16:])["msg"]
    assert server["asked"] == 0


def test_sqv_s_refusal_of_sha1_is_foreseen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = tmp_path / "policy"
    monkeypatch.setattr(signing_key, "SQV", tmp_path / "sqv")
    monkeypatch.setattr(signing_key, "SQV_POLICY", policy)
    before, after = datetime(2026, 1, 31, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    assert not signing_key.refuses_sha1(after)
    (tmp_path / "sqv").touch()
    assert signing_key.refuses_sha1(after)
    assert not signing_key.refuses_sha1(before)
    policy.touch()
    assert not signing_key.refuses_sha1(after)
