"""A mirror on loopback that can be told to misbehave, with packages that dpkg can really install."""

from __future__ import annotations

import gzip
import hashlib
import random
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from aptworld.keys import Key

SUITE = "stable"
FAULTS = ("stall", "404", "cut", "short", "other bytes")


@dataclass
class Mirror:
    """What is served, by path; ``faults`` maps what a path ends with to how it misbehaves.

    ``stall`` sends the head and then nothing, ``cut`` closes the connection halfway, ``short`` has half of
    the file, and ``other bytes`` has as many bytes, but others.
    """

    address: str
    files: Mapping[str, bytes]
    faults: dict[str, str] = field(default_factory=dict)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def source(self) -> str:
        """Return its line in a .list file."""
        return f"{self.address} {SUITE} main"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        path = request.path.lstrip("/")
        fault = next((how for end, how in self.faults.items() if path.endswith(end)), "")
        data = self.files.get(path)
        if data is None or fault == "404":
            request.send_error(404)
            return
        body = data
        if fault == "short":
            body = data[: len(data) // 2]
        elif fault == "other bytes":
            body = bytes(byte ^ 1 for byte in data)
        request.send_response(200)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if fault == "stall":
            request.wfile.flush()
            self.over.wait(30)
        elif fault == "cut":
            request.wfile.write(body[: len(body) // 2])
            request.close_connection = True
        else:
            request.wfile.write(body)


@contextmanager
def serving(files: Mapping[str, bytes]) -> Iterator[Mirror]:
    """Serve files on loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            mirror.answer(self)

        def log_message(self, *_: object) -> None:
            """Say nothing: what apt says of it is what counts."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    mirror = Mirror(f"http://127.0.0.1:{server.server_port}", files)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield mirror
    finally:
        mirror.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def package(folder: Path, name: str, depends: str = "") -> tuple[str, bytes]:
    """Return a package's stanza for an index, without its Filename, and its .deb."""
    root = folder / name
    (root / "DEBIAN").mkdir(parents=True)
    control = f"Package: {name}\nVersion: 1.0\nArchitecture: amd64\nMaintainer: A test <a@world.example>\n"
    control += (
        f"Installed-Size: 100\n{f'Depends: {depends}' if depends else 'Section: misc'}\nDescription: {name}\n"
    )
    (root / "DEBIAN/control").write_text(control)
    content = root / "opt/stack" / name
    content.parent.mkdir(parents=True)
    content.write_bytes(random.Random(name).randbytes(100_000))  # noqa: S311 (bytes that do not compress)
    deb = folder / f"{name}.deb"
    command = ["dpkg-deb", "--root-owner-group", "--build", str(root), str(deb)]
    subprocess.run(command, check=True, capture_output=True)
    return control, deb.read_bytes()


def repository(folder: Path, key: Key, **depends: str) -> dict[str, bytes]:
    """Return the files of a signed repository with these packages and what each depends on."""
    files: dict[str, bytes] = {}
    stanzas = []
    for name, needed in depends.items():
        control, deb = package(folder, name, needed)
        path = f"pool/{name}_1.0_amd64.deb"
        files[path] = deb
        digest = hashlib.sha256(deb).hexdigest()
        stanzas.append(f"{control}Filename: {path}\nSize: {len(deb)}\nSHA256: {digest}\n")
    text = "\n".join(stanzas).encode()
    indexes = {
        "main/binary-amd64/Packages": text,
        "main/binary-amd64/Packages.gz": gzip.compress(text, mtime=0),
    }
    sums = "".join(
        f" {hashlib.sha256(data).hexdigest()} {len(data)} {name}\n" for name, data in indexes.items()
    )
    release = folder / "Release"
    release.write_text(
        f"Origin: A test\nLabel: A test\nSuite: {SUITE}\nCodename: {SUITE}\nArchitectures: amd64\n"
        f"Components: main\nDate: {formatdate(usegmt=True)}\nSHA256:\n{sums}"
    )
    key.clear_sign(release, folder / "InRelease")
    files |= {f"dists/{SUITE}/{name}": data for name, data in indexes.items()}
    return files | {f"dists/{SUITE}/InRelease": (folder / "InRelease").read_bytes()}
