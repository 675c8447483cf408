"""The key that signs the lab's repositories: generated once, kept in the cache, of no use anywhere else."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rdna1.lab.mirror.commands import run

USER_ID = "rdna1 lab stand-in key (not AMD's, for the lab only) <lab@mirror.lab>"
CURE = "install the package gnupg, then run the command again"
# sqv of Debian 13 rejects SHA-1 everywhere, self-signatures included.
OPTIONS = ["--batch", "--quiet", "--no-tty", "--digest-algo", "SHA512", "--cert-digest-algo", "SHA512"]


@dataclass(frozen=True)
class Key:
    """The lab's key."""

    secret: Path
    public: str
    fingerprint: str

    def clear_sign(self, source: Path, target: Path) -> None:
        """Write InRelease."""
        with _home(self.secret) as gpg:
            gpg("--output", str(target), "--clearsign", str(source))

    def detach_sign(self, source: Path, target: Path) -> None:
        """Write Release.gpg."""
        with _home(self.secret) as gpg:
            gpg("--output", str(target), "--armor", "--detach-sign", str(source))


class _Gpg:
    """gpg in a home of its own."""

    def __init__(self, home: str) -> None:
        self.home = home

    def __call__(self, *arguments: str) -> str:
        return run(["gpg", "--homedir", self.home, *OPTIONS, *arguments], cure=CURE)


@contextmanager
def _home(secret: Path | None = None) -> Iterator[_Gpg]:
    """Yield a gpg with a home of its own under /tmp: its agent's socket needs a short path."""
    home = tempfile.mkdtemp(prefix="rdna1-gpg-")
    try:
        gpg = _Gpg(home)
        if secret is not None:
            gpg("--import", str(secret))
        yield gpg
    finally:
        run(["gpgconf", "--homedir", home, "--kill", "all"], cure=CURE)
        shutil.rmtree(home, ignore_errors=True)


def obtain(folder: Path) -> Key:
    """Return the key kept in folder; generate it when there is none yet."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    secret, public = folder / "secret.asc", folder / "public.asc"
    if not (secret.exists() and public.exists()):
        with _home() as gpg:
            gpg("--passphrase", "", "--quick-generate-key", USER_ID, "rsa4096", "sign", "never")
            new = folder / "new.asc"
            new.unlink(missing_ok=True)
            new.touch(mode=0o600)
            new.write_text(gpg("--armor", "--export-secret-keys"))
            new.replace(secret)
            new.write_text(gpg("--armor", "--export"))
            new.replace(public)
    with _home() as gpg:
        listing = gpg("--with-colons", "--show-keys", str(public))
    fingerprint = next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr:"))
    return Key(secret=secret, public=public.read_text(), fingerprint=fingerprint)
