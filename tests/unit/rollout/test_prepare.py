"""What happens before the first wave: extra variables, vaults, the inventory, locks left by the dead."""

from __future__ import annotations

import dataclasses
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rdna1.lab.errors import LabError
from rdna1.rollout import fleet, lock, prepare, vault
from rdna1.rollout.asked import Asked
from rdna1.runs import model

KEYS = vault.keys([])
ANSIBLE_VAULT = str(Path(sys.executable).with_name("ansible-vault"))
INVENTORY = """
rdna1:
  children:
    navi10:
      hosts:
        a.example.org: {ansible_host: 192.0.2.1}
        b.example.org: {ansible_port: 2222}
cpu_reference:
  hosts:
    c.example.org: {ansible_connection: local}
canary:
  hosts:
    b.example.org:
others:
  hosts:
    not-ours.example.org:
"""


@pytest.fixture(autouse=True)
def _own_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    path = tmp_path / "inventory/hosts.yml"
    path.parent.mkdir()
    path.write_text(INVENTORY)
    return path


def encrypted(tmp_path: Path, path: Path, text: str) -> Path:
    """Write a vaulted file; return the password's file."""
    password = tmp_path / "password"
    password.write_text("a pass phrase\n")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    command = [ANSIBLE_VAULT, "encrypt", "--vault-password-file", str(password), str(path)]
    subprocess.run(command, check=True, capture_output=True)
    return password


def asked(inventory: Path, **more: object) -> Asked:
    return Asked(inventories=[inventory], **more)  # type: ignore[arg-type]


def test_the_fleet_is_what_the_chain_is_for(inventory: Path) -> None:
    known = fleet.read(KEYS.loader, [inventory], None)
    assert list(known.members) == ["a.example.org", "b.example.org", "c.example.org"]
    assert known.canaries == {"b.example.org"}
    addresses = [member.address for member in known.members.values()]
    assert addresses == ["192.0.2.1:22", "b.example.org:2222", "c.example.org:22"]
    assert [member.local for member in known.members.values()] == [False, False, True]


def test_several_inventories_and_a_limit(inventory: Path, tmp_path: Path) -> None:
    second = tmp_path / "second.yml"
    second.write_text("rdna1: {hosts: {d.example.org: }}\n")
    known = fleet.read(KEYS.loader, [inventory, second], "d.*,b.*")
    assert sorted(known.members) == ["b.example.org", "d.example.org"]


def test_the_hash_follows_the_inventorys_content(inventory: Path) -> None:
    before = fleet.read(KEYS.loader, [inventory.parent], None).sha256
    (inventory.parent / "group_vars").mkdir()
    (inventory.parent / "group_vars/rdna1.yml").write_text("rdna1_stack: rocm57\n")
    assert fleet.read(KEYS.loader, [inventory.parent], None).sha256 != before


@pytest.mark.parametrize("limit", ["nobody.example.org", "others"])
def test_a_limit_that_leaves_nobody_is_an_error(inventory: Path, limit: str) -> None:
    with pytest.raises(LabError, match="--inventory: "):
        fleet.read(KEYS.loader, [inventory], limit)


def test_extra_variables_keep_their_order_and_only_their_names_are_known(tmp_path: Path) -> None:
    given = tmp_path / "given.yml"
    given.write_text("colour: red\n")
    words = ["size=3 shape='a circle'", f"@{given}", '{"list": [1, 2]}']
    files, names = prepare.extra_files(KEYS.loader, words, tmp_path / "private")
    assert names == ["colour", "list", "shape", "size"]
    assert json.loads(files[0].read_text()) == {"size": "3", "shape": "a circle"}
    assert files[1] == given
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600


@pytest.mark.parametrize("word", ["@/nowhere.yml", "{", "{not: [closed"])
def test_extra_variables_that_cannot_be_read_are_refused_without_their_value(
    tmp_path: Path, word: str
) -> None:
    with pytest.raises(LabError, match=r"--extra-vars: .* cannot be read"):
        prepare.extra_files(KEYS.loader, [word], tmp_path)


def test_whole_vaults_and_single_values_are_secrets_and_nothing_else_is(tmp_path: Path) -> None:
    whole = tmp_path / "group_vars/all/vault.yml"
    password = encrypted(tmp_path, whole, "become: swordfish\nnested: {list: [12345, true]}\n")
    command = [ANSIBLE_VAULT, "encrypt_string", "--vault-password-file", str(password), "--name", "token"]
    inline = subprocess.run([*command, "open-sesame"], check=True, capture_output=True, text=True).stdout
    single = tmp_path / "host_vars/a.yml"
    single.parent.mkdir()
    single.write_text(f"colour: red\n{inline}\n")
    keys = vault.keys([password])
    files = list(vault.files_of([tmp_path / "hosts.yml"], tmp_path / "elsewhere/p.yml"))
    assert whole in files
    assert vault.secrets_of(keys, [whole, single]) == {"swordfish", "12345", "open-sesame"}


def test_a_vault_without_its_password_stops_the_run(tmp_path: Path) -> None:
    path = tmp_path / "secret.yml"
    encrypted(tmp_path, path, "become: swordfish\n")
    with pytest.raises(LabError, match=r"it cannot be decrypted .*; give --vault-password-file"):
        vault.secrets_of(KEYS, [path])


def test_a_run_is_written_down_before_it_begins(inventory: Path, tmp_path: Path) -> None:
    with prepare.prepared(
        asked(inventory, budget="50%", extra_vars=["a=1"]), None, tmp_path / "runs"
    ) as ready:
        run = model.load_run(ready.journal.paths)
        assert [wave.hosts for wave in run.waves] == [["b.example.org"], ["a.example.org"], ["c.example.org"]]
        assert ready.budget == 1
        assert run.options.extra_vars_names == ["a"]
        assert set(model.load_hosts(ready.journal.paths)) == set(ready.members)
        assert (ready.journal.paths.root / "lock").exists()
        private = ready.setting.private
        assert stat.S_IMODE(private.stat().st_mode) == 0o700
    assert not private.exists()
    assert not list(lock.shared().glob("*.lock"))


def test_a_dead_driver_is_named_and_what_it_left_is_removed(inventory: Path, tmp_path: Path) -> None:
    left = tmp_path / f"{prepare.PRIVATE}abc"
    left.mkdir()
    (left / "extra.json").write_text("{}")
    dead = dataclasses.replace(lock.me("the-dead-run", str(left)), started="1")
    lock.take(lock.host_lock("192.0.2.1:22"), dead, "host a")
    with prepare.prepared(asked(inventory), None, tmp_path / "runs") as ready:
        assert [text for text in ready.said if "run the-dead-run" in text and "has died" in text]
    assert not left.exists()


def test_what_a_driver_left_that_died_before_it_had_a_lock_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Extra variables lie there, which may be secrets."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with prepare.private_folder() as mine:
        dead = mine.with_name(mine.name.replace(f"-{os.getpid()}-", "-999999999-"))
        dead.mkdir()
        (dead / "given-0.json").write_text("{}")
        with prepare.private_folder() as second:
            assert mine.is_dir()
            assert second.is_dir()
            assert not dead.exists()
    assert not list(tmp_path.iterdir())


def test_only_private_folders_are_removed(tmp_path: Path) -> None:
    precious = tmp_path / "home"
    precious.mkdir()
    prepare.clear(dataclasses.replace(lock.me("x", str(precious)), started="1"))
    assert precious.exists()


def resumable(inventory: Path, runs: Path, change: Callable[[model.Run], None] = print) -> str:
    with prepare.prepared(asked(inventory, extra_vars=["token=1"]), None, runs) as ready:
        change(ready.journal.run)
        ready.journal.save()
        return ready.journal.run.id


def test_a_resumed_run_wants_its_extra_variables_again(inventory: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    name = resumable(inventory, runs)
    with pytest.raises(LabError, match=r"it had extra variables \(token\)"):
        prepare.prepared(Asked(), name, runs).__enter__()
    with prepare.prepared(Asked(extra_vars=["token=1"], budget="2"), name, runs) as ready:
        assert ready.journal.run.id == name
        assert ready.budget == 2


def test_a_resumed_run_survives_a_host_that_was_never_written_down(inventory: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    name = resumable(inventory, runs)
    (runs / name / "hosts/a.example.org.json").unlink()
    inventory.write_text(INVENTORY.replace("b.example.org: {ansible_port: 2222}", "new.example.org:"))
    with prepare.prepared(Asked(extra_vars=["token=1"]), name, runs) as ready:
        assert set(ready.journal.hosts) == {"a.example.org", "b.example.org", "c.example.org"}
        assert any("the inventory has changed" in text for text in ready.said)
        assert any("new.example.org" in text for text in ready.said)


@pytest.mark.parametrize("given", [{"waves": "100%"}, {"limit": "a"}, {"inventories": [Path("x")]}])
def test_a_resumed_run_keeps_its_hosts(tmp_path: Path, given: dict[str, object]) -> None:
    with pytest.raises(LabError, match="it cannot be changed when a run is resumed"):
        prepare.prepared(Asked(**given), "x", tmp_path).__enter__()  # type: ignore[arg-type]


def test_a_run_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="there is no run"):
        prepare.prepared(Asked(), "20260131-120000-1a2b", tmp_path).__enter__()


def test_a_run_of_another_version_is_refused(inventory: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    name = resumable(inventory, runs, lambda run: setattr(run, "schema", "rdna1.run/2"))
    with pytest.raises(LabError, match="it is damaged or of another version"):
        prepare.prepared(Asked(extra_vars=["token=1"]), name, runs).__enter__()


def test_private_folders_stay_where_the_machine_has_no_runtime_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "is-not-there"))
    with prepare.private_folder() as path:
        assert path.is_dir()
        assert os.stat(path).st_uid == os.getuid()  # noqa: PTH116
    assert not path.exists()
