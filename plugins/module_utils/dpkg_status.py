# SPDX-License-Identifier: MIT
"""What dpkg's status file says is installed."""

from __future__ import annotations

import contextlib
import fnmatch
import functools
import hashlib
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Collection, Dict, Iterable, Iterator, List, Pattern, Set, Tuple

from ansible_collections.rdna1.provision.plugins.module_utils import apt_deb822, dpkg_version

ADMIN = Path("/var/lib/dpkg")

# States from which apt refuses to go on until they are cured.
BROKEN = ("half-installed", "unpacked", "half-configured")
# dpkg finishes what is unpacked; what it had half of, or not yet, apt has to bring. Held packages that wait
# for that are broken, and apt would rather give up than touch them.
CURE = "dpkg --configure -a and then apt-get --ignore-hold --fix-broken install"

# The fields that anybody asks for, with their continued lines.
FIELD = re.compile(
    r"^(Package|Status|Version|Architecture|Pre-Depends|Depends|Provides|Installed-Size|Conffiles):[ \t]*"
    r"(.*(?:\n[ \t].*)*)",
    re.MULTILINE,
)
# One alternative of a dependency: name, relation and version.
ALTERNATIVE = re.compile(r"([a-z0-9][a-z0-9+.-]*)(?::\w+)?\s*(?:\((<<|<=|=|>=|>>)\s*([^)\s]+)\s*\))?")

RELEASE_IN_NAME = re.compile(r"\d+\.\d+\.\d+$")

Fields = Dict[str, str]


@dataclass(frozen=True)
class Package:
    """An entry of the status file that is more than a memory."""

    name: str
    version: str
    architecture: str
    want: str
    flag: str
    state: str
    fields: Fields

    @property
    def held(self) -> bool:
        """Whether dpkg is told to leave it as it is."""
        return self.want == "hold"

    @property
    def dependencies(self) -> List[str]:
        """What it depends on, each with its alternatives as one text."""
        text = ",".join(self.fields[name] for name in ("pre-depends", "depends") if name in self.fields)
        return [dependency for dependency in text.replace("\n", " ").split(",") if dependency.strip()]

    @property
    def needs(self) -> List[List[str]]:
        """What it depends on: for each dependency the names of its alternatives."""
        return [
            [
                re.split(r"[\s(:\[]", alternative.strip(), maxsplit=1)[0]
                for alternative in dependency.split("|")
            ]
            for dependency in self.dependencies
        ]

    @property
    def offers(self) -> Dict[str, str]:
        """Its own name and the virtual ones, each with its version; "" where a virtual one has none."""
        found = ALTERNATIVE.findall(self.fields.get("provides", ""))
        return {**{name: version for name, _, version in found}, self.name: self.version}

    @property
    def provides(self) -> Set[str]:
        """Its own name and the virtual ones."""
        return set(self.offers)


def parse(text: str) -> List[Package]:
    """All packages of a status file but those of which only configuration files or nothing is left.

    dpkg writes the file itself, so it is read with less care, and eight times faster, than what people write.
    Of several stanzas for one package the last counts.
    """
    found = {}
    for stanza in text.split("\n\n"):
        fields = {name.lower(): value for name, value in FIELD.findall(stanza)}
        want, flag, state = (fields.get("status", "") + "  ").split(" ", 3)[:3]
        if state:
            package = Package(
                name=fields.get("package", ""),
                version=fields.get("version", ""),
                architecture=fields.get("architecture", ""),
                want=want,
                flag=flag,
                state=state,
                fields=fields,
            )
            found[package.name, package.architecture] = package
    return [package for package in found.values() if package.state not in ("not-installed", "config-files")]


def read_text(admin: Path = ADMIN) -> str:
    """The status file, with what an interrupted dpkg has not written back into it yet."""
    texts = [(admin / "status").read_text(encoding="utf-8", errors="replace")]
    for path in _journal(admin):
        with contextlib.suppress(FileNotFoundError):  # a dpkg that is at work has just written it back
            texts.append(path.read_text(encoding="utf-8", errors="replace"))
    return "\n\n".join(text.strip("\n") for text in texts) + "\n"


def read(admin: Path = ADMIN) -> List[Package]:
    """What this host has."""
    return parse(read_text(admin))


def native(packages: Iterable[Package]) -> Dict[str, Package]:
    """By name, those of the host's own architecture, which is that of dpkg itself."""
    packages = list(packages)
    own = next((package.architecture for package in packages if package.name == "dpkg"), "amd64")
    return {package.name: package for package in packages if package.architecture in (own, "all")}


def interrupted(packages: Iterable[Package], admin: Path = ADMIN) -> List[str]:
    """What an interrupted dpkg left behind; empty where it is whole."""
    broken = ["%s is %s" % (package.name, package.state) for package in packages if package.state in BROKEN]
    return broken or (["its journal is not written back"] if _journal(admin) else [])


def cure(packages: Iterable[Package]) -> str:
    """What puts an interrupted dpkg right.

    What was cut off just after it was unpacked, neither dpkg nor --fix-broken heals: dpkg wants it unpacked
    once more, and apt would only configure it.
    """
    again = [
        package.name for package in packages if package.flag == "reinstreq" and package.state in BROKEN[1:]
    ]
    return CURE.replace("install", "--reinstall install %s" % " ".join(again)) if again else CURE


def installed_size(fields: Fields) -> int:
    """The bytes that a package takes, from its control data."""
    size = fields.get("installed-size", "")
    return int(size) * 1024 if size.isdigit() else 0


def has_files_under(package: Package, under: str, admin: Path = ADMIN) -> bool:
    """Whether a package owns anything below a directory."""
    start = under.rstrip("/") + "/"
    return any(path.startswith(start) for path in _files(package, admin))


def without(text: str, names: Collection[str]) -> str:
    """A status file as it is once these packages are purged."""
    kept = [
        stanza
        for stanza in apt_deb822.split_stanzas(text)
        if apt_deb822.parse(stanza).get("package") not in names
    ]
    return "\n\n".join(stanza.strip("\n") for stanza in kept) + "\n"


def matches(name: str, globs: Iterable[str]) -> bool:
    """Whether any of the globs covers the name."""
    return bool(_pattern(tuple(globs)).match(name))


def _journal(admin: Path) -> List[Path]:
    """What dpkg has noted of each step since it last wrote its status file, oldest first."""
    folder = admin / "updates"
    return sorted(path for path in folder.iterdir() if path.name.isdigit()) if folder.is_dir() else []


@functools.lru_cache(maxsize=None)
def _pattern(globs: Tuple[str, ...]) -> Pattern[str]:
    """One expression for all globs; without any, it matches nothing."""
    return re.compile("|".join(map(fnmatch.translate, globs)) or r"(?!)")


@dataclass(frozen=True)
class Vendor:
    """A vendor's packages are known by their names (globs) and versions (regular expressions) together."""

    names: Collection[str]
    versions: Collection[str]

    def built(self, package: Package) -> bool:
        """Whether the package is this vendor's."""
        return matches(package.name, self.names) and any(
            re.search(pattern, package.version) for pattern in self.versions
        )


def leftovers(
    packages: Iterable[Package], vendor: Vendor, build: str, names: Collection[str]
) -> Tuple[List[Package], Dict[str, List[str]]]:
    """Packages that must go before those of ``build`` (a glob over versions) can be installed.

    All of another build of the vendor go. So do those of this build whose names carry a release
    (``rocm-core5.2.0``): they own the same files as the plain ones. ``names`` are globs of what others built:
    these go unless something outside of the list needs them; what is kept is returned with those who need it.
    """
    installed = list(packages)
    vendors = [package for package in installed if vendor.built(package)]
    gone = [
        package
        for package in vendors
        if not fnmatch.fnmatchcase(package.version, build) or RELEASE_IN_NAME.search(package.name)
    ]
    theirs = set(map(id, vendors))
    others = [package for package in installed if id(package) not in theirs and matches(package.name, names)]
    kept: Dict[str, List[str]] = {}
    while others:
        going = set(map(id, gone + others))
        needed = dict(_needed(others, [package for package in installed if id(package) not in going]))
        if not needed:
            break
        kept.update(needed)
        others = [package for package in others if package.name not in needed]
    return sorted(gone + others, key=lambda package: package.name), kept


def _needed(wanted_gone: List[Package], staying: List[Package]) -> Iterator[Tuple[str, List[str]]]:
    """Each package that must stay, with those that depend on it and have no other choice."""
    stays = {name for package in staying for name in package.provides}
    for package in wanted_gone:
        by = [
            other.name
            for other in staying
            if any(
                package.provides.intersection(choices) and not stays.intersection(choices)
                for choices in other.needs
            )
        ]
        if by:
            yield package.name, sorted(by)


def missing_files(
    packages: Iterable[Package], version: str, under: str, admin: Path = ADMIN
) -> Dict[str, str]:
    """Packages of these versions (a glob) of which a file under a directory is gone, with the first such."""
    found = {}
    for package in packages:
        if not fnmatch.fnmatchcase(package.version, version):
            continue
        for path in _files(package, admin):
            if path.startswith(under.rstrip("/") + "/") and not os.path.lexists(path):
                found[package.name] = path
                break
    return found


def edited_files(
    packages: Iterable[Package], version: str, under: str, admin: Path = ADMIN
) -> Dict[str, str]:
    """Packages of these versions (a glob) of which a file is not as it was packed, with the first such.

    Reads every file under the directory. What is gone, or was packed without its digest, is not judged here.
    """
    found = {}
    start = under.strip("/") + "/"
    for package in packages:
        if fnmatch.fnmatchcase(package.version, version):
            for digest, path in _digests(package, admin):
                place = Path("/", path)
                if path.startswith(start) and os.path.lexists(place) and _md5(place) != digest:
                    found[package.name] = str(place)
                    break
    return found


def _digests(package: Package, admin: Path) -> Iterator[Tuple[str, str]]:
    """The digests of a package's plain files, with their paths, which lack the first slash."""
    for name in (package.name, "%s:%s" % (package.name, package.architecture)):
        file = admin / "info" / (name + ".md5sums")
        if file.exists():
            for line in file.read_text(errors="surrogateescape").splitlines():
                digest, _, path = line.partition("  ")
                yield digest, path


def _md5(place: Path) -> str:
    """dpkg's digest of a plain file; empty for anything else."""
    if not stat.S_ISREG(place.lstat().st_mode):
        return ""
    found = hashlib.md5(usedforsecurity=False)
    with place.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            found.update(block)
    return found.hexdigest()


def unmet(packages: Iterable[Package], version: str) -> Dict[str, str]:
    """What packages of these versions (a glob) need and what is not there, with one that needs it.

    What is needed is as apt-get install takes it, a name or name=version; a choice is "one | other".
    """
    there: Dict[str, List[str]] = {}
    packages = [package for package in packages if package.state == "installed"]
    for package in packages:
        for name, offered in package.offers.items():
            there.setdefault(name, []).append(offered)
    found: Dict[str, str] = {}
    for package in packages:
        if fnmatch.fnmatchcase(package.version, version):
            for dependency in package.dependencies:
                choices = [ALTERNATIVE.match(text.strip()) for text in dependency.split("|")]
                alternatives = [choice.groups(default="") for choice in choices if choice]
                if not any(_is_met(there.get(name, []), *rest) for name, *rest in alternatives):
                    specs = [
                        "%s=%s" % (name, wanted) if relation == "=" else name
                        for name, relation, wanted in alternatives
                    ]
                    found.setdefault(" | ".join(specs), package.name)
    return found


def _is_met(versions: List[str], relation: str, wanted: str) -> bool:
    """Whether any of the versions is in the relation; a virtual package without one is in none."""
    if not relation:
        return bool(versions)
    order = [dpkg_version.compare(version, wanted) for version in versions if version]
    return any(
        {"<<": sign < 0, "<=": sign <= 0, "=": sign == 0, ">=": sign >= 0, ">>": sign > 0}[relation]
        for sign in order
    )


def _files(package: Package, admin: Path) -> Iterator[str]:
    for name in (package.name, "%s:%s" % (package.name, package.architecture)):
        file = admin / "info" / (name + ".list")
        if file.exists():
            yield from file.read_text().splitlines()
