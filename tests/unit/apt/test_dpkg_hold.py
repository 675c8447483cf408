"""Every package of the build is held, and no other."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rdna1.provision.plugins.module_utils import dpkg_status
from ansible_collections.rdna1.provision.plugins.modules import dpkg_hold

Run = Callable[..., dict[str, Any]]

STATUS = "\n".join(
    f"Package: {name}\nStatus: {want} ok installed\nArchitecture: amd64\nVersion: {version}\n"
    for name, want, version in [
        ("rocm-core", "install", "5.2.0.50200-65"),
        ("comgr", "hold", "2.4.0.50200-65"),
        ("vim", "install", "2:9"),
    ]
)
LOCKED = "dpkg: error: dpkg database is locked by another process with pid 9\n"


class Dpkg:
    """dpkg --set-selections: its answers, and what it was given."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, str]] = []
        self.given: list[str] = []

    def run(self, data: str) -> tuple[int, str, str]:
        self.given.append(data)
        status, stderr = self.answers.pop(0) if self.answers else (0, "")
        return status, "", stderr


@pytest.fixture
def dpkg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dpkg:
    (tmp_path / "status").write_text(STATUS)
    monkeypatch.setattr(dpkg_status.read, "__defaults__", (tmp_path,))
    fake = Dpkg()
    monkeypatch.setattr(
        "ansible.module_utils.basic.AnsibleModule.run_command", lambda *_, data, **__: fake.run(data)
    )
    monkeypatch.setattr("time.sleep", lambda _: None)
    return fake


def test_only_what_is_loose_is_told_to_dpkg(run_module: Run, dpkg: Dpkg) -> None:
    answer = run_module(dpkg_hold, version="*.50200-65")
    assert answer["changed"]
    assert answer["held"] == ["comgr", "rocm-core"]
    assert dpkg.given == ["rocm-core hold\n"]


def test_check_mode_tells_nobody(run_module: Run, dpkg: Dpkg) -> None:
    assert run_module(dpkg_hold, check=True, version="*.50200-65")["changed"]
    assert dpkg.given == []


def test_nothing_to_hold_is_no_change(run_module: Run, dpkg: Dpkg) -> None:
    assert not run_module(dpkg_hold, version="*.50700-63")["changed"]
    assert dpkg.given == []


def test_a_lock_is_waited_for(run_module: Run, dpkg: Dpkg) -> None:
    dpkg.answers = [(2, LOCKED), (2, LOCKED), (0, "")]
    assert run_module(dpkg_hold, version="*.50200-65", lock_timeout=20)["changed"]
    dpkg.answers = [(2, LOCKED)] * 9
    answer = run_module(dpkg_hold, version="*.50200-65", lock_timeout=10)
    assert "locked by another process with pid 9" in answer["msg"]
