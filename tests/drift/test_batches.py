"""Batches leave nothing out and mix nothing that meets. Needs no lab."""

from __future__ import annotations

import batches
from breakages import Breakage
from hypothesis import given
from hypothesis import strategies as st

PATHS = ["/a", "/a/b", "/a/b/c", "/d", "package x", "package y"]
WAYS = st.builds(
    Breakage,
    role=st.sampled_from(["one", "two"]),
    how=st.sampled_from(["gone", "owner", "mode 0666"]),
    shell=st.uuids().map(str),
    named=st.sampled_from(PATHS).map(lambda path: (path,)),
    deep=st.booleans(),
    alone=st.booleans(),
)


@given(ways=st.lists(WAYS, max_size=30))
def test_each_way_comes_once_and_meets_none_beside_it(ways: list[Breakage]) -> None:
    found = batches.of_all(ways)
    assert sorted(map(id, ways)) == sorted(id(way) for batch in found for way in batch)
    for batch in found:
        assert not any(one.meets(other) for one in batch for other in batch if one is not other)
        assert len({way.deep for way in batch}) == 1


def test_what_two_hosts_have_is_tried_on_one() -> None:
    def way(path: str, how: str = "gone") -> Breakage:
        return Breakage("role", how, "rm", (path,))

    few, many = [way("/venvs/0123456789ab"), way("/e")], [way("/venvs/ba9876543210"), way("/d"), way("/f")]
    assert batches.once({"few": few, "many": many}) == {"many": many, "few": [few[1]]}
