"""A whole run: fresh workers after lost ones, a limit to hangs, the search, the minutes."""

import os
from collections.abc import Callable
from pathlib import Path

from conv2d_verify import outcome, watch
from conv2d_verify.cases import Case
from conv2d_verify.kernel_log import KernelLog
from conv2d_verify.outcome import Outcome
from conv2d_verify.runner import Runner, merged
from conv2d_verify.suites import Suite

Make = Callable[[str], list[str]]
LIMITS = watch.Limits(timeout=1.0, compile_timeout=1.0, start_timeout=30.0, max_hangs=2)

# Cases at and above a size hang; those of the size 13 crash; the worker's own number is in what it found.
BODY = """
say(**HELLO)
for case in cases():
    if case["size"] == 13:
        os._exit(1)
    if case["size"] >= {limit}:
        phase(case, "wait")
        time.sleep(60)
    good(case)
"""


def suite(*sizes: int, search: str = "none", minutes: float = 0.0) -> Suite:
    cases = tuple(Case(id=f"s/{size}", suite="s", size=size) for size in sizes)
    return Suite("s", "A suite.", cases, search, minutes)


def run(argv: list[str], folder: Path, chosen: Suite, limits: watch.Limits = LIMITS) -> Runner:
    runner = Runner(argv, "cuda:0", dict(os.environ), folder, limits, KernelLog(Path("/nowhere")))
    runner.run([chosen])
    runner.end()
    return runner


def states(runner: Runner) -> dict[int, str]:
    return {result.case.size: result.status for result in runner.outcomes}


def test_one_worker_runs_all_that_passes(worker: Make, tmp_path: Path) -> None:
    runner = run(worker(BODY.format(limit=100)), tmp_path, suite(1, 2, 3))
    assert states(runner) == {1: "pass", 2: "pass", 3: "pass"}
    assert (runner.workers, runner.deaths) == (1, [])


def test_after_a_hang_and_a_crash_fresh_workers_go_on(worker: Make, tmp_path: Path) -> None:
    runner = run(worker(BODY.format(limit=50)), tmp_path, suite(1, 60, 2, 13, 3))
    assert states(runner) == {1: "pass", 60: "hang", 2: "pass", 13: "crash", 3: "pass"}
    assert runner.workers == 3
    assert len(runner.deaths) == 2


def test_after_too_many_hangs_the_rest_is_not_run_and_says_why(worker: Make, tmp_path: Path) -> None:
    runner = run(worker(BODY.format(limit=50)), tmp_path, suite(1, 60, 2, 61, 3, 4))
    assert states(runner) == {1: "pass", 60: "hang", 2: "pass", 61: "hang", 3: "not-run", 4: "not-run"}
    assert "--max-hangs" in runner.outcomes[-1].reason


def test_a_hang_that_is_expected_uses_up_nothing(worker: Make, tmp_path: Path) -> None:
    argv = worker(BODY.format(limit=50))
    runner = Runner(
        argv,
        "cuda:0",
        dict(os.environ),
        tmp_path,
        LIMITS,
        KernelLog(Path("/nowhere")),
        expects_hang=lambda case: case.size > 50,
    )
    runner.run([suite(60, 61, 62, 1)])
    runner.end()
    assert states(runner) == {60: "hang", 61: "hang", 62: "hang", 1: "pass"}


def test_the_search_ends_at_the_exact_size(worker: Make, tmp_path: Path) -> None:
    limits = watch.Limits(timeout=1.0, compile_timeout=1.0, start_timeout=30.0, max_hangs=3)
    runner = run(
        worker(BODY.format(limit=43)), tmp_path, suite(32, 40, 42, 44, 48, search="largest-size"), limits
    )
    assert runner.searches == {"s": {"largest_good": 42, "smallest_bad": 43}}
    assert states(runner) == {32: "pass", 40: "pass", 42: "pass", 44: "hang", 43: "hang", 48: "not-run"}
    assert "44x44" in runner.outcomes[-1].reason or "43x43" in runner.outcomes[-1].reason


def test_the_search_stops_where_hangs_are_used_up(worker: Make, tmp_path: Path) -> None:
    limits = watch.Limits(timeout=1.0, compile_timeout=1.0, start_timeout=30.0, max_hangs=1)
    runner = run(worker(BODY.format(limit=41)), tmp_path, suite(32, 48, 56, search="largest-size"), limits)
    found = states(runner)
    assert found[48] == "hang"
    assert found[40] == "not-run"
    assert found[56] == "not-run"


def test_a_suite_of_minutes_goes_round_and_remembers(worker: Make, tmp_path: Path) -> None:
    runner = run(worker(BODY.format(limit=50)), tmp_path, suite(1, 60, minutes=0.05))
    assert states(runner) == {1: "pass", 60: "hang"}
    (passed, hung) = runner.outcomes
    assert passed.rounds > 1
    assert len(passed.times) == min(2 * passed.rounds, 10_000)  # so many are kept
    assert hung.rounds == 1


def test_a_worker_that_cannot_start_leaves_nothing_unsaid(worker: Make, tmp_path: Path) -> None:
    runner = run(worker('say(say="fatal", error="ImportError: no torch")'), tmp_path, suite(1, 2))
    assert states(runner) == {1: "not-run", 2: "not-run"}
    assert "no torch" in runner.problem
    assert runner.workers == 1


def test_a_command_that_is_not_there_is_a_problem_with_its_name(tmp_path: Path) -> None:
    runner = run(["/nowhere/python"], tmp_path, suite(1))
    assert "/nowhere/python" in runner.problem


def test_a_pass_never_covers_what_went_wrong_before() -> None:
    case = Case(id="s/1", suite="s")
    wrong = Outcome(case, outcome.FAIL, "wrong", times=[1.0])
    right = Outcome(case, outcome.PASS, times=[2.0])
    assert merged(right, wrong).status == outcome.FAIL
    assert merged(wrong, right).status == outcome.FAIL
    assert merged(wrong, right).times == [1.0, 2.0]
