#!/usr/bin/python
# SPDX-License-Identifier: MIT
"""Ansible module: a standalone Python that no release upgrade of the host can take away."""

from __future__ import annotations

DOCUMENTATION = """
module: venv_python
short_description: Install a python-build-standalone release, checked by its sha256
description:
  - Downloads an archive that unpacks to a folder C(python), checks its sha256, unpacks it aside, starts
    what it holds, and renames it to C(ROOT/python/RELEASE). Until then nothing is there; afterwards nothing
    is done again unless the interpreter no longer runs, or a file of it is not as it was unpacked.
  - In check mode the archive's address is asked whether it answers.
options:
  root:
    description: Where everything lives.
    type: path
    default: /opt/rdna1
  release:
    description: The full version in the archive, for example C(3.10.21).
    type: str
    required: true
  url:
    description: Where the archive is.
    type: str
    required: true
  sha256:
    description: The archive's sha256.
    type: str
    required: true
  environment:
    description: Environment variables for the download, for example a proxy.
    type: dict
    default: {}
  deep:
    description: Compare every file with its hash, and not only those that were touched.
    type: bool
    default: false
author: The rdna1.provision authors
attributes:
  check_mode:
    support: full
"""

EXAMPLES = """
- name: Have Python 3.10
  rdna1.provision.venv_python:
    release: 3.10.21
    url: https://mirror.example.org/cpython-3.10.21-x86_64-unknown-linux-gnu-install_only.tar.gz
    sha256: 807bb6746dd8b7a347fe833ee1cc2543457e5c2c98059dc454600468ee7cae7b
"""

RETURN = """
interpreter:
  description: The interpreter's path.
  type: str
  returned: always
  sample: /opt/rdna1/python/3.10.21/bin/python3.10
"""

import hashlib
import os
import shutil
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import fetch_url
from ansible_collections.rdna1.provision.plugins.module_utils import (
    sealed_tree,
    venv_archive,
    venv_run,
    venv_state,
    venv_store,
)

LIMIT = 512 << 20  # an archive is 30 to 120 MB; a server that sends for ever is cut off here


class PythonError(Exception):
    """One sentence that says what failed and what cures it."""


def download(module: AnsibleModule, target: Path) -> None:
    """Fetch the archive and check it."""
    url, wanted = module.params["url"], module.params["sha256"].lower()
    response, info = fetch_url(module, url, timeout=60)
    if response is None or info["status"] not in (200, None):  # file:// has no status
        raise PythonError(
            f"{url} cannot be read ({info['msg']}); mend the way to it, or give a mirror's address"
        )
    digest, size = hashlib.sha256(), 0
    with target.open("wb") as file:
        for block in iter(lambda: response.read(1 << 20), b""):
            size += len(block)
            if size > LIMIT:
                raise PythonError(f"{url} sends more than {LIMIT >> 20} MiB; that is no Python archive")
            digest.update(block)
            file.write(block)
    if digest.hexdigest() != wanted:
        raise PythonError(
            f"{url} has sha256 {digest.hexdigest()}, {wanted} is wanted: it was changed or cut short "
            "on its way; fetch it anew from its origin, or correct the pair of address and hash"
        )


def reachable(module: AnsibleModule) -> None:
    """Ask the server for the archive's head: cheap, and early enough to stop before anything is changed."""
    url = module.params["url"]
    _, info = fetch_url(module, url, method="HEAD", timeout=30)
    # Some stores refuse HEAD for what they would send; only "not there" and "no answer" count.
    if info["status"] in (-1, 404, 410):
        raise PythonError(
            f"{url} cannot be read ({info['msg']}); mend the way to it, or give a mirror's address"
        )


def install(module: AnsibleModule, layout: venv_state.Layout, interpreter: Path) -> None:
    """Download, unpack aside, prove, rename."""
    release = module.params["release"]
    with venv_store.locked(layout.root), venv_store.scratch(layout) as tmp:
        download(module, tmp / "archive")
        unpacked = venv_archive.unpack(tmp / "archive", tmp / "unpacked")
        inside = unpacked / interpreter.relative_to(layout.pythons / release)
        refused = venv_run.judge(module.params["url"], venv_run.probe(inside), release)
        if refused:
            raise PythonError(f"{refused}; correct the address, the hash or the release")
        layout.pythons.mkdir(mode=0o755, exist_ok=True)
        target = layout.pythons / release
        if target.exists() or target.is_symlink():
            target.rename(tmp / "broken")
        sealed_tree.write(unpacked)
        unpacked.rename(target)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "root": {"type": "path", "default": "/opt/rdna1"},
            "release": {"type": "str", "required": True},
            "url": {"type": "str", "required": True},
            "sha256": {"type": "str", "required": True},
            "environment": {"type": "dict", "default": {}},
            "deep": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    os.umask(0o022)
    os.environ.update({name: str(value) for name, value in module.params["environment"].items()})
    release = module.params["release"]
    if not venv_state.RELEASE.match(release):
        module.fail_json(msg=f"The release {release!r} is not like 3.10.21; correct it, nothing was changed.")
    layout = venv_state.Layout(Path(module.params["root"]), "")
    interpreter = layout.pythons / release / f"bin/python{release.rpartition('.')[0]}"
    home = layout.pythons / release
    files = sealed_tree.look(home, module.params["deep"], limit=None)
    broken = venv_run.judge(interpreter, venv_run.probe(interpreter), release) or files["damaged"]
    try:
        if broken and module.check_mode:
            reachable(module)
        elif broken:
            install(module, layout, interpreter)
        elif files["touched"] and not module.check_mode:  # all of it was read, and is right
            sealed_tree.renew(home)
    except (PythonError, venv_archive.ArchiveError, venv_store.StoreError, OSError, shutil.Error) as error:
        module.fail_json(msg=f"Python {release} was not installed: {error}.")
    module.exit_json(changed=bool(broken or files["touched"]), interpreter=str(interpreter))


if __name__ == "__main__":
    main()
