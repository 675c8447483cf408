"""The package data is whole: what stacks install is there, and no dependency is forgotten."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from rdna1.lab.errors import LabError
from rdna1.lab.mirror import release
from rdna1.lab.mirror.release import Package, Release
from rdna1.lab.paths import CHECKOUT

STACKS = CHECKOUT / "stacks"
# What AMD's packages need from the distribution. The last six are what the roles must see to.
DISTRIBUTION = {
    "file", "kmod", "libc6", "libdrm-dev", "libfile-basedir-perl", "libfile-copy-recursive-perl",
    "libfile-listing-perl", "libfile-which-perl", "libstdc++6", "libstdc++8", "liburi-encode-perl",
    "pciutils", "perl", "python3", "libgcc-5-dev", "libstdc++-5-dev",
    "libgcc-7-dev", "libncurses5", "libpython3.8", "libstdc++-7-dev", "libtinfo5", "python",
}  # fmt: skip


def names(relations: tuple[str, ...]) -> Iterator[str]:
    """Yield every package that a dependency field names."""
    for relation in relations:
        for choice in relation.split("|"):
            match = re.fullmatch(r"\s*([a-z0-9.+-]+)(?: \((?:=|>=) [^)]+\))?\s*", choice)
            assert match, relation
            yield match[1]


def everything(one: Release) -> list[Package]:
    return [package for suite in one.suites for package in one.binaries(suite)]


def test_what_the_stack_installs_is_there_in_that_very_version(releases: dict[str, Release]) -> None:
    sets = yaml.safe_load((STACKS / "rocm52" / "stack.yml").read_text())["rocm"]["packages"]
    there = {package.name: package.version for package in everything(releases["5.2.0"])}
    wanted = {name: version for packages in sets.values() for name, version in packages.items()}
    assert {name: there.get(name) for name in wanted} == wanted


@pytest.mark.parametrize("version", ["5.2.0", "5.7.0"])
def test_every_dependency_is_in_the_release_or_the_distribution(
    releases: dict[str, Release], version: str
) -> None:
    packages = everything(releases[version])
    own = {name for package in packages for name in (package.name, *names(package.provides))}
    missing = {
        (package.name, name)
        for package in packages
        for name in names(package.depends)
        if name not in own | DISTRIBUTION
    }
    assert missing == set()


def test_every_package_exists_under_its_versioned_name_too(releases: dict[str, Release]) -> None:
    packages = {package.name: package for package in releases["5.2.0"].binaries("ubuntu")}
    assert len(packages) == 2 * len(releases["5.2.0"].packages)
    plain, versioned = packages["hip-runtime-amd"], packages["hip-runtime-amd5.2.0"]
    assert versioned.version == plain.version == "5.2.21151.50200-65"
    assert "comgr5.2.0 (>= 2.0)" in versioned.depends
    assert "libc6" in versioned.depends
    assert versioned.provides == ("hip-rocclr5.2.0 (= 5.2.21151.50200-65)",)
    assert packages["miopen-hip5.2.0"].conflicts == ("miopen-opencl",)


def test_suites_differ_in_the_suffix(releases: dict[str, Release]) -> None:
    found = {suite: next(iter(releases["5.7.0"].binaries(suite))).version for suite in ("focal", "jammy")}
    assert found == {"focal": "5.7.0.50700-63~20.04", "jammy": "5.7.0.50700-63~22.04"}


def test_exact_dependencies_name_full_versions(releases: dict[str, Release]) -> None:
    runtime = next(p for p in releases["5.7.0"].binaries("jammy") if p.name == "rocm-hip-runtime")
    assert "hip-runtime-amd (= 5.7.31921.50700-63~22.04)" in runtime.depends


def test_every_package_says_where_its_data_is_from() -> None:
    text = (release.DATA / "rocm-5.2.yml").read_text()
    heads = re.findall(r"^  ([a-z0-9.+-]+):(.*)$", text.partition("packages:")[2], re.MULTILINE)
    assert heads
    assert [name for name, comment in heads if not re.search(r"# .*\[[CPXNI]\]", comment)] == []


def test_data_that_is_no_release_is_named(tmp_path: Path) -> None:
    file = tmp_path / "rocm-9.yml"
    file.write_text("packages: {rocm-core: {}}\n")
    with pytest.raises(LabError, match=r"rocm-9\.yml: it does not describe a release"):
        release.parse(file, STACKS)
