"""Leftovers that hosts are found with, one test each: recognised, put right, kept with a manifest.

Those of users' shells and /etc/profile.d are in tests/unit/rocm_environment/test_shell_leftovers.py.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aptworld import hosts, mirror
from aptworld.archives import Stanza
from aptworld.cases import RELEASES
from aptworld.hosts import Builder
from aptworld.keys import Key
from aptworld.machine import Machine
from aptworld.mirror import Mirror
from aptworld.roles import Host, RoleError
from aptworld.world import AptError, World

SOURCES = "/etc/apt/sources.list.d"
PREFERENCES = "/etc/apt/preferences.d"
KEYRING = "/usr/share/keyrings/ubuntu-archive-keyring.gpg"
AMD = "https://repo.radeon.com/rocm/apt"

Found = Callable[[str], World]
Provision = Callable[[World, str], Host]


@pytest.fixture
def provision(builder: Builder) -> Provision:
    """Play both roles on a host as it is found."""

    def play(world: World, name: str) -> Host:
        host = Host(world, hosts.load(name), builder.keys["amd"])
        host.play("jammy_compat")
        host.play("rocm")
        return host

    return play


def manifest(host: Host) -> dict[str, dict[str, Any]]:
    """Return what was kept, by the path where it was; each copy is there, for root alone to read."""
    backup = host.world.root / "var/lib/rdna1/backup"
    assert backup.stat().st_mode & 0o777 == 0o700
    entries = [json.loads(line) for line in (backup / "manifest.jsonl").read_text().splitlines()]
    for entry in entries:
        assert (backup / entry["copy"]).is_file()
        assert entry["reason"]
    return {entry["path"].removeprefix(str(host.world.root)): entry for entry in entries}


def gone(host: Host, *paths: str) -> None:
    """Each of these is gone, and kept."""
    kept = manifest(host)
    for path in paths:
        assert not (host.world.root / path.lstrip("/")).exists(), path
        assert path in kept


def provisioned(host: Host) -> None:
    """The stack is there, and apt has nothing to say of the host's sources."""
    versions = {name: stanza.version for name, stanza in host.world.installed.items()}
    assert versions["rocm-core"] == "5.2.0.50200-65"
    assert "libtinfo5" in versions
    host.world.update()
    host.world.run("apt-get", "check")


def test_rocm_list_beside_rocm_sources(
    found: Found, provision: Provision, vendor_keys: dict[str, Key]
) -> None:
    """Two entries of one address with different keys: apt reads no source at all, not even the host's own."""
    world = found("noble")
    for name in ("rocm", "amd"):
        vendor_keys["amd"].export(world.root / f"etc/apt/keyrings/{name}.gpg")
    world.put(f"{SOURCES}/rocm.list", f"deb [signed-by=/etc/apt/keyrings/rocm.gpg] {AMD}/5.2 ubuntu main\n")
    world.put(
        f"{SOURCES}/rocm.sources",
        f"Types: deb\nURIs: {AMD}/5.2\nSuites: ubuntu\nComponents: main\n"
        "Signed-By: /etc/apt/keyrings/amd.gpg\n",
    )
    with pytest.raises(AptError, match="Conflicting values set for option Signed-By"):
        world.update()
    host = provision(world, "noble")
    gone(host, f"{SOURCES}/rocm.list", f"{SOURCES}/rocm.sources")
    provisioned(host)


def test_a_source_that_is_switched_off_is_written_anew(found: Found, provision: Provision) -> None:
    """do-release-upgrade leaves the role's own source with Enabled: no and without its key."""
    world = found("noble")
    ours = f"{SOURCES}/rdna1-rocm.sources"
    world.put(ours, f"Enabled: no\nTypes: deb\nURIs: {AMD}/5.2\nSuites: ubuntu\nComponents: main\n")
    host = provision(world, "noble")
    text = (host.world.root / ours.lstrip("/")).read_text()
    assert "Enabled" not in text
    assert "Signed-By: " in text
    provisioned(host)


def test_a_source_that_was_rewritten_from_jammy_to_noble(found: Found, provision: Provision) -> None:
    """do-release-upgrade takes an entry of an Ubuntu mirror for the host's own, whatever its file's name."""
    world = found("noble")
    donor = f"{SOURCES}/rdna1-donor.sources"
    rewritten = "Types: deb\nURIs: http://archive.ubuntu.com/ubuntu/\nSuites: noble\nComponents: main\n"
    for path in (donor, f"{SOURCES}/jammy-compat.sources"):
        world.put(path, rewritten + f"Signed-By: {KEYRING}\n")
    host = provision(world, "noble")
    gone(host, f"{SOURCES}/jammy-compat.sources")
    assert "Suites: jammy" in (host.world.root / donor.lstrip("/")).read_text()
    provisioned(host)


def test_a_source_that_lost_its_signed_by(found: Found, provision: Provision) -> None:
    world = found("noble")
    world.put(f"{SOURCES}/amdgpu.list", f"deb {AMD}/5.2 ubuntu main\n")
    with pytest.raises(AptError, match=r"NO_PUBKEY|not signed"):
        world.update()
    host = provision(world, "noble")
    gone(host, f"{SOURCES}/amdgpu.list")
    provisioned(host)


@pytest.mark.parametrize("path", ["trusted.gpg.d/rocm.gpg", "trusted.gpg.d/anything.asc", "trusted.gpg"])
def test_a_key_from_apt_key_that_is_trusted_for_everything(
    path: str, found: Found, provision: Provision, vendor_keys: dict[str, Key]
) -> None:
    world = found("noble")
    vendor_keys["amd"].export(world.root / "etc/apt" / path)
    host = provision(world, "noble")
    gone(host, f"/etc/apt/{path}")
    assert (host.world.root / "etc/apt/trusted.gpg.d/ubuntu-keyring-2018-archive.gpg").exists()
    provisioned(host)


def test_jammy_compat_list_and_pins_that_were_written_by_hand(found: Found, provision: Provision) -> None:
    """As the seed documents have people write them."""
    world = found("noble")
    world.put(
        f"{SOURCES}/jammy-compat.list",
        f"deb [signed-by={KEYRING}] http://archive.ubuntu.com/ubuntu jammy main universe\n",
    )
    pin = "Package: *\nPin: release n={}\nPin-Priority: {}\n"
    world.put(f"{PREFERENCES}/jammy-compat", pin.format("noble", 990) + "\n" + pin.format("jammy", 100))
    world.put(
        f"{PREFERENCES}/rocm-pin-600", "Package: *\nPin: release o=repo.radeon.com\nPin-Priority: 600\n"
    )
    host = provision(world, "noble")
    gone(host, f"{SOURCES}/jammy-compat.list", f"{PREFERENCES}/jammy-compat", f"{PREFERENCES}/rocm-pin-600")
    provisioned(host)


@pytest.mark.parametrize(
    ("world", "leftover"), [("noble-rocm57", "rocm-core"), ("noble-distribution-rocm", "libamdhip64-5")]
)
def test_packages_of_rocm_57_and_of_the_distribution(
    world: str, leftover: str, found: Found, provision: Provision
) -> None:
    host_world = found(world)
    before = host_world.installed[leftover].version
    host = provision(host_world, world)
    now = host.world.installed.get(leftover)
    assert now is None or now.version != before
    assert leftover in host.steps[-1].removal.removes
    provisioned(host)


def test_packages_of_rocm_57_on_hold(found: Found, provision: Provision, builder: Builder) -> None:
    """Somebody held the old build to keep it; the stack's own hold takes its place."""
    world = found("noble-rocm57")
    old = {name for name, stanza in world.installed.items() if ".50700-" in stanza.version}
    world.hold(old)
    there = world.copy(world.root.with_name("rehearsal"))
    rehearsal = Host(there, hosts.load("noble-rocm57"), builder.keys["amd"])
    rehearsal.play("jammy_compat", "check")
    rehearsal.play("rocm", "check")
    assert set(rehearsal.answers[-1]["held"]) == old
    host = provision(world, "noble-rocm57")
    assert not {name for name, stanza in host.world.installed.items() if ".50700-" in stanza.version}
    build = {name for name, stanza in host.world.installed.items() if stanza.version.endswith(".50200-65")}
    assert build <= host.world.held
    provisioned(host)


def test_a_hold_that_is_in_the_way_is_named_with_its_cure(found: Found, provision: Provision) -> None:
    """An older python3 on hold, which the debugger's libpython3.12 cannot be installed beside."""
    world = found("noble")
    there = world.find("python3", archive="ubuntu-noble")
    breaks = {**there.fields, "Conflicts": "libpython3.12t64"}
    world.install([Stanza(there.name, there.version, breaks)])
    world.hold(["python3"])
    with pytest.raises(RoleError, match="apt-mark unhold python3"):
        provision(world, "noble")
    assert world.held == {"python3"}


def test_a_hold_on_something_else_stays(found: Found, provision: Provision) -> None:
    world = found("noble")
    world.hold(["kmod"])
    host = provision(world, "noble")
    assert "kmod" in host.world.held
    provisioned(host)


@pytest.mark.parametrize("release", RELEASES)
def test_python_is_python3_on_hold_gives_way_to_the_stand_in(
    release: str, found: Found, provision: Provision
) -> None:
    """What apt will not remove by itself is named to it: held here, or manual under its newer solver."""
    world = found(release)
    world.install([world.find("python-is-python3", archive=hosts.load(release).own)])
    world.hold(["python-is-python3"])
    host = provision(world, release)
    assert "python-is-python3" not in host.world.installed
    assert "rdna1+" in host.world.installed["python"].version


# --- an interrupted dpkg, with the real one ------------------------------------------------------------


@pytest.fixture
def served(vendor_keys: dict[str, Key], tmp_path: Path) -> Iterator[Mirror]:
    (tmp_path / "mirror").mkdir()
    with mirror.serving(mirror.repository(tmp_path / "mirror", vendor_keys["amd"], base="", tool="")) as made:
        yield made


@pytest.mark.parametrize("check", [True, False])
def test_a_broken_dpkg_state_is_told_with_its_cure_and_not_touched(
    check: bool, served: Mirror, vendor_keys: dict[str, Key], tmp_path: Path
) -> None:
    machine = Machine(tmp_path / "root", served, vendor_keys["amd"])
    dpkg = ["dpkg", f"--root={machine.root}", "--force-not-root", "--force-bad-path", "--log=/dev/null"]
    subprocess.run([*dpkg, "--unpack", tmp_path / "mirror/base.deb"], check=True, capture_output=True)
    before = (machine.root / "var/lib/dpkg/status").read_bytes()
    answer = machine.transact("tool", check=check)
    assert answer["code"] == "interrupted"
    assert "dpkg was interrupted on this host (base is unpacked)" in answer["msg"]
    assert "run dpkg --configure -a and then" in answer["msg"]
    assert (machine.root / "var/lib/dpkg/status").read_bytes() == before
    subprocess.run([*dpkg, "--configure", "-a"], check=True, capture_output=True)
    assert "failed" not in machine.transact("tool")
    assert machine.packages == {"dpkg": "installed", "base": "installed", "tool": "installed"}
