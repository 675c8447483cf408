"""Keeps archives that take long to make: each until something that it is made of changes."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

from rdna1.lab.errors import LabError


class Store:
    """A folder of archives; of each name it has one, in a folder named by what that one is made of."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def obtain(self, name: str, made_of: str, make: Callable[[Path], Path]) -> Path:
        """Return the archive of that name; where it is not here, `make` writes it into a folder of its own.

        Raises LabError where it cannot be written, mostly for want of room.
        """
        generations = self.folder / name
        file = generations / hashlib.sha256(made_of.encode()).hexdigest()[:12] / name
        if file.exists():
            return file
        scratch = generations / "making"
        try:
            # Older ones, and what an interrupted run left, may be gigabytes.
            shutil.rmtree(generations, ignore_errors=True)
            scratch.mkdir(parents=True)
            made = make(scratch)
            file.parent.mkdir()
            made.replace(file)
        except OSError as error:
            what = f"{name} cannot be written ({error.strerror})"
            raise LabError(str(self.folder), what, "make room there, then run the command again") from None
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        return file
