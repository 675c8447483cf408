"""Nothing depends on which versions the donor has today."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from aptworld import hosts
from aptworld.archives import Archive
from aptworld.cases import LIBRARIES, WORLDS, offered_by_donor_alone
from aptworld.hosts import Builder
from aptworld.roles import Host
from hypothesis import given, settings
from hypothesis import strategies as st

WITH_DONOR = [name for name in WORLDS if hosts.load(name).donor and not hosts.load(name).is_variant]
SUFFIXES = st.from_regex(r"[+~.][a-z0-9]([a-z0-9+~.]{0,6}[a-z0-9])?", fullmatch=True)


def play(builder: Builder, world: str, donor: Archive, root: Path) -> Host:
    """Play jammy_compat on a host that reaches this donor."""
    found = hosts.load(world)
    host = Host(builder.build(found, root), found, builder.keys["amd"])
    builder.serve(host.world, donor)
    host.play("jammy_compat")
    return host


def check(host: Host, donor: Archive) -> None:
    """Hold the host to what must be true whatever the versions are."""
    (step,) = host.steps
    came = {change.name: change for change in step.installation.installs}
    versions = {(stanza.name, stanza.version) for stanza in donor.packages()}
    from_donor = {name for name, change in came.items() if set(change.origins) & donor.origins()}
    assert from_donor == LIBRARIES
    assert all((name, came[name].new) in versions for name in LIBRARIES)
    assert step.removes == step.installation.downgrades == set()
    assert offered_by_donor_alone(host.world, donor.name) == LIBRARIES
    assert host.world.simulate("dist-upgrade").empty


@pytest.mark.parametrize("world", WITH_DONOR)
@pytest.mark.parametrize("form", ["0~{}", "99:{}"], ids=["below the host's", "above anything"])
def test_versions_below_and_above_all_of_the_hosts(
    world: str, form: str, builder: Builder, tmp_path: Path
) -> None:
    donor = builder.archives[hosts.load(world).donor or ""]
    donor = donor.with_versions(lambda stanza: form.format(stanza.version.rpartition(":")[2]))
    check(play(builder, world, donor, tmp_path / "root"), donor)


def test_any_later_version(builder: Builder, tmp_path_factory: pytest.TempPathFactory) -> None:
    count = itertools.count()

    @settings(max_examples=6, deadline=None)
    @given(world=st.sampled_from(WITH_DONOR), suffix=SUFFIXES)
    def holds(world: str, suffix: str) -> None:
        donor = builder.archives[hosts.load(world).donor or ""].with_versions(
            lambda old: old.version + suffix
        )
        root = tmp_path_factory.mktemp(f"any-{next(count)}") / "root"
        check(play(builder, world, donor, root), donor)

    holds()
