"""Write files whole or not at all, and only in the verifier's own directory."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from conv2d_verify.errors import UsageError


class Store:
    """The one directory that is written to."""

    def __init__(self, directory: Path) -> None:
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"--directory {directory}: cannot be made ({error.strerror}).") from error
        self.directory = directory.resolve()
        if not os.access(self.directory, os.W_OK | os.X_OK):
            raise UsageError(
                f"--directory {directory}: this user may not write there; name another directory."
            )

    def path(self, option: str, name: str) -> Path:
        """Return the file a name stands for; a name without a folder is meant inside the directory."""
        wanted = Path(name)
        path = (wanted if wanted.is_absolute() else self.directory / wanted).parent.resolve() / wanted.name
        if path.parent != self.directory and self.directory not in path.parents:
            raise UsageError(f"{option} {name}: that is outside {self.directory}; name another --directory.")
        if path.is_dir():
            raise UsageError(f"{option} {name}: that is a directory; name a file.")
        return path

    def write(self, path: Path, text: str) -> None:
        """Write through a neighbour and a rename, so that a full disk leaves the old file whole."""
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.chmod(0o644)
            temporary.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        with contextlib.suppress(OSError):
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
