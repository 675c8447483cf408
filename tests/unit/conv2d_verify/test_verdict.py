"""Judging: every way a run can end, and that nothing but a pass is ever ok."""

from typing import Any

import pytest
from conv2d_verify import outcome, verdict
from conv2d_verify.cases import Case
from conv2d_verify.checks import Check
from conv2d_verify.expectations import Ceiling, Expectation, KnownHang
from conv2d_verify.outcome import Outcome
from hypothesis import given
from hypothesis import strategies as st

HANGS_FROM_44 = Expectation(known_hangs=(KnownHang(44, (), "reported for ROCm 5.7"),))
RAW = [
    status for status in outcome.STATUSES if status not in (outcome.EXPECTED_HANG, outcome.UNEXPECTED_PASS)
]


def result(size: int = 32, status: str = outcome.PASS, **changes: Any) -> Outcome:
    case = {name: changes.pop(name) for name in ("gating", "wants", "suite") if name in changes}
    suite = case.pop("suite", "smoke")
    return Outcome(Case(id=f"{suite}/{size}", suite=suite, size=size, **case), status, **changes)


def seen(*outcomes: Outcome, **changes: Any) -> verdict.Seen:
    return verdict.Seen(
        **{
            "host": "rx5600xt-01",
            "suites": sorted({one.case.suite for one in outcomes}) or ["smoke"],
            "device": "a card",
            "on_gpu": True,
            "outcomes": list(outcomes),
            "checks": [],
            **changes,
        }
    )


def judge(*outcomes: Outcome, expect: Expectation | None = None, **changes: Any) -> verdict.Judgement:
    return verdict.judge(seen(*outcomes, **changes), expect or Expectation())


@pytest.mark.parametrize(
    ("status", "name", "code"),
    [
        (outcome.PASS, "pass", 0),
        (outcome.FAIL, "fail", 1),
        (outcome.ERROR, "fail", 1),
        (outcome.CRASH, "fail", 1),
        (outcome.SKIPPED, "fail", 1),
        (outcome.NOT_RUN, "fail", 1),
        (outcome.HANG, "hang", 3),
        (outcome.COMPILE_TIMEOUT, "hang", 3),
    ],
)
def test_one_bad_case_decides(status: str, name: str, code: int) -> None:
    judgement = judge(result(32), result(44, status, reason="why"))
    assert (judgement.outcome, judgement.exit_code) == (name, code)


def test_a_hang_weighs_more_than_a_failure() -> None:
    assert judge(result(32, outcome.FAIL), result(44, outcome.HANG)).exit_code == 3


def test_every_violation_is_named() -> None:
    wrong = Check("torch version", "1.13.1+rocm5.2", "2.2.2", ok=False, fix="x")
    judgement = judge(
        result(32, outcome.FAIL), result(40, outcome.CRASH), result(44, outcome.HANG), checks=[wrong]
    )
    assert [failure["code"] for failure in judgement.failures] == ["check", "fail", "crash", "hang"]
    assert all(failure["host"] == "rx5600xt-01" and failure["fix"] for failure in judgement.failures)


def test_nothing_judged_is_unknown() -> None:
    judgement = judge()
    assert (judgement.outcome, judgement.exit_code) == ("unknown", 2)
    assert judgement.failures


def test_a_stopped_run_is_unknown_though_all_passed_so_far() -> None:
    assert judge(result(32), interrupted="SIGTERM").outcome == "unknown"


def test_no_gpu_is_a_skip_and_no_pass() -> None:
    judgement = judge(result(32, outcome.NOT_RUN), no_gpu="none anywhere")
    assert (judgement.outcome, judgement.exit_code) == ("skipped", 77)
    assert [failure["code"] for failure in judgement.failures] == ["no-gpu"]


def test_a_worker_that_never_came_is_one_failure_and_not_one_a_case() -> None:
    judgement = judge(
        result(32, outcome.NOT_RUN), result(40, outcome.NOT_RUN), problem="torch cannot be used"
    )
    assert [failure["code"] for failure in judgement.failures] == ["worker"]
    assert judgement.outcome == "fail"


def test_what_gates_nothing_is_shown_and_fails_nothing() -> None:
    judgement = judge(result(32), result(64, outcome.HANG, gating=False, suite="ops"))
    assert judgement.outcome == "pass"
    assert judgement.states == ["pass", "hang"]


def test_a_run_in_which_nothing_gates_passes_only_when_something_passed() -> None:
    assert judge(result(64, gating=False, suite="ops")).outcome == "pass"
    assert judge(result(64, outcome.ERROR, gating=False, suite="ops")).outcome == "unknown"


def test_an_expected_hang_is_a_state_of_its_own() -> None:
    judgement = judge(result(42), result(44, outcome.HANG), expect=HANGS_FROM_44)
    assert judgement.states == ["pass", "expected-hang"]
    assert judgement.outcome == "pass"
    assert "1 expected-hang" in judgement.summary


def test_an_unexpected_pass_is_shown_as_well() -> None:
    judgement = judge(result(42), result(44), expect=HANGS_FROM_44)
    assert judgement.states == ["pass", "unexpected-pass"]
    assert judgement.outcome == "pass"


def test_wrong_numbers_where_a_hang_was_expected_are_wrong_numbers() -> None:
    assert judge(result(42), result(44, outcome.FAIL), expect=HANGS_FROM_44).outcome == "fail"


def test_a_missing_measurement_is_a_violation() -> None:
    expect = Expectation(must_pass={"smoke": (32, 512)})
    judgement = judge(result(32), expect=expect, filtered=True)
    assert [failure["code"] for failure in judgement.failures] == ["not-measured"]
    assert "512x512" in judgement.failures[0]["message"]


def test_nothing_is_missing_of_a_suite_that_was_not_asked_for() -> None:
    expect = Expectation(must_pass={"smoke": (32,)})
    assert judge(result(32, suite="timing"), expect=expect).outcome == "pass"


def test_a_size_that_must_pass_and_is_known_to_hang_is_a_contradiction() -> None:
    expect = Expectation(must_pass={"smoke": (44,)}, known_hangs=HANGS_FROM_44.known_hangs)
    judgement = judge(result(32), result(44, outcome.HANG), expect=expect)
    assert [failure["code"] for failure in judgement.failures] == ["contradiction"]


@pytest.mark.parametrize(
    ("times", "code"),
    [
        ([2.0, 0.1, 0.1], []),
        ([9.0, 0.1, 0.1], ["too-slow"]),
        ([9.0, 0.9, 0.9], ["too-slow"] * 2),
        ([], ["not-measured"] * 2),
    ],
)
def test_ceilings(times: list[float], code: list[str]) -> None:
    expect = Expectation(ceilings=(Ceiling("smoke/*", 3.0, 0.5),))
    judgement = judge(result(32, times=times), expect=expect)
    assert [failure["code"] for failure in judgement.failures] == code


def test_what_the_kernel_logged_fails_a_run_in_which_all_passed() -> None:
    hit = {"line": "amdgpu: GPU reset begin!", "code": "gpu-reset", "meaning": "the driver reset the card"}
    judgement = judge(result(32), kernel_matches=[hit])
    assert judgement.outcome == "fail"
    assert judgement.failures[0]["code"] == "gpu-reset"


def test_what_a_provoked_fault_made_the_kernel_log_is_excused() -> None:
    hit = {"line": "python3[7]: segfault", "code": "xid", "meaning": "x"}
    provoked = result(40, outcome.CRASH, wants="crash", kernel_log=[hit])
    assert judge(result(32), provoked, kernel_matches=[hit]).outcome == "pass"


def test_an_unreadable_kernel_log_matters_only_where_it_is_asked_for() -> None:
    assert judge(result(32), kernel_log_readable=False).outcome == "pass"
    asked = judge(result(32), kernel_log_readable=False, expect=Expectation(kernel_log=True))
    assert asked.failures[0]["code"] == "kernel-log"


def test_a_selftest_is_right_when_the_fault_was_noticed() -> None:
    assert judge(result(40, outcome.HANG, wants="hang"), result(32)).outcome == "pass"
    missed = judge(result(40, outcome.PASS, wants="hang"), result(32))
    assert "where hang was provoked" in missed.failures[0]["message"]


def test_steps_that_a_search_left_out_are_no_second_failure() -> None:
    judgement = judge(
        result(42, suite="boundary"),
        result(44, outcome.HANG, suite="boundary"),
        result(46, outcome.NOT_RUN, suite="boundary", kind="search"),
    )
    assert [failure["code"] for failure in judgement.failures] == ["hang"]


def test_on_a_cpu_nobody_is_told_to_reboot() -> None:
    assert "reboot" not in judge(result(32, outcome.HANG), on_gpu=False).summary


outcomes = st.lists(
    st.builds(
        result,
        size=st.sampled_from([32, 42, 44, 64]),
        status=st.sampled_from(RAW),
        gating=st.booleans(),
        times=st.lists(st.floats(0.001, 10), max_size=4),
    ),
    max_size=6,
)
expects = st.sampled_from(
    [Expectation(), HANGS_FROM_44, Expectation(must_pass={"smoke": (32,)}), Expectation(kernel_log=True)]
)


@given(
    outcomes=outcomes,
    expect=expects,
    problem=st.sampled_from(["", "torch cannot be used"]),
    no_gpu=st.sampled_from(["", "none"]),
    interrupted=st.sampled_from(["", "SIGINT"]),
    readable=st.booleans(),
    check_ok=st.booleans(),
)
def test_ok_means_that_nothing_at_all_was_wrong(
    outcomes: list[Outcome],
    expect: Expectation,
    problem: str,
    no_gpu: str,
    interrupted: str,
    readable: bool,
    check_ok: bool,
) -> None:
    judgement = verdict.judge(
        seen(
            *outcomes,
            checks=[Check("x", "a", "b", ok=check_ok, fix="y")],
            problem=problem,
            no_gpu=no_gpu,
            interrupted=interrupted,
            kernel_log_readable=readable,
        ),
        expect,
    )
    assert (judgement.outcome == "pass") == (not judgement.failures)
    assert judgement.summary
    assert "\n" not in judgement.summary
    if judgement.outcome == "pass":
        assert check_ok
        assert not any((problem, no_gpu, interrupted))
        good = {outcome.PASS, outcome.EXPECTED_HANG, outcome.UNEXPECTED_PASS}
        pairs = zip(judgement.states, outcomes, strict=True)
        assert {state for state, one in pairs if one.case.gating} <= good
        assert good & set(judgement.states)
