"""Reading cards from sysfs trees that the tests write."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from ansible_collections.rdna1.provision.plugins.module_utils import card_sysfs
from hypothesis import given
from hypothesis import strategies as st

TARGETS = ["gfx1010", "gfx1011", "gfx1012"]
BOARDS = {"731f": "RX 5600 XT"}


def write_tree(sysfs: Path, nodes: list[dict[str, int]], pci: Sequence[tuple[str, str, str]] = ()) -> Path:
    for number, properties in enumerate(nodes):
        folder = sysfs / f"class/kfd/kfd/topology/nodes/{number}"
        folder.mkdir(parents=True)
        (folder / "properties").write_text("".join(f"{key} {value}\n" for key, value in properties.items()))
    for number, (vendor, device, pci_class) in enumerate(pci):
        folder = sysfs / f"bus/pci/devices/0000:0{number}:00.0"
        folder.mkdir(parents=True)
        for name, value in (("vendor", vendor), ("device", device), ("class", pci_class)):
            (folder / name).write_text(value + "\n")
    return sysfs


CPU = {"cpu_cores_count": 12, "gfx_target_version": 0}
RX5600XT = {
    "gfx_target_version": 100100,
    "vendor_id": 4098,
    "device_id": 0x731F,
    "simd_count": 72,
    "drm_render_minor": 128,
}
ON_BUS = ("0x1002", "0x731f", "0x030000")


@pytest.mark.parametrize(
    ("version", "name"),
    [(100100, "gfx1010"), (100101, "gfx1011"), (100102, "gfx1012"), (100300, "gfx1030"), (90010, "gfx90a")],
)
def test_target_versions_have_the_names_that_llvm_gives_them(version: int, name: str) -> None:
    assert card_sysfs.gfx_name(version) == name


def test_a_served_card_is_found_behind_the_cpu_node(tmp_path: Path) -> None:
    sysfs = write_tree(tmp_path, [CPU, RX5600XT], [ON_BUS])
    found = card_sysfs.judge(card_sysfs.kfd_cards(sysfs), card_sysfs.pci_cards(sysfs), TARGETS, BOARDS)
    assert found["cards"] == [
        {
            "node": 1, "gfx": "gfx1010", "device_id": "731f", "compute_units": 36,
            "render_node": "renderD128", "board": "RX 5600 XT",
        }
    ]  # fmt: skip
    assert found["others"] == found["unserved"] == []


def test_a_card_that_the_driver_refused_is_told_apart_from_none(tmp_path: Path) -> None:
    sysfs = write_tree(tmp_path, [CPU], [ON_BUS])
    found = card_sysfs.judge(card_sysfs.kfd_cards(sysfs), card_sysfs.pci_cards(sysfs), TARGETS, BOARDS)
    assert found["cards"] == []
    assert found["unserved"] == [{"address": "0000:00:00.0", "device_id": "731f", "board": "RX 5600 XT"}]


def test_another_generation_is_named_and_not_wanted(tmp_path: Path) -> None:
    sysfs = write_tree(tmp_path, [CPU, {**RX5600XT, "gfx_target_version": 100300, "device_id": 0x73BF}])
    found = card_sysfs.judge(card_sysfs.kfd_cards(sysfs), [], TARGETS, BOARDS)
    assert found["cards"] == []
    assert [(card["gfx"], card["board"]) for card in found["others"]] == [("gfx1030", "unknown board")]


def test_the_usb_controller_of_a_navi_board_is_no_card(tmp_path: Path) -> None:
    sysfs = write_tree(tmp_path, [], [("0x1002", "0x7314", "0x0c0330"), ("0x10de", "0x731f", "0x030000")])
    assert card_sysfs.pci_cards(sysfs) == []


def test_a_host_without_sysfs_has_no_cards(tmp_path: Path) -> None:
    assert card_sysfs.kfd_cards(tmp_path / "none") == card_sysfs.pci_cards(tmp_path / "none") == []


@given(st.text())
def test_no_text_breaks_the_properties_parser(text: str) -> None:
    assert all(isinstance(value, int) for value in card_sysfs.parse_properties(text).values())


@given(st.dictionaries(st.from_regex(r"[a-z_]+", fullmatch=True), st.integers(min_value=0, max_value=2**64)))
def test_properties_survive_writing_and_reading(properties: dict[str, int]) -> None:
    text = "".join(f"{key} {value}\n" for key, value in properties.items())
    assert card_sysfs.parse_properties(text) == properties
