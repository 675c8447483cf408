"""The order of candidates: as the original documents conclude where a card does as theirs did, else not."""

import copy
import itertools
import json
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from conv2d_verify import outcome
from conv2d_verify.cases import Case
from conv2d_verify.expectations import Expectation, KnownHang
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rdna1.lab.errors import LabError
from rdna1.lab.paths import CHECKOUT
from rdna1.qualify import report
from rdna1.qualify.candidate import Trial, gather
from rdna1.qualify.rank import Ranking, rank
from rdna1.qualify.report import Qualified
from rich.console import Console

Make = Callable[..., dict[str, Any]]
VERDICT = json.loads((CHECKOUT / "docs/verdict.schema.json").read_text())
DOCUMENTED = Expectation(known_hangs=(KnownHang(44, (), "the original documents"),))


def works(_case: Case) -> str:
    return outcome.PASS


def hangs_from_44(case: Case) -> str:
    return outcome.HANG if case.op.startswith("conv2d") and case.size >= 44 else outcome.PASS


def memory_fault(_case: Case) -> str:
    return outcome.CRASH


def wrong_from_128(case: Case) -> str:
    return outcome.FAIL if case.op == "conv2d" and case.size >= 128 else outcome.PASS


def no_kernels(_case: Case) -> str:
    return outcome.ERROR


def order(ranking: Ranking) -> list[str]:
    return [one.candidate.stack for one in ranking.ranked]


@pytest.fixture
def documents(verdict_of: Make) -> list[Trial]:
    """The rows of the original documents' tables."""
    return [
        Trial("rocm57", "gemm-only", verdict_of(hangs_from_44, "rocm57", "gemm-only", expect=DOCUMENTED)),
        Trial("rocm52-mixed", "gemm-only", verdict_of(memory_fault, "rocm52-mixed", "gemm-only")),
        Trial("rocm52-py312", "readme", failure="there is no wheel of torch 1.13.1+rocm5.2 for Python 3.12"),
        Trial("rocm52", "readme", verdict_of(works, "rocm52", "readme")),
    ]


@pytest.mark.parametrize("card", [works, hangs_from_44, memory_fault, wrong_from_128, no_kernels])
def test_the_verdicts_of_these_tests_are_verdicts(verdict_of: Make, card: Any) -> None:
    jsonschema.validate(verdict_of(card, expect=DOCUMENTED), VERDICT)


def test_the_documents_cards_lead_to_the_documents_conclusion(documents: list[Trial]) -> None:
    ranking = rank(documents, not_offered={"rocm52-mixed"})
    assert order(ranking) == ["rocm52", "rocm57", "rocm52-mixed", "rocm52-py312"]
    assert ranking.ok
    assert ranking.sentence == (
        "Use rocm52 with readme: all 40 cases pass, up to 512x512, "
        "and the next, rocm57 with gemm-only, is worse: "
        f"{_state(ranking, 'rocm57')}."
    )
    assert "42x42 is the largest that surely works" in _state(ranking, "rocm57")
    assert ranking.best is not None
    assert report.inventory(ranking.best) == "rdna1_stack: rocm52\nrocm_environment_policy: readme\n"


def _state(ranking: Ranking, stack: str) -> str:
    rows = report.as_json(ranking, card="gfx1010")["candidates"]
    return str(next(row["state"] for row in rows if row["stack"] == stack))


def test_a_documented_hang_is_no_pass_though_its_verdict_is_ok(verdict_of: Make) -> None:
    """The stack says that it hangs from 44 on, so its verdict excuses it; the ranking does not."""

    def small_only(case: Case) -> str:
        return outcome.HANG if case.suite == "smoke" and case.size == 512 else outcome.PASS

    excused = verdict_of(small_only, "rocm57", "gemm-only", expect=DOCUMENTED)
    assert excused["ok"]
    honest = Trial("therock", "defaults", verdict_of(works, "therock", "defaults"))
    assert order(rank([Trial("rocm57", "gemm-only", excused), honest])) == ["therock", "rocm57"]


def test_it_changes_its_mind_when_the_card_behaves_otherwise(verdict_of: Make) -> None:
    """The same stacks; now it is ROCm 5.2 that hangs, as their first test of it says, and 5.7 that works."""
    trials = [
        Trial("rocm57", "gemm-only", verdict_of(works, "rocm57", "gemm-only")),
        Trial("rocm52", "readme", verdict_of(hangs_from_44, "rocm52", "readme")),
        Trial("therock", "defaults", verdict_of(wrong_from_128, "therock", "defaults")),
    ]
    ranking = rank(trials)
    assert order(ranking) == ["rocm57", "rocm52", "therock"]
    assert ranking.best is not None
    assert "rdna1_stack: rocm57" in report.inventory(ranking.best)


def test_wrong_numbers_are_worse_than_none(verdict_of: Make) -> None:
    trials = [
        Trial("fast-and-wrong", "p", verdict_of(wrong_from_128, "fast-and-wrong", "p", speed=0.1)),
        Trial("hangs", "p", verdict_of(hangs_from_44, "hangs", "p")),
    ]
    assert order(rank(trials)) == ["hangs", "fast-and-wrong"]


def test_where_nothing_is_clean_the_helper_is_named_with_the_measured_size(verdict_of: Make) -> None:
    ranking = rank([Trial("rocm57", "gemm-only", verdict_of(hangs_from_44, "rocm57", "gemm-only"))])
    assert not ranking.ok
    assert ranking.best is not None
    assert ranking.sentence.startswith("Nothing passes everything; the least bad is rocm57 with gemm-only: ")
    assert "limit_conv2d(max_size=42)" in ranking.sentence


def test_where_nothing_works_nothing_is_recommended(verdict_of: Make) -> None:
    trials = [
        Trial("rocm52-mixed", "gemm-only", verdict_of(memory_fault, "rocm52-mixed", "gemm-only")),
        Trial("rocm52", "readme", failure="the index cannot be reached"),
    ]
    ranking = rank(trials)
    assert (ranking.best, ranking.ok) == (None, False)
    assert "the index cannot be reached" in ranking.sentence
    assert report.as_json(ranking, card="gfx1010")["recommendation"]["inventory"] is None
    assert rank([]).best is None


def test_a_stack_for_diagnosis_is_never_recommended(verdict_of: Make) -> None:
    trials = [
        Trial("rocm52-mixed", "gemm-only", verdict_of(works, "rocm52-mixed", "gemm-only")),
        Trial("rocm57", "gemm-only", verdict_of(hangs_from_44, "rocm57", "gemm-only")),
    ]
    ranking = rank(trials, not_offered={"rocm52-mixed"})
    assert order(ranking) == ["rocm52-mixed", "rocm57"]
    assert ranking.best is not None
    assert ranking.best.candidate.stack == "rocm57"
    assert "is not for work" in ranking.sentence


@pytest.mark.parametrize(
    ("figures", "word"),
    [
        ({"speed": 2.0}, "2.0 times as fast"),
        ({"vram": 2**21}, "50% of the memory"),
        ({"speed": 1.01}, "is as good"),
    ],
)
def test_speed_decides_between_equals_then_memory(
    verdict_of: Make, figures: dict[str, Any], word: str
) -> None:
    trials = [
        Trial("a-slower", "p", verdict_of(works, "a-slower", "p", **figures)),
        Trial("b-first", "p", verdict_of(works, "b-first", "p")),
    ]
    ranking = rank(trials)
    assert word in ranking.sentence
    assert order(ranking)[0] == ("a-slower" if "as good" in word else "b-first")


def test_speed_does_not_make_up_for_a_size_that_does_not_work(verdict_of: Make) -> None:
    def not_512(case: Case) -> str:
        return outcome.ERROR if case.size == 512 else outcome.PASS

    trials = [
        Trial("fast", "p", verdict_of(not_512, "fast", "p", speed=0.01, vram=1)),
        Trial("slow", "p", verdict_of(works, "slow", "p", speed=100)),
    ]
    assert order(rank(trials)) == ["slow", "fast"]


def test_operations_that_gate_nothing_decide_before_speed(verdict_of: Make) -> None:
    def no_lstm(case: Case) -> str:
        return outcome.ERROR if case.op == "lstm" else outcome.PASS

    trials = [
        Trial("fast", "p", verdict_of(no_lstm, "fast", "p", speed=0.1)),
        Trial("slow", "p", verdict_of(works, "slow", "p")),
    ]
    ranking = rank(trials)
    assert order(ranking) == ["slow", "fast"]
    assert all(one.candidate.clean for one in ranking.ranked)


def test_what_ran_must_be_what_was_asked_for(verdict_of: Make) -> None:
    other = verdict_of(works)
    other["checks"] = [
        {
            "name": "torch version",
            "wanted": "1.13.1+rocm5.2",
            "found": "2.2.2+rocm5.7",
            "ok": False,
            "fix": "again",
        }
    ]
    ranking = rank([Trial("rocm52", "readme", other)])
    assert ranking.best is None
    assert "2.2.2+rocm5.7 found" in ranking.sentence
    with pytest.raises(LabError, match="not about rocm57"):
        rank([Trial("rocm57", "readme", verdict_of(works))])


def test_a_fault_in_the_kernel_s_log_is_not_clean(verdict_of: Make) -> None:
    faulty = verdict_of(works)
    faulty["failures"] = [
        {"host": "h", "code": "gpu-reset", "message": "the card was reset", "fix": "reboot"}
    ]
    trials = [
        Trial("rocm52", "readme", faulty),
        Trial("rocm57", "p", verdict_of(works, "rocm57", "p", speed=9)),
    ]
    ranking = rank(trials)
    assert order(ranking) == ["rocm57", "rocm52"]
    assert "the card was reset" in ranking.sentence


def test_of_several_hosts_the_worst_counts(verdict_of: Make) -> None:
    trials = [Trial("rocm52", "readme", verdict_of(card)) for card in (works, hangs_from_44, works)]
    for some in itertools.permutations(trials):
        (candidate,) = gather(some)
        assert not candidate.clean
        assert candidate.stuck


STATUS = st.sampled_from(
    [outcome.PASS, outcome.FAIL, outcome.ERROR, outcome.CRASH, outcome.HANG, outcome.NOT_RUN]
)
CASES = 48


def trials_of(make: Make, cards: list[list[str]], speeds: list[float]) -> list[Trial]:
    found = []
    for number, (statuses, speed) in enumerate(zip(cards, speeds, strict=True)):
        verdict = copy.deepcopy(make(works, f"s{number}", "p", speed=speed))
        for case, status in zip(verdict["cases"], itertools.cycle(statuses)):
            _set(case, status)
        found.append(Trial(f"s{number}", "p", verdict))
    return found


def _set(case: dict[str, Any], status: str) -> None:
    case["status"] = case["state"] = status
    if status != outcome.PASS:
        case |= {"steady_s": None, "vram_bytes": None}


CARDS = st.lists(st.lists(STATUS, min_size=1, max_size=CASES), min_size=1, max_size=4)
SPEEDS = st.lists(st.floats(0.1, 10), min_size=4, max_size=4)
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SLOW
@given(cards=CARDS, speeds=SPEEDS, data=st.data())
def test_the_order_does_not_depend_on_the_order(verdict_of: Make, cards: Any, speeds: Any, data: Any) -> None:
    trials = trials_of(verdict_of, cards, speeds[: len(cards)])
    shuffled = data.draw(st.permutations(trials))
    once, again = rank(trials), rank(shuffled)
    assert order(once) == order(again)
    assert once.sentence == again.sentence


@SLOW
@given(cards=CARDS, speeds=SPEEDS, data=st.data())
def test_who_gains_a_pass_never_ranks_lower(verdict_of: Make, cards: Any, speeds: Any, data: Any) -> None:
    trials = trials_of(verdict_of, cards, speeds[: len(cards)])
    who = data.draw(st.integers(0, len(trials) - 1))
    verdict = trials[who].verdict
    assert verdict is not None
    case = data.draw(st.integers(0, len(verdict["cases"]) - 1))
    before = order(rank(trials)).index(f"s{who}")
    better = copy.deepcopy(dict(verdict))
    if better["cases"][case]["status"] == outcome.PASS:
        return
    _set(better["cases"][case], outcome.PASS)
    better["cases"][case] |= {"steady_s": 1000.0, "vram_bytes": 2**40}
    trials[who] = Trial(f"s{who}", "p", better)
    assert order(rank(trials)).index(f"s{who}") <= before


@SLOW
@given(statuses=st.lists(STATUS, min_size=1, max_size=CASES), data=st.data())
def test_a_hang_never_beats_a_pass(verdict_of: Make, statuses: list[str], data: Any) -> None:
    """Two candidates alike but for one gating case: the one that passes it is first, however slow it is."""
    one, two = trials_of(verdict_of, [statuses, statuses], [1.0, 9.0])
    assert one.verdict is not None
    assert two.verdict is not None
    gating = [number for number, case in enumerate(one.verdict["cases"]) if case["gating"]]
    number = data.draw(st.sampled_from(gating))
    _set(one.verdict["cases"][number], outcome.HANG)
    _set(two.verdict["cases"][number], outcome.PASS)
    assert order(rank([one, two])) == ["s1", "s0"]


def test_the_matrix_says_what_each_suite_did(documents: list[Trial]) -> None:
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    console.print(report.table(rank(documents)))
    text = console.export_text()
    (line,) = [line for line in text.splitlines() if "rocm57" in line]
    assert "3/10 hang from 44" in line
    assert len(text.splitlines()) == 5


def test_programs_get_everything(documents: list[Trial]) -> None:
    qualified = Qualified("gfx1010", ["host-01"], "navi10", rank(documents), documents)
    whole = json.loads(json.dumps(report.document([qualified], "run", "done")))
    assert (whole["schema"], whole["ok"]) == ("rdna1.qualify/1", True)
    assert not report.document([qualified], "run", "stopped")["ok"]
    assert not report.document([], "run", "done")["ok"]
    (found,) = whole["cards"]
    assert (found["card"], found["group"], found["hosts"]) == ("gfx1010", "navi10", ["host-01"])
    assert [row["place"] for row in found["candidates"]] == [1, 2, 3, 4]
    assert found["candidates"][0]["suites"]["smoke"] == {"passed": 10, "cases": 10, "words": "10/10"}
    assert {one["code"] for one in whole["failures"]} == {"not-clean", "unjudged"}


def plant(value: Any, seed: str) -> Any:
    """Put a mark into every text that is neither a name the ranking needs nor an enumeration."""
    if isinstance(value, dict):
        return {key: item if key in KEPT else plant(item, seed) for key, item in value.items()}
    if isinstance(value, list):
        return [plant(item, seed) for item in value]
    return f"{value}{seed}" if isinstance(value, str) else value


# What a record is made of: statuses, the cases' own names, the kind of card, the names of stack and policy.
KEPT = {"case", "id", "status", "state", "kind", "gfx", "device_id", "stack", "policy", "searches", "code"}


def test_a_record_holds_nothing_of_hosts_users_or_paths(verdict_of: Make) -> None:
    verdict = verdict_of(works)
    verdict["runtime"] = {
        "torch": "1.13.1+rocm5.2",
        "hip": "5.2.21151",
        "executable": "/home/alice/venv/bin/python",
    }
    marked = plant(verdict, "-alice@home")
    trials = [Trial("rocm52", "readme", marked), Trial("rocm57", "p", failure="/home/alice: no space")]
    ranking = rank(trials)
    text = json.dumps(report.record(ranking, trials))
    assert "alice" not in text
    assert "host-01" not in text
    found = json.loads(text)
    assert found["cards"] == [{"chip": "gfx1010", "device_id": "731f"}]
    assert found["kernels"] == ["6.8.0"]
    assert found["candidates"][0]["versions"] == [{"hip": "5.2.21151", "torch": "1.13.1+rocm5.2"}]
    assert found["candidates"][0]["cases"]["smoke/44"]["status"] == "pass"
    assert found["best"] == {"stack": "rocm52", "policy": "readme"}
