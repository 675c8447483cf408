"""Bad input: one sentence that names the host, the thing and the cure, and nothing is changed."""

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
HOST = "rx5600xt-01"

testinfra_hosts = [f"ansible://{HOST}"]

Refused = Callable[..., str]


@pytest.fixture
def refused() -> Refused:
    """Run a playbook on one host; it must fail there. What it said, on one line."""

    def run(*arguments: str, playbook: str = "playbooks/rdna1.yml", changed: int = 0) -> str:
        done = subprocess.run(
            ["ansible-playbook", playbook, "-i", "inventories/lab", "--limit", HOST, *arguments],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        said = " ".join((done.stdout + done.stderr).split())
        assert done.returncode == 2, said
        assert f"changed={changed} " in said.partition("PLAY RECAP")[2], said
        return said

    return run


def test_an_unknown_group_variable(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text(f"navi10: {{hosts: {{{HOST}: }}, vars: {{rocm_pakage_set: full}}}}\n")
    said = refused("-i", str(tmp_path / "hosts.yml"))
    assert (
        f"{HOST}: rocm_pakage_set is not a variable of this collection (did you mean rocm_package_set?)"
        in said
    )


def test_a_misspelt_role_argument(refused: Refused, tmp_path: Path) -> None:
    play = tmp_path / "play.yml"
    play.write_text(
        "- hosts: rdna1\n  gather_facts: false\n  become: true\n"
        "  roles: [{role: rdna1.provision.rocm_environment, vars: {rocm_environment_polcy: defaults}}]\n"
    )
    said = refused(playbook=str(play))
    assert f"{HOST}: rocm_environment_polcy is not a variable" in said
    assert "did you mean rocm_environment_policy?" in said


def test_a_wrong_choice(refused: Refused) -> None:
    said = refused("-e", "rocm_package_set=everything")
    assert (
        f"{HOST}: rocm_package_set: value of rocm_package_set must be one of: full, runtime, minimal" in said
    )


@pytest.fixture
def older_release(host: Any) -> Iterator[None]:
    """A host that says it is Debian 11."""
    host.check_output("cp --archive /usr/lib/os-release /usr/lib/os-release.kept")
    host.check_output("cp --archive /etc/debian_version /etc/debian_version.kept")
    host.check_output("sed -i 's/13/11/; s/trixie/bullseye/' /usr/lib/os-release")
    host.check_output("echo 11.9 > /etc/debian_version")
    yield
    host.check_output("mv /usr/lib/os-release.kept /usr/lib/os-release")
    host.check_output("mv /etc/debian_version.kept /etc/debian_version")


@pytest.mark.usefixtures("older_release")
def test_an_unsupported_release(refused: Refused) -> None:
    said = refused()
    assert (
        f"{HOST} runs Debian 11 on x86_64; install one of Ubuntu 24.04, Ubuntu 22.04, Debian 13, Debian 12"
        in said
    )


def test_a_host_without_an_rdna1_card(refused: Refused) -> None:
    said = refused("-e", "host_check_sysfs=/var/empty")
    assert f"{HOST} has no RDNA1 card (gfx1010, gfx1011, gfx1012)" in said
    assert "set host_check_require_card to false" in said


def test_a_wrong_key_fingerprint(host: Any, refused: Refused) -> None:
    before = host.file("/etc/apt/keyrings/rdna1-rocm.gpg").sha256sum
    said = refused("-e", "rocm_key_fingerprint=" + 40 * "A")
    assert 40 * "A" in said
    assert str(host.ansible.get_variables()["lab_key_fingerprint"]) in said
    assert host.file("/etc/apt/keyrings/rdna1-rocm.gpg").sha256sum == before


def test_a_wheel_whose_hash_differs(host: Any, refused: Refused, tmp_path: Path) -> None:
    """The venv in use stays in use, and nothing half-built stays behind."""
    before = host.check_output("readlink /opt/rdna1/current; ls /opt/rdna1/venvs")
    lock = ROOT / host.ansible.get_variables()["lab_requirements"]["rocm52"]
    changed = tmp_path / "requirements.txt"
    changed.write_text(re.sub(r"(numpy==\S+ \\\n +--hash=sha256:)\w{8}", r"\g<1>00000000", lock.read_text()))
    assert changed.read_text() != lock.read_text()
    said = refused("-e", f"pytorch_venv_requirements={changed}")
    assert "numpy" in said.partition("ERROR")[2]
    assert "sha256" in said
    assert host.check_output("readlink /opt/rdna1/current; ls /opt/rdna1/venvs") == before
