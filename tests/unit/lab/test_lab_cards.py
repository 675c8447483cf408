"""The simulated card is what the roles would find on a real host, and says that it is not one."""

import importlib.util
import io
import json
import tarfile
from pathlib import Path
from types import ModuleType

import pytest
from rdna1.lab import cards, seed
from rdna1.lab.ssh import KeyPair

KEYS = sorted(cards.catalogue())
USER = seed.User("operator", 1000, 37, "operator")


def tree(key: str | None, folder: Path) -> Path:
    """Unpack a host's seed, as podman would."""
    card = cards.catalogue()[key] if key else None
    packed = seed.for_host(KeyPair("private", "public"), "mine", USER, "mirror.lab", card, extra_ca=False)
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        tar.extractall(folder, filter="tar")
    return folder


@pytest.fixture(scope="module")
def card_sysfs() -> ModuleType:
    """The reader that the roles use on real hosts."""
    file = Path(__file__).parents[3] / "plugins/module_utils/card_sysfs.py"
    spec = importlib.util.spec_from_file_location("card_sysfs_of_the_roles", file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("key", KEYS)
def test_the_roles_reader_finds_the_card(key: str, tmp_path: Path, card_sysfs: ModuleType) -> None:
    card = cards.catalogue()[key]
    sysfs = tree(key, tmp_path) / "srv/simulated-card/sys"
    (found,) = card_sysfs.kfd_cards(sysfs)
    assert (found["gfx"], found["device_id"]) == (card.gfx, card.device_id)
    assert found["compute_units"] == card.compute_units
    assert (
        sysfs / "class/drm" / found["render_node"] / "device/device"
    ).read_text() == f"0x{card.device_id}\n"
    assert card_sysfs.pci_cards(sysfs) == [{"address": "0000:03:00.0", "device_id": card.device_id}]


@pytest.mark.parametrize("key", KEYS)
def test_no_link_leads_out_of_the_tree(key: str, tmp_path: Path) -> None:
    root = tree(key, tmp_path) / "srv/simulated-card"
    links = [path for path in root.rglob("*") if path.is_symlink()]
    assert len(links) == len(cards.links())
    for link in links:
        assert link.resolve(strict=True).is_relative_to(root.resolve()), link


@pytest.mark.parametrize("key", KEYS)
def test_it_says_what_it_is(key: str, tmp_path: Path) -> None:
    root = tree(key, tmp_path) / "srv/simulated-card"
    assert "not a card" in (root / "SIMULATED").read_text()
    said = json.loads((root / "card.json").read_text())
    assert said["simulated"] is True
    assert said["name"].startswith("AMD Radeon RX 5")
    assert said["vram_bytes"] == int(
        (root / "sys/bus/pci/devices/0000:03:00.0/mem_info_vram_total").read_text()
    )


def test_what_the_facts_say_of_the_5600_xt() -> None:
    card = cards.catalogue()["rx5600xt"]
    assert (card.gfx_target_version, card.device_id, card.compute_units) == (100100, "731f", 36)
    assert card.vram_bytes == 6 * 1024**3
    properties = cards.files(card)["sys/class/kfd/kfd/topology/nodes/1/properties"]
    assert "device_id 29471\n" in properties
    assert "vendor_id 4098\n" in properties


@pytest.mark.parametrize("key", KEYS)
def test_two_simds_make_a_compute_unit(key: str) -> None:
    card = cards.catalogue()[key]
    assert card.simd_count == 2 * card.compute_units


def test_the_cpu_reference_has_no_card(tmp_path: Path) -> None:
    assert not (tree(None, tmp_path) / "srv").exists()


def test_a_host_gets_its_keys_with_narrow_rights() -> None:
    packed = seed.for_host(KeyPair("private", "public"), "mine", USER, "mirror.lab", None, extra_ca=True)
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        rights = {entry.name: (entry.mode, entry.uid, entry.gid) for entry in tar}
        pip = tar.extractfile("etc/pip.conf")
        assert pip
        settings = pip.read().decode()
    assert rights["etc/ssh/ssh_host_ed25519_key"] == (0o600, 0, 0)
    assert rights["home/operator/.ssh"] == (0o700, 1000, 37)
    assert rights["home/operator/.ssh/authorized_keys"] == (0o600, 1000, 37)
    # What the image has already must not be in it: its rights would be replaced.
    assert not {"etc", "etc/ssh", "home", "home/operator"} & rights.keys()
    assert "trusted-host = mirror.lab\n" in settings
    assert "cert = " in settings


def test_sysfs_is_read_only_for_everybody(tmp_path: Path) -> None:
    root = tree("rx5500xt", tmp_path) / "srv/simulated-card"
    assert {path.stat().st_mode & 0o222 for path in (root / "sys").rglob("*") if path.is_file()} == {0}
    assert (root / "dev/kfd").stat().st_mode & 0o200
