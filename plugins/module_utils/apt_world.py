# SPDX-License-Identifier: MIT
"""The directory that apt works in: the host's own, or a copy of its configuration in which files differ.

A copy lets a whole transaction be simulated with sources and pins that the host does not have yet; nothing
under /etc, /var/lib or /var/cache is touched.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, List, Mapping, Optional, Sequence

from ansible_collections.rdna1.provision.plugins.module_utils import apt_deb822, apt_sources

ETC = Path("/etc/apt")
LISTS = Path("/var/lib/apt/lists")
EXTRA = "rdna1-extra-packages"


@dataclass
class World:
    """Where apt reads and writes; ``options`` are what tells it so."""

    etc: Path
    lists: Path
    options: List[str] = field(default_factory=list)

    def missing(self, only: Optional[Sequence[Path]] = None) -> List[str]:
        """Sources, in words, whose package lists are not there; of all files, or of some."""
        entries = apt_sources.read(self.etc)
        if only is not None:
            entries = [entry for entry in entries if entry.path in only]
        return apt_sources.missing_lists(entries, self.lists)


def host() -> World:
    """Return this host's own."""
    return World(ETC, LISTS)


@dataclass(frozen=True)
class Overlay:
    """What differs from the host.

    Files under /etc/apt, files that are gone, packages that can be had (by control data), packages that are
    installed.
    """

    files: Mapping[str, bytes]
    absent: Sequence[str]
    packages: Sequence[str]
    install: Sequence[str]

    def names(self) -> List[str]:
        """Its packages' names."""
        return [apt_deb822.parse(stanza)["package"] for stanza in self.packages]

    def replaced(self) -> List[str]:
        """What its packages cannot be installed beside, so that they will have taken its place."""
        found = (apt_deb822.parse(stanza).get("conflicts", "") for stanza in self.packages)
        return [name.strip() for names in found for name in names.split(",") if name.strip()]

    def new_packages(self, installed: Mapping[str, str]) -> List[str]:
        """The packages that the host does not have in this version."""
        return [
            stanza
            for stanza, fields in ((stanza, apt_deb822.parse(stanza)) for stanza in self.packages)
            if installed.get(fields["package"]) != fields["version"]
        ]


def build(
    root: Path, overlay: Overlay, installed: Mapping[str, str], etc: Path = ETC, lists: Path = LISTS
) -> World:
    """Make such a copy under ``root``, which apt's unprivileged user must be able to enter."""
    root.chmod(0o755)
    world = World(etc=root / "etc/apt", lists=root / "lists")
    shutil.copytree(etc, world.etc, symlinks=False, ignore_dangling_symlinks=True, ignore=_unreadable)
    shutil.copymode(etc, world.etc)

    world.lists.mkdir()
    for path in lists.iterdir() if lists.is_dir() else ():
        # Copied, not linked: apt changes owner and mode of what it looks at again.
        if path.is_file() and path.name != "lock" and "_Contents-" not in path.name:
            shutil.copy2(path, world.lists)

    targets = {name: _place(world.etc, name, etc) for name in overlay.files}
    # A source may name a key that only the copy has.
    keys = {name: target for name, target in targets.items() if target.parent.name == "keyrings"}
    for name, target in targets.items():
        content = overlay.files[name]
        for old, new in keys.items():
            content = content.replace(old.encode(), str(new).encode())
        target.parent.mkdir(parents=True, exist_ok=True)
        _clear(target)
        target.write_bytes(content)
        target.chmod(0o644)
    for name in overlay.absent:
        _clear(_place(world.etc, name, etc))
    _add_packages(root, world, overlay.new_packages(installed))

    world.options = [
        "Dir::Etc=%s/" % world.etc,
        "Dir::State::lists=%s/" % world.lists,
        "Dir::Cache::pkgcache=%s" % (root / "pkgcache.bin"),
        "Dir::Cache::srcpkgcache=%s" % (root / "srcpkgcache.bin"),
    ]
    return world


def overlay_from(parameters: Mapping[str, Any], decode: Any) -> Overlay:
    """An overlay from a module's parameters; ``decode`` turns a key's base64 into bytes."""
    files = {
        item["path"]: decode(item["base64"]) if item.get("base64") else (item.get("content") or "").encode()
        for item in parameters.get("files") or []
    }
    return Overlay(
        files=files,
        absent=[path for path in parameters.get("absent") or [] if path not in files],
        packages=list(parameters.get("packages") or []),
        install=list(parameters.get("install") or []),
    )


def _add_packages(root: Path, world: World, stanzas: Sequence[str]) -> None:
    """Let these packages come from a repository that is only an index: enough to simulate with."""
    if not stanzas:
        return
    folder = root / "packages"
    folder.mkdir()
    index = "\n".join(
        stanza.strip("\n") + "\nFilename: ./%s.deb\nSize: 1\nMD5sum: %032d\n" % (number, 0)
        for number, stanza in enumerate(stanzas)
    )
    (folder / "Packages").write_text(index + "\n")
    source = world.etc / "sources.list.d" / (EXTRA + ".list")
    source.parent.mkdir(exist_ok=True)
    # Trusted because it was written here, one moment ago, and nothing is ever installed from it.
    source.write_text("deb [trusted=yes] file:%s ./\n" % folder)


def _unreadable(folder: str, names: List[str]) -> List[str]:
    """What has no content to copy: pipes, sockets, devices."""
    places = {name: Path(folder, name) for name in names}
    return [
        name for name, place in places.items() if place.exists() and not (place.is_file() or place.is_dir())
    ]


def _clear(target: Path) -> None:
    """Make room for a file where the host has whatever else."""
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    else:
        target.unlink(missing_ok=True)


def _place(world_etc: Path, path: str, etc: Path) -> Path:
    return world_etc / os.path.relpath(path, etc)
