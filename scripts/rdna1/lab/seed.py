"""What is put into a container before its first start, as a tar archive: keys, a card, settings."""

import io
import tarfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from rdna1.lab import cards
from rdna1.lab.ssh import KeyPair

CARD_ROOT = PurePosixPath("srv/simulated-card")

PIP_CONF = """\
# The lab's mirror speaks plain HTTP, inside one machine. What pip takes from it is checked by hash.
[global]
trusted-host = {mirror}
"""
PIP_CERT = "cert = /etc/ssl/certs/ca-certificates.crt\n"

# On a real host udev gives /dev/kfd to the group render; this is not a device, so udev never sees it.
KFD_OWNER = "z /srv/simulated-card/dev/kfd 0660 root render\n"


@dataclass(frozen=True)
class User:
    """The account that Ansible logs in as."""

    name: str
    uid: int
    gid: int
    group: str


class Seed:
    """A tar archive in the making; every entry belongs to root unless it says otherwise."""

    def __init__(self) -> None:
        self._buffer = io.BytesIO()
        self._tar = tarfile.TarFile(fileobj=self._buffer, mode="w")
        self._now = int(time.time())
        self._folders: set[PurePosixPath] = set()

    def _add(self, info: tarfile.TarInfo, content: bytes = b"", owner: User | None = None) -> None:
        if owner:
            info.uid, info.gid = owner.uid, owner.gid
        info.size, info.mtime = len(content), self._now
        self._tar.addfile(info, io.BytesIO(content))

    def folder(self, path: PurePosixPath, mode: int = 0o755, owner: User | None = None) -> None:
        """Add a folder that the image does not have."""
        info = tarfile.TarInfo(str(path))
        info.type, info.mode = tarfile.DIRTYPE, mode
        self._folders.add(path)
        self._add(info, owner=owner)

    def file(self, path: PurePosixPath, text: str, mode: int = 0o644, owner: User | None = None) -> None:
        """Add a regular file."""
        info = tarfile.TarInfo(str(path))
        info.mode = mode
        self._add(info, text.encode(), owner)

    def link(self, path: PurePosixPath, target: str) -> None:
        """Add a symlink."""
        info = tarfile.TarInfo(str(path))
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, target, 0o777
        self._add(info)

    def folders_of(self, paths: Iterable[PurePosixPath], below: PurePosixPath) -> None:
        """Add `below` and all folders under it that these paths need."""
        needed = {below} | {
            parent for path in paths for parent in path.parents if parent.is_relative_to(below)
        }
        for path in sorted(needed - self._folders):
            self.folder(path)

    def finish(self) -> bytes:
        """Return the archive."""
        self._tar.close()
        return self._buffer.getvalue()


def add_card(seed: Seed, card: cards.Card) -> None:
    """Add the simulated card's tree. As in sysfs, nobody may write to it."""
    files = {CARD_ROOT / path: text for path, text in cards.files(card).items()}
    links = {CARD_ROOT / path: target for path, target in cards.links().items()}
    seed.folders_of([*files, *links], CARD_ROOT)
    for path, text in files.items():
        seed.file(path, text, 0o444 if path.is_relative_to(CARD_ROOT / "sys") else 0o644)
    for path, target in links.items():
        seed.link(path, target)
    seed.file(PurePosixPath("etc/tmpfiles.d/simulated-card.conf"), KFD_OWNER)


def for_host(
    host_key: KeyPair, authorized: str, user: User, mirror: str, card: cards.Card | None, *, extra_ca: bool
) -> bytes:
    """Return the archive for one host."""
    seed = Seed()
    ssh_folder = PurePosixPath("etc/ssh")
    seed.file(ssh_folder / "ssh_host_ed25519_key", host_key.private, 0o600)
    seed.file(ssh_folder / "ssh_host_ed25519_key.pub", host_key.public)
    home = PurePosixPath("home") / user.name / ".ssh"
    seed.folder(home, 0o700, user)
    seed.file(home / "authorized_keys", authorized, 0o600, user)
    seed.file(PurePosixPath("etc/pip.conf"), PIP_CONF.format(mirror=mirror) + (PIP_CERT if extra_ca else ""))
    if card:
        add_card(seed, card)
    return seed.finish()


def for_mirror(server: str) -> bytes:
    """Return the archive for the mirror: its web server."""
    seed = Seed()
    folder = PurePosixPath("usr/local/lib/rdna1-mirror")
    seed.folder(folder)
    seed.file(folder / "serve.py", server)
    return seed.finish()
