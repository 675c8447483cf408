"""What parent and worker say to each other, however it arrives."""

import itertools
import json
import os
from typing import Any

import pytest
from conv2d_verify import protocol
from hypothesis import given
from hypothesis import strategies as st

messages = st.lists(
    st.fixed_dictionaries({"say": st.text(max_size=5)}, optional={"x": st.text(max_size=20) | st.integers()}),
    max_size=8,
)


@given(sent=messages, cuts=st.lists(st.integers(0, 400), max_size=8))
def test_messages_arrive_whole_however_they_are_cut(sent: list[dict[str, Any]], cuts: list[int]) -> None:
    data = b"".join(json.dumps(message).encode() + b"\n" for message in sent)
    lines = protocol.Lines()
    found = []
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    for start, end in itertools.pairwise(edges):
        found += lines.feed(data[start:end])
    assert found == sent
    assert lines.garbage == 0


@given(data=st.binary(max_size=300))
def test_garbage_is_counted_and_never_taken_for_a_message(data: bytes) -> None:
    lines = protocol.Lines()
    found = lines.feed(data + b"\n" + b'{"say": "hello"}\n')
    assert found[-1] == {"say": "hello"}
    assert lines.garbage + len(found) == data.count(b"\n") + 2


def test_a_line_without_end_is_thrown_away() -> None:
    lines = protocol.Lines()
    for _ in range(3):
        assert lines.feed(b"x" * (protocol.LONGEST // 2 + 1)) == []
    assert lines.garbage == 1


def test_numbers_that_json_does_not_know_are_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        protocol.send(os.open(os.devnull, os.O_WRONLY), {"say": "x", "y": float("nan")})


@pytest.mark.parametrize("line", [b"", b"[]", b'{"do": "dance"}'])
def test_a_worker_takes_no_other_commands(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"protocol|Expecting"):
        protocol.command(line)
