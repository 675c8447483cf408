"""Keys to run modules on."""

import hashlib
from collections.abc import Callable

import pytest


@pytest.fixture
def make_key() -> Callable[..., bytes]:
    """Make a key file of one or more primary keys: born, good for so many seconds, signed by itself so."""

    def make(
        *born: int,
        lifetime: int = 0,
        digest: int = 8,
        revoked: bool = False,
        fingerprints: list[str] | None = None,
    ) -> bytes:
        data = b""
        for moment in born or (1_600_000_000,):
            body = b"\x04" + moment.to_bytes(4, "big") + b"\x01\x00\x08\xff\x00\x02\x03"
            name = hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body, usedforsecurity=False).digest()
            if fingerprints is not None:
                fingerprints.append(name.hex().upper())
            hashed = b"\x05\x02" + moment.to_bytes(4, "big") + b"\x05\x09" + lifetime.to_bytes(4, "big")
            unhashed = b"\x09\x10" + name[-8:]
            data += bytes([0xC6, len(body)]) + body
            for kind in (0x1F, 0x20) if revoked else (0x1F,):
                signature = bytes([4, kind, 1, digest]) + b"".join(
                    len(part).to_bytes(2, "big") + part for part in (hashed, unhashed)
                )
                data += bytes([0xC2, len(signature)]) + signature
        return data

    return make
