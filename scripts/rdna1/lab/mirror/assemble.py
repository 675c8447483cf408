"""Puts the mirror's tree together and keeps it until something that it is made of changes."""

import fcntl
import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from rdna1.lab.mirror import digest, fullsize, index, lock, pyarchive, release, repository, signing, standins
from rdna1.lab.mirror.fullsize import FullSize
from rdna1.lab.mirror.wheelhouse import Wheelhouse
from rdna1.lab.paths import CHECKOUT

CODE = Path(__file__).parent
STANDINS = CODE.parent / "standin"
STACKS = CHECKOUT / "stacks"
# The stacks that the lab's hosts run.
SERVED = ("cpu_reference", "rocm52")
# Those whose own lock nobody could make: in the lab they are rocm52 with their versions, stand-ins as it is.
UNLOCKED = ("rocm57", "rocm52-mixed", "rocm52-nightly")
PATTERN = "rocm52"
# Written last: a tree without it is not finished.
MARK = "mirror.json"


@dataclass(frozen=True)
class MirrorFacts:
    """What the lab's inventory must know of the mirror. The path in a URL has no leading slash."""

    key_fingerprint: str
    requirements: dict[str, Path]
    standalone_url_path: str
    standalone_sha256: str
    standalone_release: str


def build(www: Path, *, cache: Path, full_size: bool = False) -> MirrorFacts:
    """Make www the mirror's tree; when nothing changed since it was made, only say what is in it.

    With full_size, the stand-ins take about as much room as AMD's packages and PyTorch's wheel.
    """
    with _alone(cache):
        signing_key = signing.obtain(cache / "mirror-key")
        recipe = _recipe(signing_key, full_size=full_size)
        content = _read(www, recipe)
        if content is None:
            aside = www.with_name(f"{www.name}.new")
            shutil.rmtree(aside, ignore_errors=True)
            aside.mkdir(parents=True)
            content = _fill(aside, cache, signing_key, full_size=full_size)
            (aside / MARK).write_text(json.dumps({"recipe": recipe, "content": content}, indent=2) + "\n")
            _swap(aside, www)
    locks = content.pop("locks")
    requirements = {
        stack: www / locks[stack] if stack in locks else _lock(stack)
        for stack in dict.fromkeys((*SERVED, *locks))
    }
    return MirrorFacts(requirements=requirements, **content)


def _lock(stack: str) -> Path:
    return STACKS / stack / "requirements.txt"


def _text(stack: str) -> str:
    """Return a stack's lock, or for want of one what the lab takes for it."""
    if stack not in UNLOCKED or _lock(stack).exists():
        return _lock(stack).read_text()
    wanted = yaml.safe_load(_lock(stack).with_name("stack.yml").read_text())["wheels"]["wanted"]
    versions = {lock.normalise(name): version for name, _, version in (one.partition("==") for one in wanted)}
    return lock.for_another(_lock(PATTERN).read_text(), versions, str(_lock(PATTERN)))


def _fill(root: Path, cache: Path, key: signing.Key, *, full_size: bool) -> dict[str, Any]:
    large = fullsize.load(cache / "full-size", STACKS) if full_size else None
    for one in release.load(STACKS):
        repository.build(one, root / one.url_path, key, large)
    (root / "rocm" / "rocm.gpg.key").write_text(key.public)
    locks = _fill_index(root, Wheelhouse(cache / "wheels"), large)
    archive, version = pyarchive.obtain(cache / "python-archive" / digest.of_files(pyarchive.MADE_BY)[:12])
    served = root / "python" / archive.name
    served.parent.mkdir()
    index.link(archive, served)
    return {
        "key_fingerprint": key.fingerprint,
        "locks": locks,
        "standalone_url_path": served.relative_to(root).as_posix(),
        "standalone_sha256": hashlib.sha256(served.read_bytes()).hexdigest(),
        "standalone_release": version,
    }


def _fill_index(root: Path, wheelhouse: Wheelhouse, large: FullSize | None) -> dict[str, str]:
    """Write the wheel index and the lab's own locks; return the path of each such lock."""
    wheels: dict[Path, str] = {}
    locks: dict[str, str] = {}
    made = root / "locks" / "wheels"
    made.mkdir(parents=True)
    for stack in (*SERVED, *UNLOCKED):
        text = _text(stack)
        wanted = lock.parse(text, str(_lock(stack)))
        torch = next(one.version for one in wanted if one.project == "torch")
        real = [requirement for requirement in wanted if not standins.stands_in(requirement)]
        wheels |= {file: requirement.sha256 for requirement, file in wheelhouse.obtain(real).items()}
        hashes = {}
        for requirement in wanted:
            if requirement not in real:
                small = standins.wheel(requirement, torch)
                file = (large.wheel(small, stack) if large else None) or small.write(made)
                hashes[requirement.project] = wheels[file] = digest.of_large(file)
        if hashes:
            locks[stack] = f"locks/{stack}.txt"
            (root / locks[stack]).write_text(lock.with_standins(text, hashes, str(_lock(stack))))
    index.build(wheels, root / "simple")
    shutil.rmtree(made)
    return locks


def _recipe(key: signing.Key, *, full_size: bool) -> str:
    """Return a digest of everything that the tree is made of but for what the locks' hashes already pin."""
    sources = [*CODE.rglob("*"), *STANDINS.rglob("*"), *STACKS.rglob("*.yml"), *map(_lock, SERVED)]
    made_of = digest.of_files(file for file in sources if "__pycache__" not in file.parts)
    return f"{made_of}{key.fingerprint}{'+full-size' if full_size else ''}"


def _read(www: Path, recipe: str) -> dict[str, Any] | None:
    """Return what a finished tree of this recipe says of itself."""
    try:
        mark = json.loads((www / MARK).read_text())
    except (FileNotFoundError, ValueError):
        return None
    content: dict[str, Any] = mark["content"]
    return content if mark["recipe"] == recipe else None


def _swap(aside: Path, www: Path) -> None:
    """Put the finished tree in the old one's place."""
    old = www.with_name(f"{www.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if www.exists():
        www.rename(old)
    aside.rename(www)
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    """Keep other labs out of the cache while this one fills it."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "mirror.lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
