"""docs/apt.md shows what the roles write, and cannot drift from it."""

from __future__ import annotations

from pathlib import Path

import pytest
from rdna1 import apt_docs
from rdna1.apt_docs import SYSTEMS, render_apt_docs
from rdna1.role_variables import RoleVariables

ROOT = Path(__file__).parents[2]


def test_the_page_is_what_rdna1_docs_writes() -> None:
    assert (ROOT / "docs/apt.md").read_text() == render_apt_docs(ROOT), "run: rdna1 docs"


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_pin_of_every_system_is_shown(system: str) -> None:
    page = render_apt_docs(ROOT)
    chapter = page.partition(f"## {SYSTEMS[system]}\n")[2].partition("\n## ")[0]
    compat, rocm = (RoleVariables(ROOT, role, system) for role in ("jammy_compat", "rocm"))
    text = rocm.render("rdna1-rocm.pref.j2")
    if compat["__jammy_compat_os"]["donor"]:
        text += compat.render("rdna1-donor.pref.j2")
    lines = [line for line in text.splitlines() if line and not line.startswith("Explanation:")]
    assert [line for line in lines if line not in chapter] == []


def test_a_line_that_nobody_has_a_reason_for_stops_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    reasons = {name: dict(lines) for name, lines in apt_docs.REASONS.items()}
    del reasons["rdna1-rocm.sources"]["Targets"]
    monkeypatch.setattr(apt_docs, "REASONS", reasons)
    with pytest.raises(KeyError, match="Targets"):
        render_apt_docs(ROOT)


def test_a_pin_without_an_explanation_stops_the_page() -> None:
    with pytest.raises(ValueError, match="has no Explanation"):
        apt_docs._pins("x.pref", "Package: *\nPin: release n=jammy\nPin-Priority: -1\n")
