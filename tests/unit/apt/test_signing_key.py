"""A key is installed for its fingerprint, never for where it came from."""

import base64
import io
import re
import urllib.error
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.rdna1.provision.plugins.module_utils import openpgp_key, sqv_policy
from ansible_collections.rdna1.provision.plugins.modules import signing_key
from rdna1.lab.mirror import signing

ROOT = Path(__file__).parents[3]
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


DEFAULT = """\
[hash_algorithms]
sha1.second_preimage_resistance = 2026-02-01    # Extend the expiry for legacy repositories
sha224 = 2026-02-01
"""


@pytest.fixture
def policies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A host whose apt verifies with sqv: the site's policy, and the one that apt brings."""
    found = tmp_path / "site", tmp_path / "default"
    monkeypatch.setattr(sqv_policy, "SQV", tmp_path / "sqv")
    monkeypatch.setattr(sqv_policy, "POLICIES", found)
    (tmp_path / "sqv").touch()
    found[1].write_text(DEFAULT)
    return found


@pytest.mark.parametrize(
    ("site", "day", "refused"),
    [
        (None, (2026, 1, 31), False),
        (None, (2026, 2, 1), True),
        (DEFAULT.replace("2026-02-01 ", "2027-01-01 "), (2026, 12, 31), False),
        (DEFAULT.replace("2026-02-01 ", "2027-01-01 "), (2027, 1, 1), True),
        (DEFAULT.replace("2026-02-01 ", '"always" '), (2099, 1, 1), False),
        (DEFAULT.replace("2026-02-01 ", '"never" '), (2020, 1, 1), True),
        ("[hash_algorithms]\n", (2026, 1, 1), True),
    ],
    ids=["before", "since", "later", "too-late", "always", "never", "silent"],
)
def test_sqv_s_refusal_of_sha1_is_read_from_the_policy_that_counts(
    policies: tuple[Path, Path], site: str | None, day: tuple[int, int, int], refused: bool
) -> None:
    if site is not None:
        policies[0].write_text(site)
    assert sqv_policy.refuses_sha1(datetime(*day, tzinfo=UTC)) is refused


def test_a_host_without_sqv_accepts_sha1(policies: tuple[Path, Path]) -> None:
    policies[1].with_name("sqv").unlink()
    assert not sqv_policy.refuses_sha1(datetime(2099, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(("digest", "told"), [(2, True), (8, False)])
def test_a_key_that_sqv_will_refuse_is_explained_in_one_sentence_with_the_cure(
    policies: tuple[Path, Path],
    ensure: Run,
    server: dict[str, Any],
    make_key: Callable[..., bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    digest: int,
    told: bool,
) -> None:
    assert policies[1].is_file()
    said: list[str] = []
    monkeypatch.setattr(
        "ansible.module_utils.basic.AnsibleModule.warn", lambda _, text, **__: said.append(text)
    )
    server["data"] = make_key(BORN, digest=digest)
    ensure(tmp_path / "amd.gpg")
    assert len(said) == int(told)
    for sentence in said:
        assert "refuses this key's SHA-1 self-signature" in sentence
        assert "set sha1.second_preimage_resistance there to a later day" in sentence


def test_an_expired_copy_is_fetched_again_and_the_new_expiry_told(
    ensure: Run, server: dict[str, Any], make_key: Callable[..., bytes], tmp_path: Path
) -> None:
    dest = tmp_path / "amd.gpg"
    dest.write_bytes(make_key(BORN, lifetime=DAY))
    server["data"] = make_key(BORN, lifetime=100 * 365 * DAY)
    answer = ensure(dest)
    assert answer["fetched"]
    assert answer["expires"] > "2100"
    assert "has expired on 2020-09-14" in answer["diff"]["before"]
    assert ensure(dest)["fetched"] is False
    assert server["asked"] == 1


def test_every_stack_fetches_its_key_over_https_and_knows_it_by_its_fingerprint() -> None:
    stacks = [yaml.safe_load(path.read_text()) for path in (ROOT / "stacks").glob("*/stack.yml")]
    keys = [stack["rocm"]["key"] for stack in stacks if "key" in stack.get("rocm", {})]
    assert keys
    for key in keys:
        assert key["url"].startswith("https://")
        assert re.fullmatch("[0-9A-F]{40}", key["fingerprint"])


def test_the_lab_s_own_key_needs_no_such_policy(tmp_path: Path) -> None:
    (key,) = openpgp_key.read_keys(signing.obtain(tmp_path).public.encode())
    assert key.digest in {"SHA256", "SHA384", "SHA512"}
