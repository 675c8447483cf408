"""A host below one directory on which apt and dpkg really install, from a mirror, over HTTP."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from ansible_collections.rdna1.provision.plugins.module_utils import dpkg_status
from ansible_collections.rdna1.provision.plugins.modules import apt_transaction

from aptworld import modules
from aptworld.keys import Key
from aptworld.mirror import Mirror

FOLDERS = (
    "etc/apt/apt.conf.d",
    "etc/apt/preferences.d",
    "etc/apt/sources.list.d",
    "etc/apt/trusted.gpg.d",
    "tmp",
    "var/cache/apt/archives/partial",
    "var/lib/apt/lists/partial",
    "var/lib/dpkg/info",
    "var/lib/dpkg/updates",
    "var/log/apt",
)
# A stall is noticed after one second, and nothing is tried again: tests wait for no longer than they must.
CONFIGURATION = """\
Dir "{root}";
Dir::State::status "{root}/var/lib/dpkg/status";
APT::Architecture "amd64";
APT::Architectures {{ "amd64"; }};
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "0";
Acquire::http::Timeout "1";
Acquire::http::Proxy "false";
DPkg::Options {{ "--root={root}"; "--force-not-root"; "--force-bad-path"; "--log=/dev/null"; }};
"""
DPKG = """\
Package: dpkg
Status: install ok installed
Version: 1
Architecture: amd64
Maintainer: A test <a@world.example>
Description: what tells the architecture
"""


class Machine:
    """The host. Its own source is the mirror's, in stack.list."""

    def __init__(self, root: Path, mirror: Mirror, key: Key) -> None:
        self.root = root
        for folder in FOLDERS:
            (root / folder).mkdir(parents=True)
        (root / "apt.conf").write_text(CONFIGURATION.format(root=root))
        (root / "var/lib/dpkg/status").write_text(DPKG)
        for name in ("list", "md5sums"):
            (root / f"var/lib/dpkg/info/dpkg.{name}").touch()
        key.export(root / "etc/apt/keyrings/stack.gpg")
        self.source = root / "etc/apt/sources.list.d/stack.list"
        self.source.write_text(f"deb [signed-by={root}/etc/apt/keyrings/stack.gpg] {mirror.source}\n")

    def transact(self, *install: str, check: bool = False, **more: Any) -> dict[str, Any]:
        """Run the module apt_transaction and return its answer, failed or not."""
        arguments = {"install": list(install), "sources": [str(self.source)], "lock_timeout": 2, **more}
        return modules.run(apt_transaction, self.root, self.environment, arguments, check=check)

    @property
    def environment(self) -> dict[str, str]:
        """What apt is run with: nothing of this machine's configuration."""
        return {
            "APT_CONFIG": str(self.root / "apt.conf"),
            "LC_ALL": "C.UTF-8",
            "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin",
        }

    @property
    def packages(self) -> dict[str, str]:
        """The packages and their states, as dpkg has them."""
        return {package.name: package.state for package in dpkg_status.read(self.root / "var/lib/dpkg")}

    def is_whole(self) -> bool:
        """Whether dpkg has nothing to finish, by its own word and by its status."""
        audit = subprocess.run(
            ["dpkg", f"--root={self.root}", "--audit"], capture_output=True, text=True, check=True
        )
        admin = self.root / "var/lib/dpkg"
        return not audit.stdout and not dpkg_status.interrupted(dpkg_status.read(admin), admin)
