"""Bulk is the same every time, as large as asked, and as compressible; its shares add up."""

import hashlib
import zlib

import pytest
from rdna1.lab.mirror import bulk
from rdna1.lab.mirror.bulk import BLOCK, Bulk, Part

MIB = 1 << 20


def content(part: Part) -> bytes:
    return b"".join(part.blocks())


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, 3 * BLOCK + 5])
def test_a_part_has_the_size_that_it_says(size: int) -> None:
    assert len(content(Part("x-1.bin", size, BLOCK // 6))) == size


def test_content_is_the_same_every_time_and_on_every_machine() -> None:
    made = content(Part("lib/standin-bulk/rocblas-1.bin", 2 * BLOCK + 7, 100))
    assert made == content(Part("lib/standin-bulk/rocblas-1.bin", 2 * BLOCK + 7, 100))
    assert hashlib.sha256(made).hexdigest() == (
        "7f3a8ef7dd7aeccf5471177aa0fa64c30e009c978fe714e84275c148ce029167"
    )


def test_two_names_have_nothing_in_common() -> None:
    assert content(Part("a", 100, 100)) != content(Part("b", 100, 100))


@pytest.mark.parametrize(
    ("installed", "download"), [(12 * MIB, 2 * MIB), (77 * MIB, 13 * MIB), (9 * MIB, 3 * MIB)]
)
def test_deflate_makes_about_the_download_of_what_is_installed(installed: int, download: int) -> None:
    squeezed = zlib.compressobj(1)
    made = 0
    for part in Bulk(installed, download).parts("x"):
        made += sum(len(squeezed.compress(block)) for block in part.blocks())
    made += len(squeezed.flush())
    assert made == pytest.approx(download, rel=0.05)


def test_parts_are_at_most_so_large_and_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "LARGEST", 500)
    parts = Bulk(1234, 200).parts("lib/x")
    assert [(part.name, part.size) for part in parts] == [
        ("lib/x-1.bin", 500),
        ("lib/x-2.bin", 500),
        ("lib/x-3.bin", 234),
    ]


@pytest.mark.parametrize("total", [Bulk(12_000_000_000, 2_000_000_000), Bulk(1001, 167), Bulk(2, 1)])
def test_shares_add_up_to_the_whole(total: Bulk) -> None:
    shares = total.shared({"a": 24, "b": 7, "c": 1, "d": 3})
    assert list(shares) == ["a", "b", "c", "d"]
    assert sum(share.installed for share in shares.values()) == total.installed
    assert sum(share.download for share in shares.values()) == total.download


def test_a_share_goes_by_weight() -> None:
    assert Bulk(100, 20).shared({"a": 3, "b": 1}) == {"a": Bulk(75, 15), "b": Bulk(25, 5)}
