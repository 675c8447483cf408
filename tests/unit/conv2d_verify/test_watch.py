"""One case under watch: real processes that hang, die, flood and lie."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conv2d_verify import outcome, procfs, supervise, watch
from conv2d_verify.cases import Case
from conv2d_verify.evidence import Observer
from conv2d_verify.outcome import Outcome
from conv2d_verify.supervise import Worker

CASE = Case(id="smoke/32", suite="smoke")
QUICK = watch.Limits(timeout=0.6, compile_timeout=2.0, start_timeout=30.0)
# A busy machine delays what it does; nothing here delays anything by as much on purpose.
SLACK = 15
Make = Callable[[str], list[str]]


class Leash:
    """A started worker that is gone when the test is over."""

    def __init__(self, folder: Path) -> None:
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.worker: Worker

    def start(self, argv: list[str], limit: float = QUICK.start_timeout) -> str:
        environment = {**os.environ, "TMPDIR": str(self.temporary)}
        self.worker = Worker.start(argv, "cuda:0", environment, self.temporary)
        return watch.hello(self.worker, limit)

    def case(self, limits: watch.Limits = QUICK) -> Outcome:
        return watch.case(self.worker, CASE, limits, Observer(self.worker.pid, self.temporary, None))


@pytest.fixture
def leash(tmp_path: Path) -> Iterator[Leash]:
    held = Leash(tmp_path)
    yield held
    held.worker.kill()


def test_a_good_answer_is_a_pass_with_its_times(leash: Leash, worker: Make) -> None:
    body = """
    say(**HELLO)
    for case in cases():
        phase(case, "first-launch"); phase(case, "wait")
        good(case)
    """
    assert leash.start(worker(body)) == ""
    assert leash.worker.hello is not None
    for _ in range(2):
        result = leash.case()
        assert (result.status, result.first_s, result.steady_s, result.speedup) == ("pass", 0.2, 0.1, 2.0)
    assert leash.worker.end().exit_code == 0


def test_a_wait_without_end_is_a_hang_at_the_timeout(leash: Leash, worker: Make) -> None:
    body = """
    say(**HELLO)
    for case in cases():
        phase(case, "wait")
        time.sleep(60)
    """
    leash.start(worker(body))
    start = time.monotonic()
    result = leash.case()
    assert result.status == outcome.HANG
    assert QUICK.timeout <= time.monotonic() - start < QUICK.timeout + SLACK
    assert result.evidence is not None
    assert result.evidence["phase"] == "wait"
    assert result.evidence["state"] == "S"


@pytest.mark.parametrize(
    "sign",
    [
        'tempfile.mkdtemp(prefix="comgr-")',
        'subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])',
    ],
)
def test_a_compiler_at_work_gets_the_first_run_s_allowance(leash: Leash, worker: Make, sign: str) -> None:
    body = f"""
    say(**HELLO)
    for case in cases():
        phase(case, "first-launch")
        {sign}
        time.sleep(1.2)
        phase(case, "wait")
        good(case)
    """
    leash.start(worker(body))
    assert leash.case().status == outcome.PASS


def test_a_compiler_without_end_is_told_apart(leash: Leash, worker: Make) -> None:
    body = """
    say(**HELLO)
    for case in cases():
        phase(case, "first-launch")
        tempfile.mkdtemp(prefix="comgr-")
        time.sleep(60)
    """
    leash.start(worker(body))
    start = time.monotonic()
    result = leash.case()
    assert result.status == outcome.COMPILE_TIMEOUT
    assert time.monotonic() - start >= QUICK.compile_timeout
    assert "comgr-" in result.reason


def test_a_first_launch_without_a_compiler_hangs_at_the_ordinary_timeout(leash: Leash, worker: Make) -> None:
    body = """
    say(**HELLO)
    for case in cases():
        phase(case, "first-launch")
        while True: pass
    """
    leash.start(worker(body))
    start = time.monotonic()
    assert leash.case(watch.Limits(timeout=0.6, compile_timeout=60)).status == outcome.HANG
    assert time.monotonic() - start < SLACK


def test_what_hangs_after_its_compilation_gets_the_ordinary_time_again(leash: Leash, worker: Make) -> None:
    body = """
    say(**HELLO)
    for case in cases():
        phase(case, "first-launch")
        folder = tempfile.mkdtemp(prefix="comgr-")
        time.sleep(0.9)
        os.rmdir(folder)
        phase(case, "wait")
        time.sleep(60)
    """
    leash.start(worker(body))
    result = leash.case()
    assert result.status == outcome.HANG
    assert result.seconds is not None
    assert 0.9 + QUICK.timeout <= result.seconds < 60


@pytest.mark.parametrize(
    ("end", "words"),
    [
        ("os._exit(7)", "ended with code 7"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
        ("os.abort()", "SIGABRT"),
    ],
)
def test_a_worker_that_dies_is_a_crash(leash: Leash, worker: Make, end: str, words: str) -> None:
    body = f"""
    say(**HELLO)
    for case in cases():
        print("the last words", flush=True)
        {end}
    """
    leash.start(worker(body))
    result = leash.case()
    assert result.status == outcome.CRASH
    assert words in leash.worker.kill().words()
    assert leash.worker.said()[-1] == "the last words"


def test_a_worker_that_ignores_every_polite_signal_is_killed(leash: Leash, worker: Make) -> None:
    body = """
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    say(**HELLO)
    for case in cases():
        time.sleep(60)
    """
    leash.start(worker(body))
    assert leash.case().status == outcome.HANG
    assert leash.worker.kill().signal_name == "SIGKILL"


def test_killing_takes_the_whole_group(leash: Leash, worker: Make) -> None:
    body = """
    child = subprocess.Popen(["sleep", "60"])
    say(child=child.pid, **HELLO)
    time.sleep(60)
    """
    leash.start(worker(body))
    assert leash.worker.hello is not None
    child = leash.worker.hello["child"]
    assert procfs.stat(child) is not None
    leash.worker.kill()
    end = time.monotonic() + 5
    while (found := procfs.stat(child)) is not None and found.state != "Z" and time.monotonic() < end:
        time.sleep(0.01)
    assert found is None or found.state == "Z"


def test_a_flood_of_output_fills_no_memory_and_stops_no_clock(leash: Leash, worker: Make) -> None:
    body = """
    say(**HELLO)
    for case in cases():
        while True:
            os.write(1, b"more and more of it\\n" * 1000)
    """
    leash.start(worker(body))
    start = time.monotonic()
    assert leash.case().status == outcome.HANG
    assert time.monotonic() - start < QUICK.timeout + SLACK
    assert leash.worker.output_bytes > 1 << 16
    assert len("\n".join(leash.worker.said())) < 1 << 15


@pytest.mark.parametrize("flood", [b"nonsense\\n", b"[1, 2]\\n", b'{"say": 1}\\n'])
def test_a_flood_of_nonsense_for_messages_is_a_crash(leash: Leash, worker: Make, flood: bytes) -> None:
    body = f"""
    say(**HELLO)
    for case in cases():
        while True:
            os.write(events, b'{flood.decode()}' * 100)
    """
    leash.start(worker(body))
    result = leash.case()
    assert (result.status, result.kind) == (outcome.CRASH, "protocol")


@pytest.mark.parametrize(
    "answer",
    [
        'status="pass"',
        'status="pass", findings=[]',
        'status="splendid", findings=[1]',
        'status="hang", findings=[1]',
        "",
    ],
)
def test_an_answer_that_proves_nothing_is_no_pass(leash: Leash, worker: Make, answer: str) -> None:
    body = f"""
    say(**HELLO)
    for case in cases():
        say(say="result", case=case["id"], {answer})
    """
    leash.start(worker(body))
    assert leash.case().status == outcome.ERROR


def test_another_case_s_answer_is_not_this_one_s(leash: Leash, worker: Make) -> None:
    body = """
    say(**HELLO)
    for case in cases():
        good({"id": "smoke/64"})
        time.sleep(60)
    """
    leash.start(worker(body))
    assert leash.case().status == outcome.HANG


@pytest.mark.parametrize(
    ("body", "limit", "words"),
    [
        ('say(say="fatal", error="ImportError: libMIOpen.so.1")', 30, "libMIOpen.so.1"),
        ("os._exit(3)", 30, "died while it was starting"),
        ("time.sleep(60)", 1, "took more than"),
    ],
)
def test_a_worker_that_cannot_start_says_why(
    leash: Leash, worker: Make, body: str, limit: float, words: str
) -> None:
    assert words in leash.start(worker(body), limit)


def test_a_worker_stuck_in_the_kernel_is_left_and_named(
    leash: Leash, worker: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGKILL does not end a process in D state; here it never comes, which looks the same from outside."""
    leash.start(worker("say(**HELLO)\ntime.sleep(60)"))
    monkeypatch.setattr(supervise, "REAP_S", 0.3)
    monkeypatch.setattr(Worker, "_signal_group", lambda _self: None)
    monkeypatch.setattr(procfs, "describe_state", lambda _pid: "uninterruptible sleep (D) in kfd_wait")
    start = time.monotonic()
    death = leash.worker.kill()
    assert time.monotonic() - start < SLACK
    assert not death.reaped
    assert "cannot be killed" in death.words()
    assert "(D) in kfd_wait" in death.words()
    monkeypatch.undo()
    os.kill(leash.worker.pid, 9)
    leash.worker.process.wait(10)


def test_an_answer_after_a_clock_that_jumps_is_still_an_answer(leash: Leash, worker: Make) -> None:
    body = """
    say(**HELLO)
    for case in cases():
        good(case)
    """
    leash.start(worker(body))
    ticks: Iterator[float] = iter([0.0, 0.1, *([0.2] * 50)])
    clock: Any = lambda: next(ticks)  # noqa: E731 - a clock of the test's own
    observer = Observer(leash.worker.pid, leash.temporary, None)
    assert watch.case(leash.worker, CASE, QUICK, observer, clock=clock).status == outcome.PASS
