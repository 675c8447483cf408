"""Do to apt's sources what do-release-upgrade does: third_party.py OLD NEW.

The distribution's own go over to the new release. Those of others are switched off, without Signed-By and
Architectures, and a copy of each stays beside it as NAME.distUpgrade.
"""

import re
import shutil
import sys
from pathlib import Path

FOLDER = Path("/etc/apt/sources.list.d")
OWN = FOLDER / "debian.sources"
LOST = re.compile(r"(?m)^(Signed-By|Architectures): .*\n")


def main() -> None:
    """Rewrite all files."""
    old, new = sys.argv[1:]
    OWN.write_text(re.sub(rf"\b{old}\b", new, OWN.read_text()))
    for path in sorted(FOLDER.glob("*.sources")):
        if path != OWN:
            shutil.copy2(path, f"{path}.distUpgrade")
            path.write_text(re.sub(r"(?m)^Types:", "Enabled: no\nTypes:", LOST.sub("", path.read_text())))


main()
