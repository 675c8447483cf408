"""Pins of other hands."""

import pytest
from ansible_collections.rdna1.provision.plugins.module_utils import apt_preferences
from ansible_collections.rdna1.provision.plugins.module_utils.apt_preferences import Rule
from hypothesis import given
from hypothesis import strategies as st

# As older instructions give them.
OLDER = """\
Package: *
Pin: release n=noble
Pin-Priority: 990

Package: libtinfo5 libncurses5
Pin: release n=jammy
Pin-Priority: 500

Package: *
Pin: release n=jammy
Pin-Priority: 100
"""
DONOR = Rule(("n", "a"), "jammy*", 1)


def test_only_general_pins_for_the_older_release_go() -> None:
    after, gone = apt_preferences.retire(OLDER, [DONOR])
    assert gone == ["release n=jammy 100"]
    assert after == OLDER[: OLDER.rindex("\nPackage")]


@pytest.mark.parametrize(
    ("pin", "goes"),
    [
        ("Package: *\nPin: release o=Ubuntu,n=jammy\nPin-Priority: 400", True),
        ("Package: *\nPin: release a=jammy-updates\nPin-Priority: 500", True),
        ("Explanation: why\nPackage: *\nPin: release o=Ubuntu, a=jammy-security\nPin-Priority: 500", True),
        ("Package: *\nPin: release n=jammy\nPin-Priority: -10", False),
        ("Package: *\nPin: release n=noble\nPin-Priority: 990", False),
        ("Package: vim\nPin: release n=jammy\nPin-Priority: 500", False),
        ("Package: *\nPin: version 5.*\nPin-Priority: 500", False),
        ("Package: *\nPin: release n=jammy\nPin-Priority: much", False),
        ("# Package: *\n# Pin: release n=jammy", False),
    ],
)
def test_what_a_rule_covers(pin: str, goes: bool) -> None:
    after, gone = apt_preferences.retire(pin, [DONOR])
    assert bool(gone) == goes
    assert after == (None if goes else pin)


def test_amd_s_pin_is_known_by_origin_and_by_host() -> None:
    rule = Rule(("o", "origin"), "repo.radeon.com", -32768)
    for pin in ("release o=repo.radeon.com", 'origin "repo.radeon.com"'):
        assert apt_preferences.retire(f"Package: *\nPin: {pin}\nPin-Priority: 600\n", [rule])[0] is None


@given(st.text(max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    after, gone = apt_preferences.retire(text, [Rule(("n",), "jammy", 1)])
    assert gone or after == text
