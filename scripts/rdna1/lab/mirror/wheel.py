"""Writes wheels, the same bytes every time: what a stand-in package needs, without a build backend."""

import base64
import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rdna1.lab.mirror.bulk import Part

# The oldest time that a zip file can hold.
TIME = (1980, 1, 1, 0, 0, 0)
# A file that everybody may read, as a zip file says it.
MODE = 0o644 << 16


@dataclass(frozen=True)
class Wheel:
    """A wheel to be written: what it is, what it needs, its files, and those too large for memory."""

    name: str
    version: str
    tag: str
    summary: str
    requires: tuple[str, ...]
    requires_python: str
    files: Mapping[str, bytes]
    bulk: tuple[Part, ...] = ()

    @property
    def filename(self) -> str:
        """The name of the file, from which installers read everything else."""
        return f"{self.name}-{self.version}-{self.tag}.whl"

    @property
    def metadata(self) -> str:
        """The METADATA file."""
        lines = [
            "Metadata-Version: 2.1",
            f"Name: {self.name}",
            f"Version: {self.version}",
            f"Summary: {self.summary}",
            f"Requires-Python: {self.requires_python}",
            *(f"Requires-Dist: {requirement}" for requirement in self.requires),
        ]
        return "\n".join(lines) + f"\n\n{self.summary}\n"

    def write(self, folder: Path) -> Path:
        """Write the wheel into the folder."""
        info = f"{self.name}-{self.version}.dist-info"
        marks = f"Wheel-Version: 1.0\nGenerator: rdna1-lab\nRoot-Is-Purelib: false\nTag: {self.tag}\n"
        described = {
            f"{info}/METADATA": self.metadata.encode(),
            f"{info}/WHEEL": marks.encode(),
            f"{info}/top_level.txt": f"{self.name}\n".encode(),
        }
        target = folder / self.filename
        # What the archive is opened with counts for the bulk alone.
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            record = [_store(archive, name, data) for name, data in sorted(self.files.items())]
            record += [_deflate(archive, part) for part in self.bulk]
            record += [_store(archive, name, data) for name, data in described.items()]
            _store(archive, f"{info}/RECORD", f"{''.join(record)}{info}/RECORD,,\n".encode())
        return target


def _store(archive: zipfile.ZipFile, name: str, data: bytes) -> str:
    """Add a small file; return its line of RECORD."""
    entry = zipfile.ZipInfo(name, TIME)
    entry.external_attr = MODE
    # Stored, not deflated: another zlib would give other bytes, and with them another hash.
    entry.compress_type = zipfile.ZIP_STORED
    archive.writestr(entry, data)
    return _line(name, hashlib.sha256(data).digest(), len(data))


def _deflate(archive: zipfile.ZipFile, part: Part) -> str:
    """Add a large file, block by block; return its line of RECORD."""
    digest = hashlib.sha256()
    with archive.open(part.name, "w") as stream:
        for block in part.blocks():
            digest.update(block)
            stream.write(block)
    archive.getinfo(part.name).external_attr = MODE
    return _line(part.name, digest.digest(), part.size)


def _line(name: str, digest: bytes, size: int) -> str:
    return f"{name},sha256={base64.urlsafe_b64encode(digest).rstrip(b'=').decode()},{size}\n"
