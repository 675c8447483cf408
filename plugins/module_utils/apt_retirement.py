# SPDX-License-Identifier: MIT
"""Which of a host's apt sources, pins and keys contradict ours."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, FrozenSet, Iterator, List, Optional, Tuple

from ansible_collections.rdna1.provision.plugins.module_utils import apt_preferences, apt_sources, openpgp_key

Retired = Tuple[Path, str, Optional[str], List[str]]  # path, text before, text after, the entries in words

EVERY_PRIORITY = -32768
KEY_SUFFIXES = (".gpg", ".asc")


def plan(parameters: Dict[str, Any]) -> Iterator[Retired]:
    """Each file that changes. The parameters are those of the module apt_retire."""
    etc = Path(parameters["etc"])
    whole = [Path(path) for path in parameters["files"]]
    passed_over = {*whole, *map(Path, parameters["keep"])}
    for path in whole:
        if path.is_file():
            yield path, _read(path), None, ["the whole file"]

    uris = [*parameters["source_uris"], *own_uris(etc, parameters.get("own_archive_of", ""))]

    contradicting = parameters.get("contradicting_uris") or []
    contradictions = apt_sources.contradictions(apt_sources.read(etc)) if contradicting else []

    def unwanted(entry: apt_sources.Entry) -> bool:
        return entry.covers(uris, parameters["source_suites"]) or (
            entry in contradictions and entry.covers(contradicting, ["*"])
        )

    for path in apt_sources.source_files(etc):
        if path not in passed_over:
            before = _read(path)
            after, entries = apt_sources.retire(path, before, unwanted)
            if entries:
                yield path, before, after, ["%s %s" % (" ".join(e.uris), " ".join(e.suites)) for e in entries]

    wanted = [openpgp_key.normalise_fingerprint(text) for text in parameters["keys"]]
    for path in trusted_keys(etc, wanted):
        if path not in passed_over:
            yield path, "%s\n" % ", ".join(wanted), None, ["a key that is trusted for every source"]

    rules = rules_of(parameters)
    for path in apt_preferences.preference_files(etc):
        if path not in passed_over:
            before = _read(path)
            after, pins = apt_preferences.retire(before, rules)
            if pins:
                yield path, before, after, pins


def own_uris(etc: Path, codename: str) -> List[str]:
    """The addresses from which the host gets this release; none where there is no codename."""
    if not codename:
        return []
    archives = apt_sources.own_archives(apt_sources.read(etc), etc, codename)
    return [uri for archive in archives for uri in archive.uris]


def rules_of(parameters: Dict[str, Any]) -> List[apt_preferences.AnyRule]:
    """Which pins go."""
    rules: List[apt_preferences.AnyRule] = [
        apt_preferences.Rule(tuple(rule["fields"]), rule["value"], rule.get("priority", EVERY_PRIORITY))
        for rule in parameters["pins"]
    ]
    named = parameters.get("named_pins") or {}
    if named.get("packages"):
        rules.append(apt_preferences.NamedRule(tuple(named["packages"]), named.get("wanted") or ""))
    return rules


def trusted_keys(etc: Path, fingerprints: List[str]) -> Iterator[Path]:
    """Files whose keys apt trusts for every source, and that hold no others than these."""
    if not fingerprints:
        return
    # apt-key wrote to the first.
    for path in (etc / "trusted.gpg", *sorted((etc / "trusted.gpg.d").glob("*"))):
        if path.suffix in KEY_SUFFIXES and path.is_file():
            found = _fingerprints(path.read_bytes())
            if found and found <= set(fingerprints):
                yield path


@lru_cache(maxsize=None)
def _fingerprints(content: bytes) -> FrozenSet[str]:
    """The keys in a file; none where it cannot be read. An observation asks for the same files twice."""
    try:
        return frozenset(key.fingerprint for key in openpgp_key.read_keys(content))
    except openpgp_key.OpenPgpError:
        return frozenset()


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="surrogateescape")
