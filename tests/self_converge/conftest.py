"""A lab host (RDNA1_LAB) and a signed release for it: made here, with a key for this test alone."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rdna1.lab.mirror import pyarchive
from rdna1.role_variables import RoleVariables

ROOT = Path(__file__).parents[2]
BIN = ROOT / ".venv/bin"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
ROLES = ["jammy_compat", "rocm", "pytorch_venv", "rocm_environment", "conv2d_verify", "self_converge"]
# How others reach the host: nothing for the host itself.
CONNECTION = (
    "ansible_host",
    "ansible_port",
    "ansible_user",
    "ansible_ssh_private_key_file",
    "ansible_ssh_common_args",
)


class LabHost:
    """The first host of the lab with a card, new when the test begins."""

    def __init__(self, lab: str, name: str) -> None:
        self.lab, self.name = lab, name
        self.environment = {**os.environ, "RDNA1_LAB": lab, "NO_COLOR": "1"}

    def local(self, *argv: Any, **more: Any) -> str:
        done = subprocess.run(argv, env=self.environment, cwd=ROOT, capture_output=True, text=True, **more)
        assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
        return done.stdout

    def ssh(self, command: str, **more: Any) -> subprocess.CompletedProcess[str]:
        words = [BIN / "rdna1", "lab", "ssh", "--name", self.lab, self.name, "--", f"sudo sh -c '{command}'"]
        return subprocess.run(words, env=self.environment, capture_output=True, text=True, **more)

    def root(self, command: str) -> str:
        done = self.ssh(command)
        assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
        return done.stdout.strip()

    def send(self, folder: Path, place: str) -> None:
        """Put a folder there, as root's."""
        self.root(f"rm -rf {place}; mkdir -p {place}")
        packed = subprocess.run(
            ["tar", "-C", folder, "--owner=root", "--group=root", "-c", "."], capture_output=True, check=True
        )
        words = [BIN / "rdna1", "lab", "ssh", "--name", self.lab, self.name, "--", f"sudo tar -x -C {place}"]
        subprocess.run(words, env=self.environment, input=packed.stdout, check=True, capture_output=True)

    def play(self, inventory: Path) -> str:
        return self.local(
            BIN / "ansible-playbook", "playbooks/rdna1.yml", "-i", "inventories/lab", "--limit", self.name,
            "-e", f"@{inventory}",
        )  # fmt: skip

    def repair(self, unit: str) -> str:
        """Start a unit, wait for its end; return systemd's verdict."""
        self.ssh(f"systemctl start {unit}")
        wait = f"while systemctl is-active --quiet {unit} || [ $(systemctl is-active {unit}) = activating ]"
        self.root(f"{wait}; do sleep 1; done")
        return self.root(f"systemctl show --property Result --value {unit}")

    @property
    def result(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.root("/opt/rdna1/bin/rdna1-self-converge --last"))
        return found


@pytest.fixture(scope="module")
def host() -> LabHost:
    lab = os.environ.get("RDNA1_LAB", "lab")
    state = ROOT / ".lab" / lab / "lab.json"
    if not state.exists():
        pytest.fail(f"no lab called {lab} is up; run `rdna1 lab up --name {lab}`")
    hosts = json.loads(state.read_text())["hosts"]
    found = LabHost(lab, next(name for name, entry in hosts.items() if entry["card"]))
    found.local(BIN / "rdna1", "lab", "reset", "--name", lab, found.name)
    return found


class Release:
    """A repository of this checkout's last commit, with an inventory for the host; signed."""

    def __init__(self, folder: Path, host: LabHost) -> None:
        self.folder, self.host = folder, host
        self.home, self.work = folder / "home", folder / "work"
        self.home.mkdir(mode=0o700)
        self.work.mkdir()
        self.key, self.fingerprint = self._key("fleet")

    def _key(self, name: str) -> tuple[Path, str]:
        batch = ["gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""]
        self.call(*batch, "--quick-generate-key", name, "ed25519", "sign", "never")
        listed = self.call("gpg", "--with-colons", "--list-keys", name)
        place = self.home / f"{name}.asc"
        place.write_text(self.call("gpg", "--armor", "--export", name))
        return place, next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr"))

    def call(self, *argv: Any) -> str:
        environment = {
            "GNUPGHOME": str(self.home), "HOME": str(self.home), "PATH": "/usr/bin:/bin",
            "GIT_AUTHOR_NAME": "a", "GIT_COMMITTER_NAME": "a",
            "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_EMAIL": "a@example.org",
        }  # fmt: skip
        done = subprocess.run(argv, env=environment, cwd=self.work, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def commit(self, *signing: str) -> str:
        self.call("git", "add", "--all", "--force", ".")
        self.call("git", "commit", "--quiet", "--allow-empty", "--message", "A release", *signing)
        return self.call("git", "rev-parse", "HEAD").strip()

    def publish(self) -> None:
        shutil.rmtree(self.folder / "bare", ignore_errors=True)
        self.call("git", "clone", "--quiet", "--bare", self.work, self.folder / "bare")
        self.host.send(self.folder / "bare", "/srv/release.git")


def python_archive(folder: Path) -> Path:
    """The Python that runs this test, packed as the lab packs its own."""
    root = folder / "python"
    base = Path(sys.base_prefix)
    ignored = shutil.ignore_patterns(
        "site-packages", "test", "tests", "idlelib", "tkinter", "__pycache__", "config-*", "*.a"
    )
    (root / "bin").mkdir(parents=True)
    shutil.copy(base / f"bin/python{PYTHON}", root / "bin")
    for name in ("python3", "python"):
        (root / "bin" / name).symlink_to(f"python{PYTHON}")
    shutil.copytree(sysconfig.get_path("stdlib"), root / f"lib/python{PYTHON}", ignore=ignored)
    for path in (root / f"lib/python{PYTHON}/lib-dynload").glob("*"):
        if pyarchive.UNWANTED_MODULES.fullmatch(path.name):
            path.unlink()
    for library in base.glob(f"lib/libpython{PYTHON}.so*"):
        shutil.copy(library, root / "lib")
    pyarchive.relocate(root)
    pyarchive.pack(root, folder / f"cpython-{PYTHON}.0-lab.tar.gz")
    return folder / f"cpython-{PYTHON}.0-lab.tar.gz"


def wheels(folder: Path) -> None:
    """ansible-core and what it needs, by the hashes of the role's lock."""
    variables = RoleVariables(ROOT, "self_converge", "none")
    variables.set(self_converge_python=PYTHON)
    (folder / "lock.txt").write_text(variables["__self_converge_lock"])
    subprocess.run(
        [Path(sys.base_prefix) / f"bin/python{PYTHON}", "-m", "pip", "download", "--quiet", "--no-deps",
         "--only-binary", ":all:", "--require-hashes", "-r", folder / "lock.txt", "--dest", folder],
        check=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def release(host: LabHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """The release, on the host under /srv, with what the role would fetch from afar."""
    folder = tmp_path_factory.mktemp("r")
    made = Release(folder, host)
    tar = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True)
    subprocess.run(["tar", "-x", "-C", made.work], input=tar.stdout, check=True)
    made.call("git", "init", "--quiet", "--initial-branch", "main")

    (folder / "srv").mkdir()
    archive = python_archive(folder)
    wheels(folder / "srv")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    shutil.move(archive, folder / "srv")
    host.send(folder / "srv", "/srv/afar")

    described = json.loads(
        host.local(BIN / "ansible-inventory", "-i", "inventories/lab", "--host", host.name)
    )
    variables = {name: value for name, value in described.items() if name not in CONNECTION}
    place = made.work / "inventories/mine"
    place.mkdir()
    shutil.copy(variables["lab_requirements"]["rocm52"], place / "requirements.txt")
    shutil.copy(made.key, place / "release-key.asc")
    variables |= {
        "rdna1_roles": ROLES,
        "pytorch_venv_requirements": "{{ inventory_dir }}/requirements.txt",
        "self_converge_repository": "file:///srv/release.git",
        "self_converge_inventory": "inventories/mine",
        "self_converge_key": "{{ inventory_dir }}/release-key.asc",
        "self_converge_key_fingerprint": made.fingerprint,
        "self_converge_python": PYTHON,
        "self_converge_standalone_url": f"file:///srv/afar/{archive.name}",
        "self_converge_standalone_sha256": digest,
        "self_converge_find_links": ["/srv/afar"],
        "self_converge_offline": True,
        "self_converge_metrics_directory": "/srv",
    }
    (place / "hosts.yml").write_text(json.dumps({"rdna1": {"hosts": {host.name: variables}}}))
    made.commit("--gpg-sign=fleet")
    made.publish()
    # The same for the controller, whose inventory is the lab's.
    here = {name: variables[name] for name in variables if name.startswith(("self_converge_", "rdna1_roles"))}
    here["self_converge_key"] = str(made.key)
    (folder / "here.json").write_text(json.dumps(here))
    yield made
    made.call("gpgconf", "--kill", "all")
