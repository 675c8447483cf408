"""Makes a stack's hash lock: resolves, downloads every wheel, hashes it, and says what would be new.

A hash that was known stays what it was: where the index now has another file under that name, nothing is
written. A new one is shown with the address that it is from, and a person says yes to it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from rdna1.lab.errors import CHECK_FAILED, LabError, last_words
from rdna1.lab.mirror.lock import normalise
from rdna1.stacks.model import UNKNOWN, Stack, project

# The oldest C library of the operating systems that the roles know is Ubuntu 22.04's.
GLIBC = 35
OLDER_GLIBC = (34, 31, 28, 27, 24, 17, 12, 5)
PLATFORM = f"x86_64-manylinux_2_{GLIBC}"
PIP_PLATFORMS = (
    *(f"manylinux_2_{minor}_x86_64" for minor in (GLIBC, *OLDER_GLIBC)),
    "manylinux2014_x86_64",
    "manylinux2010_x86_64",
    "manylinux1_x86_64",
    "linux_x86_64",
)
CURE = "run it on a machine that reaches the stack's index, or name a mirror of it with --index-url"


@dataclass(frozen=True)
class Found:
    """A wheel that was downloaded: what it is, its hash, and where it is from."""

    project: str
    version: str
    sha256: str
    url: str


@dataclass(frozen=True)
class Difference:
    """One line of the lock that is not what it was."""

    project: str
    before: str
    after: str
    sha256: str = ""
    url: str = ""

    @property
    def words(self) -> str:
        """Say it in one line."""
        if not self.after:
            return f"- {self.project} {self.before}"
        what = f"{self.before} -> {self.after}" if self.before else self.after
        return f"+ {self.project} {what}\n    sha256 {self.sha256}\n    from   {self.url}"


@dataclass(frozen=True)
class Indexes:
    """Where wheels are looked for: the first index, then the others; empty is the machine's own choice."""

    first: str = ""
    others: tuple[str, ...] = ()


def obtain(stack: Stack, indexes: Indexes) -> list[Found]:
    """Resolve what the stack wants, download it all, and return it with the hashes of what was downloaded."""
    if not stack.wanted and not stack.pins:
        raise LabError(
            f"stacks/{stack.name}", "nothing is wanted of it", "name it in stack.yml, wheels.wanted"
        )
    with tempfile.TemporaryDirectory(prefix="rdna1-lock-") as scratch:
        resolved = _resolve(stack, indexes, Path(scratch))
        files = _download(stack, resolved, indexes, Path(scratch, "wheels"))
        return [_found(name, version, wheels, files) for name, version, wheels in resolved]


def judge(stack: Stack, found: Sequence[Found]) -> list[Difference]:
    """Say what differs from the lock there is; another file under a known name and version is refused."""
    known = {pin.project: pin for pin in stack.pins}
    trusted = {project(key): value for key, value in stack.wanted.items() if value != UNKNOWN}
    differences = []
    for one in sorted(found, key=lambda one: one.project):
        pin = known.pop(one.project, None)
        said = {trusted.get(one.project), pin.sha256 if pin and pin.version == one.version else None}
        for other in said - {None, one.sha256}:
            raise LabError(
                f"stacks/{stack.name}",
                f"{one.url} has sha256 {one.sha256}, but {one.project} {one.version} is known with {other}",
                "do not install it: ask whoever runs the index, and only then take the known hash out",
                exit_code=CHECK_FAILED,
            )
        if pin is None or pin.version != one.version:
            before = pin.version if pin else ""
            differences.append(Difference(one.project, before, one.version, one.sha256, one.url))
    return [*differences, *(Difference(pin.project, pin.version, "") for pin in known.values())]


def render(stack: Stack, found: Iterable[Found]) -> str:
    """Write the lock's text."""
    tag = f"cp{stack.python.replace('.', '')}"
    lines = [
        f"# {tag}, linux x86_64. Made by `rdna1 lock {stack.name}`; every wheel was downloaded and hashed."
    ]
    for one in sorted(found, key=lambda one: one.project):
        lines += [f"{one.project}=={one.version} \\", f"    --hash=sha256:{one.sha256}"]
    return "\n".join(lines) + "\n"


def _resolve(stack: Stack, indexes: Indexes, scratch: Path) -> list[tuple[str, str, list[dict[str, object]]]]:
    """Let uv resolve for the stack's Python, whatever this machine's is: names, versions and wheels."""
    pinned = [f"{pin.name}=={pin.version}" for pin in stack.pins]
    wanted, kept, out = scratch / "wanted.txt", scratch / "kept.txt", scratch / "pylock.toml"
    wanted.write_text("\n".join(stack.wanted or pinned) + "\n")
    # What is locked stays as it is; what is wanted may have moved since.
    moving = {project(key) for key in stack.wanted}
    kept.write_text("".join(f"{pin}\n" for pin in pinned if project(pin) not in moving))
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    command = [
        *(uv or "uv", "pip", "compile", str(wanted), "--constraint", str(kept), "--output-file", str(out)),
        *("--format", "pylock.toml", "--quiet", "--no-cache", "--python", sys.executable),
        *("--python-version", stack.python, "--python-platform", PLATFORM, "--only-binary", ":all:"),
        *("--index-strategy", "unsafe-best-match"),
        *(["--default-index", indexes.first] if indexes.first else []),
        *(argument for url in indexes.others for argument in ("--index", url)),
    ]
    _run(stack, "uv", command)
    packages = tomllib.loads(out.read_text())["packages"]
    return [(normalise(one["name"]), one["version"], one.get("wheels", [])) for one in packages]


def _download(
    stack: Stack,
    resolved: Sequence[tuple[str, str, list[dict[str, object]]]],
    indexes: Indexes,
    folder: Path,
) -> dict[str, Path]:
    """Let pip download exactly these; it checks what an index says of a file's hash by itself."""
    pins = folder.with_suffix(".txt")
    pins.write_text("".join(f"{name}=={version}\n" for name, version, _ in resolved))
    command = [
        *(sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"),
        *("--no-cache-dir", "--only-binary=:all:", f"--python-version={stack.python}", "--implementation=cp"),
        *(f"--platform={platform}" for platform in PIP_PLATFORMS),
        *(["--index-url", indexes.first] if indexes.first else []),
        *(argument for url in indexes.others for argument in ("--extra-index-url", url)),
        *("--dest", str(folder), "--requirement", str(pins)),
    ]
    _run(stack, "pip", command)
    return {path.name: path for path in folder.glob("*.whl")}


def _found(
    name: str, version: str, wheels: Sequence[Mapping[str, object]], files: Mapping[str, Path]
) -> Found:
    """Hash the downloaded wheel and hold it against what uv saw in the index."""
    for wheel in wheels:
        url = str(wheel["url"])
        path = files.get(unquote(urlsplit(url).path).rsplit("/", 1)[-1])
        if path is None:
            continue
        with path.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        said = wheel.get("hashes", {})
        if isinstance(said, dict) and said.get("sha256", sha256) != sha256:
            what = f"{url} was downloaded with sha256 {sha256}, the index says {said['sha256']}"
            raise LabError(f"{name} {version}", what, "ask whoever runs the index", exit_code=CHECK_FAILED)
        return Found(name, version, sha256, url.partition("#")[0])
    raise LabError(
        f"{name} {version}", "what was resolved is not what was downloaded", "run the command again"
    )


def _run(stack: Stack, name: str, command: Sequence[str]) -> None:
    """Run a program; a failure is one sentence with what it said last."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise LabError(
            f"stacks/{stack.name}", f"{name} is not on this machine", "run scripts/setup"
        ) from None
    if done.returncode:
        what = f"{name} failed: {last_words(done.stderr or done.stdout)}"
        raise LabError(f"stacks/{stack.name}", what, CURE)
