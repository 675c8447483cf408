"""Worlds as data: a host as it is found, built from its file in worlds/."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from aptworld import transport
from aptworld.archives import Archive
from aptworld.keys import Key
from aptworld.unattended import Distribution
from aptworld.world import World

DATA = Path(__file__).parents[1] / "worlds"


@dataclass(frozen=True)
class Found:
    """A host before any role ran on it."""

    name: str
    os: str
    distribution: Distribution
    archives: tuple[str, ...]
    donor: str | None
    upgraded_from: str | None
    # Whether somebody told the upgrade not to take away what the new release no longer has.
    keeps_obsolete: bool
    is_variant: bool
    keyrings: Mapping[str, str] = field(hash=False)
    files: Mapping[str, str] = field(hash=False)
    installed: Mapping[str, tuple[str, ...]] = field(hash=False)
    expect: Mapping[str, Any] = field(hash=False)

    @property
    def own(self) -> str:
        """The archive of the release that it runs."""
        return self.archives[0]


def load(name: str, folder: Path = DATA) -> Found:
    """Read a world; what it leaves out is as in its base."""
    data: dict[str, Any] = yaml.safe_load((folder / f"{name}.yml").read_text())
    is_variant = "base" in data
    if is_variant:
        base: dict[str, Any] = yaml.safe_load((folder / f"{data.pop('base')}.yml").read_text())
        installed = {
            archive: [*base["installed"].get(archive, []), *data.get("installed", {}).get(archive, [])]
            for archive in {**base["installed"], **data.get("installed", {})}
        }
        files = base["files"] | data.get("files", {})
        data = base | data | {"installed": installed, "files": files}
    return Found(
        name=name,
        os=data["os"],
        distribution=Distribution(**data["distribution"]),
        archives=tuple(data["archives"]),
        donor=data.get("donor"),
        is_variant=is_variant,
        upgraded_from=data.get("upgraded_from"),
        keeps_obsolete=data.get("keeps_obsolete", False),
        keyrings=data["keyrings"],
        files=data["files"],
        installed={archive: tuple(names) for archive, names in data["installed"].items()},
        expect=data.get("expect", {}),
    )


def names(folder: Path = DATA) -> list[str]:
    """Return the names of all worlds."""
    return sorted(path.stem for path in folder.glob("*.yml"))


@dataclass(frozen=True)
class Builder:
    """Builds worlds on archives that are published."""

    archives: Mapping[str, Archive]
    served: Path
    keys: Mapping[str, Key]
    program: Path

    @classmethod
    def publish(cls, archives: Mapping[str, Archive], folder: Path, keys: Mapping[str, Key]) -> Builder:
        """Publish archives below folder."""
        program = folder / "transport"
        program.write_text(f"#!{sys.executable} -IS\n{Path(transport.__file__).read_text()}")
        program.chmod(0o755)
        for archive in archives.values():
            archive.publish(folder / "served", keys[archive.signer])
        return cls(archives, folder / "served", keys, program)

    def build(self, found: Found, root: Path) -> World:
        """Return the host as it is found; its indexes are not fetched yet."""
        world = World(
            root, self.program, (self.served,), {name: self.archives[name] for name in found.archives}
        )
        for path, signer in found.keyrings.items():
            self.keys[signer].export(root / path.lstrip("/"))
        for path, text in found.files.items():
            world.put(path, text)
        world.install(
            world.find(name, archive=archive) for archive, names in found.installed.items() for name in names
        )
        return world

    def serve(self, world: World, *changed: Archive) -> None:
        """Let some of what this world reaches be other archives from now on."""
        folder = Path(tempfile.mkdtemp(dir=self.served.parent))
        for archive in changed:
            archive.publish(folder, self.keys[archive.signer])
        world.served = (folder, *world.served)
        world.archives = {**world.archives, **{archive.name: archive for archive in changed}}
