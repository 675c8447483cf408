"""Reaching the lab's hosts: keys made in advance, host keys known before the first connection."""

import socket
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rdna1.lab.errors import LabError, last_words
from rdna1.lab.paths import LabPaths
from rdna1.lab.podman import Result, Runner
from rdna1.lab.ports import LOOPBACK
from rdna1.lab.state import write_atomically

READY_TIMEOUT = 120.0
# What ssh returns for its own failures, and no command that is run here does.
NOT_CONNECTED = 255


@dataclass(frozen=True)
class KeyPair:
    """An ed25519 key pair in OpenSSH's own format."""

    private: str
    public: str


def generate(run: Runner, comment: str) -> KeyPair:
    """Make a key pair."""
    with tempfile.TemporaryDirectory(prefix="rdna1-key-") as name:
        file = Path(name) / "key"
        made = run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(file)])
        if made.rc != 0:
            raise LabError(
                "this machine", f"ssh-keygen failed: {last_words(made.err)}", "see that /tmp has space"
            )
        return KeyPair(file.read_text(), file.with_suffix(".pub").read_text())


def client_key(run: Runner, paths: LabPaths) -> str:
    """Return the public half of the lab's own key, made on first use."""
    public = paths.private_key.with_suffix(".pub")
    if not (public.exists() and paths.private_key.exists()):
        pair = generate(run, f"rdna1 lab {paths.name}")
        paths.private_key.parent.mkdir(parents=True, exist_ok=True)
        paths.private_key.touch(mode=0o600)
        paths.private_key.write_text(pair.private)
        public.write_text(pair.public)
    return public.read_text()


def record_host_keys(paths: LabPaths, ports: Iterable[tuple[str, int]]) -> None:
    """Write known_hosts from the keys that were put into the hosts."""
    lines = []
    for host, port in ports:
        kind, key, *_ = paths.host_key(host).read_text().split()
        lines.append(f"[{LOOPBACK}]:{port} {kind} {key}\n")
    write_atomically(paths.known_hosts, "".join(sorted(lines)))


def argv(paths: LabPaths, user: str, port: int, *command: str, terminal: bool = False) -> list[str]:
    """Return the ssh command line for one host; nothing of the user's own configuration is read."""
    options = {
        "UserKnownHostsFile": f'"{paths.known_hosts}"',
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes",
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "KexAlgorithms": "curve25519-sha256",  # why: inventories/lab/hosts.py
        "BatchMode": "yes",
        "ConnectTimeout": "5",
        "LogLevel": "ERROR",
    }
    flags = [flag for name, value in options.items() for flag in ("-o", f"{name}={value}")]
    tty = ["-t"] if terminal else []
    target = ["-i", str(paths.private_key), "-p", str(port), f"{user}@{LOOPBACK}"]
    return ["ssh", "-F", "none", *flags, *tty, *target, *command]


def answers(port: int, timeout: float = 1.0) -> bool:
    """Whether an SSH server speaks there; cheaper than a login."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=timeout) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def log_in(run: Runner, paths: LabPaths, user: str, port: int, *command: str) -> Result:
    """Run a command on a host."""
    return run(argv(paths, user, port, *command), timeout=READY_TIMEOUT)


def wait_until_ready(run: Runner, paths: LabPaths, user: str, port: int) -> str:
    """Wait until a host has booted and lets its user in; return what systemd says, or why it is not asked."""
    deadline = time.monotonic() + READY_TIMEOUT
    why = "nothing answers on its port"
    while time.monotonic() < deadline:
        if answers(port):
            # While a host boots, pam_nologin refuses everybody but root; then this is tried again.
            result = log_in(run, paths, user, port, "systemctl", "is-system-running", "--wait")
            if result.rc != NOT_CONNECTED:
                return result.out.strip()
            why = last_words(result.err)
        time.sleep(0.2)
    return why
