"""The worlds' data says how it is known, and invents nothing where others already know."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from aptworld.archives import Archive
from rdna1.lab.mirror.release import Release

HERE = Path(__file__).parent
MARK = re.compile(r"# .*\[[CRI]\]")


@pytest.mark.parametrize("path", sorted(HERE.glob("archives/*.yml")), ids=lambda path: path.stem)
def test_every_stanza_says_how_it_is_known(path: Path) -> None:
    stanzas = [line for line in path.read_text().splitlines() if re.match(r" {6}\S+:(\s|$)", line)]
    assert stanzas
    assert [line.strip() for line in stanzas if not MARK.search(line)] == []


@pytest.mark.parametrize("path", sorted(HERE.glob("worlds/*.yml")), ids=lambda path: path.stem)
def test_every_file_of_a_host_says_how_it_is_known(path: Path) -> None:
    lines = path.read_text().splitlines()
    files = [number for number, line in enumerate(lines) if re.match(r"  /\S+: \|", line)]
    assert [lines[number].strip() for number in files if not MARK.search(lines[number - 1])] == []


def test_the_distributions_archives_hold_no_package_of_amds(
    all_archives: dict[str, Archive], releases: dict[str, Release]
) -> None:
    """One that both have, as rocminfo, must be the distribution's own: its version is another."""
    for name, archive in all_archives.items():
        if not name.startswith("rocm-"):
            assert [
                stanza.name for stanza in archive.packages() if releases["5.2.0"].build in stanza.version
            ] == []
