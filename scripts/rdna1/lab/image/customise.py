"""Runs as root inside a base image that is being made: turns a set of packages into a server.

Takes one argument, a JSON file with what images.yml says about this base. Standard library only.
"""

import json
import pathlib
import re
import subprocess
import sys

ONE_LINE = re.compile(r"deb\s+(?:\[.*?\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<components>.+)")


def run(*argv: str) -> None:
    """Run a program that must succeed."""
    subprocess.run(argv, check=True)


def to_deb822(one_line_sources: str, keyring: str) -> str:
    """Write `deb URI SUITE …` lines as the stanzas that Debian's installer writes, one for each archive."""
    suites: dict[tuple[str, str], list[str]] = {}
    for line in one_line_sources.splitlines():
        entry = ONE_LINE.fullmatch(line.strip())
        if entry:
            suites.setdefault((entry["uri"], " ".join(entry["components"].split())), []).append(
                entry["suite"]
            )
    return "\n".join(
        f"Types: deb\nURIs: {uri}\nSuites: {' '.join(names)}\nComponents: {components}\n"
        f"Signed-By: {keyring}\n"
        for (uri, components), names in suites.items()
    )


def archive_sources(keyring: str) -> None:
    """Replace the bootstrap's sources by the file that a fresh installation has."""
    old = [pathlib.Path("/etc/apt/sources.list"), *pathlib.Path("/etc/apt/sources.list.d").glob("*.list")]
    text = "\n".join(path.read_text() for path in old if path.exists())
    stanzas = to_deb822(text, keyring)
    if not stanzas or not pathlib.Path(keyring).exists():
        sys.exit(f"customise: no archive in the bootstrap's sources, or no keyring {keyring}")
    for path in old:
        path.unlink(missing_ok=True)
    pathlib.Path("/etc/apt/sources.list.d/debian.sources").write_text(stanzas)


def authorities(certificates: dict[str, str]) -> None:
    """Trust what the control machine trusts beyond the distribution's own list."""
    if not certificates:
        return
    folder = pathlib.Path("/usr/local/share/ca-certificates")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in certificates.items():
        (folder / name).write_text(text)
    run("update-ca-certificates")


def login(user: dict[str, str]) -> None:
    """Create the account that Ansible logs in as."""
    run(
        "useradd", "--create-home", "--shell", "/bin/bash", "--uid", str(user["uid"]),
        "--gid", user["group"], user["name"],
    )  # fmt: skip
    rule = pathlib.Path("/etc/sudoers.d") / user["name"]
    rule.write_text(f"{user['name']} ALL=(ALL) NOPASSWD: ALL\n")
    rule.chmod(0o440)
    # Its user manager stays after a logout. In a container under cgroup v1, Debian 12's systemd does not
    # notice that one has ended, and a login that comes meanwhile waits two minutes for it.
    linger = pathlib.Path("/var/lib/systemd/linger") / user["name"]
    linger.parent.mkdir(parents=True, exist_ok=True)
    linger.touch()


def main() -> None:
    """Do what the recipe says."""
    recipe = json.loads(pathlib.Path(sys.argv[1]).read_text())
    if recipe.get("keyring"):
        archive_sources(recipe["keyring"])
    authorities(recipe["certificates"])
    login(recipe["user"])
    for unit in recipe["masked_units"]:
        link = pathlib.Path("/etc/systemd/system") / unit
        link.unlink(missing_ok=True)
        link.symlink_to("/dev/null")
    pathlib.Path("/etc/default/locale").write_text("LANG=C.UTF-8\n")
    # Every host gets keys of its own when it is created; keys in an image would be shared by all.
    for pattern in ["etc/ssh/ssh_host_*", *recipe["leftovers"]]:
        for path in pathlib.Path("/").glob(pattern):
            path.unlink()
    run("apt-get", "-q", "update")


if __name__ == "__main__":
    main()
