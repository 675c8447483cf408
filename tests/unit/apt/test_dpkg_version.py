"""Debian's order of versions, against dpkg's own."""

import shutil
import subprocess

import pytest
from ansible_collections.rdna1.provision.plugins.module_utils import dpkg_version
from hypothesis import given, settings
from hypothesis import strategies as st

VERSIONS = st.from_regex(r"(?:[0-9]:)?[0-9][0-9a-z.+~]{0,6}(?:-[0-9a-z.+~]{1,5})?", fullmatch=True)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("1.0.0.50200-65", "5.7.1-3build1"),  # AMD's rocminfo and Ubuntu's
        ("5.2.0.50200-65", "5.7.0.50700-63~22.04"),
        ("0~rdna1+2fd9003c", "0"),
        ("7.5.0-6~", "7.5.0-6~rdna1+fb8caade"),
        ("7.5.0-6~rdna1+fb8caade", "7.5.0-6"),
        ("2.7.14-4", "2.7.14-4+rdna1+e5cc4d53"),
        ("2.7.14-4+rdna1+e5cc4d53", "2.7.15~rc1-1"),
        ("1.9", "1.10"),
        ("1.0~rc1", "1.0"),
        ("9", "1:0"),
        ("1.0a", "1.0+"),
        ("1.0", "1.0-1"),
    ],
)
def test_known_pairs(older: str, newer: str) -> None:
    assert dpkg_version.compare(older, newer) < 0 < dpkg_version.compare(newer, older)


@pytest.mark.parametrize(("one", "same"), [("1.0", "0:1.0"), ("1.00", "1.0"), ("1.0-0", "1.0")])
def test_equal_ones(one: str, same: str) -> None:
    assert dpkg_version.compare(one, same) == 0


@given(VERSIONS, VERSIONS, VERSIONS)
def test_it_is_an_order(a: str, b: str, c: str) -> None:
    assert (dpkg_version.compare(a, b) > 0) == (dpkg_version.compare(b, a) < 0)
    low, middle, high = sorted([a, b, c], key=dpkg_version.key)
    assert dpkg_version.compare(low, middle) <= 0
    assert dpkg_version.compare(middle, high) <= 0
    assert dpkg_version.compare(low, high) <= 0


@pytest.mark.skipif(not shutil.which("dpkg"), reason="dpkg is not on this machine")
@settings(max_examples=60, deadline=None)
@given(VERSIONS, VERSIONS)
def test_dpkg_agrees(a: str, b: str) -> None:
    answer = subprocess.run(["dpkg", "--compare-versions", a, "lt", b], check=False).returncode
    assert (dpkg_version.compare(a, b) < 0) == (answer == 0)
