"""Whatever lies where a file shall be, it is read or refused at once: a pipe never keeps anybody waiting."""

import os
import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rdna1.provision.plugins.module_utils import (
    observation,
    plain_file,
    sealed_tree,
    venv_state,
)
from ansible_collections.rdna1.provision.plugins.modules import miopen_policy, signing_key

HOST = observation.Host()
READS: dict[str, Callable[[Path], Any]] = {
    "record": lambda path: observation.record(HOST, str(path)),
    "signing_key": lambda path: observation.signing_key(HOST, str(path)),
    "venv": lambda path: venv_state.read_marker(path.parent),
    "tree": lambda path: sealed_tree.look(path.parent)["count"] == 1 or None,
    "policy": miopen_policy.read,
    "key": lambda path: signing_key.installed_key(path, "0" * 40, datetime.now(UTC))[0],
}
NAMES = {"venv": venv_state.MARKER, "tree": sealed_tree.LIST}


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


MAKE: dict[str, Callable[[Path], Any]] = {
    "a pipe": os.mkfifo,
    "a directory": Path.mkdir,
    "a socket": a_socket,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "nothing": lambda _: None,
}


@pytest.mark.parametrize("kind", MAKE)
@pytest.mark.parametrize("reader", READS)
def test_what_is_no_file_is_nobody_s_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: str, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path is short
    path = tmp_path / NAMES.get(reader, "x")
    MAKE[kind](Path(path.name))
    said: list[Any] = []
    thread = threading.Thread(target=lambda: said.append(READS[reader](path)), daemon=True)
    thread.start()
    thread.join(20)
    assert said == [True] if reader == "tree" else said == [None]


def test_a_file_is_read_through_links(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\xff")
    (tmp_path / "link").symlink_to("file")
    assert plain_file.read(tmp_path / "link") == b"\xff"
    with pytest.raises(FileNotFoundError):
        plain_file.read(tmp_path / "none")
