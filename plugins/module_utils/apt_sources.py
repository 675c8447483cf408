# SPDX-License-Identifier: MIT
"""apt's sources (sources.list(5)), in both of their formats."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, Iterable, Iterator, List, Optional, Sequence, Set, Tuple

from ansible_collections.rdna1.provision.plugins.module_utils import apt_deb822

# deb [ options ] uri suite [component …]; a cdrom's name has spaces in brackets.
ONE_LINE = re.compile(
    r"(?P<type>deb|deb-src)\s+(?:\[(?P<options>[^]]*)\]\s+)?"
    r'(?P<uri>cdrom:\[[^]]*\]\S*|"[^"]*"|[^\s[]\S*)\s+(?P<suite>\S+)(?:\s+(?P<components>[^#]*))?(?:#.*)?'
)
# Files that apt reads from sources.list.d; it skips the others.
NAME = re.compile(r"[A-Za-z0-9_.-]+\.(list|sources)")

# Where the installers of Debian and Ubuntu write the distribution's own archive, under /etc/apt.
OWN_FILES = ("sources.list", "sources.list.d/debian.sources", "sources.list.d/ubuntu.sources")
OWN_KEYRINGS = re.compile(r"/usr/share/keyrings/(debian|ubuntu)-archive-")


@dataclass(frozen=True)
class Entry:
    """One line of a .list file, or one stanza of a .sources file."""

    path: Path
    text: str
    types: Tuple[str, ...]
    uris: Tuple[str, ...]
    suites: Tuple[str, ...]
    components: Tuple[str, ...]
    signed_by: str
    enabled: bool

    def covers(self, uris: Iterable[str], suites: Iterable[str]) -> bool:
        """Whether any of its addresses and any of its suites match any of these globs."""
        addresses = [uri.rstrip("/") for uri in self.uris]
        return _any_matches(addresses, [uri.rstrip("/") for uri in uris]) and _any_matches(
            self.suites, suites
        )


@dataclass(frozen=True)
class Archive:
    """One address of the distribution's own archive; pockets are ``""``, ``-updates``, ``-security``.

    ``signed_by`` is empty where the distribution's keyring is meant, by name or by default.
    """

    uris: Tuple[str, ...]
    pockets: Tuple[str, ...]
    signed_by: str


def source_files(etc_apt: Path) -> List[Path]:
    """The files that apt reads, in its order."""
    parts = etc_apt / "sources.list.d"
    found = sorted(path for path in parts.glob("*") if NAME.fullmatch(path.name)) if parts.is_dir() else []
    return [path for path in (etc_apt / "sources.list", *found) if path.is_file()]


def read(etc_apt: Path, ignore: Sequence[Path] = ()) -> List[Entry]:
    """All entries of a host, switched off ones included."""
    return [
        entry
        for path in source_files(etc_apt)
        if path not in ignore
        for entry in parse(path, path.read_text(encoding="utf-8", errors="replace"))
    ]


def parse(path: Path, text: str) -> List[Entry]:
    """The entries of one file; its name tells its format."""
    if path.suffix == ".sources":
        stanzas = ((stanza, apt_deb822.parse(stanza)) for stanza in apt_deb822.split_stanzas(text))
        return [_from_stanza(path, stanza, fields) for stanza, fields in stanzas if "types" in fields]
    entries = (_from_line(path, line) for line in text.splitlines())
    return [entry for entry in entries if entry is not None]


def own_archives(entries: Iterable[Entry], etc_apt: Path, codename: str) -> List[Archive]:
    """Where this host gets its distribution from: the archive proper, and its security updates where apart.

    Third parties use a release's name as their suite, too. The distribution's archive is the one that is
    signed by the distribution's keyring, has an -updates pocket, or stands where the installer wrote it.
    """
    usable = [entry for entry in entries if entry.enabled and "deb" in entry.types and entry.uris]
    main = [entry for entry in usable if codename in entry.suites and "main" in entry.components]

    def likeness(entry: Entry) -> int:
        beside = any(
            set(entry.uris).intersection(other.uris) and codename + "-updates" in other.suites
            for other in usable
        )
        place = any(entry.path == etc_apt / name for name in OWN_FILES)
        return 4 * bool(OWN_KEYRINGS.match(entry.signed_by)) + 2 * beside + place

    best = max(map(likeness, main), default=0)
    chosen = [entry for entry in main if likeness(entry) == best and (best or len(main) == 1)]
    found: Dict[Tuple[str, ...], Archive] = {}
    for entry in chosen[:1]:
        uris = entry.uris
        pockets = [
            pocket
            for pocket in ("", "-updates", "-security")
            if any(other.uris == uris and codename + pocket in other.suites for other in usable)
        ]
        found[uris] = Archive(uris, tuple(pockets), _other_keyring(entry))
        if "-security" not in pockets:
            apart = [other for other in usable if codename + "-security" in other.suites]
            for other in apart[:1]:
                found[other.uris] = Archive(other.uris, ("-security",), _other_keyring(other))
    return list(found.values())


def contradictions(entries: Iterable[Entry]) -> List[Entry]:
    """Entries of one address and suite with different keys: apt reads no source at all where such are."""
    enabled = [entry for entry in entries if entry.enabled]
    keys: Dict[Tuple[str, str], Set[str]] = {}
    for entry in enabled:
        for place in _places(entry):
            keys.setdefault(place, set()).add(entry.signed_by)
    return [entry for entry in enabled if any(len(keys[place]) > 1 for place in _places(entry))]


def retire(path: Path, text: str, unwanted: Callable[[Entry], bool]) -> Tuple[Optional[str], List[Entry]]:
    """A source file without unwanted entries: its new text, or None if none is left; and the entries."""
    entries = [entry for entry in parse(path, text) if entry.enabled]
    gone = [entry for entry in entries if unwanted(entry)]
    if not gone:
        return text, []
    if len(gone) == len(entries):
        return None, gone
    taken = {entry.text for entry in gone}
    if path.suffix == ".sources":
        kept = [stanza for stanza in apt_deb822.split_stanzas(text) if stanza not in taken]
        return "\n\n".join(stanza.strip("\n") for stanza in kept) + "\n", gone
    return "".join(line for line in text.splitlines(keepends=True) if line.rstrip("\r\n") not in taken), gone


def list_names(entry: Entry) -> Iterator[Tuple[str, str]]:
    """An entry's package lists: the source in words, and how apt names the file (an ending may follow)."""
    if not entry.enabled or "deb" not in entry.types:
        return
    for uri in entry.uris:
        for suite in entry.suites:
            if suite.endswith("/"):  # a flat repository: no components
                base = uri.rstrip("/") + "/" + suite.lstrip("/") + "Packages"
                yield "%s %s" % (uri, suite), _file_name(base)
            for component in () if suite.endswith("/") else entry.components:
                base = "%s/dists/%s/%s/binary-amd64/Packages" % (uri.rstrip("/"), suite, component)
                yield "%s %s" % (uri, suite), _file_name(base)


def missing_lists(entries: Iterable[Entry], lists: Path) -> List[str]:
    """The sources, in words, of which no package list was fetched. Of an empty list apt keeps no file."""
    present = [path.name for path in lists.iterdir()] if lists.is_dir() else []

    def fetched(name: str) -> bool:
        if any(found == name or found.startswith(name + ".") for found in present):
            return True
        base, dists, rest = name.partition("_dists_")
        suite, _, index = rest.partition("_")
        releases = [lists / ("%s%s%s_%s" % (base, dists, suite, kind)) for kind in ("InRelease", "Release")]
        empty = re.compile(r"^ [0-9a-f]{64} +0 %s$" % re.escape(index.replace("_", "/")), re.MULTILINE)
        return any(path.is_file() and empty.search(path.read_text(errors="replace")) for path in releases)

    return list(
        dict.fromkeys(words for entry in entries for words, name in list_names(entry) if not fetched(name))
    )


def _from_stanza(path: Path, stanza: str, fields: Dict[str, str]) -> Entry:
    return Entry(
        path=path,
        text=stanza,
        types=tuple(fields["types"].split()),
        uris=tuple(fields.get("uris", "").split()),
        suites=tuple(fields.get("suites", "").split()),
        components=tuple(fields.get("components", "").split()),
        signed_by=fields.get("signed-by", ""),
        enabled=fields.get("enabled", "yes").lower() not in apt_deb822.FALSE,
    )


def _from_line(path: Path, line: str) -> Optional[Entry]:
    matched = ONE_LINE.fullmatch(line.strip())
    if matched is None:
        return None
    options = dict(option.partition("=")[::2] for option in (matched["options"] or "").split())
    return Entry(
        path=path,
        text=line.rstrip("\r\n"),
        types=(matched["type"],),
        uris=(matched["uri"].strip('"'),),
        suites=(matched["suite"],),
        components=tuple((matched["components"] or "").split()),
        signed_by=options.get("signed-by") or options.get("signed-by+") or "",
        enabled=True,
    )


def _places(entry: Entry) -> List[Tuple[str, str]]:
    return [(uri.rstrip("/"), suite) for uri in entry.uris for suite in entry.suites]


def _other_keyring(entry: Entry) -> str:
    return "" if OWN_KEYRINGS.match(entry.signed_by) else entry.signed_by


def _any_matches(texts: Iterable[str], globs: Iterable[str]) -> bool:
    globs = list(globs)
    return any(fnmatch.fnmatchcase(text, glob) for text in texts for glob in globs)


def _file_name(uri: str) -> str:
    """A list's file name: the address without method and login, slashes as underscores (URItoFileName)."""
    rest = uri.partition(":")[2]
    if rest.startswith("//"):
        host, slash, tail = rest[2:].partition("/")
        rest = host.rpartition("@")[2] + slash + tail
    quoted = "".join(
        "%%%02x" % ord(c) if c in '\\|{}[]<>"^~_=!@#$%^&*' or not 0x20 < ord(c) < 0x7F else c for c in rest
    )
    return quoted.replace("/", "_")
