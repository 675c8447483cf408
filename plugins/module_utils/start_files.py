# SPDX-License-Identifier: MIT
"""Users' own start files of their shells, and the lines in them that set given variables."""

from __future__ import annotations

import pwd
import stat
from pathlib import Path
from typing import Iterator, List, NamedTuple, Sequence, Tuple

from ansible_collections.rdna1.provision.plugins.module_utils import miopen_databases, shell_lines

NAMES = (".bashrc", ".profile", ".bash_profile", ".zshrc")


class StartFile(NamedTuple):
    """A start file with such lines; ``target`` is what it is a link to, or itself."""

    account: miopen_databases.Account
    path: Path
    target: Path
    text: str
    lines: List[shell_lines.Line]


def find(
    users: Sequence[str],
    names: Sequence[str],
    variables: Sequence[str],
    library_paths: Sequence[str],
    unseen: List[str],
) -> Iterator[StartFile]:
    """Those that set any of the variables, of these users, or of all people; what cannot be read is noted."""
    for account in miopen_databases.accounts(pwd.getpwall(), users):
        for name in names:
            path = account.home / name
            try:
                with miopen_databases.acting_as(account):
                    target, text = _read(account, path)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", "") or str(error)
                unseen.append("%s cannot be read as %s (%s)" % (path, account.name, reason))
                continue
            yield StartFile(account, path, target, text, shell_lines.find(text, variables, library_paths))


def _read(account: miopen_databases.Account, path: Path) -> Tuple[Path, str]:
    """The file that a start file is or leads to, if it is the account's own, and its text."""
    target = path.resolve(strict=True)
    status = target.stat()
    if not stat.S_ISREG(status.st_mode) or status.st_uid != account.uid:
        raise OSError(0, "it is not the user's own file")
    return target, target.read_bytes().decode("utf-8", "surrogateescape")
