"""Show that what the chain is compared with looks at the same things: break each, and see who notices."""

import json
import os
import subprocess
from pathlib import Path

import yaml
from contenders import VENV
from fleet import CHECKOUT, BenchError, Fleet, Host

HERE = Path(__file__).resolve().parent
BREAKS = HERE / "prove.yml"
ASIDE = "/root/put-aside"


def prove(fleet: Fleet, folder: Path) -> None:
    """Print who noticed what; fail unless all noticed all, and nobody saw what is not."""
    host = next(host for host in fleet.hosts if "rdna1_stack" not in host.variables)
    held = json.loads((folder / f"{host.name}.json").read_text())["held"][0]
    missed = [name for name, noticed in noticing(folder, host).items() if noticed]
    if missed:
        raise BenchError(f"{host.name}: {', '.join(missed)} see something broken where nothing is")
    for case in yaml.safe_load(BREAKS.read_text().replace("PACKAGE", held)):
        keep = case.get("keep")
        put_aside = f"cp -a {keep} {ASIDE} && " if keep else ""
        back = f"rm -rf {keep} && mv -T {ASIDE} {keep}" if keep else case["mend"]
        root(host, put_aside + case["break"])
        try:
            seen = noticing(folder, host)
        finally:
            root(host, back)
        print(
            f"{case['what']}: {', '.join(f'{name} {_said(noticed)}' for name, noticed in seen.items())}",
            flush=True,
        )
        missed += [f"{case['what']} ({name})" for name, noticed in seen.items() if not noticed]
    left = [name for name, noticed in noticing(folder, host).items() if noticed]
    if missed or left:
        raise BenchError(
            f"{host.name}: missed {', '.join(missed) or 'nothing'}; still broken for {left or 'nobody'}"
        )


def root(host: Host, command: str) -> None:
    """Run a command on the host as root."""
    host.run("sudo sh -es", command)


def noticing(folder: Path, host: Host) -> dict[str, bool]:
    """Ask each whether it sees anything to do on this host; on another one it must not."""
    diff = subprocess.run([HERE / "plain_ssh", folder], capture_output=True, text=True, check=False)
    command = [VENV / "bin/pyinfra", "--dry", "--sudo", "--json"]
    env = {**os.environ, "RDNA1_WANTED": str(folder)}
    deploy = subprocess.run(
        [*command, HERE / "pyinfra_inventory.py", HERE / "pyinfra_deploy.py"],
        cwd=CHECKOUT, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if deploy.returncode != 0:
        raise BenchError(
            f"pyinfra: exit status {deploy.returncode}, {deploy.stderr.strip().splitlines()[-1]}"
        )
    plan = json.loads(deploy.stdout)["plan"]
    changing = {name for operation in plan for name in operation["hosts_with_change"]}
    differing = {line.split()[1] for line in diff.stdout.splitlines() if line.startswith("+++ ")}
    for name, hosts in (("pyinfra", changing), ("ssh", differing)):
        if strangers := hosts - {host.name}:
            raise BenchError(
                f"{name}: it sees something to do on {', '.join(sorted(strangers))}, where nothing was broken"
            )
    return {"pyinfra": host.name in changing, "ssh": host.name in differing}


def _said(noticed: bool) -> str:
    return "noticed" if noticed else "MISSED"
