"""Runs on a host: print as JSON what is managed there. Its argument: where to look, as JSON."""

import base64
import grp
import json
import pwd
import stat
import subprocess
import sys
from pathlib import Path


def owner(info):
    """Mode, owner and group in the form that pyinfra takes."""
    return {
        "mode": format(stat.S_IMODE(info.st_mode), "o"),
        "user": pwd.getpwuid(info.st_uid).pw_name,
        "group": grp.getgrgid(info.st_gid).gr_name,
    }


def said(command):
    """What a shell command prints, however it ends."""
    done = subprocess.run(["sh", "-c", command], check=False, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip("\n")


def collect(managed):
    """Everything that is wanted, by kind."""
    found = {"files": {}, "directories": {}, "links": {}, "users": {}, "packages": {}, "held": []}
    for path in (path for pattern in managed["paths"] for path in sorted(Path("/").glob(pattern[1:]))):
        info = path.lstat()
        if stat.S_ISLNK(info.st_mode):
            found["links"][str(path)] = str(path.readlink())
        elif stat.S_ISDIR(info.st_mode):
            found["directories"][str(path)] = owner(info)
        else:
            content = base64.b64encode(path.read_bytes()).decode()
            found["files"][str(path)] = dict(owner(info), content=content)
    present = {entry.gr_name for entry in grp.getgrall()}
    found["groups"] = [group for group in managed["groups"] if group in present]
    for user in managed["users"]:
        entry = pwd.getpwnam(user)
        groups = [group.gr_name for group in grp.getgrall() if user in group.gr_mem]
        found["users"][user] = {"home": entry.pw_dir, "shell": entry.pw_shell, "groups": groups}
    for line in said(managed["packages_command"]).splitlines():
        name, version, want, _, state = line.split()
        if state == "installed":
            found["packages"][name] = version
        if want == "hold":
            found["held"].append(name)
    # What no operation of pyinfra tells: a command, and what it says here.
    found["said"] = {command: said(command) for command in managed["commands"]}
    return found


print(json.dumps(collect(json.loads(sys.argv[1]))))
