# SPDX-License-Identifier: MIT
"""Running apt-get: always without questions, patient with locks, precise in what it says of failures."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Callable, Collection, List, Optional, Sequence, Tuple

from ansible_collections.rdna1.provision.plugins.module_utils import apt_deb822, apt_plan, apt_world

# Runs a program in a fixed environment; returns its exit status, stdout and stderr.
Run = Callable[[List[str]], Tuple[int, str, str]]

ENVIRONMENT = {
    "LC_ALL": "C.UTF-8",
    "LANGUAGE": "C.UTF-8",
    "DEBIAN_FRONTEND": "noninteractive",
    "APT_LISTCHANGES_FRONTEND": "none",
    # Else Ubuntu restarts services after an installation; nothing here is a service's library.
    "NEEDRESTART_SUSPEND": "1",
}
HOLDER = re.compile(r"Could not get lock (\S+?)\.? It is held by process (\d+) \(([^)]*)\)")
FETCH_FAILED = re.compile(r"^[EW]: Failed to fetch (\S+) +(.*)$", re.MULTILINE)
# What apt says of a server that answers, but not with a repository.
NO_REPOSITORY = re.compile(r"^[EW]: The repository '(\S+) (\S+) \w+' (.*Release file)\.?$", re.MULTILINE)
# And of a list that this host's clock does not agree with.
NOT_VALID = re.compile(
    r"^[EW]: Release file for (\S+) is ((?:expired|not valid yet) \([^)]*\))", re.MULTILINE
)

# What is wrong on this host itself, whatever apt was at. That a signature is "Not live until" is sqv's word.
OWN_CURES = (
    (
        re.compile(r"Splitting up \S+ into data and signature failed|Couldn't create temporary file"),
        "make room in /tmp on this host: apt takes signatures apart there",
    ),
    (
        re.compile(r"No space left|enough free space"),
        "make room on this host (df -h says where; apt-get clean frees what apt has downloaded)",
    ),
    (
        re.compile(r"not valid yet|Not live until"),
        "this host's clock is behind: set it (timedatectl set-ntp true)",
    ),
)
# What cures a failed download, by what apt says of it.
CURES = (
    *OWN_CURES,
    (
        re.compile(r"^expired"),
        "if this host's clock is ahead, set it (timedatectl set-ntp true); "
        "else name a mirror that is kept up to date",
    ),
    (
        re.compile(r"^404|Release file"),
        "correct the address, or if the mirror has moved on, refresh this host's lists (apt-get update)",
    ),
    (
        re.compile(r"Hash Sum mismatch|unexpected size|Clearsigned"),
        "try again when the mirror is in step with itself, or name another (a proxy may change files)",
    ),
    (re.compile(""), "correct the address, or let this host reach it (proxy, DNS, clock)"),
)

# Debian 13's apt verifies with sqv, which accepts no SHA-1 since February 2026 unless a policy does.
SQV_POLICY = Path("/etc/crypto-policies/back-ends/apt-sequoia.config")
SHA1_CURE = (
    "copy /usr/share/apt/default-sequoia.config to %s (make its directory) and set "
    "sha1.second_preimage_resistance there to a later day" % SQV_POLICY
)

# What the caller has judged before: apt need not ask again.
YES = ("--assume-yes", "--allow-downgrades", "--allow-change-held-packages")
PAUSE = 5
PROC = Path("/proc")


# An address, and why nothing came from it.
Failure = Tuple[str, str]


class AptError(Exception):
    """apt-get failed; the message is the reason, in one line, and the cure is empty where none is known."""

    code = "apt"
    cure = ""
    failures: Sequence[Failure] = ()


class FetchError(AptError):
    """Something did not come, or not as the archive's index has it."""

    code = "unreachable"

    def __init__(self, failures: Sequence[Failure]) -> None:
        uri, reason = failures[0]
        more = " (and %d more)" % (len(failures) - 1) if len(failures) > 1 else ""
        super().__init__("%s: %s%s" % (uri, reason, more))
        self.failures = failures
        self.cure = next(cure for pattern, cure in CURES if pattern.search(reason))
        if self.cure in dict(OWN_CURES).values():
            self.code = AptError.code  # no server is to blame


class Sha1Error(AptError):
    """A signature is good, but by an algorithm that this host does not accept."""

    code = "sha1"
    cure = SHA1_CURE


class LockedError(AptError):
    """Another process is at work, for longer than we wait."""

    code = "locked"
    cure = "wait for it to end, or allow more time (lock_timeout)"

    def __init__(self, message: str, waited: bool) -> None:
        super().__init__(message)
        self.waited = waited


STATES = Path("/var/lib/apt/extended_states")


def automatic() -> List[str]:
    """Packages that nobody asked for by name."""
    text = STATES.read_text(encoding="utf-8") if STATES.exists() else ""
    return sorted(
        fields["package"]
        for fields in apt_deb822.parse_all(text)
        if fields.get("auto-installed") == "1" and "package" in fields
    )


def note_automatic(names: Collection[str], architecture: str) -> None:
    """Note, where apt has it, that nobody asked for these packages by name.

    apt-mark does it only for what it sees installed, and what dpkg did before it was cut off it does not see.
    """
    text = STATES.read_text(encoding="utf-8") if STATES.exists() else ""
    others = [
        stanza
        for stanza in apt_deb822.split_stanzas(text)
        if apt_deb822.parse(stanza)["package"] not in names
    ]
    noted = [
        apt_deb822.render({"Package": name, "Architecture": architecture, "Auto-Installed": "1"})
        for name in names
    ]
    new = STATES.with_suffix(".rdna1")
    try:
        new.write_text("".join(stanza.strip("\n") + "\n\n" for stanza in [*others, *noted]), encoding="utf-8")
        new.chmod(0o644)
        new.replace(STATES)
    finally:
        new.unlink(missing_ok=True)


class AptGet:
    """apt-get in a world."""

    def __init__(
        self,
        run: Run,
        world: apt_world.World,
        lock_timeout: int,
        recommends: bool,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.world = world
        self._run = run
        self._lock_timeout = lock_timeout
        self._recommends = recommends
        self._sleep = sleep

    def update(self, only: Optional[Path] = None) -> List[Failure]:
        """Fetch package lists: of all sources, or of one file, where every failure counts.

        Of all, what fails is returned: a third party's broken source is no reason to stop.
        """
        if only is None:
            try:
                _, stderr = self._patiently(["update"])
            except AptError as error:
                return list(error.failures) or [("", str(error))]
            return _failures(stderr)
        self._patiently(
            ["update", "--error-on=any"],
            "Dir::Etc::sourcelist=%s" % only,
            "Dir::Etc::sourceparts=-",
            "APT::Get::List-Cleanup=0",
        )
        return []

    def simulate(self, arguments: Sequence[str], *options: str) -> List[apt_plan.Change]:
        """What would happen."""
        stdout, _ = self._apt(["--simulate", *arguments], *options)
        return apt_plan.parse(stdout)

    def print_uris(self, arguments: Sequence[str], *options: str) -> str:
        """What apt would download; see apt_plan.sizes and apt_plan.downloads."""
        stdout, _ = self._apt(["--print-uris", *YES, *arguments], *options)
        return stdout

    def records(self, specs: Sequence[str]) -> str:
        """The control data of packages, given as NAME=VERSION; empty of those that are in no list."""
        settings = [word for setting in self.world.options for word in ("-o", setting)]
        _, stdout, _ = self._run(["apt-cache", "--quiet", *settings, "show", *specs])
        return stdout

    def execute(self, arguments: Sequence[str], *options: str) -> str:
        """Do it; what apt said."""
        stdout, _ = self._patiently([*YES, *arguments], *options)
        return stdout

    def mark_automatic(self, names: Sequence[str]) -> None:
        """Note that nobody asked for these packages by name."""
        status, stdout, stderr = self._run(["apt-mark", "auto", *names])
        if status:
            raise self._error(stdout, stderr)

    def _apt(self, arguments: Sequence[str], *options: str) -> Tuple[str, str]:
        settings = [
            *self.world.options,
            "DPkg::Lock::Timeout=%d" % self._lock_timeout,
            "APT::Install-Recommends=%s" % str(self._recommends).lower(),
            "APT::Get::Purge=true",
            "Dpkg::Options::=--force-confdef",
            "Dpkg::Options::=--force-confold",
            *options,
        ]
        command = ["apt-get", "--quiet"]
        for setting in settings:
            command += ["-o", setting]
        status, stdout, stderr = self._run([*command, *arguments])
        if status:
            raise self._error(stdout, stderr)
        return stdout, stderr

    def _patiently(self, arguments: Sequence[str], *options: str) -> Tuple[str, str]:
        """apt-get waits for dpkg's lock, but not for the one of its package lists: so wait here."""
        waited = 0
        while True:
            try:
                return self._apt(arguments, *options)
            except LockedError as error:
                if error.waited or waited >= self._lock_timeout:
                    raise
                waited += PAUSE
                self._sleep(PAUSE)

    def _error(self, stdout: str, stderr: str) -> AptError:
        holder = HOLDER.search(stdout + stderr)
        if holder and ("E: Could not get lock" in stderr or "E: Unable to acquire" in stderr):
            path, process, name = holder.groups()
            return LockedError(
                "%s is held by %s (process %s), for more than %d seconds"
                % (path, _command(process) or name, process, self._lock_timeout),
                waited="/dpkg/lock" in path,  # for these apt-get waits itself
            )
        if "SHA1 is not considered secure" in stderr:
            return Sha1Error(apt_plan.explain(stdout, stderr))
        failures = _failures(stderr)
        if failures:
            return FetchError(failures)
        error = AptError(apt_plan.explain(stdout, stderr))
        error.cure = next((cure for pattern, cure in OWN_CURES if pattern.search(str(error))), "")
        return error


def _command(process: str) -> str:
    """How a process's command line begins, while there is one: apt's own word for it is cut short."""
    try:
        text = PROC.joinpath(process, "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
    return " ".join(text.split())[:80].rstrip()


def _failures(stderr: str) -> List[Failure]:
    failed = [(uri, reason.strip(" :")) for uri, reason in FETCH_FAILED.findall(stderr)]
    failed += [
        ("%s/dists/%s" % (uri.rstrip("/"), suite), reason.rstrip(". "))
        for uri, suite, reason in NO_REPOSITORY.findall(stderr)
    ]
    failed += NOT_VALID.findall(stderr)
    return list(dict.fromkeys(failed))
