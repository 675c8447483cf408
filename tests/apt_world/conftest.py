"""What the apt worlds' tests share: keys, published archives and hosts, made once for the session."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from aptworld import archives, hosts, keys, release_upgrade
from aptworld.archives import Archive
from aptworld.cases import Provisioned
from aptworld.hosts import Builder
from aptworld.roles import Host
from aptworld.world import World
from rdna1.lab.mirror.release import Release
from rdna1.lab.mirror.release import load as load_releases

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@pytest.fixture(scope="session")
def releases() -> dict[str, Release]:
    """AMD's releases, as the lab's mirror has them."""
    return {release.version: release for release in load_releases(ROOT / "stacks")}


@pytest.fixture(scope="session")
def all_archives(releases: dict[str, Release]) -> dict[str, Archive]:
    """Every archive: the distributions' from archives/, AMD's from the data of the lab's mirror."""
    amd = map(archives.of_rocm, releases.values())
    return archives.load_all() | {archive.name: archive for archive in amd}


@pytest.fixture(scope="session")
def vendor_keys() -> Iterator[dict[str, keys.Key]]:
    """A signing key per vendor, for this session only."""
    with keys.vendors("ubuntu", "debian", "amd") as made:
        yield made


@pytest.fixture(scope="session")
def builder(
    all_archives: dict[str, Archive],
    vendor_keys: dict[str, keys.Key],
    tmp_path_factory: pytest.TempPathFactory,
) -> Builder:
    """Build hosts on all archives as their data has them."""
    folder = tmp_path_factory.mktemp("archives")
    return Builder.publish(all_archives, folder, vendor_keys)


@pytest.fixture
def found(builder: Builder, tmp_path: Path) -> Callable[[str], World]:
    """Return hosts as they are found, by their world's name, with the indexes not yet fetched."""
    count = itertools.count()

    def build(name: str) -> World:
        return builder.build(hosts.load(name), tmp_path / f"{name}-{next(count)}")

    return build


@pytest.fixture(scope="session")
def as_found(builder: Builder, provisioned: Provisioned) -> Callable[[str, str, Path], World]:
    """Build a host as it is found; one that was upgraded had the package set on its earlier release."""

    def build(name: str, package_set: str, root: Path) -> World:
        data = hosts.load(name)
        if data.upgraded_from:
            return release_upgrade.upgrade(provisioned(data.upgraded_from, package_set), data, builder, root)
        return builder.build(data, root)

    return build


@pytest.fixture(scope="session")
def prepared(
    as_found: Callable[[str, str, Path], World],
    vendor_keys: dict[str, keys.Key],
    tmp_path_factory: pytest.TempPathFactory,
) -> Provisioned:
    """Hand out hosts that the role jammy_compat has been played on. They are shared."""

    @cache
    def prepare(world: str, package_set: str = "full") -> Host:
        data = hosts.load(world)
        if package_set != "full" and not data.upgraded_from:
            return prepare(world)  # the set is none of this role's business
        root = tmp_path_factory.mktemp(world) / "root"
        host = Host(as_found(world, package_set, root), data, vendor_keys["amd"])
        host.play("jammy_compat")
        return host

    return prepare


@pytest.fixture(scope="session")
def provisioned(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Provisioned:
    """Hand out hosts that both roles have been played on. They are shared."""

    @cache
    def provision(world: str, package_set: str = "full") -> Host:
        prepared: Provisioned = request.getfixturevalue("prepared")
        root = tmp_path_factory.mktemp(f"{world}-{package_set}") / "root"
        host = prepared(world, package_set).copy(root, rocm_package_set=package_set)
        host.play("rocm")
        return host

    return provision


@pytest.fixture(scope="session")
def expected() -> dict[str, Any]:
    """What the roles bring, as expected.yml says."""
    data: dict[str, Any] = yaml.safe_load((HERE / "expected.yml").read_text())
    return data


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With several workers (-n auto --dist loadgroup), keep what shares a host together."""
    for item in items if config.pluginmanager.hasplugin("xdist") else ():
        if isinstance(item, pytest.Function) and hasattr(item, "callspec"):
            item.add_marker(pytest.mark.xdist_group(str(item.callspec.params.get("world", "noble"))))
