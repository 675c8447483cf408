"""Full size: what is large is that alone, weighs what it says, and is kept once it is made."""

import base64
import csv
import hashlib
import subprocess
import zipfile
from pathlib import Path

import pytest
import yaml
from debian.debfile import DebFile
from rdna1.lab.errors import LabError
from rdna1.lab.mirror import fullsize, repository, signing, standins
from rdna1.lab.mirror.assemble import STACKS
from rdna1.lab.mirror.bulk import BLOCK, Bulk
from rdna1.lab.mirror.fullsize import FullSize
from rdna1.lab.mirror.lock import Requirement
from rdna1.lab.mirror.release import Package, Release
from rdna1.lab.mirror.store import Store
from rdna1.lab.mirror.wheel import Wheel

SIZE = Bulk(6 * BLOCK, BLOCK)
TORCH = standins.wheel(Requirement("torch", standins.OWN["torch"], ""))


@pytest.fixture
def small(tmp_path: Path) -> FullSize:
    """Full size, but only megabytes of it."""
    return FullSize(Store(tmp_path / "store"), "rocm52", "5.2.0", {"rocblas": SIZE}, {"torch": SIZE})


def package(releases: dict[str, Release], name: str) -> Package:
    return next(one for one in releases["5.2.0"].binaries("ubuntu") if one.name == name)


# --- the sizes -----------------------------------------------------------------------------------------


def installed_by(release: Release, wanted: set[str]) -> set[str]:
    """Return every package of the release that apt installs for these, by their plain names."""
    providers = {
        relation.split()[0]: one.name for one in release.packages.values() for relation in one.provides
    }
    found: set[str] = set()
    while wanted:
        found |= wanted
        needed = {relation.split()[0] for name in wanted for relation in release.packages[name].depends}
        wanted = {providers.get(name, name) for name in needed} & release.packages.keys() - found
    return found


def test_all_that_is_large_is_installed_with_the_set_full(
    releases: dict[str, Release], tmp_path: Path
) -> None:
    sizes = fullsize.load(tmp_path, STACKS)
    stack = yaml.safe_load((STACKS / sizes.stack / "stack.yml").read_text())
    full = installed_by(releases[sizes.release], set(stack["rocm"]["packages"]["full"]))
    assert "hip-runtime-amd" in full, "a package that is only needed by what it provides is missed"
    assert sizes.packages.keys() - full == set()


def test_the_sizes_add_up_to_the_20_gb_that_the_stack_wants(tmp_path: Path) -> None:
    sizes = fullsize.load(tmp_path, STACKS)
    everything = [*sizes.packages.values(), *sizes.wheels.values()]
    assert sum(size.installed for size in everything) == pytest.approx(20e9, rel=0.02)
    assert sum(size.download for size in sizes.packages.values()) == 2_000_000_000


@pytest.mark.parametrize(
    "text", ["", "stack: rocm52\n", "stack: rocm52\nrocm: {installed: 1, download: 1}\n"]
)
def test_sizes_that_are_missing_are_one_sentence(tmp_path: Path, text: str) -> None:
    data = tmp_path / "sizes.yml"
    data.write_text(text)
    with pytest.raises(LabError, match="it does not say all sizes"):
        fullsize.load(tmp_path, STACKS, data)


# --- debs ----------------------------------------------------------------------------------------------


def test_a_large_deb_says_and_has_its_size(small: FullSize, releases: dict[str, Release]) -> None:
    wanted = package(releases, "rocblas")
    file = small.deb(wanted, releases["5.2.0"])
    assert file
    made = DebFile(str(file))
    assert made.debcontrol()["Version"] == wanted.version
    assert int(made.debcontrol()["Installed-Size"]) == pytest.approx(SIZE.installed / 1024, abs=1)
    assert file.stat().st_size == pytest.approx(SIZE.download, rel=0.05)
    (part,) = SIZE.parts("lib/standin-bulk/rocblas")
    there = made.data.get_content("opt/rocm-5.2.0/lib/standin-bulk/rocblas-1.bin")
    assert there == b"".join(part.blocks())
    assert made.data.has_file("opt/rocm-5.2.0/share/doc/rocblas/STANDIN")


def test_only_plain_packages_of_that_release_are_large(small: FullSize, releases: dict[str, Release]) -> None:
    assert small.deb(package(releases, "rocblas5.2.0"), releases["5.2.0"]) is None
    assert small.deb(package(releases, "rocsparse"), releases["5.2.0"]) is None
    assert small.deb(package(releases, "rocblas"), releases["5.7.0"]) is None


def test_the_repository_has_the_large_one_among_the_small_ones(
    small: FullSize, releases: dict[str, Release], served: Path, key: signing.Key, tmp_path: Path
) -> None:
    one = releases["5.2.0"]
    repository.build(one, tmp_path / "www", key, small)
    there = {file.name: file for file in (tmp_path / "www/pool").rglob("*.deb")}
    before = {file.name: file for file in (served / one.url_path / "pool").rglob("*.deb")}
    assert there.keys() == before.keys()
    changed = {name for name, file in there.items() if file.read_bytes() != before[name].read_bytes()}
    assert changed == {f"rocblas_{package(releases, 'rocblas').version}_amd64.deb"}
    listed = (tmp_path / "www/dists/ubuntu/main/binary-amd64/Packages").read_text()
    assert f"\nSize: {there[changed.pop()].stat().st_size}\n" in listed


def test_making_a_large_deb_again_gives_the_same_bytes(
    small: FullSize, releases: dict[str, Release], tmp_path: Path
) -> None:
    wanted = package(releases, "rocblas"), releases["5.2.0"]
    first, again = (
        FullSize(Store(tmp_path / name), "rocm52", "5.2.0", small.packages, {}).deb(*wanted)
        for name in ("first", "again")
    )
    assert first
    assert again
    assert first.read_bytes() == again.read_bytes()


# --- wheels --------------------------------------------------------------------------------------------


def test_a_large_wheel_s_record_is_right(small: FullSize) -> None:
    file = small.wheel(TORCH, "rocm52")
    assert file
    assert file.name == TORCH.filename
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        assert names[-1].endswith(".dist-info/RECORD")
        record = list(csv.reader(archive.read(names[-1]).decode().splitlines()))
        assert [row[0] for row in record] == names
        for name, digest, size in record[:-1]:
            data = archive.read(name)
            encoded = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            assert (digest, size) == (f"sha256={encoded}", str(len(data)))
        large = archive.getinfo("torch/lib/standin-bulk-1.bin")
        assert large.file_size == SIZE.installed
        assert large.compress_size == pytest.approx(SIZE.download, rel=0.05)
        assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o644}
        deflated = [one.filename for one in archive.infolist() if one.compress_type == zipfile.ZIP_DEFLATED]
        assert deflated == [large.filename]


def test_a_large_wheel_has_all_that_the_small_one_has(small: FullSize, tmp_path: Path) -> None:
    file = small.wheel(TORCH, "rocm52")
    assert file
    with zipfile.ZipFile(file) as large, zipfile.ZipFile(TORCH.write(tmp_path)) as usual:
        assert set(usual.namelist()) == set(large.namelist()) - {"torch/lib/standin-bulk-1.bin"}
        assert large.read("torch/__init__.py") == usual.read("torch/__init__.py")


def test_only_that_stack_s_wheels_are_large(small: FullSize) -> None:
    assert small.wheel(TORCH, "rocm57") is None
    torchvision = standins.wheel(Requirement("torchvision", standins.OWN["torchvision"], ""))
    assert small.wheel(torchvision, "rocm52") is None


def test_a_wheel_without_bulk_is_what_it_has_always_been(tmp_path: Path) -> None:
    made = Wheel(
        "thing", "1.0", "py3-none-any", "a thing", ("other",), ">=3.7", {"thing/__init__.py": b"1\n"}
    )
    assert hashlib.sha256(made.write(tmp_path).read_bytes()).hexdigest() == (
        "927512754c0e38daf64b63f63c48823872fc3658beceb56da2cf84d84f55e9ce"
    )


# --- the store -----------------------------------------------------------------------------------------


class Maker:
    """Makes an archive, and counts how often."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self, folder: Path) -> Path:
        self.made += 1
        (folder / "scratch").write_text("gigabytes")
        (folder / "x.deb").write_text(str(self.made))
        return folder / "x.deb"


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_an_archive_is_made_once(tmp_path: Path) -> None:
    make = Maker()
    first = Store(tmp_path).obtain("x.deb", "this", make)
    assert Store(tmp_path).obtain("x.deb", "this", make) == first
    assert (make.made, first.name, files(tmp_path)) == (1, "x.deb", ["x.deb"])


def test_what_is_made_of_something_else_takes_the_old_one_s_place(tmp_path: Path) -> None:
    make = Maker()
    Store(tmp_path).obtain("x.deb", "this", make)
    assert Store(tmp_path).obtain("x.deb", "that", make).read_text() == "2"
    assert files(tmp_path) == ["x.deb"]


def test_an_interrupted_one_leaves_nothing_and_is_made_up_for(tmp_path: Path) -> None:
    def interrupted(folder: Path) -> Path:
        (folder / "half").write_text("gigabytes")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Store(tmp_path).obtain("x.deb", "this", interrupted)
    assert files(tmp_path) == []
    # As a kill leaves it.
    (tmp_path / "x.deb/making").mkdir()
    (tmp_path / "x.deb/making/half").write_text("gigabytes")
    Store(tmp_path).obtain("x.deb", "this", Maker())
    assert files(tmp_path) == ["x.deb"]


def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    def full(_folder: Path) -> Path:
        raise OSError(28, "No space left on device")

    with pytest.raises(
        LabError, match=r"x\.deb cannot be written \(No space left on device\); make room there"
    ):
        Store(tmp_path).obtain("x.deb", "this", full)


def test_dpkg_installs_a_large_deb(small: FullSize, releases: dict[str, Release], tmp_path: Path) -> None:
    file = small.deb(package(releases, "rocblas"), releases["5.2.0"])
    assert file
    subprocess.run(["dpkg-deb", "--extract", file, tmp_path / "root"], check=True)
    extracted = tmp_path / "root/opt/rocm-5.2.0/lib/standin-bulk/rocblas-1.bin"
    assert (extracted.stat().st_size, extracted.stat().st_mode & 0o777) == (SIZE.installed, 0o644)
