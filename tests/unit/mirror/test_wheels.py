"""Locks, wheels and the index: pip takes from the mirror what the lab's lock says, and nothing else."""

import base64
import csv
import hashlib
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from rdna1.lab.errors import LabError
from rdna1.lab.mirror import index, lock, standins, wheelhouse
from rdna1.lab.mirror.lock import Requirement
from rdna1.lab.mirror.wheel import Wheel
from rdna1.lab.mirror.wheelhouse import Wheelhouse
from rdna1.lab.paths import CHECKOUT

LOCK = CHECKOUT / "stacks" / "rocm52" / "requirements.txt"


def pinned() -> dict[str, Requirement]:
    return {one.project: one for one in lock.parse(LOCK.read_text(), str(LOCK))}


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def make(
    folder: Path, name: str = "thing", version: str = "1.0+local.1", requires: tuple[str, ...] = ()
) -> Path:
    made = Wheel(
        name, version, "py3-none-any", "a thing", requires, ">=3.7", {f"{name}/__init__.py": b"answer = 42\n"}
    )
    return made.write(folder)


class Quiet(SimpleHTTPRequestHandler):
    """What the mirror container runs, without its log."""

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """The address of tmp_path/www."""
    handler = partial(Quiet, directory=str(tmp_path / "www"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


# --- locks ---------------------------------------------------------------------------------------------


def test_a_lock_with_stand_ins_differs_only_in_their_hashes() -> None:
    before = pinned()
    text = lock.with_standins(LOCK.read_text(), {"torch": "a" * 64, "torchvision": "b" * 64}, "x")
    after = {one.project: one for one in lock.parse(text, "x")}
    assert text.startswith("# STAND-IN LOCK")
    assert (after["torch"].sha256, after["torchvision"].sha256) == ("a" * 64, "b" * 64)
    assert after.keys() == before.keys()
    assert {name: one for name, one in after.items() if before[name] != one}.keys() == {
        "torch",
        "torchvision",
    }


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "torch==1.0\n", "torch>=1.0 \\\n    --hash=sha256:" + "a" * 64]
)
def test_what_is_no_lock_is_refused(text: str) -> None:
    with pytest.raises(LabError, match="not a lock"):
        lock.parse(text, "requirements.txt")


def test_every_stack_that_is_served_has_a_lock_that_can_be_read() -> None:
    for stack in ("rocm52", "cpu_reference"):
        file = CHECKOUT / "stacks" / stack / "requirements.txt"
        assert lock.parse(file.read_text(), str(file))


# --- wheels --------------------------------------------------------------------------------------------


def test_a_wheel_is_the_same_every_time_and_its_record_is_right(tmp_path: Path) -> None:
    first = make(tmp_path)
    before = first.read_bytes()
    assert make(tmp_path).read_bytes() == before
    assert first.name == "thing-1.0+local.1-py3-none-any.whl"
    with zipfile.ZipFile(first) as archive:
        record = list(csv.reader(archive.read("thing-1.0+local.1.dist-info/RECORD").decode().splitlines()))
        assert [row[0] for row in record] == archive.namelist()
        for name, digest, size in record[:-1]:
            data = archive.read(name)
            encoded = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            assert (digest, size) == (f"sha256={encoded}", str(len(data)))


@pytest.mark.parametrize("project", ["torch", "torchvision"])
def test_a_stand_in_says_so_and_only_needs_what_the_lock_pins(tmp_path: Path, project: str) -> None:
    wheel = standins.wheel(pinned()[project])
    assert wheel.filename == f"{project}-{pinned()[project].version}-cp310-cp310-linux_x86_64.whl"
    assert "STAND-IN" in wheel.summary
    needed = {lock.normalise(requirement.split()[0]) for requirement in wheel.requires}
    assert needed <= pinned().keys()
    assert b"STAND-IN" in wheel.files[f"{project}/__init__.py"]
    assert not any("__pycache__" in name for name in wheel.files)
    assert wheel.write(tmp_path).exists()


@pytest.mark.parametrize(
    ("torch", "torchvision", "beside", "hip"),
    [
        ("2.2.2+rocm5.7", "0.17.2+rocm5.7", "2.2.2", "5.7.0-stand-in"),
        (
            "2.0.0.dev20230209+rocm5.2",
            "0.15.0.dev20230209+rocm5.2",
            "2.0.0.dev20230209+rocm5.2",
            "5.2.0-stand-in",
        ),
    ],
)
def test_the_stand_in_of_another_release_says_that_release(
    torch: str, torchvision: str, beside: str, hip: str
) -> None:
    one = standins.wheel(Requirement("torch", torch, ""), torch)
    assert f'__version__ = "{torch}"'.encode() in one.files["torch/version.py"]
    assert f'= "{hip}"'.encode() in one.files["torch/version.py"]
    assert one.version == torch
    other = standins.wheel(Requirement("torchvision", torchvision, ""), torch)
    assert f"torch (=={beside})" in other.requires
    assert f'__version__ = "{torchvision}"'.encode() in other.files["torchvision/__init__.py"]


def test_an_unlocked_stack_s_lock_of_the_lab_has_its_versions() -> None:
    text = lock.for_another(LOCK.read_text(), {"torch": "2.2.2+rocm5.7"}, "x")
    after = {one.project: one for one in lock.parse(text, "x")}
    assert after["torch"].version == "2.2.2+rocm5.7"
    assert {name for name, one in pinned().items() if after[name] != one} == {"torch"}


def test_only_builds_for_rocm_are_stood_in_for() -> None:
    assert {name for name, one in pinned().items() if standins.stands_in(one)} == {"torch", "torchvision"}
    assert not standins.stands_in(Requirement("torch", "1.13.1", "a" * 64))


# --- the wheelhouse ------------------------------------------------------------------------------------


def test_a_wheel_counts_only_with_the_right_hash(tmp_path: Path) -> None:
    file = make(tmp_path)
    house = Wheelhouse(tmp_path)
    assert house.find(Requirement("Thing", "1.0+local.1", sha256(file))) == file
    assert house.find(Requirement("thing", "1.0+local.1", "a" * 64)) is None
    assert house.find(Requirement("thing", "1.0", sha256(file))) is None


def test_a_changed_wheel_is_read_again(tmp_path: Path) -> None:
    file = make(tmp_path)
    wanted = Requirement("thing", "1.0+local.1", sha256(file))
    assert Wheelhouse(tmp_path).obtain([wanted]) == {wanted: file}
    with file.open("ab") as stream:
        stream.write(b"!")
    assert Wheelhouse(tmp_path).find(wanted) is None


def test_what_is_missing_is_fetched_by_pip(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = tmp_path / "made"
    made.mkdir()
    file = make(made)
    index.build({file: sha256(file)}, tmp_path / "www" / "simple")
    for name, value in {"CONFIG_FILE": "/dev/null", "FIND_LINKS": "", "INDEX_URL": f"{url}/simple/"}.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    house = Wheelhouse(tmp_path / "house")
    wanted = Requirement("thing", "1.0+local.1", sha256(file))
    fetched = house.obtain([wanted])
    assert fetched == {wanted: tmp_path / "house" / file.name}
    monkeypatch.setattr(wheelhouse, "run", pytest.fail)
    assert Wheelhouse(tmp_path / "house").obtain([wanted]) == fetched
    monkeypatch.undo()


def test_what_pip_cannot_get_is_one_sentence(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "www").mkdir()
    for name, value in {"CONFIG_FILE": "/dev/null", "FIND_LINKS": "", "INDEX_URL": f"{url}/simple/"}.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    with pytest.raises(
        LabError, match=r"No matching distribution found for thing==1.0.*; give this machine's pip"
    ):
        Wheelhouse(tmp_path / "house").obtain([Requirement("thing", "1.0", "a" * 64)])
    assert [path.name for path in (tmp_path / "house").iterdir()] == []


# --- the index -----------------------------------------------------------------------------------------


def test_pip_installs_from_the_index_by_hash_and_finds_nothing_amiss(tmp_path: Path, url: str) -> None:
    made = tmp_path / "made"
    made.mkdir()
    files = [make(made), make(made, version="1.0"), make(made, "other", "2", ("thing (==1.0)",))]
    index.build({file: sha256(file) for file in files}, tmp_path / "www" / "simple")
    text = f"thing==1.0+local.1 --hash=sha256:{sha256(files[0])}\nother==2 --hash=sha256:{sha256(files[2])}\n"
    (tmp_path / "lock.txt").write_text(text)
    pip = [sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check", "install", "--quiet"]
    options = [
        "--require-hashes",
        "--no-deps",
        "--index-url",
        f"{url}/simple/",
        "--target",
        str(tmp_path / "site"),
    ]
    subprocess.run([*pip, *options, "-r", str(tmp_path / "lock.txt")], check=True)
    assert (tmp_path / "site" / "thing-1.0+local.1.dist-info").is_dir()
    assert (tmp_path / "site" / "other").is_dir()


def test_links_escape_the_plus_and_carry_the_hash(tmp_path: Path) -> None:
    file = make(tmp_path)
    index.build({file: "c" * 64}, tmp_path / "simple")
    page = (tmp_path / "simple/thing/index.html").read_text()
    assert f'href="thing-1.0%2Blocal.1-py3-none-any.whl#sha256={"c" * 64}"' in page
    assert (tmp_path / "simple/thing" / file.name).samefile(file)
    assert 'href="thing/"' in (tmp_path / "simple/index.html").read_text()
