# SPDX-License-Identifier: MIT
"""Looking at a host: one answer for each question, and nothing is changed or started.

A question is a dictionary whose ``kind`` names one of ``LOOKS``; the answer is plain data. What is asked
follows from the desired state (see ``plugin_utils/kinds.py``), and is judged on the controller.
"""

from __future__ import annotations

import grp
import hashlib
import json
import os
import platform
import pwd
import stat
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Callable, Dict, List

from ansible_collections.rdna1.provision.plugins.module_utils import (
    apt_retirement,
    apt_sources,
    card_sysfs,
    dpkg_status,
    openpgp_key,
    plain_file,
    venv_state,
)

Question = Dict[str, Any]
Answer = Any

# A managed text file is small; of anything larger the hash is enough.
TEXT_LIMIT = 64 * 1024
# What updates leave where the running kernel or libraries are no longer the installed ones.
REBOOT_MARKERS = ("/run/reboot-required", "/var/run/reboot-required")


class Host:
    """A host, read at most once."""

    def __init__(self, etc: Path = Path("/etc"), admin: Path = dpkg_status.ADMIN) -> None:
        self.etc = etc
        self.admin = admin
        self._packages: List[dpkg_status.Package] = []

    @property
    def packages(self) -> List[dpkg_status.Package]:
        """What dpkg has."""
        if not self._packages:
            self._packages = dpkg_status.read(self.admin)
        return self._packages

    def answer(self, question: Question) -> Answer:
        """Look at what is asked for."""
        arguments = dict(question)
        return LOOKS[arguments.pop("kind")](self, **arguments)


def answer_all(questions: List[Question]) -> Dict[str, Any]:
    """The answers in the questions' order, or the one sentence why there are none."""
    host = Host()
    answers = []
    for question in questions:
        try:
            answers.append(host.answer(question))
        except OSError as error:
            return {
                "failed": True,
                "msg": "it cannot be looked at (%s: %s); become root, and see whether its disk is whole."
                % (question["kind"], error),
            }
    return {"answers": answers}


def path(_host: Host, path: str) -> Answer:
    """What lies there; None where nothing does. A symbolic link is itself, not what it leads to."""
    place = Path(path)
    try:
        status = place.lstat()
    except OSError:
        return None
    found: Dict[str, Any] = _access(status)
    if found["type"] == "link":
        found["leads_to_directory"] = place.is_dir()
        found["leads_to"] = os.path.realpath(place)
        found["target"] = str(place.readlink())
    if found["type"] == "file":
        data = place.read_bytes()
        found["sha256"] = hashlib.sha256(data).hexdigest()
        found["text"] = data.decode("utf-8", "replace") if len(data) <= TEXT_LIMIT else None
    return found


def tree(_host: Host, path: str) -> Answer:
    """All that is under a directory, by its path there; None where there is no directory."""
    root = Path(path)
    if root.is_symlink() or not root.is_dir():
        return None
    found = {".": _access(root.lstat())}
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            place = Path(folder) / name
            entry = _access(place.lstat())
            if entry["type"] == "file":
                entry["sha256"] = hashlib.sha256(place.read_bytes()).hexdigest()
            found[str(place.relative_to(root))] = entry
    return found


def packages(host: Host, names: List[str]) -> Answer:
    """Those of these packages that dpkg has, by name."""
    return {
        name: {"version": package.version, "state": package.state, "held": package.held}
        for name, package in dpkg_status.native(host.packages).items()
        if name in set(names)
    }


def standins(host: Host, names: List[str], links: List[str]) -> Answer:
    """Which stand-in packages there are, and which of the links that they brought are gone."""
    return {
        "packages": packages(host, names),
        "missing": [link for link in links if not os.path.lexists(link)],
    }


def build(host: Host, version: str, under: str, deep: bool = False) -> Answer:
    """The packages of a build (a glob over versions): which, and those to which something is amiss."""
    mine = [package for package in host.packages if dpkg_status.matches(package.version, [version])]
    core = [package.version for package in mine if package.name == "rocm-core"]
    return {
        "release": core[0] if core else None,
        "packages": sorted(package.name for package in mine),
        "loose": sorted(package.name for package in mine if not package.held),
        "damaged": dpkg_status.missing_files(mine, version, under, host.admin),
        "edited": dpkg_status.edited_files(mine, version, under, host.admin) if deep else {},
        "unmet": dpkg_status.unmet(host.packages, version),
    }


def leftovers(
    host: Host, build: str, vendor_names: List[str], vendor_versions: List[str], names: List[str]
) -> Answer:
    """Packages of other builds that must go, with their versions."""
    vendor = dpkg_status.Vendor(vendor_names, vendor_versions)
    gone, _ = dpkg_status.leftovers(host.packages, vendor, build, names)
    return {package.name: package.version for package in gone}


def donor(host: Host, donor: str, own: str, listed: List[str]) -> Answer:
    """Packages of the older release that nobody wants from there, with the versions that are wanted."""
    from ansible_collections.rdna1.provision.plugins.module_utils import apt_donor

    return apt_donor.strays(host.packages, donor, own, listed)


def archives(host: Host, codename: str, ignore: List[str]) -> Answer:
    """Where the host gets its release from."""
    etc = host.etc / "apt"
    entries = apt_sources.read(etc, ignore=[Path(name) for name in ignore])
    return [
        {"uris": list(found.uris), "pockets": list(found.pockets), "signed_by": found.signed_by}
        for found in apt_sources.own_archives(entries, etc, codename)
    ]


def retired(host: Host, **parameters: Any) -> Answer:
    """Sources, pins and keys that contradict, each file with its entries."""
    found = apt_retirement.plan({**parameters, "etc": str(host.etc / "apt")})
    return [{"path": str(place), "entries": entries} for place, _, _, entries in found]


def signing_key(_host: Host, path: str) -> Answer:
    """The keys in a file; None where it is none or cannot be read."""
    try:
        keys = openpgp_key.read_keys(plain_file.read(Path(path)))
    except (OSError, openpgp_key.OpenPgpError):
        return None
    now = datetime.now(timezone.utc)
    return [
        {"fingerprint": key.fingerprint, "revoked": key.revoked, "expired": key.expired(now)} for key in keys
    ]


def group(_host: Host, name: str) -> Answer:
    """A group's number; None where there is none."""
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None


def account(_host: Host, name: str) -> Answer:
    """A user; None where there is none."""
    try:
        user = pwd.getpwnam(name)
    except KeyError:
        return None
    joined = [entry.gr_name for entry in grp.getgrall() if name in entry.gr_mem]
    return {
        "home": user.pw_dir,
        "shell": user.pw_shell,
        "groups": sorted({*joined, _name(grp.getgrgid, user.pw_gid)}),
    }


def record(_host: Host, path: str) -> Answer:
    """A JSON file's content; None where there is none, or none that may be read."""
    try:
        # The verifier's user writes one of them.
        return json.loads(plain_file.read_led_to(Path(path)))
    except (OSError, ValueError):
        return None


def venv(_host: Host, root: str, name: str, deep: bool) -> Answer:
    """What is under the venvs' root. No interpreter is started."""
    return venv_state.observe(venv_state.Layout(Path(root), name), deep)


def start_lines(_host: Host, users: List[str], variables: List[str], library_paths: List[str]) -> Answer:
    """Lines of users' start files that set such a variable, and that can be taken out."""
    # Hosts that are not asked are spared the compiling of it.
    from ansible_collections.rdna1.provision.plugins.module_utils import start_files

    return [
        {
            "user": file.account.name,
            "path": str(file.path),
            "number": line.number,
            "text": line.text.encode("utf-8", "replace").decode(),
        }
        for file in start_files.find(users, start_files.NAMES, variables, library_paths, [])
        for line in file.lines
        if line.removable
    ]


def card(_host: Host, sysfs: str, targets: List[str], boards: Dict[str, str], device: str) -> Answer:
    """The cards, as the kernel says."""
    place = Path(sysfs)
    judged = card_sysfs.judge(card_sysfs.kfd_cards(place), card_sysfs.pci_cards(place), targets, boards)
    return {**judged, "simulated": sysfs != "/sys", "device": Path(device).exists()}


def system(host: Host) -> Answer:
    """What runs: kernel, architecture, and whether dpkg is whole and a reboot is due."""
    return {
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "interrupted": dpkg_status.interrupted(host.packages, host.admin),
        "cure": dpkg_status.cure(host.packages),
        "reboot_needed": any(Path(marker).exists() for marker in REBOOT_MARKERS),
    }


def matching(_host: Host, pattern: str) -> Answer:
    """The paths that match a glob."""
    return sorted(str(found) for found in Path("/").glob(pattern.lstrip("/")))


def _access(status: os.stat_result) -> Dict[str, str]:
    return {
        "type": _type(status.st_mode),
        "mode": "%04o" % stat.S_IMODE(status.st_mode),
        "owner": _name(pwd.getpwuid, status.st_uid),
        "group": _name(grp.getgrgid, status.st_gid),
    }


def _type(mode: int) -> str:
    kinds = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "link"}
    return kinds.get(stat.S_IFMT(mode), "special file")


def _name(look_up: Callable[[int], Any], number: int) -> str:
    try:
        return str(look_up(number)[0])
    except KeyError:
        return str(number)


LOOKS: Dict[str, Callable[..., Answer]] = {
    look.__name__: look
    for look in (
        account,
        archives,
        build,
        card,
        donor,
        group,
        leftovers,
        matching,
        packages,
        path,
        record,
        retired,
        signing_key,
        standins,
        start_lines,
        system,
        tree,
        venv,
    )
}
