"""The distribution's own unattended-upgrades, unpacked only: installed it would go to work here."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

INSTALLED = Path("/usr/bin/unattended-upgrade")
CACHE = Path(__file__).parents[3] / ".cache/unattended-upgrades"


def script() -> Path:
    """Return the script: the one that a variable names, the installed one, or one fetched with apt."""
    named = os.environ.get("RDNA1_UNATTENDED_UPGRADE")
    if named:
        return Path(named)
    return INSTALLED if INSTALLED.exists() else unpacked()


def unpacked() -> Path:
    """Fetch the package from this machine's own archive, once; several workers may do so at the same time."""
    if not CACHE.exists():
        CACHE.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=CACHE.parent))
        fresh.chmod(0o755)
        subprocess.run(["apt-get", "-q", "download", "unattended-upgrades"], cwd=fresh, check=True)
        (package,) = fresh.glob("*.deb")
        subprocess.run(["dpkg-deb", "--extract", package, fresh], check=True)
        try:
            fresh.rename(CACHE)
        except OSError:  # another worker was faster
            shutil.rmtree(fresh)
    return CACHE / "usr/bin/unattended-upgrade"
