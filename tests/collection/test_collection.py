"""The repository as what it also is: a collection, installed offline and run from somewhere else."""

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


def run(*command: str, cwd: Path, home: Path) -> subprocess.CompletedProcess[str]:
    """Run with none of the checkout's own configuration in reach."""
    environment = {
        "PATH": f"{BIN}:/usr/bin:/bin",
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_COLLECTIONS_PATH": str(home / "collections"),
        "ANSIBLE_HOME": str(home / ".ansible"),
    }
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("build")
    build = ("ansible-galaxy", "collection", "build", str(ROOT), "--output-path", str(folder))
    done = run(*build, cwd=folder, home=folder)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("rdna1-provision-*.tar.gz")
    return built


@pytest.fixture(scope="module")
def installed(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    done = run(
        "ansible-galaxy", "collection", "install", "--offline", str(archive), "-p", str(home / "collections"),
        cwd=home, home=home,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return home


def test_the_archive_holds_what_users_need_and_nothing_of_the_workshop(archive: Path) -> None:
    with tarfile.open(archive) as tar:
        names = set(tar.getnames())
    assert {"playbooks/rdna1.yml", "stacks/rocm52/requirements.txt", "plugins/modules/card_facts.py"} <= names
    unwanted = {".git", ".venv", ".lab", "tests", "collections", "bench", "runs"}
    assert not {name.split("/")[0] for name in names} & unwanted


@pytest.fixture
def inventory(installed: Path) -> Path:
    """This machine as a host of the fleet, with a sysfs that shows no card."""
    path = installed / "hosts.yml"
    here = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "ansible_become": False,
        "host_check_sysfs": str(installed / "no-sysfs"),
    }
    path.write_text(yaml.safe_dump({"rdna1": {"hosts": {"here": here}}}))
    return path


def test_the_playbook_runs_by_its_collection_name(installed: Path, inventory: Path) -> None:
    """A host that cannot take the stack is judged by the installed roles, modules and data, and refused."""
    done = run(
        "ansible-playbook", "rdna1.provision.rdna1", "-i", str(inventory), cwd=installed, home=installed
    )
    assert done.returncode == 2, done.stdout + done.stderr
    assert "here has no RDNA1 card (gfx1010, gfx1011, gfx1012)" in " ".join(done.stdout.split())
    assert "changed=0" in done.stdout


def test_a_misspelt_variable_is_refused_with_the_meant_one(installed: Path, inventory: Path) -> None:
    done = run(
        "ansible-playbook", "rdna1.provision.rdna1", "-i", str(inventory), "-e", "host_check_sysf=/sys",
        cwd=installed, home=installed,
    )  # fmt: skip
    assert done.returncode == 2, done.stdout + done.stderr
    assert (
        "here: host_check_sysf is not a variable of this collection (did you mean host_check_sysfs?)"
        in " ".join(done.stdout.split())
    )


def test_a_variable_may_depend_on_the_release(installed: Path, inventory: Path) -> None:
    wanted = "rocm_users={{ [] if ansible_facts['distribution'] == 'Debian' else [] }}"
    done = run(
        "ansible-playbook", "rdna1.provision.rdna1", "-i", str(inventory), "-e", wanted,
        cwd=installed, home=installed,
    )  # fmt: skip
    assert "cannot be evaluated" not in done.stdout
    assert "here has no RDNA1 card" in " ".join(done.stdout.split())
