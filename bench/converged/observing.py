"""The plain shell check: one POSIX script that prints what managed.yml asks after, always in the same order.

Its words on a host that the chain has just converged are what is wanted; the check is `diff` with them.
"""

from pathlib import Path
from shlex import quote
from typing import Any

import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
MANAGED = Path(__file__).with_name("managed.yml")

FILES = "-type f -not -path '*/__pycache__/*'"


def managed() -> dict[str, Any]:
    """Return managed.yml, with the names of what must be absent instead of where to find them."""
    data: dict[str, Any] = yaml.safe_load(MANAGED.read_text())
    data["absent"] = [
        path
        for file, variable in data["absent"].items()
        for path in yaml.safe_load((CHECKOUT / file).read_text())[variable]
    ]
    return data


def tree_command(folder: str) -> str:
    """Return the command that tells a folder's files by content, mode and owner."""
    where = quote(folder)
    return (
        f"{{ find {where} {FILES} -exec sha256sum {{}} +; "
        f"find {where} -not -name __pycache__ -not -path '*/__pycache__/*' -printf '%p %y %m %u %g\\n'; }}"
        " 2>/dev/null | LC_ALL=C sort | sha256sum"
    )


def large_command(folder: str) -> str:
    """Return the command that tells a folder's files by size."""
    return (
        f"find {quote(folder)} -not -type d -not -path '*/__pycache__/*' -printf '%P %s %l\\n'"
        " 2>/dev/null | LC_ALL=C sort | sha256sum"
    )


def program_command(path: str) -> str:
    """Return the command that tells whether a program can run, and where it leads."""
    return f"test -x {quote(path)} && readlink -f {quote(path)}"


def packages_command(pattern: str) -> str:
    """Return the command that tells packages, their versions and their holds."""
    show = "${Package} ${Version} ${Status}\\n"
    return f"dpkg-query -W -f {quote(show)} | grep -E {quote(pattern)}"


def verdict_command(path: str) -> str:
    """Return the command that tells what of a verdict must stay."""
    return f'grep -E \'^  "outcome":|^ *"(lock|policy)":\' {quote(path)}'


def script(data: dict[str, Any]) -> str:
    """Return the whole check."""
    paths = " ".join(data["paths"])
    lines = [
        "export LC_ALL=C",
        # A glob that matches nothing stays as it is, and no such file is reported; a dangling link is a link.
        f"stat -c '%N %F %a %U %G' {paths} 2>/dev/null",
        f"find {paths} -maxdepth 0 -type f -exec sha256sum {{}} + 2>/dev/null",
        *map(tree_command, data["trees"]),
        *map(large_command, data["large"]),
        *map(program_command, data["programs"]),
        f"for path in {' '.join(map(quote, data['absent']))}; do",
        '  if [ -e "$path" ] || [ -L "$path" ]; then echo "unwanted $path"; fi',
        "done",
        packages_command(data["packages"]),
        f"grep -oE {quote('^(' + '|'.join(data['groups']) + '):')} /etc/group",
        f"for user in {' '.join(data['users'])}; do getent passwd $user; id -nG $user; done",
        verdict_command(data["verdict"]),
        *data["judged"],
        "true",
    ]
    return "\n".join(lines) + "\n"
