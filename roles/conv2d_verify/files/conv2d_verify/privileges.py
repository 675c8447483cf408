"""Give up root before anything is computed."""

from __future__ import annotations

import os
import pwd

from conv2d_verify.errors import UsageError


def drop(user: str, allow_root: bool) -> None:
    """Become `user` with that user's groups; an ordinary user stays who they are."""
    if os.geteuid() != 0:
        return
    if not user:
        if allow_root:
            return
        raise UsageError(
            "this runs as root, and a smoke test needs no root: name the user to become with --user, "
            "or insist with --allow-root."
        )
    try:
        entry = pwd.getpwnam(user)
    except KeyError as error:
        raise UsageError(f"--user {user}: this host has no such user; create it or name another.") from error
    os.initgroups(user, entry.pw_gid)
    os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
    os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)
    os.environ.update(HOME=entry.pw_dir, USER=user, LOGNAME=user, SHELL=entry.pw_shell or "/bin/sh")
    # The caller's runtime directories are not this user's.
    for name in ("XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"):
        os.environ.pop(name, None)
