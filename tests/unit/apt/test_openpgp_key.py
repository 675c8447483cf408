"""Reading keys: made by gpg where it is there, and packet by packet where every byte matters."""

import base64
import contextlib
import hashlib
import shutil
import subprocess
import textwrap
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ansible_collections.rdna1.provision.plugins.module_utils import openpgp_key
from ansible_collections.rdna1.provision.plugins.module_utils.openpgp_key import OpenPgpError
from hypothesis import given
from hypothesis import strategies as st

BORN = 1_600_000_000
DAY = 86_400
SHA256 = 8


def packet(tag: int, body: bytes, *, old: bool = False) -> bytes:
    if old:
        return bytes([0x80 | tag << 2 | 1]) + len(body).to_bytes(2, "big") + body
    return bytes([0xC0 | tag]) + length(len(body)) + body


def length(count: int) -> bytes:
    if count < 192:
        return bytes([count])
    if count < 8384:
        return bytes([(count - 192 >> 8) + 192, count - 192 & 0xFF])
    return b"\xff" + count.to_bytes(4, "big")


def subpacket(kind: int, body: bytes) -> bytes:
    return length(len(body) + 1) + bytes([kind]) + body


def key_body(born: int = BORN, material: bytes = b"\x00\x08\xff\x00\x02\x03") -> bytes:
    return b"\x04" + born.to_bytes(4, "big") + b"\x01" + material


def fingerprint(body: bytes) -> bytes:
    return hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body, usedforsecurity=False).digest()


def signature(
    issuer: bytes, *, kind: int = 0x13, created: int = BORN, lifetime: int | None = None, digest: int = SHA256
) -> bytes:
    hashed = subpacket(2, created.to_bytes(4, "big"))
    if lifetime is not None:
        hashed += subpacket(9, lifetime.to_bytes(4, "big"))
    unhashed = subpacket(16, issuer[-8:])
    return (
        bytes([4, kind, 1, digest])
        + len(hashed).to_bytes(2, "big")
        + hashed
        + len(unhashed).to_bytes(2, "big")
        + unhashed
        + b"\xab\xcd\x00\x01\x01"
    )


def key(*signatures: bytes, body: bytes | None = None) -> bytes:
    """A primary key with one user id and these signatures on it."""
    body = body if body is not None else key_body()
    parts = [packet(6, body), packet(13, b"AMD <x@amd.com>"), *(packet(2, item) for item in signatures)]
    return b"".join(parts)


def armour(data: bytes, *, headers: str = "", checksum: bool = True, end: str = "\n") -> bytes:
    lines = ["-----BEGIN PGP PUBLIC KEY BLOCK-----", *headers.splitlines(), ""]
    lines += textwrap.wrap(base64.b64encode(data).decode(), 64)
    if checksum:
        lines.append("=" + base64.b64encode(openpgp_key.crc24(data)).decode())
    return end.join([*lines, "-----END PGP PUBLIC KEY BLOCK-----", ""]).encode()


OWN = fingerprint(key_body())


def test_the_fingerprint_is_rfc_4880_s() -> None:
    (found,) = openpgp_key.read_keys(key(signature(OWN)))
    assert found.fingerprint == OWN.hex().upper()
    assert found.user_ids == ("AMD <x@amd.com>",)
    assert found.digest == "SHA256"


def test_old_and_new_packet_headers_are_read() -> None:
    body = key_body()
    assert openpgp_key.read_keys(packet(6, body, old=True)) == openpgp_key.read_keys(packet(6, body))


def test_without_a_lifetime_it_never_expires() -> None:
    (found,) = openpgp_key.read_keys(key(signature(OWN)))
    assert found.expires is None
    assert not found.expired(datetime(2999, 1, 1, tzinfo=UTC))


def test_the_newest_self_signature_decides_when_it_expires() -> None:
    """A key whose life was prolonged carries both signatures, in any order."""
    short, prolonged = signature(OWN, lifetime=DAY), signature(OWN, created=BORN + 5, lifetime=9 * DAY)
    for order in ([short, prolonged], [prolonged, short]):
        (found,) = openpgp_key.read_keys(key(*order))
        assert found.expires == datetime.fromtimestamp(BORN + 9 * DAY, UTC)
    assert found.expired(datetime.fromtimestamp(BORN + 9 * DAY, UTC))
    assert not found.expired(datetime.fromtimestamp(BORN + 9 * DAY - 1, UTC))


def test_somebody_else_s_signature_says_nothing() -> None:
    (found,) = openpgp_key.read_keys(
        key(signature(OWN), signature(b"\x01" * 20, created=BORN + 9, lifetime=1))
    )
    assert found.expires is None


def test_what_is_not_covered_by_the_signature_says_nothing() -> None:
    unhashed = subpacket(9, (1).to_bytes(4, "big")) + subpacket(16, OWN[-8:])
    hashed = subpacket(2, BORN.to_bytes(4, "big"))
    body = (
        bytes([4, 0x13, 1, SHA256])
        + len(hashed).to_bytes(2, "big") + hashed + len(unhashed).to_bytes(2, "big") + unhashed + b"\x00\x00"
    )  # fmt: skip
    (found,) = openpgp_key.read_keys(key(body))
    assert found.expires is None


def test_a_revocation_is_seen() -> None:
    assert openpgp_key.read_keys(key(signature(OWN, kind=0x20)))[0].revoked
    assert not openpgp_key.read_keys(key(signature(b"\x01" * 20, kind=0x20)))[0].revoked


def test_a_subkey_s_binding_does_not_expire_the_key() -> None:
    data = (
        key(signature(OWN))
        + packet(14, key_body(BORN + 1))
        + packet(2, signature(OWN, kind=0x18, lifetime=1))
    )
    (found,) = openpgp_key.read_keys(data)
    assert found.expires is None


def test_several_primary_keys_are_all_found() -> None:
    other = key_body(BORN + 1)
    found = openpgp_key.read_keys(key() + key(body=other))
    assert [item.fingerprint for item in found] == [OWN.hex().upper(), fingerprint(other).hex().upper()]


def test_a_sha1_self_signature_is_named() -> None:
    assert openpgp_key.read_keys(key(signature(OWN, digest=2)))[0].digest == "SHA1"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no public key"),
        (b"<html>404</html>", "no public key"),
        (packet(13, b"only a name"), "no public key"),
        (packet(5, key_body()), "secret"),
        (key()[:-3], "cut short"),
        (packet(6, b"\x05" + key_body()[1:]), "version 5"),
        (packet(6, b"\x04\x00"), "cut short"),
        (b"\x9b" + key_body(), "no length"),
        (b"\xc6\xe0" + key_body(), "in parts"),
    ],
)
def test_what_is_no_key_is_refused_with_the_reason(data: bytes, why: str) -> None:
    with pytest.raises(OpenPgpError, match=why):
        openpgp_key.read_keys(data)


def test_a_flipped_bit_in_the_armour_is_noticed() -> None:
    good = armour(key(signature(OWN)))
    line = good.splitlines()[2]
    bad = good.replace(line, (b"A" if line[:1] != b"A" else b"B") + line[1:])
    with pytest.raises(OpenPgpError, match="checksum"):
        openpgp_key.read_keys(bad)


@pytest.mark.parametrize("written", ["CA8B B472 7A47 B4D0 9B4E  E896 9386 B48A 1A69 3C5C", "0x" + "ab" * 20])
def test_fingerprints_are_taken_as_people_write_them(written: str) -> None:
    assert len(openpgp_key.normalise_fingerprint(written)) == 40


@pytest.mark.parametrize("written", ["", "9386B48A1A693C5C", "G" * 40])
def test_a_short_key_id_is_no_fingerprint(written: str) -> None:
    with pytest.raises(OpenPgpError):
        openpgp_key.normalise_fingerprint(written)


@given(
    data=st.binary(min_size=1, max_size=400),
    headers=st.sampled_from(["", "Version: GnuPG v1", "Comment: a\nHash: b"]),
    checksum=st.booleans(),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_armour_round_trips(data: bytes, headers: str, checksum: bool, end: str) -> None:
    text = armour(data, headers=headers, checksum=checksum, end=end)
    assert openpgp_key.dearmour(b"said before it\n" + text + b"said after it\n") == data


@given(st.lists(st.tuples(st.integers(1, 15), st.binary(max_size=9000), st.booleans()), max_size=5))
def test_packets_round_trip(wanted: list[tuple[int, bytes, bool]]) -> None:
    data = b"".join(packet(tag, body, old=old) for tag, body, old in wanted)
    assert list(openpgp_key.packets(data)) == [(tag, body) for tag, body, _ in wanted]


@given(st.binary(max_size=300))
def test_nothing_but_our_own_error_comes_of_noise(data: bytes) -> None:
    for noise in (data, key() + data, packet(6, data), key(data), armour(data)):
        with contextlib.suppress(OpenPgpError):
            openpgp_key.read_keys(noise)


@given(st.integers(0, len(key(signature(OWN, lifetime=DAY))) - 1))
def test_a_key_that_is_cut_anywhere_is_an_error_or_a_whole_key_less(end: int) -> None:
    try:
        (found,) = openpgp_key.read_keys(key(signature(OWN, lifetime=DAY))[:end])
    except OpenPgpError:
        return
    assert found.fingerprint == OWN.hex().upper()


@pytest.fixture
def gpg(tmp_path: Path) -> Callable[..., bytes]:
    if not shutil.which("gpg"):
        pytest.skip("gpg is not on this machine")
    home = tmp_path / "gnupg"
    home.mkdir(mode=0o700)

    def run(*arguments: str) -> bytes:
        command = ["gpg", "--batch", "--quiet", "--homedir", str(home), "--passphrase", "", *arguments]
        return subprocess.run(command, check=True, capture_output=True).stdout

    return run


def test_gpg_agrees(gpg: Callable[..., bytes]) -> None:
    gpg("--quick-gen-key", "Test <t@example.org>", "ed25519", "sign", "30d")
    rows = [line.split(":") for line in gpg("--list-keys", "--with-colons").decode().splitlines()]
    (found,) = openpgp_key.read_keys(gpg("--export"))
    assert [found] == openpgp_key.read_keys(gpg("--export", "--armor"))
    assert found.fingerprint == next(row[9] for row in rows if row[0] == "fpr")
    assert found.user_ids == ("Test <t@example.org>",)
    public = next(row for row in rows if row[0] == "pub")
    assert found.expires == datetime.fromtimestamp(int(public[6]), UTC)
    gpg("--quick-set-expire", found.fingerprint, "90d")
    (prolonged,) = openpgp_key.read_keys(gpg("--export"))
    assert prolonged.expires
    assert prolonged.expires > found.expires + timedelta(days=50)
