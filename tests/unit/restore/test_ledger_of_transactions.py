"""A transaction is in the ledger before apt begins; where it cannot be written down, it does not begin."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.rdna1.provision.plugins.module_utils import apt_plan, restore_ledger
from ansible_collections.rdna1.provision.plugins.modules import apt_transaction

NEW = apt_plan.Change("rocm-core", "5.7", "5.2.0.50200-65", ("repo.radeon.com",))


def note(transaction: Any) -> None:
    apt_transaction.Transaction._note(transaction, [NEW])


@pytest.fixture
def transaction() -> Any:
    return SimpleNamespace(parameters={"install": ["rocm-core=5.2.0.50200-65"]}, remove=["hip"])


def test_it_says_what_was_asked_and_what_changes(
    transaction: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restore_ledger, "LEDGER", tmp_path / "ledger.jsonl")
    note(transaction)
    (entry,) = restore_ledger.read(0, tmp_path / "ledger.jsonl")
    assert entry["asked"] == ["hip", "rocm-core"]
    assert entry["changes"] == [{"name": "rocm-core", "old": "5.7", "new": "5.2.0.50200-65"}]


def test_where_it_cannot_be_written_nothing_is_done(
    transaction: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ledger.jsonl").mkdir()
    monkeypatch.setattr(restore_ledger, "LEDGER", tmp_path / "ledger.jsonl")
    with pytest.raises(apt_transaction.RefusalError, match=r"nothing was done; make room there") as refused:
        note(transaction)
    assert refused.value.answer["code"] == "ledger"
