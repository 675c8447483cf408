# SPDX-License-Identifier: MIT
"""Fetching and installing a venv's wheels ahead, in the background, while something else (apt) is at work.

``ROOT/tmp/wheels`` is what one fetch has, and by flock(2) its lock: the process that fetches holds it, so
that it goes with the process, however that ends. Who wants a fetch to end renames the folder away, which the
process sees.

    requirements.txt  what is fetched, and from where
    venv/             the pip that does it
    part/             what has come so far
    0123456789ab/     everything, of the lock whose hash begins so: a rename, when all of it is on the disk
    result.json       how it ended, and what pip said
    installed         once all of it is also in a venv, which is where it will stay: its interpreter

A venv is begun only where there is none. It has no marker, so that nobody takes it for complete: whoever
builds goes on from there, or removes it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Iterator, Mapping, NamedTuple

from ansible_collections.rdna1.provision.plugins.module_utils import venv_build, venv_run, venv_store
from ansible_collections.rdna1.provision.plugins.module_utils.venv_state import Layout, read_marker

LIMIT = 4 * 60 * 60  # seconds

# Runs in the wanted interpreter, when the module has long ended. It inherits the folder's descriptor, and
# with it the lock. An interpreter need not have pip, but can make a venv that has.
FETCH = """
import json, os, subprocess, sys, time
folder, name, target, lock, limit = *sys.argv[1:4], int(sys.argv[4]), float(sys.argv[5])
make, download, install = json.loads(sys.argv[6])
if os.fork():
    os._exit(0)

def wanted():
    try:
        return os.path.samestat(os.fstat(lock), os.stat(folder)) and time.monotonic() - began < limit
    except OSError:
        return False

def run(words, held=()):
    with open(os.path.join(folder, "log"), "ab") as log:
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, pass_fds=held
        )
        while process.returncode is None:
            try:
                process.wait(timeout=1)
            except subprocess.TimeoutExpired:
                if not wanted():
                    process.kill()
    return process.returncode

began, part = time.monotonic(), os.path.join(folder, "part")
run(make)
code = run(download if os.path.exists(download[0]) else [make[0], *download[1:]])
with open(os.path.join(folder, "log"), errors="replace") as log:
    said = log.read()
with open(os.path.join(folder, "result.json"), "w") as file:
    json.dump({"code": code, "seconds": round(time.monotonic() - began, 1), "output": said}, file)
if code:
    sys.exit()
for wheel in os.listdir(part):
    with open(os.path.join(part, wheel), "rb") as file:
        os.fsync(file.fileno())
os.rename(part, os.path.join(folder, name))
# Who installs holds the lock as well: nobody builds a venv while another still writes into it.
if install and not os.path.lexists(target) and not any(run(words, [lock]) for words in install):
    os.sync()
    with open(os.path.join(folder, "installed"), "w") as file:
        file.write(make[0])
"""


class Ahead(NamedTuple):
    """What came of fetching ahead.

    The folder with all wheels or None, a sentence where any was begun, and whether the venv has them already.
    """

    folder: Path | None = None
    said: str = ""
    installed: bool = False


def start(
    layout: Layout, interpreter: str, lock: str, sources: venv_build.Sources, environment: Mapping[str, str]
) -> None:
    """Begin to fetch, unless that is done or under way; what was fetched of another lock goes."""
    text = venv_build.requirements(lock, sources)
    if _usable(layout, text) and (_complete(layout) or _under_way(layout)):
        return
    clear(layout)
    layout.tmp.mkdir(mode=0o755, exist_ok=True)
    # An address in requirements.txt may hold a password.
    for folder in (layout.wheels, layout.wheels / "part", layout.wheels / "tmp"):
        folder.mkdir(mode=0o700)
    (layout.wheels / "requirements.txt").write_text(text)
    here = venv_build.Sources(find_links=[str(layout.wheels / layout.name)], offline=True)
    (layout.wheels / "here.txt").write_text(venv_build.requirements(lock, here))
    layout.venvs.mkdir(mode=0o755, exist_ok=True)
    with _opened(layout.wheels) as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        commands = json.dumps(_commands(layout, interpreter))
        given = [layout.wheels, layout.name, layout.venv, held, LIMIT, commands]
        surroundings = venv_run.surroundings(venv_build.surroundings(environment, layout.wheels / "tmp"))
        refused = _detach([interpreter, "-I", "-c", FETCH, *map(str, given)], surroundings, held)
    if refused:
        clear(layout)
        raise venv_build.BuildError(f"{interpreter} does not run: {refused}")


def take(layout: Layout, interpreter: str, lock: str, sources: venv_build.Sources) -> Ahead:
    """Wait for the fetch of this lock, and say what there is of it."""
    if not _usable(layout, venv_build.requirements(lock, sources)):
        return Ahead()
    with contextlib.suppress(OSError), _opened(layout.wheels) as held:
        fcntl.flock(held, fcntl.LOCK_EX)
    result = _result(layout)
    if _complete(layout):
        seconds = f", in {result['seconds']:.0f} s" if result else ""
        installed = _installed(layout, interpreter)
        said = f"all wheels were fetched{' and installed' if installed else ''} ahead{seconds}"
        return Ahead(layout.wheels / layout.name, said, installed)
    if not result:
        return Ahead(None, "fetching the wheels ahead was cut off")
    said = venv_build.explain(venv_run.Outcome(result["code"], result["output"]))
    return Ahead(None, f"the wheels could not be fetched ahead: {said}")


def clear(layout: Layout) -> bool:
    """End a fetch and remove what it has; whether there was anything."""
    if not os.path.lexists(layout.wheels):
        return False
    gone = Path(tempfile.mkdtemp(dir=layout.tmp))
    layout.wheels.rename(gone / "wheels")
    with contextlib.suppress(OSError), _opened(gone / "wheels") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # until its process has seen that it is gone
    shutil.rmtree(gone, ignore_errors=True)
    with contextlib.suppress(OSError):
        layout.tmp.rmdir()
    return True


def _detach(argv: list[str], environment: dict[str, str], held: int) -> str:
    """Run what goes on in the background; why it does not, where there is a reason."""
    try:
        code = subprocess.run(
            argv,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[held],
            start_new_session=True,  # it outlives the connection
            timeout=60,
            check=False,
        ).returncode
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    return f"exit code {code}" if code else ""


def _commands(layout: Layout, interpreter: str) -> list[Any]:
    """What is run: to have a pip, to fetch, and one after the other to install."""
    own = layout.wheels / "venv"
    file, here = layout.wheels / "requirements.txt", layout.wheels / "here.txt"
    install = [*venv_build.making(layout.venv, interpreter), venv_build.installing(layout.venv, here)]
    return [
        [interpreter, "-I", "-m", "venv", str(own)],
        [str(own / "bin/python"), *venv_build.DOWNLOAD, str(file), "--dest", str(layout.wheels / "part")],
        # What is current must not lead into half a venv.
        [] if venv_store.points_to(layout, layout.venv) else install,
    ]


def _installed(layout: Layout, interpreter: str) -> bool:
    """Whether the venv has everything by this interpreter, and nobody has called it complete."""
    with contextlib.suppress(OSError):
        by = (layout.wheels / "installed").read_text()
        return by == interpreter and layout.venv.is_dir() and read_marker(layout.venv) is None
    return False


def _complete(layout: Layout) -> bool:
    return (layout.wheels / layout.name).is_dir()


def _usable(layout: Layout, text: str) -> bool:
    """Whether there is a complete fetch of this lock, or at least one of it from the same places."""
    try:
        return _complete(layout) or (layout.wheels / "requirements.txt").read_text() == text
    except OSError:
        return False


def _under_way(layout: Layout) -> bool:
    with _opened(layout.wheels) as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def _result(layout: Layout) -> dict[str, Any]:
    try:
        found: Any = json.loads((layout.wheels / "result.json").read_text())
    except (OSError, ValueError):
        return {}
    complete = isinstance(found, dict) and found.keys() >= {"code", "seconds", "output"}
    return dict(found) if complete else {}


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
