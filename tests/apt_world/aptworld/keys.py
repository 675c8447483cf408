"""Signing keys that live as long as the test session."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Key:
    """The key of one vendor."""

    home: Path
    fingerprint: str

    def clear_sign(self, source: Path, target: Path) -> None:
        """Write InRelease."""
        _gpg(self.home, "--yes", "-u", self.fingerprint, "--output", str(target), "--clearsign", str(source))

    def public(self) -> bytes:
        """Return the public key."""
        return _gpg(self.home, "--export", self.fingerprint)

    def export(self, target: Path) -> None:
        """Write the public key as a keyring of apt's."""
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(self.public())


@contextmanager
def vendors(*names: str) -> Iterator[dict[str, Key]]:
    """Yield a key for each vendor, in a gpg home whose path is short enough for the agent's socket."""
    home = Path(tempfile.mkdtemp(prefix="aw-", dir="/tmp"))  # pytest's own paths are too long
    try:
        yield {name: _generate(home, name) for name in names}
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False, capture_output=True)
        shutil.rmtree(home, ignore_errors=True)


def _generate(home: Path, name: str) -> Key:
    _gpg(
        home,
        "--passphrase",
        "",
        "--quick-generate-key",
        f"{name} of an apt world",
        "ed25519",
        "sign",
        "never",
    )
    listing = _gpg(home, "--with-colons", "--list-secret-keys", f"{name} of an apt world").decode()
    fingerprint = next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr:"))
    return Key(home=home, fingerprint=fingerprint)


def _gpg(home: Path, *arguments: str) -> bytes:
    command = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--no-tty", "--pinentry-mode", "loopback"]
    return subprocess.run([*command, *arguments], check=True, capture_output=True).stdout
