"""Lays a release out as AMD's apt repository is laid out, indexed and signed."""

import gzip
import tempfile
from collections.abc import Iterable
from email.utils import formatdate
from pathlib import Path

from rdna1.lab.mirror import deb, index
from rdna1.lab.mirror.commands import run
from rdna1.lab.mirror.fullsize import FullSize
from rdna1.lab.mirror.release import Release
from rdna1.lab.mirror.signing import Key


def build(release: Release, root: Path, key: Key, full_size: FullSize | None = None) -> None:
    """Write the repository below root, which does not exist yet; what full_size has is from there."""
    with tempfile.TemporaryDirectory(prefix="rdna1-debs-") as scratch:
        for suite in release.suites:
            for package in release.binaries(suite):
                name = package.name
                target = root / "pool" / release.component / name[0] / name / deb.filename(package)
                large = full_size.deb(package, release) if full_size else None
                if large:
                    target.parent.mkdir(parents=True)
                    index.link(large, target)
                else:
                    deb.build(package, release, target, Path(scratch, suite))
    listing = run(["apt-ftparchive", "packages", "pool"], cwd=root, cure=deb.CURE)
    stanzas = [f"{stanza}\n" for stanza in listing.split("\n\n") if stanza.strip()]
    for suite, suffix in release.suites.items():
        dist = root / "dists" / suite
        packages = dist / release.component / "binary-amd64" / "Packages"
        packages.parent.mkdir(parents=True)
        text = "\n".join(of_suite(stanzas, f"{release.build}{suffix}"))
        packages.write_text(text)
        packages.with_suffix(".gz").write_bytes(gzip.compress(text.encode(), mtime=0))
        sign(dist, release, suite, key)


def of_suite(stanzas: Iterable[str], ending: str) -> list[str]:
    """Return the stanzas of one suite: the releases' suites share a pool, their versions end differently."""
    return [
        stanza
        for stanza in stanzas
        if any(line.startswith("Version: ") and line.endswith(ending) for line in stanza.splitlines())
    ]


def sign(dist: Path, release: Release, suite: str, key: Key) -> None:
    """Write Release, InRelease and Release.gpg."""
    fields = {
        "Origin": release.origin,
        "Label": release.origin,
        "Suite": suite,
        "Codename": suite,
        "Components": release.component,
        "Architectures": "amd64",
        "Description": f"Stand-in of the rdna1 lab for AMD's repository of ROCm {release.version}",
    }
    options = [f"-oAPT::FTPArchive::Release::{name}={value}" for name, value in fields.items()]
    text = run(["apt-ftparchive", *options, "release", "."], cwd=dist, cure=deb.CURE)
    # apt-ftparchive writes the time of the run; everything else here is the same on every build.
    date = formatdate(int(deb.EPOCH), usegmt=True)
    lines = [f"Date: {date}" if line.startswith("Date: ") else line for line in text.splitlines()]
    plain = dist / "Release"
    plain.write_text("\n".join(lines) + "\n")
    key.clear_sign(plain, dist / "InRelease")
    key.detach_sign(plain, dist / "Release.gpg")
