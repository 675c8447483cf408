# SPDX-License-Identifier: MIT
"""Action plugin of the module files: it renders templates and reads trees, and sends all at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase
from ansible_collections.rdna1.provision.plugins.module_utils import file_items
from ansible_collections.rdna1.provision.plugins.plugin_utils import kinds, templates


def read(root: Path) -> dict[str, str]:
    """Return a directory's text files by their paths in it, without what Python compiled."""
    files = {}
    for path in sorted(root.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            try:
                files[str(path.relative_to(root))] = path.read_bytes().decode("utf-8")
            except UnicodeDecodeError:
                raise AnsibleActionFail(f"{path} is not UTF-8 text, and only text is copied.") from None
    if not files:
        raise AnsibleActionFail(f"{root} holds no files; name a directory of text files.")
    return files


def completed(item: dict[str, Any]) -> dict[str, Any]:
    """An item with what it leaves to be understood, as the plan understands it."""
    usual = {"directory_mode": "0755", "compiled": False} if item["kind"] == "tree" else {}
    return {**usual, **item, **kinds.access(item)}


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible ships no types
    """Fill in what the module needs of each item."""

    _supports_check_mode = True

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Read, send, return what the module did."""
        super().run(tmp, task_vars)
        task_vars = task_vars or {}
        arguments = dict(self._task.args)
        role = str(task_vars.get("ansible_role_name", "")).rpartition(".")[2]
        arguments.setdefault("reason", f"role {role} writes it" if role else "a playbook writes it")
        arguments["items"] = [self._whole(item, task_vars) for item in kinds.expand(arguments["items"])]
        found: dict[str, Any] = self._execute_module(module_args=arguments, task_vars=task_vars)
        # With -vvv it would show all texts once more.
        found.pop("invocation", None)
        return found

    def _whole(self, item: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """An item with all its fields."""
        kind = item["kind"]
        if kind not in file_items.KINDS:
            raise AnsibleActionFail(
                f"{item} is no item in the file system; choose from {', '.join(file_items.KINDS)}."
            )
        whole = completed(item)
        if kind == "file" and "text" not in item:
            whole["text"] = self._rendered(item["template"], task_vars)
        elif kind == "tree":
            whole["files"] = read(self._found("files", item["source"]))
        return whole

    def _rendered(self, name: str, task_vars: dict[str, Any]) -> str:
        source = self._found("templates", name)
        templar = self._templar.copy_with_new_env(
            searchpath=[str(source.parent)], available_variables=task_vars
        )
        return templates.rendered(templar, source.read_text(encoding="utf-8"))

    def _found(self, folder: str, name: str) -> Path:
        try:
            return Path(self._find_needle(folder, name))
        except AnsibleError as error:
            raise AnsibleActionFail(f"{name} is not among the {folder} on the controller: {error}") from error
