"""An index of wheels on loopback, as the lab's mirror lays one out, and a folder of stacks that uses it."""

import hashlib
import re
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from rdna1.lab.mirror import index
from rdna1.lab.mirror.wheel import Wheel
from rdna1.stacks import model

CP310 = "cp310-cp310-linux_x86_64"
ANY = "py3-none-any"
# torch needs what this machine's own Python would not be given: the stack's Python decides.
WHEELS = [
    ("torch", "2.2.2+rocm5.7", CP310, ("typing-extensions", 'triton ==2.2.0 ; python_version < "3.12"')),
    ("torch", "2.2.2+rocm5.7", "cp312-cp312-linux_x86_64", ("typing-extensions",)),
    ("torch", "2.3.0+rocm5.7", CP310, ()),
    ("triton", "2.2.0", "cp310-cp310-manylinux_2_17_x86_64", ()),
    ("typing_extensions", "4.9.0", ANY, ()),
]


class Silent(SimpleHTTPRequestHandler):
    """Serves files and does not talk about it."""

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


class Index:
    """A PEP 503 index whose wheels can be swapped."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.wheels = root / "wheels"
        self.wheels.mkdir()
        self.url = ""

    def build(
        self, *wheels: tuple[str, str, str, tuple[str, ...]], content: str = "", hashes: bool = True
    ) -> None:
        """Write the wheels and the index of all there are; content makes other bytes under the same names."""
        made = {}
        for name, version, tag, requires in wheels or WHEELS:
            files = {f"{name}/__init__.py": content.encode()}
            Wheel(name, version, tag, "a wheel", requires, ">=3.7", files).write(self.wheels)
        for file in self.wheels.glob("*.whl"):
            made[file] = sha256(file)
        index.build(made, self.root / "simple")
        if not hashes:
            for page in self.root.rglob("index.html"):
                page.write_text(re.sub(r"#sha256=[0-9a-f]+", "", page.read_text()))

    def again(self, content: str) -> None:
        """Put other bytes under the same names."""
        for page in sorted((self.root / "simple").rglob("*"), reverse=True):
            page.rmdir() if page.is_dir() else page.unlink()
        (self.root / "simple").rmdir()
        self.build(content=content)

    def sha256(self, name: str) -> str:
        """Return the hash of a wheel whose file name begins so."""
        (file,) = self.wheels.glob(f"{name}*.whl")
        return sha256(file)


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.fixture
def wheels(tmp_path: Path) -> Iterator[Index]:
    root = tmp_path / "www"
    root.mkdir()
    served = Index(root)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(root))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        served.url = f"http://127.0.0.1:{server.server_port}/simple"
        yield served
        server.shutdown()


MakeStack = Callable[..., model.Stack]


@pytest.fixture
def make_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeStack:
    """Write a stack into a folder of stacks of its own, which the commands then use."""
    root = tmp_path / "stacks"
    monkeypatch.setattr(model, "STACKS", root)

    def make(name: str = "mine", lock: str = "", **data: Any) -> model.Stack:
        folder = root / name
        folder.mkdir(parents=True, exist_ok=True)
        content = {"name": name, "title": "A stack", "python": "3.10", "expect": {}, **data}
        content.setdefault("wheels", {"index_urls": [], "wanted": {"torch==2.2.2+rocm5.7": "unknown"}})
        (folder / "stack.yml").write_text(yaml.safe_dump(content))
        if lock:
            (folder / "requirements.txt").write_text(lock)
        return model.Stack(folder, content)

    return make
