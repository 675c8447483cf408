"""The observer as a script gives the same answers as the module, on any Python that a host may have."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rdna1.provision.plugins.module_utils import observation
from ansible_collections.rdna1.provision.plugins.plugin_utils import piped


def ask(questions: list[dict[str, Any]], python: str = sys.executable) -> Any:
    done = subprocess.run(
        [python, "-I", "-"], input=piped.script(questions), capture_output=True, cwd="/", check=True
    )
    return piped.answers("Welcome to this host!\n" + done.stdout.decode())


def test_it_answers_as_the_module_does(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text\n")
    questions: list[dict[str, Any]] = [
        {"kind": "path", "path": str(tmp_path / "file")},
        {"kind": "path", "path": str(tmp_path / "nothing")},
        {"kind": "tree", "path": str(tmp_path)},
        {"kind": "group", "name": "root"},
        {"kind": "matching", "pattern": f"{tmp_path}/*"},
        {"kind": "venv", "root": str(tmp_path), "name": "0123456789ab", "deep": False},
    ]
    assert ask(questions) == observation.answer_all(questions)


def test_imports_are_found_as_python_finds_them() -> None:
    for name, text in piped.SOURCES.items():
        needed = set()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith(piped.PACKAGE):
                inner = str(node.module).removeprefix(piped.PACKAGE).lstrip(".")
                needed |= {inner} if inner else {alias.name for alias in node.names}
        assert {f"{piped.PACKAGE}.{inner}" for inner in needed} <= piped.SOURCES.keys(), name


def test_every_module_that_a_look_needs_goes_along() -> None:
    folder = Path(observation.__file__).parent
    assert {name.rpartition(".")[2] for name in piped.SOURCES} <= {path.stem for path in folder.glob("*.py")}
    assert {"observation", "apt_deb822", "venv_lock"} <= {name.rpartition(".")[2] for name in piped.SOURCES}
    assert not any("ansible.module_utils" in text for text in piped.SOURCES.values())


def test_what_cannot_be_read_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: Any, **_named: Any) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setitem(observation.LOOKS, "path", broken)
    found = observation.answer_all([{"kind": "path", "path": "/etc/motd"}])
    assert found["failed"]
    assert "Input/output error" in found["msg"]


@pytest.mark.parametrize("output", ["", "Traceback (most recent call last):\n", "rdna1-answer: {}\n"])
def test_no_answers_are_none(output: str) -> None:
    assert piped.answers(output) is None
