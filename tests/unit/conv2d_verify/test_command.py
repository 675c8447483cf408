"""The command itself, with the stand-in torch on a simulated card: from the command line to the exit code."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from conv2d_verify import procfs

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((ROOT / "docs/verdict.schema.json").read_text())
QUICK = ("--case", "smoke/3?", "--case", "smoke/4?")

Host = Any


def valid(verdict: dict[str, Any]) -> dict[str, Any]:
    jsonschema.Draft202012Validator(SCHEMA).validate(verdict)
    return verdict


def states(verdict: dict[str, Any]) -> dict[str, str]:
    return {case["id"]: case["state"] for case in verdict["cases"]}


def test_a_healthy_card_passes_and_says_what_it_is(card: Host, xml: Any) -> None:
    done = card.verify("--junit", "verdict.xml", "--metrics", "metrics.prom", *QUICK)
    assert done.returncode == 0, done.stderr
    verdict = valid(card.verdict())
    assert verdict["outcome"] == "pass"
    assert set(states(verdict).values()) == {"pass"}
    assert verdict["device"]["sysfs_gfx"] == "gfx1010"
    assert verdict["device"]["runtime_gfx"].startswith("gfx103")
    assert [notice.split(":")[0] for notice in verdict["notices"]] == ["simulated card", "stand-in torch"]
    assert "NOTE: simulated card" in done.stderr
    assert done.stderr.splitlines()[-1].startswith(
        "pass: 5 of 5 cases pass on a simulated AMD Radeon RX 5600 XT"
    )
    assert all(len(case["findings"]) == 3 for case in verdict["cases"])
    xml((card.folder / "state/verdict.xml").read_text())
    assert "rdna1_conv2d_ok" in (card.folder / "state/metrics.prom").read_text()
    assert sorted(entry.name for entry in (card.folder / "state").iterdir()) == [
        "metrics.prom",
        "verdict.json",
        "verdict.xml",
    ]


def test_the_report_goes_to_standard_output_when_asked(card: Host) -> None:
    done = subprocess.run(
        card.command("--json", "-", "--quiet", "--case", "smoke/32"),
        env=card.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert valid(json.loads(done.stdout))["ok"] is True
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("fault", "code", "state", "words"),
    [
        ({"do": "hang"}, 3, "hang", "no answer after"),
        ({"do": "crash"}, 1, "crash", "SIGABRT"),
        ({"do": "raise"}, 1, "error", "illegal memory access"),
        ({"do": "wrong", "amount": 0.001, "pass": "forward"}, 1, "fail", "forward is wrong"),
        ({"do": "wrong", "amount": 0.1, "pass": "backward"}, 1, "fail", "input gradient is wrong"),
        ({"do": "nan", "pass": "forward"}, 1, "fail", "forward holds NaN"),
        ({"do": "zero", "pass": "forward"}, 1, "fail", "forward is all zero"),
        ({"do": "slow", "seconds": 0.3}, 0, "pass", ""),
    ],
    ids=lambda value: value["do"] if isinstance(value, dict) else None,
)
def test_what_is_wrong_with_a_card_is_found_and_named(
    card: Host, fault: dict[str, Any], code: int, state: str, words: str
) -> None:
    card.break_card({"when": {"size": 42}, **fault})
    done = card.verify("--timeout", "3", *QUICK)
    verdict = valid(card.verdict())
    assert done.returncode == code, done.stderr
    assert verdict["exit_code"] == code
    found = states(verdict)
    assert found.pop("smoke/42") == state
    assert set(found.values()) == {"pass"}
    assert words in next(case["reason"] for case in verdict["cases"] if case["id"] == "smoke/42")


def test_the_reported_boundary_is_found_to_the_size(card: Host) -> None:
    card.break_card({"when": {"min_size": 43}, "do": "hang"})
    done = card.verify("--suite", "boundary", "--timeout", "3")
    verdict = valid(card.verdict())
    assert done.returncode == 3
    assert verdict["searches"] == {"boundary": {"largest_good": 42, "smallest_bad": 43}}
    assert verdict["counts"] == {"hang": 2, "not-run": 7, "pass": 4}


def test_expectations_turn_a_hang_into_a_state_and_a_gap_into_a_violation(card: Host) -> None:
    card.break_card({"when": {"size": 44}, "do": "hang"})
    expect = {
        "schema": "rdna1.expect/1",
        "stack": "rocm57",
        "versions": {"torch": "2.2.2+rocm5.7", "numpy_below": "3"},
        "environment": {"HSA_OVERRIDE_GFX_VERSION": "10.3.0", "MIOPEN_FIND_ENFORCE": None},
        "must_pass": {"smoke": [32, 512]},
        "known_hangs": [{"size_at_least": 44, "reason": "reported"}],
    }
    file = card.folder / "expect.json"
    file.write_text(json.dumps(expect))
    done = card.verify("--expect", str(file), "--timeout", "3", *QUICK)
    verdict = valid(card.verdict())
    assert states(verdict)["smoke/44"] == "expected-hang"
    assert states(verdict)["smoke/48"] == "unexpected-pass"
    assert [failure["code"] for failure in verdict["failures"]] == ["check", "not-measured"]
    assert done.returncode == 1


def test_no_card_at_all_is_a_skip(host: Host) -> None:
    done = host.verify(*QUICK)
    verdict = valid(host.verdict())
    assert (done.returncode, verdict["outcome"], verdict["ok"]) == (77, "skipped", False)
    assert done.stderr.splitlines()[-1].startswith("skipped: there is no GPU")


def test_a_card_that_torch_does_not_see_is_a_failure(card: Host) -> None:
    card.environment["HIP_VISIBLE_DEVICES"] = "-1"
    done = card.verify(*QUICK)
    assert done.returncode == 1
    assert "sees no GPU although" in valid(card.verdict())["summary"]


def test_a_runtime_without_kernels_for_the_card_is_told_with_its_last_words(card: Host) -> None:
    del card.environment["HSA_OVERRIDE_GFX_VERSION"]
    done = card.verify(*QUICK)
    assert done.returncode == 1
    verdict = valid(card.verdict())
    assert any("hipErrorNoBinaryForGpu" in line for line in verdict["workers"]["printed"])
    assert "it last printed" in verdict["summary"]


def test_the_cpu_needs_no_card(host: Host) -> None:
    done = host.verify("--device", "cpu", *QUICK)
    verdict = valid(host.verdict())
    assert done.returncode == 0, done.stderr
    assert not any("simulated" in notice for notice in verdict["notices"])


def test_variables_come_from_the_host_s_file(card: Host) -> None:
    del card.environment["HSA_OVERRIDE_GFX_VERSION"]
    file = card.folder / "environment"
    file.write_text("HSA_OVERRIDE_GFX_VERSION=10.3.0\nMIOPEN_DEBUG_CONV_IMPLICIT_GEMM=1\n")
    done = card.verify("--environment-file", str(file), *QUICK)
    assert done.returncode == 0, done.stderr
    effects = {entry["name"]: entry["effect"] for entry in valid(card.verdict())["environment"]}
    assert effects["MIOPEN_DEBUG_CONV_IMPLICIT_GEMM"] == "none"


def test_a_file_of_variables_that_is_not_there_is_one_violation_more(card: Host) -> None:
    done = card.verify("--environment-file", "/nowhere/environment", *QUICK)
    assert done.returncode == 1
    assert [failure["code"] for failure in valid(card.verdict())["failures"]] == ["check"]


def test_the_kernel_cache_is_warmed_and_both_first_runs_are_shown(card: Host) -> None:
    done = card.verify("--warm-cache", "--case", "smoke/32")
    assert done.returncode == 0
    (entry,) = valid(card.verdict())["warm_up"]
    assert entry["case"] == "smoke/32"
    assert entry["before_s"] is not None
    assert entry["after_s"] is not None
    assert "first run of smoke/32:" in done.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--suite", "smok"), "no such suite"),
        (("--case", "smoke/33"), "no such case"),
        (("--device", "gpu"), "no device"),
        (("--timeout", "0"), "not more than 0"),
        (("--max-hangs", "none"), "whole number"),
        (("--json", "/etc/verdict.json"), "outside"),
        (("--junit", "../verdict.xml"), "outside"),
        (("--expect", "/nowhere.json"), "/nowhere.json: cannot be read"),
        (("--user", "nobody-at-all"), "no such user"),
    ],
)
def test_bad_usage_is_one_sentence_and_nothing_runs(card: Host, options: tuple[str, ...], words: str) -> None:
    if options[0] == "--user" and os.geteuid() != 0:
        pytest.skip("only root can become another user")
    done = card.verify(*options)
    assert done.returncode == 2
    assert words in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert not (card.folder / "state/verdict.json").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs as root")
def test_root_is_not_taken_for_granted(card: Host) -> None:
    command = [part for part in card.command() if part != "--allow-root"]
    done = subprocess.run(command, env=card.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--user" in done.stderr


def test_what_cannot_be_written_leaves_the_old_verdict_whole(card: Host) -> None:
    """A limit to the size of files is a full disk that needs no disk."""
    assert card.verify("--case", "smoke/32").returncode == 0
    before = (card.folder / "state/verdict.json").read_text()
    limited = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); "
        "from conv2d_verify.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", limited, *card.command("--json", "verdict.json", *QUICK)[3:]]
    done = subprocess.run(command, env=card.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "what was there before is unchanged" in done.stderr
    assert "The verdict was: pass" in done.stderr
    assert (card.folder / "state/verdict.json").read_text() == before
    assert [entry.name for entry in (card.folder / "state").iterdir()] == ["verdict.json"]


def start_hanging(card: Host) -> tuple[subprocess.Popen[str], int]:
    """Start a verifier whose only case hangs; return it and its worker's process id."""
    card.break_card({"do": "hang"})
    parent = subprocess.Popen(
        card.command("--json", "verdict.json", "--timeout", "60", "--case", "smoke/32"),
        env=card.environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    end = time.monotonic() + 20
    while time.monotonic() < end:
        workers = [one.pid for one in procfs.everyone() if one.parent == parent.pid]
        if workers and any((card.folder / "state").glob("tmp-*")):
            time.sleep(1.0)
            return parent, workers[0]
        time.sleep(0.05)
    raise AssertionError("no worker was started")


def gone(pid: int) -> bool:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        found = procfs.stat(pid)
        if found is None or found.state == "Z":
            return True
        time.sleep(0.02)
    return False


def test_a_killed_verifier_leaves_no_worker_and_its_traces_go_with_the_next_run(card: Host) -> None:
    parent, worker = start_hanging(card)
    parent.kill()
    parent.wait()
    assert gone(worker)
    assert list((card.folder / "state").glob("tmp-*"))
    (card.folder / "card/conv2d.json").unlink()
    assert card.verify("--case", "smoke/32").returncode == 0
    assert not list((card.folder / "state").glob("tmp-*"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_verifier_that_is_asked_to_end_leaves_a_verdict_that_says_so(
    card: Host, number: signal.Signals
) -> None:
    parent, worker = start_hanging(card)
    parent.send_signal(number)
    _, said = parent.communicate(timeout=20)
    assert parent.returncode == 2
    verdict = valid(card.verdict())
    assert (verdict["outcome"], verdict["ok"]) == ("unknown", False)
    assert number.name in said.splitlines()[-1]
    assert gone(worker)


def test_two_on_one_card_wait_for_each_other_or_leave(card: Host) -> None:
    parent, _ = start_hanging(card)
    (card.folder / "card/conv2d.json").unlink()
    refused = card.verify("--case", "smoke/32")
    assert refused.returncode == 2
    assert "another conv2d-verify uses this card" in refused.stderr
    waiting = subprocess.Popen(
        card.command("--json", "second.json", "--wait", "30", "--case", "smoke/32"),
        env=card.environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(1.0)
    assert waiting.poll() is None
    parent.kill()
    parent.communicate()
    _, said = waiting.communicate(timeout=30)
    assert waiting.returncode == 0
    assert "waiting for it" in said


def test_the_list_needs_neither_card_nor_torch() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "conv2d_verify", "--list"],
        env={"PYTHONPATH": str(ROOT / "roles/conv2d_verify/files")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "smoke/512" in done.stdout


def test_the_parent_never_imports_torch(card: Host) -> None:
    program = (
        "import sys; from conv2d_verify.cli import main; main(sys.argv[1:]); print('torch' in sys.modules)"
    )
    command = [sys.executable, "-c", program, *card.command("--quiet", "--case", "smoke/32")[3:]]
    done = subprocess.run(command, env=card.environment, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
