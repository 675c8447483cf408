#!/usr/bin/python
# SPDX-License-Identifier: MIT
"""Ansible module: take contradicting sources and pins out of apt's configuration."""

from __future__ import annotations

DOCUMENTATION = """
module: apt_retire
short_description: Take out apt sources and pins that contradict ours
description:
  - Takes single entries out of source files, and single pins out of preference files, written by hand, by
    an installer or by older instructions. A file of which nothing is left is removed. Every file is first
    copied to I(backup), with a manifest.
options:
  files:
    description: Files that go as a whole.
    type: list
    elements: path
    default: []
  source_uris:
    description: Globs over addresses; enabled entries with such an address go.
    type: list
    elements: str
    default: []
  source_suites:
    description: Globs over suites, to which this is limited.
    type: list
    elements: str
    default: ["*"]
  pins:
    description: General pins (C(Package) is C(*)) that go.
    type: list
    elements: dict
    default: []
    suboptions:
      fields:
        description: apt's letters of what the pin may name (C(n) codename, C(a) suite, C(o) origin), or
          C(origin) for a host.
        type: list
        elements: str
        required: true
      value:
        description: A glob over what it names.
        type: str
        required: true
      priority:
        description: From which priority on.
        type: int
        default: -32768
  keys:
    description:
      - Fingerprints. Files in C(trusted.gpg.d) that hold only such keys go; apt would trust them for every
        source.
    type: list
    elements: str
    default: []
  keep:
    description: Files that stay as they are.
    type: list
    elements: path
    default: []
  reason:
    description: Why, for the manifest.
    type: str
    required: true
  backup:
    description: Where the files are kept.
    type: path
    default: /var/lib/rdna1/backup
  etc:
    description: apt's configuration.
    type: path
    default: /etc/apt
author: The rdna1.provision authors
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
"""

EXAMPLES = """
- name: Take out AMD's repositories of other releases
  rdna1.provision.apt_retire:
    source_uris: ["*://repo.radeon.com/*"]
    keep: [/etc/apt/sources.list.d/rdna1-rocm.sources]
    reason: one ROCm release only
"""

RETURN = """
retired:
  description: What went, or in check mode would.
  type: list
  elements: dict
  returned: always
  sample: [{path: /etc/apt/sources.list.d/rocm.list, entries: ["https://repo.radeon.com/rocm/apt/5.7 jammy"]}]
files:
  description: Files that stay with less in them.
  type: list
  elements: dict
  returned: always
  sample: [{path: /etc/apt/sources.list, content: "deb http://archive.ubuntu.com/ubuntu noble main"}]
absent:
  description: Files that are gone.
  type: list
  elements: str
  returned: always
"""

from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rdna1.provision.plugins.module_utils import (
    apt_backup,
    apt_preferences,
    apt_sources,
    openpgp_key,
)

Retired = Tuple[Path, str, Optional[str], List[str]]  # path, text before, text after, the entries in words

KEY_SUFFIXES = (".gpg", ".asc")


def plan(parameters: Dict[str, Any]) -> Iterator[Retired]:
    """Each file that changes."""
    etc = Path(parameters["etc"])
    whole = [Path(path) for path in parameters["files"]]
    passed_over = {*whole, *map(Path, parameters["keep"])}
    for path in whole:
        if path.is_file():
            yield path, _read(path), None, ["the whole file"]

    def unwanted(entry: apt_sources.Entry) -> bool:
        return entry.covers(parameters["source_uris"], parameters["source_suites"])

    for path in apt_sources.source_files(etc):
        if path not in passed_over:
            before = _read(path)
            after, entries = apt_sources.retire(path, before, unwanted)
            if entries:
                yield path, before, after, ["%s %s" % (" ".join(e.uris), " ".join(e.suites)) for e in entries]

    wanted = [openpgp_key.normalise_fingerprint(text) for text in parameters["keys"]]
    for path in trusted_keys(etc, wanted):
        if path not in passed_over:
            yield path, "%s\n" % ", ".join(wanted), None, ["a key that is trusted for every source"]

    rules = [
        apt_preferences.Rule(tuple(rule["fields"]), rule["value"], rule["priority"])
        for rule in parameters["pins"]
    ]
    for path in apt_preferences.preference_files(etc):
        if path not in passed_over:
            before = _read(path)
            after, pins = apt_preferences.retire(before, rules)
            if pins:
                yield path, before, after, pins


def trusted_keys(etc: Path, fingerprints: List[str]) -> Iterator[Path]:
    """Files whose keys apt trusts for every source, and that hold no others than these."""
    for path in sorted((etc / "trusted.gpg.d").glob("*")):
        if path.suffix in KEY_SUFFIXES and path.is_file():
            try:
                found = {key.fingerprint for key in openpgp_key.read_keys(path.read_bytes())}
            except openpgp_key.OpenPgpError:
                continue
            if found <= set(fingerprints):
                yield path


def apply(module: AnsibleModule, path: Path, after: Optional[str]) -> None:
    """Keep a copy, then rewrite or remove the file."""
    apt_backup.keep(path, Path(module.params["backup"]), module.params["reason"])
    if after is None:
        path.unlink()
        return
    partial = Path(module.tmpdir) / path.name
    partial.write_text(after, encoding="utf-8", errors="surrogateescape")
    module.atomic_move(str(partial), str(path))  # keeps the owner and mode of the file that is there


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="surrogateescape")


def main() -> None:
    """Run the module."""
    paths = {"type": "list", "elements": "path", "default": []}
    module = AnsibleModule(
        argument_spec={
            "files": paths,
            "source_uris": {"type": "list", "elements": "str", "default": []},
            "source_suites": {"type": "list", "elements": "str", "default": ["*"]},
            "pins": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "fields": {"type": "list", "elements": "str", "required": True},
                    "value": {"type": "str", "required": True},
                    "priority": {"type": "int", "default": -32768},
                },
            },
            "keys": {"type": "list", "elements": "str", "default": [], "no_log": False},
            "keep": paths,
            "reason": {"type": "str", "required": True},
            "backup": {"type": "path", "default": "/var/lib/rdna1/backup"},
            "etc": {"type": "path", "default": "/etc/apt"},
        },
        supports_check_mode=True,
    )
    retired = list(plan(module.params))
    if not module.check_mode:
        for path, _, after, _ in retired:
            apply(module, path, after)
    module.exit_json(
        changed=bool(retired),
        retired=[{"path": str(path), "entries": entries} for path, _, _, entries in retired],
        files=[{"path": str(path), "content": after} for path, _, after, _ in retired if after is not None],
        absent=[str(path) for path, _, after, _ in retired if after is None],
        diff=[
            {
                "before_header": str(path),
                "after_header": str(path),
                "before": before,
                "after": after or "",
            }
            for path, before, after, _ in retired
        ],
    )


if __name__ == "__main__":
    main()
