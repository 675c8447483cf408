"""The action: what it renders and reads on the controller, and that a play has it in one task."""

import grp
import json
import os
import pwd
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parents[3]
ME = {"owner": pwd.getpwuid(os.geteuid()).pw_name, "group": grp.getgrgid(os.getegid()).gr_name}
Play = Callable[..., tuple[int, str, dict[str, Any]]]


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Play one task of a role's on this machine: exit status, all that was said, what was registered."""

    def run(items: list[Any], *options: str) -> tuple[int, str, dict[str, Any]]:
        role = tmp_path / "roles/greeter"
        for name in ("tasks", "templates", "files/package/__pycache__"):
            (role / name).mkdir(parents=True, exist_ok=True)
        (role / "templates/outer.j2").write_text("{% include 'inner.j2' %}\nof {{ whom }}\\n\n")
        (role / "templates/inner.j2").write_text("hello\n")
        (role / "files/package/main.py").write_text("print()\n")
        (role / "files/package/__pycache__/main.cpython-310.pyc").write_bytes(b"\xff")
        task = {"rdna1.provision.files": {"items": items, "backup": str(tmp_path / "backup")}}
        tasks = [
            {**task, "register": "found", "vars": {"whom": "rdna1"}},
            {"ansible.builtin.template": {"src": "outer.j2", "dest": str(tmp_path / "judge"), "mode": "0644"},
             "check_mode": False, "diff": False, "vars": {"whom": "rdna1"}},
            {"ansible.builtin.copy": {"content": "{{ found | to_json }}", "dest": str(tmp_path / "found")},
             "check_mode": False, "diff": False},
        ]  # fmt: skip
        (role / "tasks/main.yml").write_text(json.dumps(tasks))
        plays = [{"hosts": "all", "gather_facts": False, "roles": ["greeter"]}]
        (tmp_path / "play.yml").write_text(json.dumps(plays))
        done = subprocess.run(
            [Path(sys.executable).with_name("ansible-playbook"), "-i", "localhost,", "-c", "local",
             *options, "play.yml"],
            cwd=tmp_path,
            env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(PROJECT / "collections"),
                 "ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_HOME": str(tmp_path / "home")},
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        found = tmp_path / "found"
        return (
            done.returncode,
            done.stdout + done.stderr,
            json.loads(found.read_text()) if found.exists() else {},
        )

    return run


def test_items_lists_of_them_and_those_that_do_not_apply(play: Play, tmp_path: Path) -> None:
    place = tmp_path / "place"
    items = [
        {"kind": "directory", "path": str(place), **ME},
        [{"kind": "file", "path": f"{place}/greeting", "template": "outer.j2", **ME}],
        {"kind": "file", "path": f"{place}/own", "text": "{{ whom }}\n", "mode": "0640", **ME},
        {"kind": "tree", "path": f"{place}/package", "source": "package"},
        {"kind": "absent", "path": f"{place}/gone"},
        {"kind": "directory", "path": f"{place}/unwanted", "when": "{{ whom == 'somebody' }}", **ME},
    ]
    code, said, found = play(items, "--diff")
    assert code == 0, said
    assert (place / "greeting").read_text() == (tmp_path / "judge").read_text()
    assert (place / "own").read_text() == "rdna1\n"
    assert sorted(str(path.relative_to(place)) for path in place.rglob("*")) == [
        "greeting", "own", "package", "package/main.py",
    ]  # fmt: skip
    assert "+helloof rdna1" in said
    assert "invocation" not in found
    code, said, found = play(items, "--check")
    assert (code, found["changed"]) == (0, False), said


def test_what_is_moved_aside_is_noted_with_the_role_s_name(play: Play, tmp_path: Path) -> None:
    (tmp_path / "place").mkdir()
    code, said, _ = play([{"kind": "file", "path": str(tmp_path / "place"), "text": "rdna1\n", **ME}])
    assert code == 0, said
    (line,) = (tmp_path / "backup/manifest.jsonl").read_text().splitlines()
    assert json.loads(line)["reason"] == "role greeter writes it"


@pytest.mark.parametrize(
    ("item", "why"),
    [
        ({"kind": "packages", "path": "/x", "specs": []}, "is no item in the file system"),
        ({"kind": "file", "path": "/x", "template": "missing.j2"}, "missing.j2 is not among the templates"),
        ({"kind": "tree", "path": "/x", "source": "missing"}, "missing is not among the files"),
    ],
)
def test_what_cannot_be_is_said_before_the_host_is_asked(play: Play, item: dict[str, Any], why: str) -> None:
    code, said, _ = play([item])
    assert code == 2
    assert why in " ".join(said.split())
