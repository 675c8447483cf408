#!/usr/bin/python
# SPDX-License-Identifier: MIT
"""Ansible module: one apt transaction, simulated and judged before it runs."""

from __future__ import annotations

DOCUMENTATION = """
module: apt_transaction
short_description: Install and purge packages in one transaction that is judged before it runs
description:
  - Has apt simulate the whole transaction. If it would remove or downgrade anything that is not allowed by
    name, nothing is done and the module fails with the list.
  - Otherwise everything is downloaded first, then the packages of I(remove) are purged, then those of
    I(install) installed.
  - A package that is in the way of one of these, was once asked for by hand or is held, and that
    I(allow_remove) has by its full name, is removed by name where apt would not do it by itself.
  - A package that is installed already, in the wanted version where one is given, is left as it is. If all
    are, apt is not even started.
  - What is done to held packages is judged like the rest. Whether to hold packages is not this module's
    business.
  - Before it begins, it is written into C(/var/lib/rdna1/ledger.jsonl), so that M(rdna1.provision.restore)
    can tell what the chain brought.
  - Needs nothing but apt and dpkg on the host.
options:
  install:
    description: Packages as C(name), C(name=version) or the path of a .deb file.
    type: list
    elements: str
    default: []
  remove:
    description: Packages to purge first, where they are installed.
    type: list
    elements: str
    default: []
  allow_remove:
    description: Globs of further packages that the transaction may remove.
    type: list
    elements: str
    default: []
  allow_downgrade:
    description: Globs of packages that it may downgrade.
    type: list
    elements: str
    default: []
  require:
    description: What packages of one archive must be versioned like, dependencies included.
    type: list
    elements: dict
    default: []
    suboptions:
      label:
        description: The archive's Label, as its Release file has it.
        type: str
        required: true
      version:
        description: A glob.
        type: str
        required: true
  intact:
    description: Installed packages that must be whole. Those of which a file is gone are installed again.
    type: list
    elements: dict
    default: []
    suboptions:
      version:
        description: A glob over their versions.
        type: str
        required: true
      under:
        description: The directory in which files are looked for.
        type: path
        required: true
      deep:
        description: Whether a file that is not as it was packed counts, too. All of them are read.
        type: bool
        default: false
  sources:
    description:
      - Source files whose package lists must be there; missing ones are fetched, and here every failure
        counts.
      - All other lists are fetched when there is something to do and they are older than I(lists_valid).
    type: list
    elements: path
    default: []
  lists_valid:
    description: For how many seconds package lists are fresh enough to install from.
    type: int
    default: 3600
  install_recommends:
    description: Whether recommended packages come along.
    type: bool
    default: false
  lock_timeout:
    description: How many seconds to wait for another apt or dpkg.
    type: int
    default: 300
  cure:
    description: What to add when apt finds no way.
    type: str
    default: ""
  overlay:
    description:
      - In check mode, what the host will have by then. The transaction is simulated in a copy of apt's
        configuration with these differences. Otherwise ignored.
    type: dict
    default: {}
    suboptions:
      files:
        description: Files under C(/etc/apt).
        type: list
        elements: dict
        default: []
        suboptions:
          path:
            description: Where it will be.
            type: path
            required: true
          content:
            description: What it will hold.
            type: str
          base64:
            description: The same for what is not text.
            type: str
      absent:
        description: Files under C(/etc/apt) that will be gone.
        type: list
        elements: path
        default: []
      packages:
        description: Control data of packages that will be available.
        type: list
        elements: str
        default: []
      install:
        description: What will have been installed by then, like I(install).
        type: list
        elements: str
        default: []
author: The rdna1.provision authors
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
"""

EXAMPLES = """
- name: Install ROCm's runtime, instead of the distribution's
  rdna1.provision.apt_transaction:
    install: [rocm-core=5.2.0.50200-65]
    remove: [libamdhip64-5]
    allow_downgrade: [rocminfo]
    require:
      - label: repo.radeon.com
        version: "*.50200-65"
"""

RETURN = """
summary:
  description: The transaction in one line.
  type: str
  returned: always
  sample: 57 install (54 repo.radeon.com, 3 Debian), 2 remove; 1.2 GB to download
install:
  description: New packages. In check mode with what each costs in bytes, and below which directory.
  type: list
  elements: dict
  returned: always
  sample:
    - name: rocm-core
      old: ""
      new: 5.2.0.50200-65
      origins: [repo.radeon.com]
      cost: {download: 21372, disk: 94208, path: /opt/rocm-5.2.0}
upgrade:
  description: Packages that get a newer version.
  type: list
  elements: dict
  returned: always
downgrade:
  description: Packages that get an older version.
  type: list
  elements: dict
  returned: always
reinstall:
  description: Packages that are installed again in the same version.
  type: list
  elements: dict
  returned: always
remove:
  description: Packages that go.
  type: list
  elements: dict
  returned: always
origins:
  description: How many packages come from where.
  type: dict
  returned: always
held:
  description: Packages on hold that the transaction changes all the same.
  type: list
  elements: str
  returned: always
mirrors:
  description: In check mode, what of the package lists could not be fetched, and how many packages need it.
  type: list
  elements: dict
  returned: always
  sample: [{uri: http://mirror.example.org/dists/noble/InRelease, reason: Connection failed, packages: 3}]
code:
  description: >-
    What is wrong, for programs: C(interrupted), C(locked), C(unreachable), C(sha1), C(refused),
    C(unsolvable), C(ledger) or C(apt).
  type: str
  returned: failure
download_bytes:
  description: What is to be downloaded.
  type: int
  returned: always
disk_bytes:
  description: How much more the disk will hold, about; negative where it will hold less.
  type: int
  returned: always
simulated_in:
  description: C(host), or C(copy) where it was simulated in a copy of the host's configuration and lists.
  type: str
  returned: always
warnings_of_apt:
  description: What could not be fetched of sources that are not this role's.
  type: list
  elements: str
  returned: always
"""

import base64
import contextlib
import fnmatch
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rdna1.provision.plugins.module_utils import (
    apt_get,
    apt_plan,
    apt_world,
    dpkg_status,
    progress,
    restore_ledger,
)

UNREACHABLE = apt_get.CURES[-1][1]
NO_WAY = "look at this host's sources and pins (apt-cache policy)"


class RefusalError(Exception):
    """The transaction must not run; the message is one sentence."""

    def __init__(self, message: str, code: str, **more: Any) -> None:
        super().__init__(message)
        self.answer = {"code": code, **more}


class Transaction:
    """What is asked for, against what is there."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.parameters: Dict[str, Any] = module.params
        self.status = dpkg_status.read_text(dpkg_status.ADMIN)
        packages = dpkg_status.parse(self.status)
        broken = dpkg_status.interrupted(packages)
        if broken:
            raise RefusalError(
                "dpkg was interrupted on this host (%s); run %s there, then this again."
                % (", ".join(broken), dpkg_status.cure(packages)),
                "interrupted",
            )
        self.packages = dpkg_status.native(packages)
        self.installed = {name: package.version for name, package in self.packages.items()}
        self.remove = [name for name in self.parameters["remove"] if name in self.installed]
        self.install = [spec for spec in self.parameters["install"] if not self._satisfied(spec)]
        self.damaged = [
            spec
            for rule in self.parameters["intact"]
            for spec in [
                *dpkg_status.missing_files(packages, rule["version"], rule["under"]),
                *(dpkg_status.edited_files(packages, rule["version"], rule["under"]) if rule["deep"] else ()),
                *dpkg_status.unmet(packages, rule["version"]),
            ]
            if spec.partition("=")[0] not in self.remove
        ]
        self.overlay = apt_world.overlay_from(
            self.parameters["overlay"] if self.module.check_mode else {}, base64.b64decode
        )
        self.before = [spec for spec in self.overlay.install if not self._satisfied(spec)]
        self.allow_remove = [*self.overlay.replaced(), *self.parameters["allow_remove"]]
        self.gone: List[str] = []  # by the removal before the installation
        self.giving_way: List[str] = []  # what apt must be told to remove
        self.inherited: Tuple[int, ...] = ()  # where apt says how far it is
        self.failures: List[apt_get.Failure] = []  # what of the package lists could not be fetched

    def run(self) -> Dict[str, Any]:
        """Simulate, judge, and outside of check mode do it."""
        nothing = not (self.remove or self.install or self.damaged)
        if nothing and self.module.check_mode:
            return self._result([], {}, "host")
        with self._world() as (world, root):
            apt = apt_get.AptGet(
                self._execute, world, self.parameters["lock_timeout"], self.parameters["install_recommends"]
            )
            copied = world.etc != apt_world.ETC
            self._fetch_own(apt, copied)
            if nothing:
                return self._result([], {}, "host")
            self._fetch_all(apt)
            removal, changes, later = self._plan(apt, root)
            changed = [*removal, *changes]
            where = "copy" if copied else "host"
            if self.module.check_mode:
                uris = apt.print_uris(self._installation(), *later) if changes else ""
                result = self._result(changed, apt_plan.sizes(uris), where)
                self._judge_mirrors(result, uris)
                return {**result, **apt_plan.as_lists(changed, self._costs(apt, changed, uris))}
            self._note(changed)
            said = self._act(apt, removal, later, self._unasked(changed))
            return self._result(changed, apt_plan.sizes(said), where)

    def _plan(
        self, apt: apt_get.AptGet, root: Path
    ) -> Tuple[List[apt_plan.Change], List[apt_plan.Change], List[str]]:
        """The removal, the installation after it, and options to see the host in between."""
        removal: List[apt_plan.Change] = []
        later: List[str] = []
        if self.remove:
            found = self._simulate(apt, ["install", *self.before, *(name + "-" for name in self.remove)])
            removal = [change for change in found if change.kind == "remove"]
            self.gone = [change.name for change in removal]
            status = root / "status"
            status.write_text(dpkg_status.without(self.status, self.gone), encoding="utf-8")
            later = ["Dir::State::status=%s" % status]
            # What was satisfied by another build is not any more.
            self.install += [
                spec
                for spec in self.parameters["install"]
                if spec not in self.install and spec.partition("=")[0] in self.gone
            ]
        changes: List[apt_plan.Change] = []
        if self.install or self.damaged:
            changes = self._simulate(apt, self._installation(), *later)
        objections = apt_plan.objections(
            [*removal, *changes],
            allow_remove=[*self.remove, *self.allow_remove],
            allow_downgrade=[*self.overlay.names(), *self.parameters["allow_downgrade"]],
            require=[apt_plan.Requirement(**rule) for rule in self.parameters["require"]],
        )
        if objections:
            raise RefusalError(
                "the transaction would %s, which nobody allowed, so nothing was done; allow it by name "
                "(allow_remove, allow_downgrade), or remove from this host what asks for it."
                % "; and ".join(objections),
                "refused",
            )
        return removal, changes, later

    def _installation(self) -> List[str]:
        # What is not installed yet does not mind --reinstall. Where a package lacks one of several that would
        # do, --fix-broken lets apt choose.
        named = [spec for spec in self.damaged if "|" not in spec]
        flags = ["--reinstall"] if named else []
        flags += ["--fix-broken"] if len(named) < len(self.damaged) else []
        away = [name + "-" for name in self.giving_way if name not in self.gone]
        return ["install", *flags, *self.before, *self.install, *named, *away]

    def _note(self, changed: List[apt_plan.Change]) -> None:
        """Write the transaction into the ledger, by which it can be undone."""
        asked = [*self.parameters["install"], *self.remove]
        try:
            restore_ledger.append(asked, [vars(change) for change in changed])
        except OSError as error:
            raise RefusalError(
                "%s cannot be written (%s), so nothing was done; make room there, then run this again."
                % (restore_ledger.LEDGER, error.strerror),
                "ledger",
            ) from error

    def _unasked(self, changed: List[apt_plan.Change]) -> List[str]:
        """What is there for others only, although a repair has to call it by its name."""
        if not self.damaged:
            return []
        asked = {spec.partition("=")[0] for spec in self.parameters["install"]}
        automatic = apt_get.automatic()
        return [
            change.name
            for change in changed
            if change.new and change.name not in asked and (not change.old or change.name in automatic)
        ]

    def _act(
        self, apt: apt_get.AptGet, removal: List[apt_plan.Change], later: List[str], unasked: List[str]
    ) -> str:
        """Do it; what apt said, the first thing first."""
        words = ""
        try:
            with progress.of_apt("apt") as descriptor:
                self.inherited = (descriptor,)
                said = "APT::Status-Fd=%d" % descriptor
                if removal and (self.install or self.damaged):
                    # Nothing goes before everything that replaces it is here.
                    words += apt.execute(["--download-only", *self._installation()], *later, said)
                if removal:
                    words += apt.execute(["remove", *self.remove], said)
                if self.install or self.damaged:
                    words += apt.execute(self._installation(), said)
            self.inherited = ()
            if unasked:
                apt.mark_automatic(unasked)
        except apt_get.AptError as error:
            self.inherited = ()
            if unasked:
                # What was unpacked before apt stopped was asked for by name, too.
                with contextlib.suppress(OSError):
                    apt_get.note_automatic(unasked, self.packages["dpkg"].architecture)
            cure = error.cure or self._healing() or "mend that"
            raise RefusalError(
                "apt failed: %s; %s, then run this again: it goes on from there." % (error, cure), error.code
            ) from error
        return words

    @staticmethod
    def _healing() -> str:
        """What is to be run where dpkg itself was cut off; else nothing."""
        packages = dpkg_status.parse(dpkg_status.read_text(dpkg_status.ADMIN))
        return "run %s there" % dpkg_status.cure(packages) if dpkg_status.interrupted(packages) else ""

    def _simulate(self, apt: apt_get.AptGet, arguments: List[str], *options: str) -> List[apt_plan.Change]:
        try:
            return apt.simulate(arguments, *options)
        except apt_get.AptError as error:
            # What somebody asked for by hand (with apt's newer solver) or holds, apt removes only by name.
            away = [name for name in self.allow_remove if name in self.installed and name not in self.gone]
            if away and not self.giving_way and error.code == "apt":
                with contextlib.suppress(apt_get.AptError):
                    found = apt.simulate([*arguments, *(name + "-" for name in away)], *options)
                    self.giving_way = away
                    return found
            held = [name for name, package in self.packages.items() if package.held and name in str(error)]
            release = "release what is held in its way (apt-mark unhold %s)" % " ".join(held) if held else ""
            raise RefusalError(
                "apt finds no way to %s: %s; %s."
                % (" ".join(arguments), error, error.cure or release or self._way_out() or NO_WAY),
                "unsolvable" if error.code == "apt" else error.code,
            ) from error

    def _way_out(self) -> str:
        """What the caller advises, unless just that is rehearsed here as well."""
        return "" if self.before else str(self.parameters["cure"])

    def _costs(
        self, apt: apt_get.AptGet, changes: List[apt_plan.Change], uris: str
    ) -> Dict[str, apt_plan.Cost]:
        """What each change takes, by name. A package of a build that must be intact lies where that is."""
        fetched = {name: size for name, _, size in apt_plan.downloads(uris)}
        specs = ["%s=%s" % (change.name, change.new) for change in changes if change.new]
        new = apt_plan.installed_sizes(apt.records(specs)) if specs else {}
        costs = {}
        for change in changes:
            name = change.name.partition(":")[0]
            old = self.packages.get(name)
            disk = new.get(name, 0) if change.new else 0
            path = "/opt" if old and dpkg_status.has_files_under(old, "/opt") else "/usr"
            for rule in self.parameters["intact"] if change.new else ():
                if fnmatch.fnmatchcase(change.new, rule["version"]):
                    path = rule["under"]
            if old and (change.old or not change.new):
                disk -= dpkg_status.installed_size(old.fields)
            costs[change.name] = apt_plan.Cost(fetched.get(name, 0), disk, path)
        return costs

    def _judge_mirrors(self, result: Dict[str, Any], uris: str) -> None:
        """Stop a rehearsal where what the transaction needs cannot be had."""
        result["mirrors"] = apt_plan.unreachable(self.failures, apt_plan.downloads(uris))
        needed = [item for item in result["mirrors"] if item["packages"]]
        if needed:
            raise RefusalError(
                "%s cannot be read (%s), and wanted packages (%d) come from there; %s."
                % (needed[0]["uri"], needed[0]["reason"], needed[0]["packages"], UNREACHABLE),
                "unreachable",
                **result,
            )

    def _fetch_own(self, apt: apt_get.AptGet, copied: bool) -> None:
        """The lists of the named sources, and in a copy of whatever it has more than the host."""
        files = [Path(path) for path in self.parameters["sources"]]
        if copied:
            files = [apt.world.etc / path.relative_to(apt_world.ETC) for path in files]
            files.append(apt.world.etc / "sources.list.d" / (apt_world.EXTRA + ".list"))
        for path in files:
            if path.exists() and apt.world.missing([path]):
                self._fetch(apt, path)

    def _fetch(self, apt: apt_get.AptGet, path: Path) -> None:
        try:
            apt.update(path)
        except apt_get.AptError as error:
            raise RefusalError(
                "apt cannot read %s: %s; %s." % (path.name, error, error.cure or UNREACHABLE), error.code
            ) from error

    def _fetch_all(self, apt: apt_get.AptGet) -> None:
        # A rehearsal asks every server: that is how it knows that they can be reached.
        if (
            self.module.check_mode
            or apt.world.missing()
            or _age(apt.world.lists) > self.parameters["lists_valid"]
        ):
            self.failures += apt.update()

    @contextlib.contextmanager
    def _world(self) -> Iterator[Tuple[apt_world.World, Path]]:
        # Not the module's own temporary directory: apt fetches as a user who cannot enter it.
        root = Path(tempfile.mkdtemp(prefix="rdna1-apt-", dir="/var/tmp"))
        try:
            world = apt_world.host()
            if self.module.check_mode:
                world = apt_world.build(root, self.overlay, self.installed)
            yield world, root
        finally:
            shutil.rmtree(root)

    def _satisfied(self, spec: str) -> bool:
        name, _, version = spec.partition("=")
        if spec.startswith("/"):
            return False  # a file is given only where it is wanted
        return name not in self.remove and name in self.installed and version in ("", self.installed[name])

    def _execute(self, command: List[str]) -> Tuple[int, str, str]:
        status, stdout, stderr = self.module.run_command(
            command, environ_update=apt_get.ENVIRONMENT, pass_fds=self.inherited
        )
        return int(status), str(stdout), str(stderr)

    def _result(self, changes: List[apt_plan.Change], sizes: Dict[str, int], where: str) -> Dict[str, Any]:
        return {
            "changed": bool(changes),
            "summary": apt_plan.summary(changes, sizes),
            "origins": apt_plan.count_origins(changes),
            "download_bytes": sizes.get("download", 0),
            "disk_bytes": sizes.get("disk", 0),
            "held": sorted(
                change.name
                for change in changes
                if change.name in self.packages and self.packages[change.name].held
            ),
            "simulated_in": where,
            "warnings_of_apt": [" ".join(filter(None, failure)) for failure in self.failures],
            "mirrors": [],
            "diff": {
                "before": "".join("%s %s\n" % (change.name, change.old) for change in changes if change.old),
                "after": "".join("%s %s\n" % (change.name, change.new) for change in changes if change.new),
            },
            **apt_plan.as_lists(changes),
        }


def _age(lists: Path) -> float:
    """Seconds since any list was fetched."""
    places = [lists, lists / "partial", lists.parent / "periodic/update-success-stamp"]
    times = [path.stat().st_mtime for path in places if path.exists()]
    return time.time() - max(times, default=0)


def main() -> None:
    """Run the module."""
    strings = {"type": "list", "elements": "str", "default": []}
    paths = {"type": "list", "elements": "path", "default": []}
    module = AnsibleModule(
        argument_spec={
            "install": strings,
            "remove": strings,
            "allow_remove": strings,
            "allow_downgrade": strings,
            "require": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "label": {"type": "str", "required": True},
                    "version": {"type": "str", "required": True},
                },
            },
            "intact": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "version": {"type": "str", "required": True},
                    "under": {"type": "path", "required": True},
                    "deep": {"type": "bool", "default": False},
                },
            },
            "sources": paths,
            "lists_valid": {"type": "int", "default": 3600},
            "install_recommends": {"type": "bool", "default": False},
            "lock_timeout": {"type": "int", "default": 300},
            "cure": {"type": "str", "default": ""},
            "overlay": {
                "type": "dict",
                "default": {},
                "options": {
                    "files": {
                        "type": "list",
                        "elements": "dict",
                        "default": [],
                        "options": {
                            "path": {"type": "path", "required": True},
                            "content": {"type": "str"},
                            "base64": {"type": "str"},
                        },
                    },
                    "absent": paths,
                    "packages": strings,
                    "install": strings,
                },
            },
        },
        supports_check_mode=True,
    )
    try:
        result = Transaction(module).run()
    except RefusalError as refusal:
        module.fail_json(msg=str(refusal), **refusal.answer)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
