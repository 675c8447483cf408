"""Wall time, memory and size of `rdna1 report` for runs of so many hosts, each with a verdict of 17 cases.

python bench/report.py [HOSTS...]    (default: 12 100 500)
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "roles/conv2d_verify/files")]

from tests.report import sample  # noqa: E402 - after the path is set

RDNA1 = Path(sys.executable).with_name("rdna1")


def measure(*arguments: str) -> str:
    """Return a command's seconds, those of them that it computed, and the most memory that it had."""
    start = time.monotonic()
    pid = subprocess.Popen([RDNA1, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).pid
    _, status, used = os.wait4(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, 1), f"rdna1 {' '.join(arguments)} exited with {code}"
    wall, computed = time.monotonic() - start, used.ru_utime + used.ru_stime
    return f"{wall:.2f} | {computed:.2f} | {used.ru_maxrss / 1024:.0f} MiB"


def main() -> None:
    """Print a table."""
    print("| hosts | run on disk | form | seconds | of CPU | memory | size |\n|---|---|---|---|---|---|---|")
    print(f"| none | | `--help` alone | {measure('report', '--help')} | |")
    for hosts in map(int, sys.argv[1:] or ("12", "100", "500")):
        with tempfile.TemporaryDirectory() as folder:
            paths = sample.write(Path(folder), *sample.run(hosts, whole=True))
            disk = sum(file.stat().st_size for file in paths.root.rglob("*.json")) / 2**20
            for form in ("html", "json", "junit"):
                file = Path(folder, f"report.{form}")
                used = measure("report", "--runs-dir", folder, f"--{form}", str(file))
                print(
                    f"| {hosts} | {disk:.1f} MiB | {form} | {used} | {file.stat().st_size / 2**20:.1f} MiB |"
                )


if __name__ == "__main__":
    main()
