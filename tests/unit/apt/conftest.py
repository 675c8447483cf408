"""Running a module in this process, with its answer as data; keys to run it on."""

import contextlib
import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run_module(tmp_path: Path) -> Run:
    """Run a module's main; what it exits with, failed or not, is the answer."""

    def run(module: ModuleType, *, check: bool = False, **arguments: Any) -> dict[str, Any]:
        (tmp_path / "remote").mkdir(exist_ok=True)
        settings = {"_ansible_check_mode": check, "_ansible_remote_tmp": str(tmp_path / "remote")}
        output = io.StringIO()
        with (
            patch_module_args({**arguments, **settings}),
            contextlib.redirect_stdout(output),
            pytest.raises(SystemExit),
        ):
            module.main()
        answer: dict[str, Any] = json.loads(output.getvalue().strip().splitlines()[-1])
        return answer

    return run


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
