"""What the tests of self-repair share: a release with a signature, and settings that lead to it."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
sys.path.append(str(ROOT / "roles/self_converge/files"))

PLAY = """\
- hosts: rdna1
  gather_facts: false
  tasks:
    - ansible.builtin.copy:
        dest: "{trace}"
        content: "{{{{ inventory_hostname }}}} {{{{ ansible_connection }}}} {word}"
"""
# The host as others reach it: what must not be used by itself.
INVENTORY = "rdna1: {hosts: {render-01: {ansible_connection: ssh, ansible_host: 192.0.2.1}, render-02: {}}}\n"


@dataclass
class Release:
    """A repository, a key that signs in it, and the file that its playbook writes."""

    folder: Path
    home: Path
    trace: Path

    def call(self, *argv: str) -> str:
        environment = {
            "GNUPGHOME": str(self.home), "HOME": str(self.home), "PATH": "/usr/bin:/bin",
            "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "a", "GIT_COMMITTER_NAME": "a",
            "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_EMAIL": "a@example.org",
        }  # fmt: skip
        done = subprocess.run(argv, env=environment, cwd=self.folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def key(self, name: str) -> Path:
        """Make a key; return its public half in a file."""
        batch = ["gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""]
        self.call(*batch, "--quick-generate-key", name, "ed25519", "sign", "never")
        place = self.home / f"{name}.asc"
        place.write_text(self.call("gpg", "--armor", "--export", name))
        return place

    def commit(self, word: str, signed_by: str | None = None) -> str:
        """Commit a playbook that writes this word; return the commit's number."""
        (self.folder / "playbooks").mkdir(exist_ok=True)
        (self.folder / "playbooks/rdna1.yml").write_text(PLAY.format(trace=self.trace, word=word))
        (self.folder / "hosts.yml").write_text(INVENTORY)
        (self.folder / "ansible.cfg").write_text(f"[defaults]\ninterpreter_python = {sys.executable}\n")
        self.call("git", "add", ".")
        signing = [f"--gpg-sign={signed_by}"] if signed_by else ["--no-gpg-sign"]
        self.call("git", "commit", "--quiet", "--message", word, *signing)
        return self.call("git", "rev-parse", "HEAD").strip()


@pytest.fixture
def release(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    # gpg-agent's socket must have a short path.
    folder = tmp_path_factory.mktemp("r")
    (folder / "home").mkdir(mode=0o700)
    (folder / "git").mkdir()
    made = Release(folder / "git", folder / "home", folder / "trace")
    made.call("git", "init", "--quiet", "--initial-branch", "main")
    yield made
    made.call("gpgconf", "--kill", "all")


Prepare = Callable[..., list[str]]


@pytest.fixture
def prepare(tmp_path: Path) -> Prepare:
    """Write settings; return the arguments that the program is started with."""

    def write(**changed: Any) -> list[str]:
        settings = {
            "schema": "rdna1.self_converge_settings/1",
            "host": "render-01",
            "repository": "file:///nowhere",
            "commit": 40 * "0",
            "inventory": "hosts.yml",
            "playbook": "playbooks/rdna1.yml",
            "keyring": "",
            "timeout": 120,
            "programs": str(Path(sys.executable).parent),
            "directory": str(tmp_path),
            "environment": {},
            **changed,
        }
        (tmp_path / "settings.json").write_text(json.dumps(settings))
        (tmp_path / "os-release").write_text('ID=debian\nVERSION_ID="13"\n')
        return [
            "--settings", str(tmp_path / "settings.json"),
            "--os-release", str(tmp_path / "os-release"),
            "--quarantine", str(tmp_path / "quarantined.json"),
        ]  # fmt: skip

    return write
