"""The cases that the tests run over, and questions that several of them ask."""

from __future__ import annotations

from typing import Protocol

from aptworld import hosts
from aptworld.roles import Host
from aptworld.world import World

WORLDS = hosts.names()
# One for each release: what depends on the release alone is proven on these.
RELEASES = [name for name in WORLDS if not hosts.load(name).is_variant]
SETS = ("minimal", "runtime", "full")
# What the donor is there for.
LIBRARIES = {"libncurses5", "libtinfo5"}


class Provisioned(Protocol):
    """Hand out hosts that the roles have been played on. They are shared: take a copy before changing one."""

    def __call__(self, world: str, package_set: str = "full") -> Host: ...


def offered_by_donor_alone(world: World, donor: str | None) -> set[str]:
    """Return the packages of which the candidate can be had from the donor only."""
    archive = world.archives[donor or ""]
    places = tuple(f" {suite}/" for suite in archive.suites)
    policies = world.policy(*sorted({stanza.name for stanza in archive.packages()}))
    return {
        name
        for name, policy in policies.items()
        if policy.chosen and policy.chosen.sources
        if all(
            any(suite in place for suite in places) or "dpkg/status" in place
            for _, place in policy.chosen.sources
        )
    } & {stanza.name for stanza in archive.packages() if policies[stanza.name].candidate == stanza.version}
