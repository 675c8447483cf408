"""A host's apt state below one directory, and the real apt run on it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from debian.debian_support import Version

from aptworld.answers import Policy, Transaction, policies, transaction
from aptworld.archives import Archive, Stanza

FOLDERS = (
    "etc/apt/apt.conf.d",
    "etc/apt/preferences.d",
    "etc/apt/sources.list.d",
    "etc/apt/trusted.gpg.d",
    "usr/share/keyrings",
    "var/cache/apt/archives/partial",
    "var/lib/apt/lists/partial",
    "var/lib/dpkg/updates",
    "var/log/apt",
)
# 500 http://archive.ubuntu.com/ubuntu noble/main amd64 Packages
PLACE = re.compile(
    r"^ *(?P<priority>-?\d+) https?://\S+ (?P<suite>[^/\s]+)/\S+ amd64 Packages$", re.MULTILINE
)
KEYRINGS = "/(usr/share|etc/apt)/"
CONFIGURATION = """\
Dir "{root}";
Dir::State::status "{root}/var/lib/dpkg/status";
Dir::Bin::Methods::http "{transport}";
Dir::Bin::Methods::https "{transport}";
APT::Architecture "amd64";
APT::Architectures {{ "amd64"; }};
APT::Sandbox::User "root";
Acquire::Languages "none";
"""


class AptError(Exception):
    """Apt exited with an error; the text is what it said."""


@dataclass
class World:
    """One host: its files, what is installed on it, and the archives that it can reach."""

    root: Path
    transport: Path
    served: tuple[Path, ...]
    archives: Mapping[str, Archive]
    installed: dict[str, Stanza] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    automatic: set[str] = field(default_factory=set)
    # Packages that come from no archive, by name: their control data and their file.
    local: dict[str, tuple[Stanza, Path]] = field(default_factory=dict)
    _fetched: dict[str, str] | None = None

    def __post_init__(self) -> None:
        for folder in FOLDERS:
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        (self.root / "apt.conf").write_text(CONFIGURATION.format(root=self.root, transport=self.transport))
        self.write_status()

    # --- the host's files -----------------------------------------------------------------------------

    def put(self, path: str, text: str) -> None:
        """Write a file of the host's."""
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(self.localised(text))

    def localised(self, text: str) -> str:
        """Return sources with this world's keyrings: apt does not look for Signed-By below ``Dir``."""
        return re.sub(rf"(?im)(^Signed-By: *|\bsigned-by=)(?={KEYRINGS})", rf"\g<1>{self.root}", text)

    @contextmanager
    def as_written(self) -> Iterator[Path]:
        """Yield a copy of /etc/apt in which the sources name their keyrings as on a host."""
        with TemporaryDirectory() as name:
            etc = Path(shutil.copytree(self.root / "etc/apt", Path(name, "apt")))
            for source in etc.rglob("*"):
                if source.suffix in {".list", ".sources"}:
                    source.write_text(source.read_text().replace(str(self.root), ""))
            yield etc

    def remove(self, path: str) -> None:
        """Remove a file of the host's."""
        (self.root / path.lstrip("/")).unlink()

    def copy(self, root: Path) -> World:
        """Return the same host once more, to be changed without touching this one."""
        shutil.copytree(self.root, root)
        for source in (root / "etc/apt").rglob("*"):
            if source.suffix in {".list", ".sources"}:
                source.write_text(source.read_text().replace(str(self.root), str(root)))
        return World(
            root,
            self.transport,
            self.served,
            self.archives,
            dict(self.installed),
            set(self.held),
            set(self.automatic),
            dict(self.local),
            {name: text.replace(str(self.root), str(root)) for name, text in (self._fetched or {}).items()},
        )

    # --- what is installed ----------------------------------------------------------------------------

    def find(self, name: str, version: str | None = None, archive: str | None = None) -> Stanza:
        """Return a package, from a local file or from one of the archives; without a version the newest."""
        stanzas = [self.local[name][0]] if name in self.local and archive is None else []
        stanzas += [
            stanza
            for one in self.archives.values()
            if archive in {None, one.name}
            for stanza in one.packages()
            if stanza.name == name
        ]
        fitting = [stanza for stanza in stanzas if version in {None, stanza.version}]
        if not fitting:
            raise LookupError(f"there is no {name} {version or ''} in {archive or 'any archive'}")
        return max(fitting, key=lambda stanza: Version(stanza.version))

    def install(self, stanzas: Iterable[Stanza]) -> None:
        """Note packages as installed, as dpkg would."""
        self.installed |= {stanza.name: stanza for stanza in stanzas}
        self.write_status()

    def hold(self, names: Iterable[str]) -> None:
        """Put installed packages on hold, as ``apt-mark hold`` does."""
        self.held |= set(names)
        self.write_status()

    def apply(self, change: Transaction, requested: Iterable[str] = ()) -> None:
        """Make a simulated transaction true; what was not requested is automatically installed."""
        for name in change.removes:
            del self.installed[name]
        new = {item.name for item in change.installs if item.old is None}
        self.automatic = (self.automatic | new) - set(requested) - change.removes
        self.installed |= {item.name: self.find(item.name, item.new) for item in change.installs}
        self.write_status()

    def write_status(self) -> None:
        """Write dpkg's status file and apt's list of automatically installed packages."""
        entries = []
        for stanza in self.installed.values():
            wish = "hold" if stanza.name in self.held else "install"
            entries.append(_paragraph({"Status": f"{wish} ok installed"} | stanza.control()))
        (self.root / "var/lib/dpkg/status").write_text("\n".join(entries))
        marks = [
            _paragraph({"Package": name, "Architecture": "amd64", "Auto-Installed": "1"})
            for name in sorted(self.automatic & set(self.installed))
        ]
        (self.root / "var/lib/apt/extended_states").write_text("\n".join(marks))

    # --- the real apt ---------------------------------------------------------------------------------

    @property
    def environment(self) -> dict[str, str]:
        """What apt and its like are run with: nothing of this machine's configuration."""
        return {
            "APT_CONFIG": str(self.root / "apt.conf"),
            "APT_WORLD_ARCHIVES": ":".join(map(str, self.served)),
            "LC_ALL": "C.UTF-8",
            "PATH": os.environ["PATH"],
        }

    def run(self, *command: str) -> str:
        """Run one of apt's programs and return what it said."""
        done = subprocess.run(
            command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise AptError(done.stdout + done.stderr)
        return done.stdout

    def update(self) -> None:
        """Fetch the indexes; what apt only warns of on a host, as a wrong signature, is an error here."""
        self.run("apt-get", "-q", "--error-on=any", "update")
        self._fetched = self._sources()

    def refresh(self) -> None:
        """Fetch the indexes if there are other sources than at the last time."""
        if self._fetched != self._sources():
            self.update()

    def _sources(self) -> dict[str, str]:
        files = sorted((self.root / "etc/apt").rglob("*"))
        kinds = {".list", ".sources"}
        return {path.name: path.read_text() for path in files if path.suffix in kinds} | {
            "": str(self.served)
        }

    def simulate(self, *arguments: str) -> Transaction:
        """Ask apt-get what it would do."""
        return transaction(
            self.run(
                "apt-get", "-q", "--simulate", "--no-install-recommends", "--allow-downgrades", *arguments
            )
        )

    def policy(self, *names: str) -> dict[str, Policy]:
        """Ask apt-cache what it would choose; a name that no archive has is not among the answers."""
        return policies(self.run("apt-cache", "policy", *names))

    def places(self) -> dict[str, set[int]]:
        """Return the priorities that apt gives to each suite."""
        found: dict[str, set[int]] = {}
        for match in PLACE.finditer(self.run("apt-cache", "policy")):
            found.setdefault(match["suite"], set()).add(int(match["priority"]))
        return found


def _paragraph(fields: Mapping[str, str]) -> str:
    return "".join(f"{name}: {value}\n" for name, value in fields.items())
