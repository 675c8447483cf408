"""The stand-ins that take as much room as what they stand in for: which ones, and where they are kept."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from rdna1.lab.errors import LabError
from rdna1.lab.mirror import bulk, deb, digest, wheel
from rdna1.lab.mirror.bulk import Bulk
from rdna1.lab.mirror.release import DATA, Package, Release
from rdna1.lab.mirror.store import Store
from rdna1.lab.mirror.wheel import Wheel

SIZES = DATA / "full-size.yml"
# The code whose changes change the archives.
DEBS_MADE_BY = tuple(Path(str(module.__file__)) for module in (bulk, deb))
WHEELS_MADE_BY = tuple(Path(str(module.__file__)) for module in (bulk, wheel))


@dataclass(frozen=True)
class FullSize:
    """What is as large as the real thing: some packages of one stack's release, and some of its wheels."""

    store: Store
    stack: str
    release: str
    packages: Mapping[str, Bulk]
    wheels: Mapping[str, Bulk]

    def deb(self, package: Package, release: Release) -> Path | None:
        """Return the .deb of a package that shall be large; None for all others."""
        if release.version != self.release or package.name not in self.packages:
            return None
        # Each in a file of its own: dpkg lets no two packages have the same one.
        parts = self.packages[package.name].parts(f"lib/standin-bulk/{package.name}")
        name = deb.filename(package)

        def make(folder: Path) -> Path:
            deb.build(package, release, folder / name, folder, parts)
            return folder / name

        texts = deb.contents(package, release), deb.scripts(package, release)
        made_of = repr((package, release, texts, parts)) + digest.of_files(DEBS_MADE_BY)
        return self.store.obtain(name, made_of, make)

    def wheel(self, small: Wheel, stack: str) -> Path | None:
        """Return the wheel of a stack that shall be large, the small one and more; None for all others."""
        if stack != self.stack or small.name not in self.wheels:
            return None
        large = replace(small, bulk=self.wheels[small.name].parts(f"{small.name}/lib/standin-bulk"))
        made_of = repr(large) + digest.of_files(WHEELS_MADE_BY)
        return self.store.obtain(large.filename, made_of, large.write)


def load(folder: Path, stacks: Path, data: Path = SIZES) -> FullSize:
    """Read the sizes; the archives are kept in folder. Raises LabError where the file has not all of them."""
    try:
        text: dict[str, Any] = yaml.safe_load(data.read_text())
        rocm = text["rocm"]
        stack = yaml.safe_load((stacks / text["stack"] / "stack.yml").read_text())
        return FullSize(
            store=Store(folder),
            stack=text["stack"],
            release=str(stack["rocm"]["version"]),
            packages=Bulk(rocm["installed"], rocm["download"]).shared(rocm["weights"]),
            wheels={name: Bulk(**size) for name, size in text["wheels"].items()},
        )
    except (KeyError, TypeError) as error:
        what = f"it does not say all sizes ({error!r})"
        raise LabError(str(data), what, "give it back what it had") from None
