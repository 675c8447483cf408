# SPDX-License-Identifier: MIT
"""Reading OpenPGP public keys (RFC 9580), without gpg: hosts need not have it.

Enough to know which key a file holds and until when: armour, packets, the fingerprint of version 4 keys, and
what the key says of itself in its self-signatures. Signatures are not verified: whoever holds a key's
fingerprint needs no signature to know the key, and apt's own verifier judges the rest each time it uses it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Dict, Iterator, List, Optional, Tuple

PUBLIC_KEY, PUBLIC_SUBKEY, USER_ID, SIGNATURE = 6, 14, 13, 2
SECRET_PACKETS = (5, 7)

KEY_REVOCATION, DIRECT_KEY = 0x20, 0x1F
CERTIFICATIONS = (0x10, 0x11, 0x12, 0x13)

CREATION_TIME, KEY_EXPIRATION, ISSUER_KEY_ID, ISSUER_FINGERPRINT = 2, 9, 16, 33

DIGESTS = {1: "MD5", 2: "SHA1", 3: "RIPEMD160", 8: "SHA256", 9: "SHA384", 10: "SHA512", 11: "SHA224"}

ARMOUR = re.compile(
    rb"^-----BEGIN PGP PUBLIC KEY BLOCK-----[ \t]*\r?\n(.*?)^-----END PGP PUBLIC KEY BLOCK-----",
    re.DOTALL | re.MULTILINE,
)
CHECKSUM = re.compile(rb"=([A-Za-z0-9+/]{4})")


class OpenPgpError(ValueError):
    """These bytes are not public keys; the message says why not."""


@dataclass(frozen=True)
class PrimaryKey:
    """A primary key and what it says of itself."""

    fingerprint: str
    user_ids: Tuple[str, ...]
    expires: Optional[datetime]
    revoked: bool
    digest: str  # the hash algorithm of its newest self-signature, or "" where it has none

    def expired(self, now: datetime) -> bool:
        """Whether it is past its time."""
        return self.expires is not None and self.expires <= now


@dataclass(frozen=True)
class _Signature:
    kind: int
    digest: str
    created: int
    lifetime: int  # of the key, in seconds; 0 is for ever
    issuer: str  # fingerprint or key id, in upper-case hexadecimal


def read_keys(data: bytes) -> List[PrimaryKey]:
    """All primary keys of a key file, armoured or binary, in its order."""
    keys: List[List[Tuple[int, bytes]]] = []
    for tag, body in packets(dearmour(data)):
        if tag in SECRET_PACKETS:
            raise OpenPgpError("it holds a secret key")
        if tag == PUBLIC_KEY:
            keys.append([])
        if keys:
            keys[-1].append((tag, body))
    if not keys:
        raise OpenPgpError("it holds no public key")
    return [_read_key(key) for key in keys]


def dearmour(data: bytes) -> bytes:
    """The binary form; what is binary already is returned as it is."""
    if data[:1] and data[0] & 0x80:
        return data
    blocks = ARMOUR.findall(data)
    if not blocks:
        raise OpenPgpError("it holds no public key")
    return b"".join(_decode_block(block) for block in blocks)


def packets(data: bytes) -> Iterator[Tuple[int, bytes]]:
    """Each packet's tag and body."""
    reader = _Reader(data)
    while reader.left:
        header = reader.number(1)
        if not header & 0x80:
            raise OpenPgpError("a packet does not begin as one")
        if header & 0x40:
            tag, length = header & 0x3F, _new_length(reader)
        else:
            tag, width = header >> 2 & 0x0F, header & 0x03
            if width == 3:
                raise OpenPgpError("a packet has no length")
            length = reader.number(1 << width)
        yield tag, reader.take(length)


def fingerprint(body: bytes) -> str:
    """The fingerprint of a version 4 key packet."""
    if body[:1] != b"\x04":
        raise OpenPgpError(
            "its key has version %d, and only version 4 is known here" % (body[0] if body else 0)
        )
    # The definition of a fingerprint, not a choice; the flag keeps hosts in FIPS mode from refusing it.
    hashed = hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body, usedforsecurity=False)
    return hashed.hexdigest().upper()


def normalise_fingerprint(text: str) -> str:
    """Forty upper-case hexadecimal digits, from what people write."""
    digits = re.sub(r"[\s:]", "", text).upper()
    if digits.startswith("0X"):
        digits = digits[2:]
    if not re.fullmatch(r"[0-9A-F]{40}", digits):
        raise OpenPgpError("a fingerprint has 40 hexadecimal digits, not %r" % text)
    return digits


def _read_key(key: List[Tuple[int, bytes]]) -> PrimaryKey:
    body = key[0][1]
    name = fingerprint(body)
    if len(body) < 5:
        raise OpenPgpError("its key packet is cut short")
    born = int.from_bytes(body[1:5], "big")
    user_ids: List[str] = []
    signatures: List[_Signature] = []
    for tag, content in key[1:]:
        if tag == PUBLIC_SUBKEY:
            break  # the signatures that follow are about the subkeys
        if tag == USER_ID:
            user_ids.append(content.decode("utf-8", "replace"))
        if tag == SIGNATURE:
            signature = _read_signature(content)
            # A key id is the end of the fingerprint.
            if signature is not None and signature.issuer and name.endswith(signature.issuer):
                signatures.append(signature)
    own = [signature for signature in signatures if signature.kind in (*CERTIFICATIONS, DIRECT_KEY)]
    newest = max(own, key=lambda signature: signature.created, default=None)
    return PrimaryKey(
        fingerprint=name,
        user_ids=tuple(user_ids),
        expires=_moment(born + newest.lifetime) if newest and newest.lifetime else None,
        revoked=any(signature.kind == KEY_REVOCATION for signature in signatures),
        digest=newest.digest if newest else "",
    )


def _read_signature(body: bytes) -> Optional[_Signature]:
    reader = _Reader(body)
    if reader.number(1) != 4:
        return None  # of another version: nothing that a version 4 key says of itself
    kind, _algorithm, digest = reader.number(1), reader.number(1), reader.number(1)
    hashed = _subpackets(reader.take(reader.number(2)))
    unhashed = _subpackets(reader.take(reader.number(2)))
    # Only the hashed part is covered by the signature; who issued it may stand in either.
    issuer = hashed.get(ISSUER_FINGERPRINT, unhashed.get(ISSUER_FINGERPRINT, b""))[1:]
    issuer = issuer or hashed.get(ISSUER_KEY_ID, unhashed.get(ISSUER_KEY_ID, b""))
    return _Signature(
        kind=kind,
        digest=DIGESTS.get(digest, "algorithm %d" % digest),
        created=int.from_bytes(hashed.get(CREATION_TIME, b""), "big"),
        lifetime=int.from_bytes(hashed.get(KEY_EXPIRATION, b""), "big"),
        issuer=issuer.hex().upper(),
    )


def _subpackets(data: bytes) -> Dict[int, bytes]:
    found: Dict[int, bytes] = {}
    reader = _Reader(data)
    while reader.left:
        first = reader.number(1)
        if first < 192:
            length = first
        elif first < 255:
            length = ((first - 192) << 8) + reader.number(1) + 192
        else:
            length = reader.number(4)
        content = reader.take(length)
        if not content:
            raise OpenPgpError("a subpacket is empty")
        found.setdefault(content[0] & 0x7F, content[1:])
    return found


def _new_length(reader: _Reader) -> int:
    first = reader.number(1)
    if first < 192:
        return first
    if first < 224:
        return ((first - 192) << 8) + reader.number(1) + 192
    if first == 255:
        return reader.number(4)
    raise OpenPgpError("a packet of a key may not come in parts")


def _decode_block(block: bytes) -> bytes:
    lines = [line.strip() for line in block.splitlines()]
    # Headers end with an empty line; a block without headers begins with one.
    body = lines[lines.index(b"") + 1 :] if b"" in lines else lines
    checksum = None
    if body and CHECKSUM.fullmatch(body[-1]):
        checksum = base64.b64decode(body.pop()[1:])
    try:
        data = base64.b64decode(b"".join(body), validate=True)
    except binascii.Error as error:
        raise OpenPgpError("its armour is damaged (%s)" % error) from error
    if checksum is not None and checksum != crc24(data):
        raise OpenPgpError("its armour is damaged (wrong checksum)")
    return data


def crc24(data: bytes) -> bytes:
    """The checksum of an armour."""
    register = 0xB704CE
    for byte in data:
        register = (register << 8 & 0xFFFFFF) ^ CRC24[register >> 16 ^ byte]
    return register.to_bytes(3, "big")


def _crc24_of(byte: int) -> int:
    register = byte << 16
    for _ in range(8):
        register <<= 1
        if register & 0x1000000:
            register ^= 0x1864CFB
    return register


CRC24 = [_crc24_of(byte) for byte in range(256)]


def _moment(seconds: int) -> datetime:
    # Not fromtimestamp: a key may outlive what the platform's time_t can say.
    return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds)


class _Reader:
    """Bytes, taken from the front; too few are an error that says so."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, count: int) -> bytes:
        if count > self.left:
            raise OpenPgpError("it is cut short")
        self._at += count
        return self._data[self._at - count : self._at]

    def number(self, width: int) -> int:
        return int.from_bytes(self.take(width), "big")
