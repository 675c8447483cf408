"""Nothing in the project switches the checking of host keys off; the lab's own hosts are checked as well."""

import configparser
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[3]
OFF = re.compile(
    r"host_key_checking[\"']?\s*[:=]\s*[\"']?(?:false|no|0|off)\b"
    r"|StrictHostKeyChecking[\"']?\s*[:= ]\s*[\"']?(?:no|off|accept-new)\b",
    re.IGNORECASE,
)
# What looks for it, or speaks of it.
WATCHERS = ("scripts/rdna1/doctor/", "tests/", "docs/")


def test_no_file_switches_it_off() -> None:
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    found = [
        name
        for name in files.stdout.splitlines()
        if not name.startswith(WATCHERS)
        and (ROOT / name).is_file()
        and OFF.search((ROOT / name).read_text(errors="replace"))
    ]
    assert found == []


def test_the_expression_finds_what_it_looks_for() -> None:
    for text in (
        "host_key_checking = False",
        "StrictHostKeyChecking=no",
        "-o StrictHostKeyChecking accept-new",
    ):
        assert OFF.search(text)
    assert not OFF.search("StrictHostKeyChecking=yes")


def test_the_configuration_leaves_it_on() -> None:
    settings = configparser.ConfigParser()
    settings.read(ROOT / "ansible.cfg")
    assert settings.get("defaults", "host_key_checking", fallback="true").lower() == "true"
