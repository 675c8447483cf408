"""Asks the real unattended-upgrades what it would take. Run by the system's Python, which has python3-apt.

    real_unattended.py SCRIPT ROOT DISTRIBUTION CODENAME

It loads the script as a module and calls the functions that choose, on the apt world below ROOT. The second
answer is the one after the cache was rewound, as the script does when a package fails its checks: only then
have its own pins reached every candidate.
"""

from __future__ import annotations

import json
import subprocess
import sys
import types
from importlib.machinery import SourceFileLoader
from pathlib import Path


def main(script: str, root: str, distribution: str, codename: str) -> None:
    """Print the choices as JSON."""
    answers = {"-i": distribution, "-c": codename, "-d": distribution}
    subprocess.check_output = lambda command, **_: answers.get(command[1], "")  # type: ignore[assignment]
    # Only the development release's date is asked of it, which is no matter here.
    sys.modules.setdefault("distro_info", types.ModuleType("distro_info"))
    module = types.ModuleType("unattended_upgrade")
    sys.modules[module.__name__] = module
    SourceFileLoader(module.__name__, script).exec_module(module)

    options = module.Options()
    options.dry_run = True
    (Path(root) / "var/log/unattended-upgrades").mkdir(parents=True, exist_ok=True)
    module._setup_alternative_rootdir(root)
    cache = module.UnattendedUpgradesCache(rootdir=root)
    first = sorted(package.name for package in module.calculate_upgradable_pkgs(cache, options))
    cache.clear()
    rewound = sorted(package.name for package in module.calculate_upgradable_pkgs(cache, options))
    json.dump({"first": first, "rewound": rewound}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
