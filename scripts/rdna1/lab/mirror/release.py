"""One ROCm release as AMD publishes it: which packages, and what their control data says."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from rdna1.lab.errors import LabError

DATA = Path(__file__).parent / "packages"
# The leading name of a dependency, and what follows it: `comgr (>= 2.0)`.
RELATION = re.compile(r"(?P<name>[a-z0-9][a-z0-9+.-]+)(?P<rest>.*)")


@dataclass(frozen=True)
class Package:
    """A package of a release, as the data file has it; its version is without the release's build."""

    name: str
    version: str
    depends: tuple[str, ...] = ()
    recommends: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    alternative: bool = False


@dataclass(frozen=True)
class Release:
    """A ROCm release and where the mirror serves it."""

    version: str
    build: str
    prefix: str
    url_path: str
    origin: str
    component: str
    suites: Mapping[str, str]
    packages: Mapping[str, Package] = field(repr=False)

    def full_version(self, package: Package, suffix: str) -> str:
        """Return what dpkg knows: the component's version, the release's build, the suite's suffix."""
        return f"{package.version}.{self.build}{suffix}"

    def binaries(self, suite: str) -> Iterator[Package]:
        """Yield every package of a suite with full versions: under its plain name, then the versioned one."""
        suffix = self.suites[suite]
        for package in self.packages.values():
            plain = self._filled(package, suffix)
            yield plain
            yield self._versioned(plain)

    def _filled(self, package: Package, suffix: str) -> Package:
        """Put full versions in the place of `{version}` (the package's own) and `{version:OTHER}`."""

        def fill(relation: str) -> str:
            return re.sub(
                r"\{version(?::([^}]+))?\}",
                lambda m: self.full_version(self.packages[m[1]] if m[1] else package, suffix),
                relation,
            )

        return replace(
            package,
            version=self.full_version(package, suffix),
            depends=tuple(map(fill, package.depends)),
            provides=tuple(map(fill, package.provides)),
        )

    def _versioned(self, package: Package) -> Package:
        """Return the package as it installs beside other releases: each name ends with the release."""
        own = set(self.packages)
        for other in self.packages.values():
            own |= {_name(provided) for provided in other.provides}

        def rename(relation: str) -> str:
            match = RELATION.fullmatch(relation)
            if match is None or match["name"] not in own:
                return relation
            return f"{match['name']}{self.version}{match['rest']}"

        return replace(
            package,
            name=f"{package.name}{self.version}",
            depends=tuple(map(rename, package.depends)),
            provides=tuple(map(rename, package.provides)),
            conflicts=tuple(map(rename, package.conflicts)),
        )


def _name(relation: str) -> str:
    match = RELATION.fullmatch(relation)
    return match["name"] if match else relation


def load(stacks: Path, data: Path = DATA) -> list[Release]:
    """Read every data file; what a stack already says about its release is read from the stack."""
    return [parse(path, stacks) for path in sorted(data.glob("rocm-*.yml"))]


def parse(path: Path, stacks: Path) -> Release:
    """Read one release."""
    try:
        text: dict[str, Any] = yaml.safe_load(path.read_text())
        packages = {
            name: Package(
                name=name,
                version=str(entry["version"]),
                alternative=bool(entry.get("alternative", False)),
                **{
                    key: tuple(entry.get(key, ()))
                    for key in ("depends", "recommends", "provides", "conflicts", "files")
                },
            )
            for name, entry in text["packages"].items()
        }
        if "stack" in text:
            stack_file = stacks / text["stack"] / "stack.yml"
            rocm = yaml.safe_load(stack_file.read_text())["rocm"]
            repository = rocm["repository"]
            text |= {
                "release": rocm["version"],
                "build": rocm["build"],
                "prefix": rocm["prefix"],
                "url_path": urlsplit(repository["url"]).path.strip("/"),
                "origin": repository["origin"],
                "component": repository["component"],
                "suites": {repository["suite"]: ""},
            }
        return Release(
            version=str(text["release"]),
            build=text["build"],
            prefix=text["prefix"],
            url_path=text["url_path"],
            origin=text["origin"],
            component=text["component"],
            suites=text["suites"],
            packages=packages,
        )
    except (KeyError, TypeError) as error:
        what = f"it does not describe a release ({error!r})"
        raise LabError(str(path), what, "give it what its neighbours have") from None
