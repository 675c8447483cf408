"""`bench/first_converge`: see there."""

import argparse
import json
import shlex
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import contenders
import fleet as lab
import yaml
from fleet import CHECKOUT, BenchError, Host
from profiling import CALLBACKS

SCHEMA = "rdna1.bench-first/1"
STACKS = CHECKOUT / "stacks"
DONOR = "roles/jammy_compat/defaults/main.yml"
# What apt needs before it can be asked, and the packages that a person would have to have built: taken from a
# host that the chain converged, and laid on the fresh one before its time starts.
GIVEN = (
    "/etc/apt/sources.list.d/rdna1-* /etc/apt/preferences.d/rdna1-* /etc/apt/keyrings/rdna1-*"
    " /var/lib/rdna1/standins"
)
# The chain's proof on the card, which nobody's bare commands include.
PROOF = "Run the suites"


def by_hand(host: Host) -> str:
    """Return the bare commands, as somebody would type them who knows them all."""
    stack = host.variables.get("rdna1_stack", "rocm52")
    data = yaml.safe_load((STACKS / stack / "stack.yml").read_text())
    donors = yaml.safe_load((CHECKOUT / DONOR).read_text())["jammy_compat_packages"]
    lines = ["set -e", "export DEBIAN_FRONTEND=noninteractive"]
    if "rocm" in data:
        wanted = [f"{name}={version}" for name, version in data["rocm"]["packages"]["full"].items()]
        lines += [
            "apt-get -q update",
            f"apt-get -q -y --no-install-recommends install {' '.join(donors)} /var/lib/rdna1/standins/*.deb",
            f"apt-get -q -y --no-install-recommends install {' '.join(wanted)}",
            "apt-mark hold $(dpkg-query -W -f '${Package} ${Version}\\n'"
            f" | sed -n 's/ .*{data['rocm']['build']}$//p')",
        ]
    variables = host.variables
    lock = Path(variables["lab_requirements"][stack]).read_text()
    url = variables["lab_standalone_url"]
    fetch = f"import urllib.request as u; u.urlretrieve({url!r}, '/opt/python.tar.gz')"
    return "\n".join(
        [
            *lines,
            f"python3 -c {shlex.quote(fetch)}",
            f"echo {variables['lab_standalone_sha256']}  /opt/python.tar.gz | sha256sum --check --quiet",
            "tar -xzf /opt/python.tar.gz -C /opt",
            "/opt/python/bin/python3.10 -m venv /opt/venv",
            f"cat >/opt/requirements.txt <<'LOCK'\n{lock}\nLOCK",
            "/opt/venv/bin/pip install --disable-pip-version-check --no-deps --require-hashes"
            " --only-binary :all: --no-cache-dir"
            f" --index-url {variables['lab_mirror']}/simple/ -r /opt/requirements.txt",
            "",
        ]
    )


def anew(name: str, host: str) -> Host:
    """Make the host anew from its base image."""
    lab.checked(["rdna1", "lab", "reset", host, "--name", name])
    return next(found for found in lab.take(name).hosts if found.name == host)


def time_chain(name: str, host: str) -> dict[str, float]:
    """Time the chain on a fresh host: all of it, and the proof in it."""
    anew(name, host)
    with tempfile.TemporaryDirectory(prefix="rdna1-") as folder:
        tasks, log = Path(folder) / "tasks.json", Path(folder) / "log"
        env = {
            **lab.take(name).env,
            "ANSIBLE_SSH_CONTROL_PATH_DIR": folder,
            "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
            "ANSIBLE_CALLBACKS_ENABLED": "task_times",
            "RDNA1_TASK_TIMES": str(tasks),
        }
        start = time.perf_counter()
        with log.open("w") as stream:
            command = [*contenders.CHAIN, "--limit", host]
            rc = subprocess.run(command, cwd=CHECKOUT, env=env, stdout=stream, stderr=stream).returncode
        wall = time.perf_counter() - start
        if rc != 0:
            raise BenchError(f"{host}: the chain failed, exit status {rc}: {log.read_text()[-1500:]}")
        proof = sum(task["seconds"] for task in json.loads(tasks.read_text()) if PROOF in task["name"])
    return {"wall": round(wall, 1), "proof": round(proof, 1)}


def time_by_hand(name: str, host: str, given: str) -> float:
    """Time the bare commands on a fresh host."""
    fresh = anew(name, host)
    fresh.run("base64 -d | sudo tar -xz -C /", given)
    script = by_hand(fresh)
    start = time.perf_counter()
    fresh.run("sudo sh -s", script)
    return round(time.perf_counter() - start, 1)


def compare(name: str, host: str, repetitions: int) -> dict[str, Any]:
    """Time both in turn."""
    chain, hand = [], []
    for _ in range(repetitions):
        chain.append(time_chain(name, host))
        converged = next(found for found in lab.take(name).hosts if found.name == host)
        # A host without a card has none of it.
        given = converged.run(
            f"sudo sh -c 'tar -cz --files-from=/dev/null $(ls -d {GIVEN} 2>/dev/null)' | base64"
        )
        hand.append(time_by_hand(name, host, given))
    bare = statistics.median(hand)
    whole = statistics.median(each["wall"] for each in chain)
    unproven = statistics.median(each["wall"] - each["proof"] for each in chain)
    return {
        "host": host,
        "chain": chain,
        "by_hand": hand,
        "overhead_percent": round(100 * (unproven / bare - 1), 1),
        "overhead_with_proof_percent": round(100 * (whole / bare - 1), 1),
    }


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="bench/first_converge", description="Time a first converge beside apt and pip by hand."
    )
    parser.add_argument("--lab", help="make this lab's hosts anew, instead of a lab of its own")
    parser.add_argument(
        "--full-size",
        action="store_true",
        help="give its own lab packages as large as the real ones, in total",
    )
    parser.add_argument("--link", type=int, metavar="MBIT", help="give it a mirror at so many Mbit/s")
    parser.add_argument("--host", nargs="+", default=["rx5600xt-01", "cpu-reference"], help="in turn")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--json", type=Path, default=CHECKOUT / ".cache/bench/first_converge.json")
    options = parser.parse_args()
    if options.lab and (options.full_size or options.link):
        parser.error(
            f"lab {options.lab} is as it was made: leave --link out, "
            f"and run `rdna1 lab up --full-size --name {options.lab}`"
        )
    name = options.lab or "bench-first"
    # A lab that was made for this goes also when this is told to end.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        if not options.lab:
            lab.bring_up(name, 2, full_size=options.full_size)
        if options.link:
            lab.narrow(name, options.link)
        found = [compare(name, host, options.repetitions) for host in options.host]
        full_size = lab.is_full_size(name)
    except BenchError as error:
        print(f"bench/first_converge: {error}", file=sys.stderr)
        return 2
    finally:
        if not options.lab:
            lab.bring_down(name)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(
        json.dumps(
            {"schema": SCHEMA, "full_size": full_size, "link_mbit": options.link, "hosts": found}, indent=2
        )
        + "\n"
    )
    print("| host | apt and pip by hand | the chain without its proof | over it | with its proof | over it |")
    print("|---|---|---|---|---|---|")
    for each in found:
        unproven = statistics.median(run["wall"] - run["proof"] for run in each["chain"])
        whole = statistics.median(run["wall"] for run in each["chain"])
        print(
            f"| {each['host']} | {statistics.median(each['by_hand']):.1f} s | {unproven:.1f} s |"
            f" {each['overhead_percent']} % | {whole:.1f} s | {each['overhead_with_proof_percent']} % |"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
