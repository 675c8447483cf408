"""One run of ansible-pull, from a clone made for it.

The clone is new each time: a checkout whose signature was once found wrong, or that somebody edited, must
not be taken for a good one by the next run.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from self_converge.settings import Settings

RECAP = re.compile(r"^\S+ +: ok=\d+ +changed=(\d+) .*$", re.MULTILINE)
ERROR = re.compile(r"^\[ERROR\]: (?:Task failed: )?(?:Action failed: )?(.+)$", re.MULTILINE)
# What a module says where no playbook is played yet.
MESSAGE = re.compile(r'^ +"msg": "(.+)"', re.MULTILINE)
TIMED_OUT = 124
LIMIT = 300


@dataclass(frozen=True)
class Outcome:
    """How it ended, and all that was said."""

    code: int
    output: str

    @property
    def changed(self) -> int | None:
        """Return how many tasks changed something; None where no playbook came to its end."""
        found = RECAP.findall(self.output)
        return sum(map(int, found)) if found else None

    @property
    def sentence(self) -> str:
        """Return what came of it, in words."""
        if self.code == 0:
            changed = self.changed
            return "the host is as wanted; " + (
                f"{changed} tasks changed something" if changed else "nothing was changed"
            )
        if self.code == TIMED_OUT:
            return "it took too long and was ended"
        said = ERROR.findall(self.output) or MESSAGE.findall(self.output)
        return (said[-1] if said else f"ansible-pull ended with {self.code}")[:LIMIT]


def command(settings: Settings, checkout: Path) -> list[str]:
    """Return what is run."""
    return [
        f"{settings.programs}/ansible-pull",
        "--url", settings.repository,
        "--checkout", settings.commit,
        "--directory", str(checkout),
        *(["--verify-commit"] if settings.keyring else []),
        "--limit", settings.host,
        # Whatever the inventory says of how others reach this host.
        "--extra-vars", "ansible_connection=local",
        # A commit's own inventory cannot name it.
        "--extra-vars", f"self_converge_commit={settings.commit}",
        settings.playbook,
    ]  # fmt: skip


def environment(settings: Settings, checkout: Path, keys: Path) -> dict[str, str]:
    """Return what it runs in: nothing of whoever started it."""
    home = Path(settings.directory)
    return {
        "PATH": f"{settings.programs}:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_HOME": str(home / "ansible"),
        # Not an option: ansible-pull would take the inventory for that of the clone's own making as well.
        "ANSIBLE_INVENTORY": str(checkout / settings.inventory),
        "ANSIBLE_NOCOLOR": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GNUPGHOME": str(keys),
        **settings.environment,
    }


def run(settings: Settings) -> Outcome:
    """Clone, check, play."""
    home = Path(settings.directory)
    checkout = home / "release"
    shutil.rmtree(checkout, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="keys-", dir=home) as keys:
        around = environment(settings, checkout, Path(keys))
        if settings.keyring:
            # A keyring with this key alone: any other signature is one by an unknown key. Public keys need no
            # agent, and a host may have none.
            known = _call(
                ["gpg", "--batch", "--quiet", "--no-autostart", "--import", settings.keyring],
                around,
                settings.timeout,
            )
            if known.code:
                return Outcome(known.code, f"[ERROR]: gpg cannot read {settings.keyring}: {known.output}")
        return _call(command(settings, checkout), around, settings.timeout)


def _call(argv: list[str], around: dict[str, str], timeout: int) -> Outcome:
    """Run a program with a limit that reaches its children, too."""
    process = subprocess.Popen(
        argv, env=around, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", start_new_session=True,
    )  # fmt: skip
    try:
        output, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            output, _ = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
        return Outcome(TIMED_OUT, output)
    return Outcome(process.returncode, output)
