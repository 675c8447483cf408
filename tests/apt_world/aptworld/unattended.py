"""What unattended-upgrades would take.

It pins every place that is not among its allowed origins, and every package of its blacklist, to "never", and
upgrades what then has a better candidate (``pinning_from_config`` of unattended-upgrades 2.x). The same pins,
written as apt preferences, make apt-get answer the same question. Where unattended-upgrades itself is at
hand, a test compares the two.
"""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass
from pathlib import Path

from aptworld.world import World

NEVER = -32768
# `apt-cache policy` of a place: release v=24.04,o=Ubuntu,a=noble-updates,n=noble,l=Ubuntu,c=main,b=amd64
RELEASE = re.compile(r"^ +release (?P<fields>\S.*)$", re.MULTILINE)
LETTERS = {"origin": "o", "label": "l", "archive": "a", "suite": "a", "codename": "n", "component": "c"}


@dataclass(frozen=True)
class Distribution:
    """What ``lsb_release`` says on the host."""

    id: str
    codename: str


def selection(world: World, distribution: Distribution, scratch: Path) -> frozenset[str]:
    """Return the packages that unattended-upgrades would change."""
    world = world.copy(scratch)
    world.put("etc/apt/preferences.d/00-unattended.pref", pins(world, distribution))
    wanted = world.simulate("upgrade", "--with-new-pkgs").touched
    # A pin by name counts before these; but a version that no allowed origin has is refused in any case.
    return frozenset(
        name
        for name, policy in world.policy(*sorted(wanted)).items()
        if policy.chosen and any(priority > NEVER for priority, _ in policy.chosen.sources)
    )


def pins(world: World, distribution: Distribution) -> str:
    """Return unattended-upgrades' own pins as preferences."""
    allowed = _allowed_origins(world, distribution)
    places = {match["fields"] for match in RELEASE.finditer(world.run("apt-cache", "policy"))}
    refused = sorted(place for place in places if "a=now" not in place and not _matches(place, allowed))
    entries = [f"Package: *\nPin: release {place}\nPin-Priority: {NEVER}\n" for place in refused]
    blacklist = _setting(world, "Package-Blacklist")
    entries += [f"Package: /^{regex}/\nPin: version *\nPin-Priority: {NEVER}\n" for regex in blacklist]
    return "\n".join(entries)


def _setting(world: World, name: str) -> list[str]:
    dump = world.run("apt-config", "dump", f"Unattended-Upgrade::{name}")
    return re.findall(rf'^Unattended-Upgrade::{name}:: "(.+)";$', dump, re.MULTILINE)


def _allowed_origins(world: World, distribution: Distribution) -> list[dict[str, str]]:
    """Return both of its lists in one form: apt's letters, and globs over what a Release file says."""

    def filled(text: str) -> str:
        return text.replace("${distro_id}", distribution.id).replace(
            "${distro_codename}", distribution.codename
        )

    pairs = [entry.split(":") for entry in _setting(world, "Allowed-Origins")]
    allowed = [{"o": filled(origin), "a": filled(suite)} for origin, suite in pairs]
    for pattern in _setting(world, "Origins-Pattern"):
        tokens = (token.strip().split("=") for token in filled(pattern).split(","))
        allowed.append({LETTERS.get(key, key): value for key, value in tokens})
    return allowed


def _matches(place: str, allowed: list[dict[str, str]]) -> bool:
    fields = dict(field.split("=", 1) for field in place.split(","))
    return any(
        all(fnmatch.fnmatch(fields.get(key, ""), value) for key, value in origin.items())
        for origin in allowed
    )
