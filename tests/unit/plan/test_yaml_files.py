"""The lookup that reads a YAML file once a run."""

from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleLookupError
from ansible_collections.rdna1.provision.plugins.lookup import yaml_file
from ansible_collections.rdna1.provision.plugins.plugin_utils import yaml_files

ROOT = Path(__file__).parents[3]


def look(path: Path) -> Any:
    return yaml_file.LookupModule().run([str(path)], variables={})[0]


def test_a_file_that_changed_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "stack.yml"
    file.write_text("python: '3.10'\n")
    assert look(file) == {"python": "3.10"}
    file.write_text("python: '3.12.1'\n")
    assert look(file) == {"python": "3.12.1"}


def test_who_changes_what_he_got_changes_it_for_nobody_else(tmp_path: Path) -> None:
    file = tmp_path / "stack.yml"
    file.write_text("names: [a]\n")
    look(file)["names"].append("b")
    assert look(file) == {"names": ["a"]}


@pytest.mark.parametrize("text", [None, "a: [", "a: !!python/object/apply:os.getcwd []"])
def test_what_cannot_be_read_is_one_sentence(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "stack.yml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(AnsibleLookupError, match="cannot be read as YAML") as caught:
        look(file)
    assert "\n" not in caught.value.message


def test_all_of_ours_are_read_before_workers_are_forked() -> None:
    yaml_files.warm()
    known = {path for path, _, _ in yaml_files._read}
    for name in (
        "stacks/rocm52/stack.yml",
        "stacks/pythons.yml",
        "roles/rocm_environment/files/policies.yml",
    ):
        assert str(ROOT / name) in known
