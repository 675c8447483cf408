"""Writes wheels, the same bytes every time: what a stand-in package needs, without a build backend."""

import base64
import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# The oldest time that a zip file can hold.
TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Wheel:
    """A wheel to be written: its name, its version, what it needs, its files."""

    name: str
    version: str
    tag: str
    summary: str
    requires: tuple[str, ...]
    requires_python: str
    files: Mapping[str, bytes]

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
        files = dict(sorted(self.files.items()))
        files[f"{info}/METADATA"] = self.metadata.encode()
        files[f"{info}/WHEEL"] = marks.encode()
        files[f"{info}/top_level.txt"] = f"{self.name}\n".encode()
        record = "".join(f"{name},{_digest(data)},{len(data)}\n" for name, data in files.items())
        files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
        target = folder / self.filename
        with zipfile.ZipFile(target, "w") as archive:
            for name, data in files.items():
                entry = zipfile.ZipInfo(name, TIME)
                entry.external_attr = 0o644 << 16
                # Stored, not deflated: another zlib would give other bytes, and with them another hash.
                entry.compress_type = zipfile.ZIP_STORED
                archive.writestr(entry, data)
        return target


def _digest(data: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
