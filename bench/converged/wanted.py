"""What is wanted of each host, taken once from hosts that the chain has just converged."""

import json
import shlex
from pathlib import Path

import observing
from fleet import Fleet

COLLECT = Path(__file__).with_name("collect.py")


def take(fleet: Fleet, folder: Path) -> None:
    """Write HOST.json (contents, for pyinfra) and HOST.txt (the shell check's words) into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.iterdir():
        stale.unlink()
    managed = observing.managed()
    request = {
        "paths": managed["paths"],
        "groups": managed["groups"],
        "users": managed["users"],
        "packages_command": observing.packages_command(managed["packages"]),
        "commands": commands(managed),
    }
    collected = fleet.everywhere(f"sudo python3 - {shlex.quote(json.dumps(request))}", COLLECT.read_text())
    script = observing.script(managed)
    (folder / "check.sh").write_text(script)
    said = fleet.everywhere("sudo sh -s", script)
    for host in fleet.hosts:
        wanted = {
            **json.loads(collected[host.name]),
            "absent": managed["absent"],
            "trees": {path: observing.tree_command(path) for path in managed["trees"]},
            "large": {path: observing.large_command(path) for path in managed["large"]},
            "programs": {path: observing.program_command(path) for path in managed["programs"]},
            "verdict": observing.verdict_command(managed["verdict"]),
            "judged": managed["judged"],
            "lock": host.variables["lab_requirements"][host.variables.get("rdna1_stack", "rocm52")],
            "index": host.variables["lab_mirror"] + "/simple/",
            "python": {
                "url": host.variables["lab_standalone_url"],
                "sha256": host.variables["lab_standalone_sha256"],
            },
            "connection": {
                "ssh_hostname": host.address,
                "ssh_port": host.port,
                "ssh_user": host.user,
                "ssh_key": host.key,
                "ssh_known_hosts_file": host.known_hosts,
                "ssh_strict_host_key_checking": "yes",
            },
        }
        (folder / f"{host.name}.json").write_text(json.dumps(wanted))
        (folder / f"{host.name}.txt").write_text(said[host.name])
        (folder / f"{host.name}.ssh").write_text(shlex.join(host.ssh()) + "\n")


def commands(managed: dict[str, list[str]]) -> list[str]:
    """Return the commands whose words pyinfra compares, for want of an operation."""
    return [
        *map(observing.tree_command, managed["trees"]),
        *map(observing.large_command, managed["large"]),
        *map(observing.program_command, managed["programs"]),
        observing.verdict_command(str(managed["verdict"])),
        *managed["judged"],
    ]
