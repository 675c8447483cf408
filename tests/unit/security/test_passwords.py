"""A password in an address comes into no file that everybody may read, no message and no process list."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.rdna1.provision.plugins.module_utils import venv_build, venv_run
from rdna1.role_variables import RoleVariables

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[3]
HIDDEN = "correct-horse"
ADDRESS = f"https://ada:{HIDDEN}@mirror.example.org/rocm"


@pytest.mark.parametrize(
    ("role", "name", "value"),
    [
        ("rocm", "rocm_repository_url", ADDRESS),
        ("rocm", "rocm_key_url", ADDRESS),
        ("jammy_compat", "jammy_compat_archive_uris", ["https://mirror.example.org/ubuntu", ADDRESS]),
    ],
)
@pytest.mark.parametrize("secret", [True, False])
def test_apt_s_addresses_hold_none(role: str, name: str, value: str | list[str], secret: bool) -> None:
    variables = RoleVariables(ROOT, role, "Debian_13")
    if not secret:
        value = value.replace(f"ada:{HIDDEN}@", "") if isinstance(value, str) else value[:1]
    variables.set(**{name: value}, inventory_hostname="one")
    (task,) = [
        task
        for task in variables.load(ROOT / f"roles/{role}/tasks/input.yml")
        if task["name"] == "Input | Judge that no address holds a secret"
    ]
    judge = task["ansible.builtin.assert"]
    good = []
    for item in variables.template(task.get("loop", [None])):
        variables.set(item=item)
        good.append(variables.true(judge["that"]))
        if not good[-1]:
            said = variables.template(judge["fail_msg"])
            assert HIDDEN not in said
            assert said.startswith(f"one: {name} holds a user or a password")
            assert "/etc/apt/auth.conf.d" in said
    assert all(good) is not secret


def test_pip_s_password_is_in_no_message_and_no_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real pip, and an index where nobody listens."""
    commands: list[object] = []

    def noted(words: Sequence[str | Path], *more: Any, **named: Any) -> venv_run.Outcome:
        commands.append(words)
        return venv_run.run(words, *more, **named)

    monkeypatch.setattr(venv_build, "run", noted)
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    sources = venv_build.Sources(f"http://ada:{HIDDEN}@127.0.0.1:{port}/simple", trusted_hosts=["127.0.0.1"])
    lock = "numpy==1.26.4 --hash=sha256:" + "0" * 64 + "\n"
    with pytest.raises(venv_build.BuildError) as failed:
        venv_build.install(tmp_path / "venv", sys.executable, lock, sources, tmp_path, {"PIP_RETRIES": "0"})
    assert str(port) in failed.value.log
    assert HIDDEN not in str(failed.value) + failed.value.log
    assert "install" in str(commands[-1])
    assert HIDDEN not in str(commands)
