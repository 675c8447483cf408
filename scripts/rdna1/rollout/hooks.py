"""Drain and undrain: the site's own commands, run on this machine for each host."""

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

from rdna1.lab.errors import last_words
from rdna1.rollout import processes

WORKERS = 8
TIMEOUT = 600.0
# How often, in seconds, somebody looks whether a hook shall stop.
ATTENTION = 0.2
STOPPED = "it was stopped"
# The facts that hooks get, by the name that the module gives them.
FACTS = {
    "KERNEL": "ansible_kernel",
    "FQDN": "ansible_fqdn",
    "OS": "ansible_distribution",
    "OS_VERSION": "ansible_distribution_version",
    "ARCHITECTURE": "ansible_architecture",
}


def variables(values: Mapping[str, Any]) -> dict[str, str]:
    """Return values as hooks find them in their environment: RDNA1_NAME, lists by spaces, no null."""
    found = {}
    for name, value in values.items():
        if isinstance(value, list):
            value = " ".join(map(str, value))
        found["RDNA1_" + re.sub(r"\W", "_", name).upper()] = "" if value is None else str(value)
    return found


def facts(gathered: Mapping[str, Any]) -> dict[str, Any]:
    """Return what hooks are told of what Ansible gathered."""
    return {name: gathered.get(fact) for name, fact in FACTS.items()}


def run_one(command: str, environment: Mapping[str, str], run: str, over: threading.Event) -> str | None:
    """Run a hook, unless all is over; return what went wrong, or None."""
    if over.is_set():
        return STOPPED
    until = time.monotonic() + TIMEOUT
    with subprocess.Popen(
        ["/bin/sh", "-c", command],
        env={**os.environ, **environment, processes.MARK: run},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        # Ctrl-C is for the driver, which decides what it means.
        start_new_session=True,
    ) as process:
        while True:
            try:
                said, _ = process.communicate(timeout=ATTENTION)
                break
            except subprocess.TimeoutExpired:
                if not over.is_set() and time.monotonic() < until:
                    continue
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return STOPPED if over.is_set() else f"it did not end within {TIMEOUT:.0f} s"
    return None if process.returncode == 0 else f"it ended with {process.returncode}: {last_words(said)}"


def run_all(
    command: str, hosts: Mapping[str, Mapping[str, str]], run: str, stop: Callable[[], bool]
) -> dict[str, str | None]:
    """Run a hook for each host, by its environment; return what went wrong, or None, by host."""
    over = threading.Event()
    with ThreadPoolExecutor(WORKERS) as pool:
        futures = {name: pool.submit(run_one, command, env, run, over) for name, env in hosts.items()}
        while wait(futures.values(), timeout=ATTENTION).not_done:
            if stop():
                over.set()
        return {name: future.result() for name, future in futures.items()}
