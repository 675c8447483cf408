"""The ledger: a line before each transaction; a line that was cut off hurts no other."""

from pathlib import Path

from ansible_collections.rdna1.provision.plugins.module_utils import restore_ledger

CHANGE = {"name": "rocm-core", "old": "", "new": "5.2.0.50200-65", "origins": "left out"}


def test_what_is_asked_and_what_changes_is_written_down(tmp_path: Path) -> None:
    ledger = tmp_path / "var/ledger.jsonl"
    restore_ledger.append(["rocm-core=5.2.0.50200-65", "/var/x/python_2.7_all.deb"], [CHANGE], ledger)
    (entry,) = restore_ledger.read(0, ledger)
    assert entry["asked"] == ["python", "rocm-core"]
    assert entry["changes"] == [{"name": "rocm-core", "old": "", "new": "5.2.0.50200-65"}]
    assert restore_ledger.names([entry]) == {"rocm-core"}


def test_only_what_came_after_a_point_counts(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    assert restore_ledger.size(ledger) == 0
    restore_ledger.append([], [CHANGE], ledger)
    since = restore_ledger.size(ledger)
    restore_ledger.append([], [{**CHANGE, "name": "libfoo:i386"}], ledger)
    assert restore_ledger.names(restore_ledger.read(since, ledger)) == {"libfoo"}


def test_a_line_that_was_cut_off_hurts_no_other(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    restore_ledger.append([], [CHANGE], ledger)
    with ledger.open("a") as file:
        file.write('{"schema": "rdna1.led')
    restore_ledger.append([], [{**CHANGE, "name": "hip"}], ledger)
    assert restore_ledger.names(restore_ledger.read(0, ledger)) == {"rocm-core", "hip"}
