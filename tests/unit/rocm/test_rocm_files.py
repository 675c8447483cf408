"""What the role writes, and whom its lists cover."""

import fnmatch
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from ansible_collections.rdna1.provision.plugins.module_utils import apt_deb822
from rdna1.role_variables import RoleVariables

ROOT = Path(__file__).parents[3]
RELEASES = ["Ubuntu_24.04", "Ubuntu_22.04", "Debian_13", "Debian_12"]
STACK = yaml.safe_load((ROOT / "stacks/rocm52/stack.yml").read_text())["rocm"]
PACKAGES = ROOT / "scripts/rdna1/lab/mirror/packages"
# Names that only look like ROCm's.
STRANGERS = [
    "hipercontracer", "libhipi-perl", "hippotat-client", "librocksdb9.10", "libroc0.4", "libroc-dev",
    "rocksdb-tools", "rockdodger", "libhsail-rt0", "python3", "libdrm-amdgpu1", "amdgpu-dkms",
]  # fmt: skip


def role(system: str = "Ubuntu_24.04") -> RoleVariables:
    found = RoleVariables(ROOT, "rocm", system)
    found.set(__rocm_key={"base64": ""})
    return found


def names_of(file: str) -> list[str]:
    return list(yaml.safe_load((PACKAGES / file).read_text())["packages"])


def test_the_repository_is_amd_s_with_the_suite_that_exists() -> None:
    (stanza,) = apt_deb822.parse_all(role().render("rdna1-rocm.sources.j2"))
    assert stanza["uris"] == "https://repo.radeon.com/rocm/apt/5.2"
    assert stanza["suites"] == "ubuntu"
    assert stanza["signed-by"] == "/etc/apt/keyrings/rdna1-rocm.gpg"


@pytest.mark.parametrize("system", RELEASES)
def test_amd_s_packages_come_first_and_the_distribution_s_of_the_same_name_not_at_all(system: str) -> None:
    amd, own = apt_deb822.parse_all(role(system).render("rdna1-rocm.pref.j2"))
    assert (amd["package"], amd["pin"], amd["pin-priority"]) == ("*", "release o=repo.radeon.com", "600")
    assert (own["pin"], own["pin-priority"]) == (f"release o={system.partition('_')[0]}", "-1")
    assert {"rocminfo", "rocm-cmake"} <= set(own["package"].split())


def test_no_file_holds_a_line_that_apt_would_read_as_another_field() -> None:
    for template in ("rdna1-rocm.sources.j2", "rdna1-rocm.pref.j2"):
        for line in role().render(template).splitlines():
            assert line == "" or line.startswith("#") or re.match(r"[A-Z][A-Za-z-]+: \S", line)


@pytest.mark.parametrize("package_set", ["full", "runtime", "minimal"])
def test_every_package_is_asked_for_in_its_exact_version(package_set: str) -> None:
    variables = role()
    variables.set(rocm_package_set=package_set)
    wanted = [f"{name}={version}" for name, version in STACK["packages"][package_set].items()]
    assert variables["__rocm_packages"] == wanted
    assert all(fnmatch.fnmatchcase(spec, variables["__rocm_build"]) for spec in wanted)


@pytest.mark.parametrize("file", ["rocm-5.2.yml", "rocm-5.7.yml"])
def test_amd_s_packages_are_known_by_name_and_strangers_are_not(file: str) -> None:
    globs = role()["__rocm_vendor_names"]
    (version,) = map(re.compile, role()["__rocm_vendor_versions"])
    for name in names_of(file):
        assert any(fnmatch.fnmatchcase(name, glob) for glob in globs), name
    for known in ("5.2.0.50200-65", "1.0.0.50700-63~22.04", "6.2.4.60204-139~24.04"):
        assert version.search(known)
    for stranger in ("9.10.0-1", "1.302198-1", "4:24.12.3-1", "5.7.1-3build1", "1:6.2.4.50700-1652687.22.04"):
        assert not version.search(stranger)


@pytest.mark.parametrize("system", RELEASES)
def test_the_distribution_s_rocm_is_covered_and_strangers_are_not(system: str) -> None:
    globs = role(system)["__rocm_os"]["packages"]
    known = [
        "libamdhip64-5",
        "libhsa-runtime64-1",
        "rocminfo",
        "hipcc",
        "rocm-cmake",
        "libamd-comgr2",
        "librocblas0",
    ]
    for name in known:
        assert any(fnmatch.fnmatchcase(name, glob) for glob in globs), name
    for name in STRANGERS:
        assert not any(fnmatch.fnmatchcase(name, glob) for glob in globs), name


def test_unattended_upgrades_blacklist_covers_every_package_of_amd_s() -> None:
    patterns = [re.compile(pattern) for pattern in role()["__rocm_blacklist"]]
    for name in names_of("rocm-5.2.yml"):
        assert any(pattern.match(name) for pattern in patterns), name
    for name in ("python3", "libc6", "linux-image-amd64", "rocksdb-tools", "librocksdb9.10"):
        assert not any(pattern.match(name) for pattern in patterns), name


@pytest.mark.skipif(not shutil.which("apt-config"), reason="apt is not on this machine")
def test_apt_reads_the_blacklist(tmp_path: Path) -> None:
    path = tmp_path / "apt.conf"
    path.write_text(role().render("52rdna1-rocm.j2"))
    command = ["apt-config", "dump", "--format", "%v%n", "Unattended-Upgrade::Package-Blacklist"]
    shown = subprocess.run(
        command, check=True, capture_output=True, text=True, env={"APT_CONFIG": str(path), "PATH": "/usr/bin"}
    )
    assert set(role()["__rocm_blacklist"]) <= set(shown.stdout.splitlines())


@pytest.mark.parametrize(
    ("uri", "goes"),
    [
        ("https://repo.radeon.com/rocm/apt/5.7", True),
        ("https://repo.radeon.com/amdgpu/5.7/ubuntu", True),
        ("http://mirror.example/rocm/apt/debian", True),
        ("http://mirror.example/ubuntu", False),
        ("https://download.docker.com/linux/ubuntu", False),
    ],
)
def test_only_amd_s_repositories_are_retired(uri: str, goes: bool) -> None:
    assert any(fnmatch.fnmatchcase(uri, glob) for glob in role()["__rocm_legacy_uris"]) is goes
