"""The one limit of the machine that a large lab runs into."""

from collections.abc import Callable
from pathlib import Path

from rdna1.lab.errors import LabError, last_words
from rdna1.lab.podman import Runner, as_root

INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
# Counted on running hosts: systemd, dbus and logind take 7 or 8 in each, all of them as this machine's root,
# to whom Linux gives 128. A systemd that gets none never finishes booting.
PER_HOST = 8
# For the machine's own services.
RESERVE = 64
ENOUGH = 1024


def make_room(run: Runner, hosts: int, say: Callable[[str], None], limit: Path = INOTIFY) -> None:
    """Raise the number of inotify instances until the next boot, where this many hosts need it."""
    needed = hosts * PER_HOST + RESERVE
    allowed = int(limit.read_text())
    if allowed >= needed:
        return
    setting = f"fs.inotify.max_user_instances={max(ENOUGH, needed)}"
    done = run(as_root(["sysctl", "-q", "-w", setting]))
    if done.rc != 0:
        raise LabError(
            "this machine",
            f"it allows {allowed} inotify instances, {hosts} hosts need {needed},"
            f" and that cannot be changed ({last_words(done.err)})",
            f"set {setting} with sysctl, or start fewer hosts",
        )
    say(f"set {setting} on this machine, until its next boot (it was {allowed})")
