"""Secrets: gone from everything that is kept, in whatever form they come."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdna1.rollout.secrets import CENSORED, SHORTEST, Scrubber, leaves

SECRETS = st.text(st.characters(exclude_categories=["Cs"]), min_size=SHORTEST, max_size=30).filter(
    lambda text: len(text.strip()) >= SHORTEST and not set(text) <= set(CENSORED)
)


@given(st.lists(SECRETS, min_size=1, max_size=4), st.text(max_size=20))
def test_no_text_keeps_a_secret(secrets: list[str], around: str) -> None:
    said = around.join(secrets)
    assert all(secret not in Scrubber(secrets).text(said) for secret in secrets)


@given(SECRETS)
def test_no_json_keeps_a_secret(secret: str) -> None:
    for ascii_only in (True, False):
        kept = Scrubber([secret]).text(json.dumps({"a": f"x{secret}y"}, ensure_ascii=ascii_only))
        assert json.dumps(secret, ensure_ascii=ascii_only)[1:-1] not in kept


@pytest.mark.parametrize(
    "document", [{"a": ["swordfish"]}, {"swordfish": 1}, [{"a": {"b": "the swordfish."}}], "swordfish"]
)
def test_documents(document: object) -> None:
    assert "swordfish" not in json.dumps(Scrubber(["swordfish"]).document(document))


def test_a_number_can_be_a_secret() -> None:
    assert Scrubber(["123456"]).document({"pin": 123456, "other": 1234567}) == {
        "pin": CENSORED,
        "other": 1234567,
    }


def test_each_line_of_a_key_is_a_secret() -> None:
    key = "-----BEGIN KEY-----\nabcdefgh\n-----END KEY-----"
    assert Scrubber([key]).text("  abcdefgh\n") == f"  {CENSORED}\n"


def test_nothing_secret_changes_nothing() -> None:
    assert Scrubber(["", "abc"]).text("abc") == "abc"


def test_leaves() -> None:
    assert list(leaves({"a": ["x", 1, {"b": None}], "c": True})) == ["x", "1"]
