#!/usr/bin/python
# SPDX-License-Identifier: MIT
"""Ansible module: build stand-in packages for those that a release no longer has."""

from __future__ import annotations

DOCUMENTATION = """
module: dpkg_standin
short_description: Build stand-ins for packages that a release no longer has
description:
  - Builds, with dpkg-deb and nothing else, a package for each name that is neither installed as this
    stand-in already nor as a real package. It does not install them. See
    M(rdna1.provision.apt_transaction).
  - The version is as low as can be, so that a real package of that name wins, and ends in a hash of the
    content, so that the same stand-in is built once and another content replaces it.
  - A link that a stand-in has brought is restored when it is missing.
options:
  standins:
    description:
      - The stand-ins, by the name that each satisfies. Each is a dictionary of
      - C(description), why it is there, for those who find it in their package list;
      - C(depends), the real packages behind it;
      - C(replaces), packages that cannot be installed beside it, and whose place it takes;
      - C(links), symbolic links that it brings, as a dictionary of path and destination;
      - C(above), what the version begins with where C(0~) is too low for the release's own packages.
    type: dict
    required: true
  directory:
    description: Where the packages are built.
    type: path
    default: /var/lib/rdna1/standins
author: The rdna1.provision authors
attributes:
  check_mode:
    support: full
"""

EXAMPLES = """
- name: Build a stand-in
  rdna1.provision.dpkg_standin:
    standins:
      libgcc-7-dev:
        description: ROCm 5.2 asks for it by name.
        depends: [libgcc-13-dev]
  register: built
"""

RETURN = """
install:
  description: What to install, for M(rdna1.provision.apt_transaction). Files, or in check mode names with
    their versions.
  type: list
  elements: str
  returned: always
  sample: [/var/lib/rdna1/standins/libgcc-7-dev_0~rdna1+5c9f1e2a_all.deb]
specs:
  description: The same as names with their versions.
  type: list
  elements: str
  returned: always
packages:
  description: The control data of these.
  type: list
  elements: str
  returned: always
real:
  description: Names of which a real package is installed.
  type: list
  elements: str
  returned: always
"""

import os
import tempfile
from pathlib import Path
from typing import List

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rdna1.provision.plugins.module_utils import dpkg_standin, dpkg_status
from ansible_collections.rdna1.provision.plugins.module_utils.dpkg_standin import StandIn


def build(module: AnsibleModule, standin: StandIn, folder: Path) -> Path:
    """Build it beside and move it into place: a file of that name is whole."""
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    target = folder / standin.file_name
    if target.exists():
        return target
    for older in folder.glob("%s_*_all.deb" % standin.name):
        older.unlink()
    with tempfile.TemporaryDirectory(dir=module.tmpdir) as name:
        root = Path(name) / "root"
        (root / "DEBIAN").mkdir(parents=True)
        (root / "DEBIAN/control").write_text(standin.control, encoding="utf-8")
        for path, destination in standin.links.items():
            link = root / path.lstrip("/")
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(destination)
        for directory, _, _ in os.walk(root):
            Path(directory).chmod(0o755)
        partial = folder / (standin.file_name + ".partial")
        module.run_command(
            ["dpkg-deb", "--root-owner-group", "--build", str(root), str(partial)],
            check_rc=True,
            environ_update={"LC_ALL": "C.UTF-8", "SOURCE_DATE_EPOCH": "0"},
        )
        partial.rename(target)
    return target


def restore_links(standin: StandIn, check_mode: bool) -> List[str]:
    """Links of an installed stand-in that somebody took away."""
    missing = [path for path in standin.links if not os.path.lexists(path)]
    for path in missing:
        if not check_mode:
            Path(path).symlink_to(standin.links[path])
    return missing


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "standins": {"type": "dict", "required": True},
            "directory": {"type": "path", "default": "/var/lib/rdna1/standins"},
        },
        supports_check_mode=True,
    )
    standins = [StandIn(name, **fields) for name, fields in module.params["standins"].items()]
    found = dpkg_status.native(dpkg_status.read())
    installed = {name: package.version for name, package in found.items()}
    wanted = [standin for standin in standins if standin.is_wanted(installed)]
    changed = bool(wanted)
    specs = ["%s=%s" % (standin.name, standin.version) for standin in wanted]
    install = specs
    if not module.check_mode:
        install = [str(build(module, standin, Path(module.params["directory"]))) for standin in wanted]
    for standin in standins:
        if installed.get(standin.name) == standin.version:
            changed = bool(restore_links(standin, module.check_mode)) or changed
    module.exit_json(
        changed=changed,
        install=install,
        specs=specs,
        packages=[standin.control for standin in wanted],
        real=[
            standin.name
            for standin in standins
            if standin.name in installed and not dpkg_standin.is_standin(installed[standin.name])
        ],
    )


if __name__ == "__main__":
    main()
