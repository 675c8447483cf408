"""The one place that runs podman, mmdebstrap and their like, as root or through sudo."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rdna1.lab.errors import CHECK_FAILED, COULD_NOT_JUDGE, LabError, last_words

SETUP = "run scripts/setup, which installs what is missing"


@dataclass(frozen=True)
class Result:
    """What a program returned."""

    rc: int
    out: str
    err: str


class Runner(Protocol):
    """Runs a program to its end. Tests put another one in its place."""

    def __call__(
        self, argv: Sequence[str], *, stdin: bytes | None = None, timeout: float | None = None
    ) -> Result:
        """Return what the program returned; LabError where it cannot be started or does not end."""
        ...


def run(argv: Sequence[str], *, stdin: bytes | None = None, timeout: float | None = None) -> Result:
    """Run a program on this machine."""
    try:
        done = subprocess.run(
            argv,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError:
        raise LabError("this machine", f"{argv[0]} is not installed", SETUP) from None
    except subprocess.TimeoutExpired:
        raise LabError(
            "this machine",
            f"`{' '.join(argv[:4])} …` did not end within {timeout:.0f} s",
            "see whether the machine is overloaded, then run the command again",
        ) from None
    return Result(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


def as_root(argv: Sequence[str], environment: dict[str, str] | None = None) -> list[str]:
    """Return the command line that runs argv as root with some environment variables set."""
    # env and not sudo's own VAR=value, which sudoers may forbid.
    assignments = [f"{name}={value}" for name, value in (environment or {}).items()]
    prefix = ["env", *assignments] if assignments else []
    return ([] if os.geteuid() == 0 else ["sudo"]) + prefix + list(argv)


def check_root() -> None:
    """Ask for sudo's password once, before threads would ask for it all at the same time."""
    if os.geteuid() == 0:
        return
    # Not captured: sudo asks its question on the terminal.
    if shutil.which("sudo") is None or subprocess.run(["sudo", "-v"], check=False).returncode != 0:
        raise LabError(
            "this machine",
            "the lab's containers need root and this user may not use sudo",
            "run the same command as root",
        )


@dataclass(frozen=True)
class Podman:
    """Podman under one containers.conf (None: the machine's own settings)."""

    run: Runner = run
    conf: Path | None = None

    def argv(self, *args: str) -> list[str]:
        """Return the command line."""
        return as_root(["podman", *args], {"CONTAINERS_CONF": str(self.conf)} if self.conf else None)

    def ask(self, *args: str, stdin: bytes | None = None, timeout: float = 120) -> Result:
        """Run podman; the caller judges the result."""
        return self.run(self.argv(*args), stdin=stdin, timeout=timeout)

    def __call__(
        self,
        *args: str,
        stdin: bytes | None = None,
        timeout: float = 120,
        host: str = "",
        cure: str = "run the same command again, or `rdna1 lab down` and then `rdna1 lab up`",
    ) -> str:
        """Run podman and return what it prints; `host` and `cure` are for the sentence of a failure."""
        result = self.ask(*args, stdin=stdin, timeout=timeout)
        if result.rc != 0:
            raise LabError(
                host or "this machine",
                f"podman {args[0]} failed: {explain(result.err)}",
                cure,
                exit_code=CHECK_FAILED if host else COULD_NOT_JUDGE,
            )
        return result.out


def explain(stderr: str) -> str:
    """Podman's last words, and what they mean where they do not say it."""
    words = last_words(stderr)
    if "netavark" in words and "No such file" in words:
        return f"{words} (netavark finds no iptables or nft: apt-get install iptables nftables)"
    return words
