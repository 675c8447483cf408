"""What is said when pip fails, in pip's own words for it."""

from pathlib import Path

import pytest
from ansible_collections.rdna1.provision.plugins.module_utils.venv_build import (
    BuildError,
    Sources,
    explain,
    make,
)
from ansible_collections.rdna1.provision.plugins.module_utils.venv_run import Outcome

WANTED, FOUND = "a" * 64, "b" * 64

TAMPERED = f"""
Collecting torch==1.13.1+rocm5.2
  Downloading http://mirror.example/torch-1.13.1%2Brocm5.2-cp310-cp310-linux_x86_64.whl (1.2 GB)
ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated (...)
    torch==1.13.1+rocm5.2 from http://mirror.example/torch.whl (from -r /tmp/requirements.txt (line 20)):
        Expected sha256 {WANTED}
             Got        {FOUND}
"""


def test_a_changed_wheel_is_named_with_both_hashes() -> None:
    said = explain(Outcome(1, TAMPERED))
    assert "torch==1.13.1+rocm5.2 from http://mirror.example/torch.whl" in said
    assert f"has sha256 {FOUND}, the lock wants {WANTED}" in said
    assert "\n" not in said


def test_a_lock_with_several_hashes_is_understood_too() -> None:
    several = TAMPERED.replace("             Got", f"        Expected     or {'c' * 64}\n             Got")
    assert f"has sha256 {FOUND}" in explain(Outcome(1, several))


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("ERROR: Could not install packages: [Errno 28] No space left on device: '/opt'", "make room"),
        (
            "WARNING: The repository located at mirror.lab is not a trusted or secure host (...)\n"
            "ERROR: No matching distribution found for torch==1.13.1",
            "name it in pytorch_venv_trusted_hosts",
        ),
        (
            "WARNING: Retrying: Failed to establish a new connection: [Errno 111] Connection refused')': /x\n"
            "ERROR: No matching distribution found for torch==1.13.1",
            "an index cannot be read (Failed to establish a new connection: [Errno 111] Connection refused)",
        ),
        (
            "ERROR: No matching distribution found for torch==1.13.1+rocm5.2",
            "no index has torch==1.13.1+rocm5.2",
        ),
        ("noise\nERROR: something new\nmore noise", "pip failed: ERROR: something new"),
        ("", "pip failed: no output"),
    ],
)
def test_each_failure_has_its_sentence(output: str, said: str) -> None:
    assert said in explain(Outcome(1, output))


def test_a_killed_pip_is_not_blamed_on_what_it_said_last() -> None:
    assert (
        explain(Outcome(-9, "Successfully uninstalled setuptools-65.5.0"))
        == "pip was ended by SIGKILL; run again"
    )


def test_addresses_stand_in_the_requirements_file_and_not_on_a_command_line() -> None:
    sources = Sources(
        "https://me:secret@one.example/simple", ["https://two.example"], ["/wheels"], ["one.example"]
    )
    assert sources.lines() == [
        "--index-url https://me:secret@one.example/simple",
        "--extra-index-url https://two.example",
        "--find-links /wheels",
        "--trusted-host one.example",
    ]


def test_offline_asks_no_index() -> None:
    lines = Sources("https://one.example", ["https://two.example"], ["/wheels"], [], True).lines()
    assert lines == ["--no-index", "--find-links /wheels"]


def test_a_venv_that_finds_no_room_says_so(tmp_path: Path) -> None:
    """The venv module alone would say that ensurepip ended with 1."""
    python = tmp_path / "python"
    python.write_text(
        '#!/bin/sh\ncase "$*" in\n'
        '*" venv "*) mkdir -p "$5/bin" && cp "$0" "$5/bin/python" ;;\n'
        "*) echo \"OSError: [Errno 28] No space left on device: 'pip/_vendor'\"; exit 1 ;;\nesac\n"
    )
    python.chmod(0o755)
    with pytest.raises(BuildError, match=r"^no space \(or no inode\) was left while the venv was made; make"):
        make(tmp_path / "venv", str(python))
