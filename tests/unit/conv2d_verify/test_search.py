"""The search for the largest size that works."""

from conv2d_verify.search import LargestSize, find
from hypothesis import given
from hypothesis import strategies as st

STEPS = [32, 36, 40, 42, 44, 46, 48, 50, 52, 56, 60, 64]
steps_of = st.lists(st.integers(1, 4096), min_size=1, max_size=20, unique=True).map(sorted)


@given(limit=st.integers(0, 100))
def test_it_finds_the_exact_size(limit: int) -> None:
    good, bad = find(STEPS, lambda size: size <= limit)
    if limit < 32:
        assert (good, bad) == (None, 32)
    elif limit >= 64:
        assert (good, bad) == (64, None)
    else:
        assert (good, bad) == (limit, limit + 1)


@given(steps=steps_of, limit=st.integers(0, 5000))
def test_it_tries_nothing_twice_and_fails_few_times(steps: list[int], limit: int) -> None:
    tried: list[int] = []

    def works(size: int) -> bool:
        tried.append(size)
        return size <= limit

    find(steps, works)
    assert len(tried) == len(set(tried))
    failures = sum(size > limit for size in tried)
    # Each failure is a hang on a real card: one at the steps, then one at most for each halving.
    assert failures <= 1 + 12


@given(steps=steps_of, answers=st.lists(st.booleans(), min_size=40, max_size=40))
def test_a_card_that_is_not_consistent_ends_it_all_the_same(steps: list[int], answers: list[bool]) -> None:
    remaining = iter(answers)
    good, bad = find(steps, lambda _size: next(remaining))
    assert good is None or bad is None or good + 1 == bad


def test_steps_above_the_first_that_fails_are_left_out() -> None:
    search = LargestSize(STEPS)
    for size in (32, 36, 40, 42):
        assert search.next_size() == size
        search.tried(size, works=True)
    search.tried(44, works=False)
    assert search.untried() == [46, 48, 50, 52, 56, 60, 64]
    assert search.next_size() == 43
