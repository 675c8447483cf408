"""docs/apt.md: what the roles tell apt on each operating system, and why, from the roles' own templates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from rdna1.role_variables import RoleVariables

TEMPLATES = Path(__file__).parent / "templates"
SYSTEMS = {
    "Ubuntu_24.04": "Ubuntu 24.04",
    "Ubuntu_22.04": "Ubuntu 22.04",
    "Debian_13": "Debian 13",
    "Debian_12": "Debian 12",
}
# What a host's own sources name; the donor is looked for at the same addresses.
UBUNTU = [
    ("http://archive.ubuntu.com/ubuntu/", ["", "-updates"]),
    ("http://security.ubuntu.com/ubuntu/", ["-security"]),
]
DEBIAN = [("(the host's own archive)", ["", "-updates"]), ("(its security archive)", ["-security"])]
# Why a source says what it says; a field without a reason here stops the generator.
REASONS = {
    "rdna1-donor.sources": {
        "Types": "packages; their sources are not needed",
        "URIs": "where this host gets its own release from: near, allowed and trusted already",
        "Suites": "the older release, with its updates and security updates",
        "Components": "where the two libraries are",
        "Architectures": "a second architecture of the host's is none of the stack's",
        "Targets": "the list of packages only: no translations, icons or lists of commands",
        "Signed-By": "what this host's own release is signed with, and only for this source",
    },
    "rdna1-rocm.sources": {
        "Types": "packages; AMD publishes no sources here",
        "URIs": "the repository of one ROCm release: no later one can come from it",
        "Suites": "of ROCm 5.2; `focal` and `jammy` begin with 5.3",
        "Components": "the only one",
        "Architectures": "the only one",
        "Targets": "the list of packages only",
        "Signed-By": "AMD's key, known by its fingerprint, trusted for this source and no other",
    },
}


@dataclass(frozen=True)
class Line:
    """A line of a source, and why it is so."""

    text: str
    reason: str


@dataclass(frozen=True)
class Part:
    """A stanza of a file: as it stands, or line by line with reasons."""

    words: str
    text: str = ""
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True)
class File:
    """A file that a role writes."""

    path: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class StandIn:
    """A stand-in package, and the real ones behind it on each system."""

    name: str
    behind: tuple[str, ...]
    words: str


def render_apt_docs(root: Path) -> str:
    """Return docs/apt.md for this checkout."""
    roles = {system: _roles(root, system) for system in SYSTEMS}
    files = {system: list(_files(*roles[system])) for system in SYSTEMS}
    everywhere = [file for file in files["Ubuntu_24.04"] if all(file in other for other in files.values())]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=jinja2.select_autoescape(),
    )
    return environment.get_template("apt.md.j2").render(
        everywhere=everywhere,
        systems=[
            {
                "name": name,
                "donor": roles[system][0]["__jammy_compat_os"]["donor"],
                "files": [file for file in files[system] if file not in everywhere],
            }
            for system, name in SYSTEMS.items()
        ],
        libraries=" and ".join(
            f"`{package}`" for package in roles["Ubuntu_24.04"][0]["jammy_compat_packages"]
        ),
        standins=list(_standins([roles[system][0] for system in SYSTEMS])),
        worlds=[(path.stem, _title(path)) for path in sorted(root.glob("tests/apt_world/worlds/*.yml"))],
    )


def _roles(root: Path, system: str) -> tuple[RoleVariables, RoleVariables]:
    compat = RoleVariables(root, "jammy_compat", system)
    archives = UBUNTU if system.startswith("Ubuntu") else DEBIAN
    found = [{"uris": [uri], "pockets": pockets, "signed_by": ""} for uri, pockets in archives]
    compat.set(__jammy_compat_own={"archives": found})
    return compat, RoleVariables(root, "rocm", system)


def _files(compat: RoleVariables, rocm: RoleVariables) -> Iterator[File]:
    if compat["__jammy_compat_os"]["donor"]:
        yield _sources(compat["__jammy_compat_source"], compat.render("rdna1-donor.sources.j2"))
        yield _pins(compat["__jammy_compat_pins"], compat.render("rdna1-donor.pref.j2"))
    yield _sources(rocm["__rocm_source"], rocm.render("rdna1-rocm.sources.j2"))
    yield _pins(rocm["__rocm_pins"], rocm.render("rdna1-rocm.pref.j2"))
    yield _configuration(rocm["__rocm_unattended"], rocm.render("52rdna1-rocm.j2"))


def _sources(path: str, text: str) -> File:
    reasons = REASONS[Path(path).name]
    parts: list[Part] = []
    said: set[str] = set()
    for stanza in _stanzas(text):
        comments = [line.removeprefix("# ") for line in stanza if line.startswith("#")]
        fields = [line for line in stanza if not line.startswith("#") and line not in said]
        said.update(fields)
        words = _words(comments) if not parts else "A second stanza, the same but for:"
        parts.append(Part(words, lines=tuple(Line(line, reasons[line.partition(":")[0]]) for line in fields)))
    return File(path, tuple(parts))


def _pins(path: str, text: str) -> File:
    parts = []
    for stanza in _stanzas(text):
        reasons = [line.removeprefix("Explanation: ") for line in stanza if line.startswith("Explanation: ")]
        fields = [line for line in stanza if not line.startswith("Explanation: ")]
        if not reasons:
            raise ValueError(f"{path}: {fields[0]} has no Explanation")
        parts.append(Part(_words(reasons), "\n".join(fields)))
    return File(path, tuple(parts))


def _configuration(path: str, text: str) -> File:
    lines = text.splitlines()
    comments = [line.removeprefix("// ") for line in lines if line.startswith("//")]
    code = "\n".join(line for line in lines if not line.startswith("//"))
    return File(path, (Part(_words(comments), code.strip("\n")),))


def _stanzas(text: str) -> list[list[str]]:
    return [block.splitlines() for block in re.split(r"\n{2,}", text.strip("\n"))]


def _words(lines: list[str]) -> str:
    """Return the reasons as a paragraph, without the line that says who wrote the file."""
    return " ".join(line for line in lines if not line.startswith("Managed by Ansible"))


def _standins(compat: list[RoleVariables]) -> Iterator[StandIn]:
    wanted: list[dict[str, dict[str, Any]]] = [
        variables["__jammy_compat_wanted_standins"] for variables in compat
    ]
    for name, fields in wanted[0].items():
        behind = tuple(", ".join(standins[name]["depends"]) for standins in wanted)
        yield StandIn(name, behind, " ".join(fields["description"].split()))


def _title(path: Path) -> str:
    lines = path.read_text().splitlines()
    return next(line.removeprefix("# ") for line in lines if line.startswith("# "))
