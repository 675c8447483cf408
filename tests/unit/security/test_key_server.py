"""A key server that is slow or has no end holds a host up for no longer than the time that it is given."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from ansible_collections.rdna1.provision.plugins.modules import signing_key

Send = Callable[[socket.socket, threading.Event], None]


def drip(client: socket.socket, over: threading.Event) -> None:
    """A byte now and then, for ever."""
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not over.wait(0.2):
        client.sendall(b"x")


def silent(client: socket.socket, over: threading.Event) -> None:
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    over.wait()


def flood(client: socket.socket, over: threading.Event) -> None:
    """As much as is taken, and no word of how much it will be."""
    client.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    while not over.is_set():
        client.sendall(b"x" * 65536)


@contextmanager
def serving(send: Send) -> Iterator[str]:
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            client, _ = listener.accept()
            with client, suppress(OSError):
                client.recv(65536)
                send(client, over)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/key.asc"
        over.set()
        thread.join()


@pytest.mark.parametrize(
    ("send", "says"),
    [
        (drip, "no end after 1 seconds"),
        (silent, "timed out"),
        (flood, "is too large for a signing key; correct the address"),
    ],
)
def test_it_ends_in_time_with_one_sentence(send: Send, says: str) -> None:
    began = time.monotonic()
    with serving(send) as url, pytest.raises(signing_key.BadKeyError, match=says):
        signing_key.fetch(url, 1)
    assert time.monotonic() - began < 10
