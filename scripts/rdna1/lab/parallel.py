"""Doing the same to many hosts at a time."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from rdna1.lab.errors import LabError

T = TypeVar("T")
# Podman takes turns at its own locks; more threads would only queue there.
WORKERS = 8


def each(tasks: Mapping[str, Callable[[], T]]) -> tuple[dict[str, T], dict[str, LabError]]:
    """Run all tasks; return results and failures, by host. One host's failure does not stop the others."""
    results: dict[str, T] = {}
    failures: dict[str, LabError] = {}
    pool = ThreadPoolExecutor(WORKERS)
    try:
        futures = {name: pool.submit(task) for name, task in tasks.items()}
        for name, future in futures.items():
            try:
                results[name] = future.result()
            except LabError as error:
                failures[name] = error
    finally:
        # After Ctrl-C: what runs ends by itself (podman got the signal too), what waits never starts.
        pool.shutdown(wait=True, cancel_futures=True)
    return results, failures
