"""Which values are secret: those that a fleet's files keep in Ansible Vault."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultHelper, VaultLib, get_file_vault_secret, is_encrypted

from rdna1.lab.errors import LabError
from rdna1.rollout.secrets import leaves

VARIABLES = ("group_vars", "host_vars")
SUFFIXES = ("", ".yml", ".yaml", ".json")


@dataclass(frozen=True)
class Keys:
    """The Vault passwords that are at hand, and Ansible's reader of files that uses them."""

    loader: Any
    lib: Any


def keys(password_files: Sequence[Path]) -> Keys:
    """Return the Vault passwords that are configured and those given."""
    loader = DataLoader()
    given = [("default", str(path)) for path in password_files]
    if constants.DEFAULT_VAULT_PASSWORD_FILE:
        given.append(("default", constants.DEFAULT_VAULT_PASSWORD_FILE))
    for identity in constants.DEFAULT_VAULT_IDENTITY_LIST:
        name, _, path = identity.rpartition("@")
        if path not in ("prompt", "prompt_ask_vault_pass"):
            given.append((name or "default", path))
    secrets = []
    for name, path in given:
        try:
            secret = get_file_vault_secret(filename=path, vault_id=name, loader=loader)
            secret.load()
        except AnsibleError as error:
            raise LabError(
                path, f"no Vault password can be read ({error})", "correct --vault-password-file"
            ) from None
        secrets.append((name, secret))
    loader.set_vault_secrets(secrets)
    return Keys(loader, VaultLib(secrets))


def files_of(inventories: Iterable[Path], playbook: Path) -> Iterator[Path]:
    """Return the files that Ansible takes variables from, for these inventories and this playbook."""
    folders = {playbook.parent}
    for inventory in inventories:
        if inventory.is_dir():
            folders.add(inventory)
            yield from sorted(path for path in inventory.iterdir() if path.is_file())
        else:
            folders.add(inventory.parent)
            yield inventory
    for folder in sorted(folders):
        for name in VARIABLES:
            yield from sorted(path for path in (folder / name).rglob("*") if path.is_file())


def secrets_of(keys: Keys, files: Iterable[Path]) -> set[str]:
    """Return every value in these files that is kept in a vault, whole files or single values."""
    found: set[str] = set()
    for path in files:
        raw = path.read_bytes()
        whole = is_encrypted(raw)
        if path.suffix not in SUFFIXES or not (whole or b"!vault" in raw):
            continue
        try:
            content = keys.loader.load_from_file(str(path), cache="none")
            found.update(leaves(content) if whole else vaulted(keys, content))
        except AnsibleError as error:
            raise LabError(
                str(path), f"it cannot be decrypted ({error.message})", "give --vault-password-file"
            ) from None
    return found


def vaulted(keys: Keys, value: Any) -> Iterator[str]:
    """Return the values that are marked as vaulted, in plain text."""
    if isinstance(value, dict):
        for item in value.values():
            yield from vaulted(keys, item)
    elif isinstance(value, list):
        for item in value:
            yield from vaulted(keys, item)
    elif ciphertext := VaultHelper.get_ciphertext(value, with_tags=False):
        # Not by the value itself: it asks a context that only Ansible's own commands set up.
        yield keys.lib.decrypt(ciphertext).decode()
