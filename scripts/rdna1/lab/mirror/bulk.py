"""Content that takes as much room as a real package's: made while it is written, never in memory as a whole.

It is quicker to unpack than machine code, of which deflate makes short matches where this is noise and zeros.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate, pairwise

BLOCK = 1 << 20
# Bytes in one file: AMD's largest libraries have several hundred million.
LARGEST = 500_000_000


@dataclass(frozen=True)
class Part:
    """A file of an archive: its name there, its size in bytes, how many of each block's do not compress."""

    name: str
    size: int
    dense: int

    def blocks(self) -> Iterator[bytes]:
        """Yield the content, the same every time; two names have nothing in common."""
        # A block is longer than deflate can look back, so that it comes again makes no difference.
        block = hashlib.shake_256(self.name.encode()).digest(self.dense).ljust(BLOCK, b"\0")
        for done in range(0, self.size, BLOCK):
            yield block[: self.size - done]


@dataclass(frozen=True)
class Bulk:
    """The room that something takes, in bytes: installed, and as the archive that is downloaded."""

    installed: int
    download: int

    def shared(self, weights: Mapping[str, int]) -> dict[str, "Bulk"]:
        """Share it out by weight; the shares add up to all of it."""
        marks = [0, *accumulate(weights.values())]

        def share(total: int) -> Iterator[int]:
            return (total * end // marks[-1] - total * start // marks[-1] for start, end in pairwise(marks))

        shares = zip(weights, share(self.installed), share(self.download), strict=True)
        return {name: Bulk(installed, download) for name, installed, download in shares}

    def parts(self, stem: str) -> tuple[Part, ...]:
        """Return the files, `stem-1.bin` and so on: deflate makes about `download` bytes of them."""
        dense = BLOCK * self.download // self.installed
        sizes = (min(LARGEST, self.installed - done) for done in range(0, self.installed, LARGEST))
        return tuple(Part(f"{stem}-{number}.bin", size, dense) for number, size in enumerate(sizes, 1))
