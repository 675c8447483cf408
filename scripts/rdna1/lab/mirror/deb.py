"""Builds a stand-in .deb: AMD's name, version and dependencies, a few small files that say what they are."""

import stat
from collections.abc import Sequence
from pathlib import Path

from rdna1.lab.mirror.bulk import Part
from rdna1.lab.mirror.commands import run
from rdna1.lab.mirror.release import Package, Release

# When ROCm 5.2.0 came out (2022-06-28). Fixed, so that building again gives the same bytes.
EPOCH = "1656374400"
STANDINS = Path(__file__).parent.parent / "standin" / "rocm"
MAINTAINER = "The rdna1 lab (stand-in) <lab@mirror.lab>"
CURE = "install the packages that `scripts/setup` installs, then run the command again"


def filename(package: Package) -> str:
    """Return the name of the file in the pool."""
    return f"{package.name}_{package.version}_amd64.deb"


def control(package: Package, release: Release, installed_size: int) -> str:
    """Return the control file."""
    fields = {
        "Package": package.name,
        "Version": package.version,
        "Architecture": "amd64",
        "Maintainer": MAINTAINER,
        "Installed-Size": str(installed_size),
        "Depends": ", ".join(package.depends),
        "Recommends": ", ".join(package.recommends),
        "Conflicts": ", ".join(package.conflicts),
        "Provides": ", ".join(package.provides),
        "Section": "devel",
        "Priority": "optional",
        "Description": (
            f"stand-in of the rdna1 lab for AMD's {package.name}\n"
            f" It has the name, version and dependencies of AMD's package of ROCm {release.version} and\n"
            " nothing else of it: no code of AMD's is inside. It is for the lab only."
        ),
    }
    return "".join(f"{key}: {value}\n" for key, value in fields.items() if value)


def scripts(package: Package, release: Release) -> dict[str, str]:
    """Return the maintainer scripts: as AMD's rocm-core has it, /opt/rocm is an alternative."""
    if not package.alternative:
        return {}
    link = Path(release.prefix).parent / "rocm"
    priority = release.build.partition("-")[0]
    install = f"update-alternatives --install {link} rocm {release.prefix} {priority}"
    return {
        "postinst": f'#!/bin/sh\nset -e\n[ "$1" != configure ] || {install}\n',
        # On an upgrade as well: the new version may be of another release, with another folder.
        "prerm": f"#!/bin/sh\nset -e\nupdate-alternatives --remove rocm {release.prefix}\n",
    }


def contents(package: Package, release: Release) -> dict[str, str]:
    """Return the files below the release's prefix; those under bin/ are programs."""
    info = f"{release.version}-{release.build.partition('-')[2]}\n"
    files = {
        f"share/doc/{package.name}/STANDIN": (
            f"This is a stand-in of the rdna1 lab for AMD's package {package.name} {package.version}.\n"
            "Provisioning can be tried with it without AMD's servers. No code of AMD's is inside.\n"
        )
    }
    for name in package.files:
        if name.startswith("info-"):
            files[f".info/{name.removeprefix('info-')}"] = info
        else:
            program = (STANDINS / f"{name.replace('-', '_')}.py").read_text()
            files[f"bin/{name}"] = program
    return files


def build(package: Package, release: Release, target: Path, scratch: Path, bulk: Sequence[Part] = ()) -> None:
    """Write the package to target; scratch is an empty folder that may be used up.

    With bulk, it has these files too, below the release's prefix.
    """
    root = scratch / package.name
    prefix = root / release.prefix.lstrip("/")
    total = 0
    for name, text in contents(package, release).items():
        file = prefix / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o755 if name.startswith("bin/") else 0o644)
        total += len(text)
    for part in bulk:
        file = prefix / part.name
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as stream:
            stream.writelines(part.blocks())
        file.chmod(0o644)
        total += part.size
    meta = root / "DEBIAN"
    meta.mkdir(parents=True)
    (meta / "control").write_text(control(package, release, installed_size=max(1, total // 1024)))
    for name, text in scripts(package, release).items():
        (meta / name).write_text(text)
        (meta / name).chmod(0o755)
    for folder in [root, *(path for path in root.rglob("*") if path.is_dir())]:
        folder.chmod(stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH)
    target.parent.mkdir(parents=True, exist_ok=True)
    # gzip as AMD uses: xz would only make the build slower.
    fast = ["-z1"] if bulk else []
    run(
        ["dpkg-deb", "--root-owner-group", "-Zgzip", *fast, "--build", root, target],
        cure=CURE,
        # dpkg-deb keeps the compressed content there until it is whole.
        env={"SOURCE_DATE_EPOCH": EPOCH, "TMPDIR": str(scratch)},
    )
