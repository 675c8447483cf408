"""Archives as data, and what apt is given of them: Packages, Release and InRelease per suite, signed."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from pathlib import Path
from typing import Any

import yaml
from rdna1.lab.mirror.release import Release

from aptworld.keys import Key

# A dependency on one version: libgcc-13-dev (= 13.2.0-23ubuntu4)
EXACTLY = re.compile(r"(?P<name>[a-z0-9][a-z0-9+.-]+) \(= (?P<version>[^)]+)\)")
DATA = Path(__file__).parents[1] / "archives"
# What a stanza may say, and the field that it becomes.
FIELDS = {
    "source": "Source",
    "architecture": "Architecture",
    "multi_arch": "Multi-Arch",
    "pre_depends": "Pre-Depends",
    "depends": "Depends",
    "recommends": "Recommends",
    "provides": "Provides",
    "conflicts": "Conflicts",
    "breaks": "Breaks",
    "replaces": "Replaces",
}


@dataclass(frozen=True)
class Stanza:
    """One version of one package."""

    name: str
    version: str
    fields: Mapping[str, str] = field(default_factory=dict, hash=False)

    def control(self) -> dict[str, str]:
        """Return the fields that an index and dpkg's status file share."""
        return {
            "Package": self.name,
            "Version": self.version,
            "Architecture": "amd64",
            "Maintainer": "An apt world <apt@world.example>",
            **self.fields,
            "Description": f"{self.name} of an apt world",
        }


@dataclass(frozen=True)
class Suite:
    """A suite of an archive, with the packages of each component."""

    name: str
    release: Mapping[str, str] = field(hash=False)
    components: Mapping[str, tuple[Stanza, ...]] = field(hash=False)

    def packages(self) -> Iterator[Stanza]:
        """Yield every stanza."""
        for stanzas in self.components.values():
            yield from stanzas


@dataclass(frozen=True)
class Archive:
    """What one vendor serves of one release, and the addresses that it is served at."""

    name: str
    signer: str
    addresses: tuple[str, ...]
    suites: Mapping[str, Suite] = field(hash=False)

    def packages(self) -> Iterator[Stanza]:
        """Yield every stanza."""
        for suite in self.suites.values():
            yield from suite.packages()

    def origins(self) -> set[str]:
        """Return its suites as a simulation of apt-get names them: Ubuntu:22.04/jammy-updates."""
        return {
            ":".join(
                [
                    suite.release["Label"],
                    "/".join(filter(None, [suite.release.get("Version"), suite.release["Suite"]])),
                ]
            )
            for suite in self.suites.values()
        }

    def with_versions(self, change: Callable[[Stanza], str]) -> Archive:
        """Return the same archive with other versions; relations between its own packages follow."""
        new = {(stanza.name, stanza.version): change(stanza) for stanza in self.packages()}

        def relation(match: re.Match[str]) -> str:
            version = new.get((match["name"], match["version"]), match["version"])
            return f"{match['name']} (= {version})"

        def moved(stanza: Stanza) -> Stanza:
            fields = {key: EXACTLY.sub(relation, value) for key, value in stanza.fields.items()}
            return replace(stanza, version=new[stanza.name, stanza.version], fields=fields)

        return self._each(lambda stanzas: tuple(map(moved, stanzas)))

    def having(self, suite: str, component: str, *more: Stanza) -> Archive:
        """Return the same archive with further packages."""
        old = self.suites[suite]
        components = {**old.components, component: (*old.components[component], *more)}
        return replace(self, suites={**self.suites, suite: replace(old, components=components)})

    def publish(self, root: Path, key: Key) -> None:
        """Write the archive below root, at each of its addresses."""
        first, *others = (root / address for address in self.addresses)
        for suite in self.suites.values():
            _publish(suite, first / "dists" / suite.name, key)
        for other in others:
            if not other.exists():
                other.parent.mkdir(parents=True, exist_ok=True)
                other.symlink_to(first)

    def _each(self, change: Callable[[tuple[Stanza, ...]], tuple[Stanza, ...]]) -> Archive:
        def changed(suite: Suite) -> Suite:
            components = {name: change(stanzas) for name, stanzas in suite.components.items()}
            return replace(suite, components=components)

        return replace(self, suites={name: changed(suite) for name, suite in self.suites.items()})


def load(path: Path) -> Archive:
    """Read an archive's data file."""
    data: dict[str, Any] = yaml.safe_load(path.read_text())
    suites = {
        name: Suite(
            name=name,
            release={**data["release"], "Suite": name, **components.pop("release", {})},
            components={
                component: tuple(stanza(package, entry) for package, entry in packages.items())
                for component, packages in components.items()
            },
        )
        for name, components in data["suites"].items()
    }
    return Archive(name=path.stem, signer=data["signer"], addresses=tuple(data["addresses"]), suites=suites)


def load_all(folder: Path = DATA) -> dict[str, Archive]:
    """Read every archive's data file."""
    return {archive.name: archive for archive in map(load, sorted(folder.glob("*.yml")))}


def stanza(name: str, entry: Mapping[str, Any]) -> Stanza:
    """Return a package as its archive's data file has it."""
    fields = {
        FIELDS[key]: ", ".join(value) if isinstance(value, list) else str(value)
        for key, value in entry.items()
        if key != "version"
    }
    return Stanza(name=name, version=str(entry["version"]), fields=fields)


def of_rocm(release: Release) -> Archive:
    """Return one of AMD's repositories, from the data that the lab's mirror is built from."""
    suites = {}
    for suite in release.suites:
        stanzas = tuple(
            stanza(
                package.name,
                {
                    "version": package.version,
                    **{
                        key: list(relations)
                        for key in ("depends", "recommends", "provides", "conflicts")
                        if (relations := getattr(package, key))
                    },
                },
            )
            for package in release.binaries(suite)
        )
        suites[suite] = Suite(
            name=suite,
            release={
                "Origin": release.origin,
                "Label": release.origin,
                "Suite": suite,
                "Codename": suite,
            },
            components={release.component: stanzas},
        )
    return Archive(
        name=f"rocm-{release.version}",
        signer="amd",
        addresses=(f"{release.origin}/{release.url_path}",),
        suites=suites,
    )


def _publish(suite: Suite, dist: Path, key: Key) -> None:
    files: dict[str, bytes] = {}
    for component, stanzas in suite.components.items():
        text = "\n".join(map(_index_entry, stanzas)).encode()
        index = f"{component}/binary-amd64/Packages"
        files |= {index: text, f"{index}.gz": gzip.compress(text, mtime=0)}
    for name, data in files.items():
        target = dist / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    fields = {
        **suite.release,
        "Date": formatdate(usegmt=True),
        "Architectures": "amd64",
        "Components": " ".join(suite.components),
    }
    sums = "".join(
        f" {hashlib.sha256(data).hexdigest()} {len(data)} {name}\n" for name, data in files.items()
    )
    release = dist / "Release"
    release.write_text("".join(f"{name}: {value}\n" for name, value in fields.items()) + f"SHA256:\n{sums}")
    key.clear_sign(release, dist / "InRelease")


def _index_entry(stanza: Stanza) -> str:
    fields = stanza.control() | {
        "Filename": f"pool/{stanza.name}_{stanza.version.replace(':', '%3a')}_amd64.deb",
        "Size": "1000",
        "SHA256": hashlib.sha256(f"{stanza.name} {stanza.version}".encode()).hexdigest(),
    }
    return "".join(f"{name}: {value}\n" for name, value in fields.items())
