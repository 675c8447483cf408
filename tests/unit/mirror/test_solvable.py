"""apt itself can solve `full` from the mirror, once the roles have done their part, and not before."""

import subprocess
from pathlib import Path

import pytest

# What Debian 13 and Ubuntu 24.04 have of what AMD's packages ask for.
DISTRIBUTION = [
    "file", "kmod", "libc6", "libdrm-dev", "libfile-basedir-perl", "libfile-copy-recursive-perl",
    "libfile-listing-perl", "libfile-which-perl", "libstdc++6", "liburi-encode-perl", "pciutils", "perl",
    "python3",
]  # fmt: skip
DONOR = ["libncurses5", "libtinfo5"]
STANDINS = ["libgcc-7-dev", "libpython3.8", "libstdc++-7-dev", "python"]
FULL = ["rocm-dev", "rocm-libs", "miopen-hip"]


class World:
    """An apt that knows the mirror and a made-up distribution, and nothing of this machine."""

    def __init__(self, root: Path, served: Path) -> None:
        self.root = root
        for folder in (
            "etc/apt/apt.conf.d",
            "etc/apt/preferences.d",
            "lists/partial",
            "cache/archives/partial",
            "dist",
        ):
            (root / folder).mkdir(parents=True)
        (root / "status").touch()
        (root / "etc/apt/sources.list").write_text(
            f"deb [trusted=yes] file:{root}/dist ./\n"
            f"deb [trusted=yes] file:{served}/rocm/apt/5.2 ubuntu main\n"
        )

    def offer(self, packages: list[str]) -> None:
        stanzas = [
            f"Package: {name}\nVersion: 99\nArchitecture: amd64\nMaintainer: x <x@x>\n"
            f"Filename: ./{name}.deb\nSize: 1\nSHA256: {'0' * 64}\nDescription: x\n"
            for name in packages
        ]
        (self.root / "dist/Packages").write_text("\n".join(stanzas))
        assert self("update").returncode == 0

    def __call__(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        options = {
            "Dir::Etc": self.root / "etc/apt",
            "Dir::State::status": self.root / "status",
            "Dir::State::lists": self.root / "lists",
            "Dir::Cache": self.root / "cache",
            "Dir::Log": self.root,
            "APT::Architecture": "amd64",
            "APT::Architectures": "amd64",
            "APT::Sandbox::User": "",
            "Debug::NoLocking": "true",
        }
        command = ["apt-get", "-q", *(f"-o{name}={value}" for name, value in options.items()), *arguments]
        return subprocess.run(
            command,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def world(tmp_path: Path, served: Path) -> World:
    return World(tmp_path, served)


def test_full_is_solvable_with_the_donor_s_libraries_and_the_stand_ins(world: World) -> None:
    world.offer(DISTRIBUTION + DONOR + STANDINS)
    solved = world("-s", "install", *FULL)
    assert solved.returncode == 0, solved.stderr
    installed = {line.split()[1] for line in solved.stdout.splitlines() if line.startswith("Inst ")}
    assert {
        "rocm-core",
        "rocm-gdb",
        "rocm-llvm",
        "hipcub-dev",
        "rocthrust-dev",
        *DONOR,
        *STANDINS,
    } <= installed
    assert not any(name.endswith("5.2.0") for name in installed)


@pytest.mark.parametrize("absent", DONOR + STANDINS)
def test_full_is_not_solvable_without(world: World, absent: str) -> None:
    world.offer([name for name in DISTRIBUTION + DONOR + STANDINS if name != absent])
    assert world("-s", "install", *FULL).returncode != 0


def test_minimal_needs_nothing_from_the_roles(world: World) -> None:
    world.offer(DISTRIBUTION)
    assert world("-s", "install", "rocm-core", "hsa-rocr", "rocminfo", "rocm-smi-lib").returncode == 0
