"""Keeps the real wheels that the locks pin: downloaded once, by the control machine's own pip."""

import hashlib
import json
import logging
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from rdna1.lab.errors import LabError
from rdna1.lab.mirror.commands import run
from rdna1.lab.mirror.lock import Requirement, normalise

log = logging.getLogger(__name__)

# Wheels for what the stacks run on, CPython 3.10 on x86_64, whatever the control machine's own Python is.
OPTIONS = [
    "--only-binary=:all:",
    "--no-deps",
    "--no-cache-dir",  # this folder is the cache: pip's own would double the gigabytes
    "--python-version=3.10",
    "--implementation=cp",
    "--platform=manylinux_2_28_x86_64",
    "--platform=manylinux_2_27_x86_64",
    "--platform=manylinux_2_17_x86_64",
    "--platform=manylinux2014_x86_64",
    "--platform=manylinux1_x86_64",
]
CURE = "give this machine's pip an index that has it (pip config), then run the command again"


class Wheelhouse:
    """A folder of wheels and what is known about their hashes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._sums_file = folder / ".sha256.json"
        self._sums: dict[str, list[int | str]] = {}
        if self._sums_file.exists():
            self._sums = json.loads(self._sums_file.read_text())

    def obtain(self, requirements: Iterable[Requirement]) -> dict[Requirement, Path]:
        """Return the wheel of each requirement; download those that are not here yet."""
        found = {}
        for requirement in requirements:
            file = self.find(requirement) or self.download(requirement)
            if file is None:
                what = f"pip brought something else than {requirement.name} {requirement.version}"
                raise LabError("the wheels", what, CURE)
            found[requirement] = file
        self._sums = {name: known for name, known in self._sums.items() if (self.folder / name).exists()}
        self._sums_file.write_text(json.dumps(self._sums, indent=1, sort_keys=True) + "\n")
        return found

    def find(self, requirement: Requirement) -> Path | None:
        """Return the wheel with the requirement's hash, if it is here."""
        for file in sorted(self.folder.glob("*.whl")):
            name, version = file.name.split("-")[:2]
            if (normalise(name), version) != (requirement.project, requirement.version):
                continue
            if self.sha256(file) == requirement.sha256:
                return file
        return None

    def sha256(self, file: Path) -> str:
        """Return the hash; a file that has not changed since is not read again."""
        stat = file.stat()
        known = self._sums.get(file.name)
        if known is None or known[:2] != [stat.st_size, stat.st_mtime_ns]:
            with file.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            known = self._sums[file.name] = [stat.st_size, stat.st_mtime_ns, digest]
        return str(known[2])

    def download(self, requirement: Requirement) -> Path | None:
        """Let pip fetch one wheel and check its hash; nothing half-fetched stays."""
        log.info("downloading %s %s", requirement.name, requirement.version)
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=self.folder) as scratch:
            lock = Path(scratch, "lock.txt")
            lock.write_text(f"{requirement}\n")
            pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"]
            run([*pip, "--require-hashes", *OPTIONS, "--dest", scratch, "--requirement", lock], cure=CURE)
            for file in Path(scratch).glob("*.whl"):
                file.replace(self.folder / file.name)
        return self.find(requirement)
