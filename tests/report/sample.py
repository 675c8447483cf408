"""A run that a driver could have written: so many hosts, every state, valid verdicts, hostile names."""

import json
import random
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from conv2d_verify import cases as verifier_cases
from rdna1.report.verdicts import figures
from rdna1.runs import model

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
LOCK, CPU_LOCK = "3f1c9a7be204", "77aa01c2d9ef"
HOSTILE = "<script>alert(1)</script>"
CARDS = (
    ("AMD Radeon RX 5600 XT", "gfx1010", "navi10"),
    # What boards that share a device id are called together.
    ("Radeon RX 5600, RX 5600 XT, RX 5700 or RX 5700 XT (Navi 10)", "gfx1010", "navi10"),
    ("AMD Radeon RX 5500 XT", "gfx1012", "navi14"),
    ("AMD Radeon Pro V520", "gfx1011", "navi12"),
)
PHASES = ("host_check", "jammy_compat", "rocm", "pytorch_venv", "rocm_environment", "conv2d_verify")
# How the hosts end that do not pass, in turn.
BAD: tuple[model.HostState, ...] = (
    "verdict-hang",
    "failed",
    "unreachable",
    "verdict-fail",
    "timed-out",
    "rolled-back",
    "quarantined",
    "verdict-unknown",
    "skipped",
)


def at(seconds: float) -> str:
    """Return a time of the run."""
    return (START + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def summary(card: tuple[str, str, str] | None, *, simulated: bool, **changes: Any) -> dict[str, Any]:
    """Return what the plan says of a host."""
    return {
        "os": "Debian 13",
        "kernel": "6.12.48-amd64",
        "rocm": "5.2.0.50200-65" if card else None,
        "python": "3.10.13",
        "torch": "1.13.1+rocm5.2" if card else "1.13.1+cu117",
        "policy": "readme" if card else None,
        "stack": "rocm52" if card else "cpu_reference",
        "lock": LOCK if card else CPU_LOCK,
        "card": card[0] if card else None,
        "chip": card[1] if card else None,
        "simulated": simulated,
        "reboot_needed": False,
        **changes,
    }


def verdict(
    host: str, card: tuple[str, str, str] | None, outcome: str, rng: random.Random, *, simulated: bool
) -> dict[str, Any]:
    """Return a verdict document, valid by docs/verdict.schema.json, with the smoke and timing suites."""
    pace = rng.uniform(0.85, 1.3) * (4.0 if rng.random() < 0.02 else 1.0)
    results = []
    for name in ("smoke", "timing"):
        for case in verifier_cases_of(name):
            stuck = outcome == "hang" and name == "smoke" and case["size"] >= 224
            wrong = outcome == "fail" and case["size"] == 44 and name == "smoke"
            results.append(result(case, pace, "hang" if stuck else "fail" if wrong else "pass"))
    passed = sum(one["state"] == "pass" for one in results)
    name = f"{'a simulated' if simulated else 'an'} {card[0]}" if card else "the CPU"
    said = {
        "pass": f"{passed} of {len(results)} cases pass on {name}",
        "fail": "smoke/44: fail, max_abs 3.1, 0.001 is allowed; compare environment policies on it",
        "hang": "smoke/224, smoke/512 did not come back; reboot the host, since its card may still hang",
        "unknown": "the run was stopped by SIGTERM; run it again and let it end",
    }[outcome]
    failure = {"host": host, "code": outcome, "message": said, "fix": "reboot the host"}
    notes = ["simulated card: /srv/simulated-card/card.json says so"] if simulated else []
    return {
        "schema": "rdna1.verdict/1",
        "ok": outcome == "pass",
        "outcome": outcome,
        "exit_code": {"pass": 0, "fail": 1, "unknown": 2, "hang": 3}[outcome],
        "summary": said,
        "host": host,
        "started": at(300),
        "finished": at(420),
        "seconds": 120.0,
        "notices": [*notes, *(["stand-in torch: its numbers are real"] if simulated else [])],
        "verifier": {"version": "1", "python": "3.13.5", "user": "rdna1-verify"},
        "suites": ["smoke", "timing"],
        "filtered": False,
        "expect": {
            "source": "/etc/rdna1/expect.json",
            "stack": "rocm52" if card else "cpu_reference",
            "subject": {"lock": LOCK, "policy": "readme"} if card else {"lock": CPU_LOCK},
        },
        "limits": {"timeout": 60, "compile_timeout": 300, "start_timeout": 120, "max_hangs": 2},
        "device": {
            "asked_for": "cuda:0" if card else "cpu",
            "sysfs": "/srv/simulated-card/sys" if simulated else "/sys",
            "simulated": simulated,
            "cards": [{"node": 1, "gfx": card[1], "device_id": "731f", "render_minor": 128, "name": card[0]}]
            if card
            else [],
            "sysfs_gfx": card[1] if card else None,
            "runtime_gfx": "gfx1030" if card else None,
            "runtime": None,
            "kfd": {"path": "/dev/kfd", "exists": True, "is_device": True, "usable": True},
            "groups": ["video", "render"],
        },
        "runtime": {
            "seconds": 2.0,
            "python": "3.10.13",
            "executable": "/opt/rdna1/current/bin/python",
            "torch": "1.13.1+rocm5.2" if card else "1.13.1+cu117",
            "torch_root": "/opt/rdna1/current/lib/python3.10/site-packages/torch",
            "stand_in": simulated,
            "hip": "5.2.0" if card else None,
            "cuda": None,
            "miopen": None,
            "numpy": "1.26.4",
            "gpu_available": bool(card),
            "gpu_count": 1 if card else 0,
            "threads": 8,
            "libraries": [],
        },
        "environment": [],
        "databases": [],
        "kernel": {"release": "6.12.48-amd64"},
        "kernel_log": {"readable": True, "problem": "", "new_lines": 0, "matches": [], "at_boot": []},
        "workers": {"started": 1, "deaths": [], "printed": []},
        "searches": {},
        "warm_up": [],
        "counts": {"pass": passed},
        "checks": [],
        "cases": results,
        "failures": [] if outcome == "pass" else [failure],
    }


def verifier_cases_of(suite: str) -> list[dict[str, Any]]:
    """Return a suite's cases as the verifier itself reads them."""
    file = Path(verifier_cases.__file__).with_name("data") / "suites" / f"{suite}.json"
    document = json.loads(file.read_text())
    found = []
    for given in document["cases"]:
        name = given.get("id", str(given["size"]))
        fields = {**document["defaults"], **given, "id": f"{suite}/{name}", "suite": suite}
        found.append(asdict(verifier_cases.Case(**fields)))
    return found


def result(case: dict[str, Any], pace: float, state: str) -> dict[str, Any]:
    """Return one case's result, timed like the original documents' figures where it came back."""
    known = figures()
    sizes = sorted(known.first_s)
    near = min(sizes, key=lambda size: abs(size - case["size"]))
    scale = case["size"] / near
    timed = state in ("pass", "fail")
    first, steady = known.first_s[near] * pace, known.steady_s[near] * pace * scale
    return {
        "case": {**case, "layers": [list(layer) for layer in case["layers"]]},
        "id": case["id"],
        "status": state,
        "state": state,
        "reason": "" if state == "pass" else "no answer within 60 s" if state == "hang" else "max_abs 3.1",
        "kind": "convolution",
        "gating": True,
        "seconds": first + steady if timed else 60.0,
        "first_s": round(first, 4) if timed else None,
        "steady_s": round(steady, 5) if timed else None,
        "spread_s": 0.001 if timed else None,
        "speedup": round(first / steady, 1) if timed else None,
        "times": [round(first, 4), round(steady, 5)] if timed else [],
        "backward_times": [],
        "vram_bytes": None,
        "findings": [],
        "evidence": None,
        "death": "",
        "trace": [],
        "printed": [],
        "kernel_log": [],
        "rounds": 1,
    }


def host(
    number: int, wave: int, rng: random.Random, bad: model.HostState | None, *, simulated: bool
) -> model.Host:
    """Return a host of the run."""
    card = CARDS[0 if number < 3 else rng.choice((0, 0, 0, 1, 1, 2, 3))]
    name = f"render-{number:03}.example.org"
    before = summary(card, simulated=simulated, rocm=None, torch="2.2.2+rocm5.7", policy=None, lock=None)
    changes: dict[str, Any] = {}
    if number % 37 == 5:
        changes["kernel"] = "6.8.0-88-generic"
    if number % 53 == 7:
        changes["policy"] = "gemm"
    after = summary(card, simulated=simulated, **changes)
    ended = "pass" if bad is None else bad.removeprefix("verdict-")
    judged = {"pass": "pass", "hang": "hang", "fail": "fail", "unknown": "unknown"}.get(ended)
    if bad in ("rolled-back", "quarantined"):
        judged = "hang"
    cause: model.HostState | None = "verdict-hang" if bad in ("rolled-back", "quarantined") else bad
    state: model.HostState = bad or (
        "needs-reboot" if number % 11 == 4 else "ok" if number % 7 == 3 else "changed"
    )
    started = 60.0 * wave
    phases = [model.Phase(phase, round(rng.uniform(1, 90 if phase == "rocm" else 20), 1)) for phase in PHASES]
    return model.Host(
        host=name,
        groups=["rdna1", card[2]],
        wave=wave,
        state=state,
        cause=cause if bad else None,
        attempts=2 if bad == "timed-out" else 1,
        started=at(started),
        ended=at(started + sum(phase.seconds for phase in phases)),
        phases=phases if bad != "unreachable" else [],
        failure=failure(bad, name) if bad else None,
        before=before if bad not in ("unreachable", "skipped") else {},
        after=after if bad not in ("unreachable", "skipped", "failed", "timed-out", "rolled-back") else {},
        differences=[] if state == "ok" else differences(),
        verdict=verdict(name, card, judged, rng, simulated=simulated) if judged and state != "ok" else None,
        prior={"verdict": "pass", "current": True, "finished": at(-86400), "sentence": "17 of 17 cases pass"}
        if state == "ok"
        else None,
        reboot_needed=state == "needs-reboot",
        action=bad if bad in ("rolled-back", "quarantined") else "left" if bad == "failed" else None,
    )


def differences() -> list[dict[str, str]]:
    """Return what a plan finds on a host with an older stack."""
    return [
        {"role": role, "item": item, "observed": observed, "wanted": wanted, "reason": reason}
        for role, item, observed, wanted, reason in (
            ("rocm", "package rocm-dev", "missing", "5.2.0.50200-65", "it is missing, 5.2.0.50200-65 wanted"),
            (
                "rocm",
                "/etc/apt/keyrings/rdna1-rocm.gpg",
                "missing",
                "a key",
                "there is no key that can be read",
            ),
            (
                "pytorch_venv",
                "torch",
                "2.2.2+rocm5.7",
                "1.13.1+rocm5.2",
                "2.2.2+rocm5.7 found, 1.13.1+rocm5.2 wanted",
            ),
            ("rocm_environment", "/etc/rdna1/policy.json", "missing", "readme", "nothing is recorded"),
        )
    ]


def failure(bad: model.HostState, name: str) -> model.Failure:
    """Return what a host failed of."""
    judge = ("conv2d_verify", "Judge | Fail unless the verdict is a pass")
    said: dict[str, model.Failure] = {
        "failed": model.Failure(
            "rocm",
            "Packages | Install ROCm",
            f"{name}: apt-get could not install rocm-dev; make room under /opt",
            "E: You don't have enough free space in /var/cache/apt/archives/.\nE: dpkg returned 1",
        ),
        "unreachable": model.Failure("", "Observe and plan", "ssh: connect to host: Connection timed out"),
        "timed-out": model.Failure("pytorch_venv", "Venv | Build it", "the host took longer than 1800 s"),
        "skipped": model.Failure("drain", "", "the drain hook exited with 1: node is busy"),
    }
    return said.get(bad, model.Failure(*judge, f"{name}: the verdict is no pass"))


def run(
    hosts: int = 12, *, seed: int = 1, simulated: bool = True, bad_share: float = 0.08, whole: bool = False
) -> tuple[model.Run, dict[str, model.Host]]:
    """Return a run of so many hosts: a canary, 10 %, 50 % and the rest; the third wave's gate is closed.

    A whole run goes on as if it had been open: every host has been tried.
    """
    rng = random.Random(seed)  # noqa: S311 - data, not a secret
    sizes = [1, max(1, hosts // 10), max(1, hosts // 2)]
    sizes.append(max(0, hosts - sum(sizes) - 1))
    found: dict[str, model.Host] = {}
    waves: list[model.Wave] = []
    number = failures = 0
    for wave, (size, spec) in enumerate(zip(sizes, ("1", "10%", "50%", "100%"), strict=True), 1):
        names = []
        for _ in range(size):
            bad = None
            if wave == 3 and (number % max(1, round(1 / bad_share)) == 0 or hosts < 20):
                bad = BAD[failures % len(BAD)]
                failures += 1
            one = host(number, wave, rng, bad if failures <= 40 else None, simulated=simulated)
            if wave == 4 and not whole:
                one = model.Host(host=one.host, groups=one.groups, wave=4)
            found[one.host] = one
            names.append(one.host)
            number += 1
        gate = model.Gate(
            open=wave < 3, reason="0 of 2 failures, every host accounted for", failures=0, budget=2
        )
        if wave == 3:
            gate = model.Gate(
                open=False, reason=f"{failures} failures, 2 are the budget", failures=failures, budget=2
            )
        waves.append(
            model.Wave(
                wave,
                spec,
                names,
                state="done" if wave < 3 else "stopped" if wave == 3 else "pending",
                started=at(60 * wave) if wave < 4 else None,
                ended=at(60 * wave + 240) if wave < 4 else None,
                gate=gate if wave < 4 else None,
            )
        )
    reference = model.Host(
        host="cpu-reference",
        groups=["cpu_reference"],
        wave=1,
        state="changed",
        attempts=1,
        started=at(60),
        ended=at(200),
        phases=[model.Phase("pytorch_venv", 80.0), model.Phase("conv2d_verify", 40.0)],
        before=summary(None, simulated=False, torch=None),
        after=summary(None, simulated=False),
        verdict=verdict("cpu-reference", None, "pass", rng, simulated=False),
    )
    found[reference.host] = reference
    waves[0].hosts.append(reference.host)
    record = model.Run(
        id="20261121T090000Z-3f1c",
        state="stopped",
        started=at(0),
        ended=at(500),
        who="operator",
        control_host="control.example.org",
        commit="793a0c9d8e7f6a5b4c3d2e1f",
        dirty=False,
        versions={
            "ansible-core": "2.21.5",
            "ansible-runner": "2.4.3",
            "python": "3.13.0",
            "project": "0.1.0",
        },
        inventory=model.Inventory(["inventories/mine"], "9b1c" * 16),
        options=model.Options(waves="1,10%,50%,100%", budget="2", on_failure="rollback", reboot="never"),
        waves=waves,
    )
    return record, found


def hostile(record: model.Run, hosts: dict[str, model.Host]) -> None:
    """Put into every text of a run what would be a script, were it not escaped."""
    evil = f"\"'>{HOSTILE}<img src=x onerror=alert(2)>&amp;]]>\x07"
    one = next(iter(hosts.values()))
    del hosts[one.host]
    one.host, one.state, one.cause = f"evil{evil}", "failed", "failed"
    one.failure = model.Failure(evil, evil, evil, f"</pre>{evil}")
    one.groups, one.notes = [evil], [evil]
    one.before = dict.fromkeys(summary(CARDS[0], simulated=True), evil)
    one.after = {**one.before, "chip": evil}
    one.differences = [dict.fromkeys(("role", "item", "observed", "wanted", "reason"), evil)]
    if one.verdict:
        one.verdict["summary"], one.verdict["notices"] = evil, [evil]
        for case in one.verdict["cases"]:
            case["id"], case["reason"], case["state"] = evil, evil, "hang"
    hosts[one.host] = one
    record.waves[0].hosts[0] = one.host
    record.waves[0].gate = model.Gate(open=False, reason=evil, failures=1, budget=0)
    record.who = record.control_host = record.commit = evil
    record.versions = {evil: evil}
    record.inventory = model.Inventory([evil], evil)


def write(directory: Path, record: model.Run, hosts: dict[str, model.Host]) -> model.RunPaths:
    """Write a run as the driver does."""
    paths = model.RunPaths(directory / record.id)
    model.save_run(paths, record)
    for one in hosts.values():
        model.save_host(paths, one, durable=False)
    return paths
