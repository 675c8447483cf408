# SPDX-License-Identifier: MIT
"""Action: are all of a host's variables that carry our roles' names known, and of the right type?

Ansible's own argument validation sees a wrong value, but not a misspelt name: ``rocm_pakage_set``
would simply do nothing. Runs on the controller; no connection to the host is made.
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible_collections.rdna1.provision.plugins.plugin_utils import yaml_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

COLLECTION = Path(__file__).parents[2]
PLAYBOOKS = "rdna1"  # the prefix of what belongs to the playbooks, not to one role

CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
# Words for people, which may have several lines (what is written of them is one line, or JSON), and whole
# files that are only rehearsed with.
TEXTS = (
    "rocm_environment_policies",
    "rdna1_quarantine_reason",
    "rdna1_quarantine_reasons",
    "rocm_rehearse_on",
)

Options: TypeAlias = "Mapping[str, Mapping[str, Any]]"


def load_options(collection: Path) -> dict[str, dict[str, Any]]:
    """Every public variable: role name (or ``rdna1`` for the playbooks) -> variable -> its option spec."""
    files = {path.parts[-3]: path for path in sorted(collection.glob("roles/*/meta/argument_specs.yml"))}
    files[PLAYBOOKS] = collection / "playbooks/vars/argument_specs.yml"
    return {
        owner: yaml_files.read(str(path))["argument_specs"]["main"].get("options", {})
        for owner, path in files.items()
    }


# Read when Ansible loads the plugin, before it forks a worker for each host: once, not once a host.
OPTIONS = load_options(COLLECTION)


def owner_of(name: str, owners: Iterable[str]) -> str | None:
    """The role that a variable's prefix names; the longest wins: ``rocm_environment_x`` is not ``rocm``'s."""
    matching = [owner for owner in owners if name.startswith(owner + "_")]
    return max(matching, key=len, default=None)


def unknown_names(names: Iterable[str], options: Mapping[str, Options]) -> Iterator[tuple[str, str]]:
    """Each name that carries an owner's prefix but is none of its options, with the likeliest meant one."""
    known = [option for owned in options.values() for option in owned]
    for name in sorted(names):
        owner = owner_of(name, options)
        if owner is not None and name not in options[owner]:
            yield name, next(iter(difflib.get_close_matches(name, known, n=1, cutoff=0.6)), "")


def type_errors(values: Mapping[str, Any], options: Mapping[str, Options]) -> list[str]:
    """What Ansible's own validator says of each value, one sentence each."""
    errors = []
    for name, value in sorted(values.items()):
        owner = owner_of(name, options)
        if owner is not None and name in options[owner]:
            spec = {name: {**options[owner][name], "required": False}}
            errors += [
                f"{name}: {message}"
                for message in ArgumentSpecValidator(spec).validate({name: value}).error_messages
            ]
    return errors


def control_characters(values: Mapping[str, Any]) -> Iterator[str]:
    """Each variable that holds one, a sentence each: in a file, what comes after it is another line."""
    for name, value in sorted(values.items()):
        if name not in TEXTS:
            for text in _texts(value):
                if CONTROL.search(text):
                    yield f"{name}: {text!r} holds a line break or another control character"
                    break


def _texts(value: Any) -> Iterator[str]:
    """All text in a value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(key)
            yield from _texts(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _texts(inner)


def check(
    task_vars: Mapping[str, Any],
    template: Callable[[Any], Any],
    role: str | None = None,
    foreign: Sequence[str] | None = None,
) -> list[str]:
    """Return the names that were checked; fail with one sentence that names host, variables and cure.

    Without a role all of the collection's prefixes are looked at, less the site's own names
    (``host_check_foreign_variables`` where none are given).
    """
    host = task_vars["inventory_hostname"]
    options = OPTIONS
    owners = [role] if role else list(options)
    if foreign is None:
        foreign = template(task_vars.get("host_check_foreign_variables", []))
    names = sorted(
        name for name in task_vars if owner_of(name, options) in owners and name not in (foreign or [])
    )
    problems = [
        f"{name} is not a variable of this collection" + (f" (did you mean {meant}?)" if meant else "")
        for name, meant in unknown_names(names, options)
    ]
    values = {}
    for name in names:
        try:
            values[name] = template(task_vars[name])
        except AnsibleError as error:
            raise AnsibleActionFail(
                f"{host}: {name} cannot be evaluated ({error}); correct its template in the inventory."
            ) from error
    problems += type_errors(values, options)
    problems += control_characters(values)
    if problems:
        raise AnsibleActionFail(
            f"{host}: {'; '.join(problems)}. "
            "Correct this in the inventory's group_vars or host_vars, in the role's vars or in -e; "
            "nothing was changed."
        )
    return names


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible ships no types
    """See the module's docstring."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Fail with one sentence that names the host, the variables and the cure."""
        result = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        _, arguments = self.validate_argument_spec(
            argument_spec={
                "role": {"type": "str"},
                "foreign": {"type": "list", "elements": "str", "default": []},
            }
        )
        checked = check(
            task_vars, self._templar.template, role=arguments["role"], foreign=arguments["foreign"]
        )
        return {**result, "changed": False, "checked": checked}
