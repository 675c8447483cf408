"""A whole qualification without a lab: the real verifier, a stand-in torch, cards that behave as told.

In Ansible's place stands a function that does what playbooks/qualify.yml does with a candidate: it fails to
install it, or runs the verifier in its environment, and judges the card afterwards.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rdna1.provision.plugins.filter.card_health import card_health
from rdna1.lab.paths import CHECKOUT
from rdna1.qualify import session
from rdna1.qualify.driver import Driver
from rdna1.qualify.journal import NOT_TRIED, Asked, Journal, load
from rdna1.qualify.plan import Try
from rdna1.qualify.report import Qualified
from rdna1.rollout.ansible import Job, Setting
from rdna1.rollout.events import Event
from rdna1.rollout.fleet import Member
from rdna1.rollout.interrupts import Interrupts
from rdna1.rollout.outcome import Ending
from rdna1.stacks import model, policies

PACKAGE = CHECKOUT / "roles/conv2d_verify/files"
STAND_IN = CHECKOUT / "scripts/rdna1/lab/standin"
# As the verifier's smoke, without its large sizes, which NumPy takes seconds for.
SUITE = {
    "schema": "rdna1.suite/1",
    "name": "smoke",
    "about": "Both sides of the boundary.",
    "defaults": {"in_channels": 3, "out_channels": 64, "kernel": 3, "padding": 1, "batch": 1},
    "cases": [{"size": size} for size in (32, 40, 42, 44, 48, 56)],
}
HANGS_FROM_44 = [{"when": {"min_size": 44}, "do": "hang"}]
MEMORY_FAULT = [{"when": {}, "do": "crash"}]
WELL: list[dict[str, Any]] = []
# The tables of the original documents, row by row.
DOCUMENTS: Mapping[str, Any] = {
    "rocm57@gemm-only": HANGS_FROM_44,
    "rocm52-mixed@gemm-only": MEMORY_FAULT,
    "therock@defaults": "there is no wheel of torch 1.13.1+rocm5.2 for Python 3.12",
    "rocm52@readme": WELL,
}
ORDER = ("rocm52@readme", "rocm57@gemm-only", "rocm52-mixed@gemm-only", "therock@defaults")


@dataclass
class Host:
    """A host with a simulated card, a folder on this machine."""

    root: Path
    behaves: dict[str, Any]
    # After this candidate nothing works any more until a reboot.
    wedged_by: str = ""
    wedged: bool = False
    reboots: int = 0
    tried: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        node = self.root / "card/sys/class/kfd/kfd/topology/nodes/1"
        node.mkdir(parents=True)
        (node / "properties").write_text("gfx_target_version 100100\ndevice_id 29471\ndrm_render_minor 128\n")
        (self.root / "card/dev").mkdir()
        (self.root / "card/dev/kfd").touch()
        about = {"simulated": True, "name": "AMD Radeon RX 5600 XT", "gfx": "gfx1010", "device_id": "731f"}
        (self.root / "card/card.json").write_text(json.dumps(about))

    def verify(self, one: Try, suites: list[str]) -> dict[str, Any]:
        """Run the verifier as the role does."""
        faults = self.behaves[one.key]
        (self.root / "card/conv2d.json").write_text(json.dumps({"faults": faults}))
        policy = policies.compose(one.policy, policies.load())
        expect = {
            "schema": "rdna1.expect/1",
            "stack": one.stack,
            "subject": {"lock": "abc", "policy": one.policy},
            **{name: {} for name in ("versions", "device", "environment", "must_pass")},
            **{name: [] for name in ("known_hangs", "ceilings", "groups")},
            "kfd": False,
            "kernel_log": False,
        }
        (self.root / "expect.json").write_text(json.dumps(expect))
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("HSA_", "HIP_"))},
            **policy.variables,
            "PYTHONPATH": f"{PACKAGE}:{STAND_IN}",
            "RDNA1_SIMULATED_CARD": str(self.root / "card"),
            "HSA_OVERRIDE_GFX_VERSION": "10.3.0",
            "OPENBLAS_NUM_THREADS": "1",
        }
        words = [word for suite in suites for word in ("--suite", suite)]
        subprocess.run(
            [
                *(sys.executable, "-m", "conv2d_verify", "--allow-root", "--quiet"),
                *("--directory", str(self.root / "state"), "--json", "verdict.json", "--timeout", "3"),
                *("--expect", str(self.root / "expect.json"), "--sysfs", str(self.root / "card/sys")),
                *("--kfd", str(self.root / "card/dev/kfd"), *words),
            ],
            env=environment, check=False, capture_output=True, timeout=120,
        )  # fmt: skip
        found: dict[str, Any] = json.loads((self.root / "state/verdict.json").read_text())
        return found


@dataclass
class Stage:
    """What stands in Ansible's place."""

    hosts: dict[str, Host]
    during: Callable[[Try], None] = print
    ending: Ending = "complete"
    lost: frozenset[str] = frozenset()

    def __call__(
        self, setting: Setting, job: Job, on_event: Callable[[Event], None], stop: Callable[[], bool]
    ) -> Ending:
        assert setting.run
        stats: dict[str, dict[str, int]] = {"failures": {}, "dark": {}}
        extra: Any = job.extra
        assert extra["rdna1_qualify_seconds"] > 0
        assert job.timeout > 0
        for name in job.hosts:
            if name in self.lost:
                stats["dark"][name] = 1
                continue
            on_event({"event": "runner_on_start", "event_data": {"host": name, "task": "t"}})
            if not self.play(self.hosts[name], name, extra):
                stats["failures"][name] = 1
                res = {"msg": "the card is not well"}
                on_event({"event": "runner_on_failed", "event_data": {"host": name, "task": "t", "res": res}})
        if self.ending != "complete":
            return self.ending
        on_event({"event": "playbook_on_stats", "event_data": stats})
        return "cancelled" if stop() else "complete"

    def play(self, host: Host, name: str, extra: Mapping[str, Any]) -> bool:
        """Do what the playbook does on one host; return whether its card is well at the end."""
        if host.wedged and extra["rdna1_qualify_reboot"]:
            host.reboots += 1
            host.wedged = False
        for said in extra["rdna1_qualify_candidates"]:
            one = Try(**said)
            host.tried.append(one.key)
            self.during(one)
            verdict, failure = None, ""
            cards = [{"gfx": "gfx1010", "device_id": "731f"}]
            if isinstance(host.behaves[one.key], str):
                failure = host.behaves[one.key]
            else:
                verdict = host.verify(one, extra["rdna1_qualify_suites"])
            host.wedged = host.wedged or host.wedged_by == one.key
            probe = {"outcome": "hang", "summary": "it hangs"} if host.wedged else {"outcome": "pass"}
            health = card_health(verdict or {}, cards, probe)
            trial = {
                "schema": "rdna1.qualify-trial/1", "host": name, "stack": one.stack, "policy": one.policy,
                "cards": cards, "verdict": verdict, "failure": failure, "card_ok": health["ok"],
                "card_reason": health["reason"],
            }  # fmt: skip
            folder = Path(extra["rdna1_qualify_to"]) / name
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{one.key}.json").write_text(json.dumps(trial))
            if host.wedged and extra["rdna1_qualify_reboot"]:
                host.reboots += 1
                host.wedged = False
        return not host.wedged


@dataclass
class Site:
    """A qualification that can be begun and taken up again."""

    root: Path
    stage: Stage
    answers: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    yes: bool = True

    def asked(self, *tries: str, **more: Any) -> Journal:
        found = [Try(*one.split("@")) for one in tries]
        suite = self.root / "smoke.json"
        self.root.mkdir(exist_ok=True)
        suite.write_text(json.dumps(SUITE))
        given = {"suites": [str(suite)], "minutes": 30, "candidate_minutes": 5, "reboot": "never", **more}
        asked = Asked("q1", "2026-01-31T12:00:00Z", [], list(self.stage.hosts), found, **given)
        journal = Journal(self.root / "q1", asked)
        journal.trials.mkdir(parents=True)
        journal.save()
        return journal

    def go(self, journal: Journal, interrupts: Interrupts | None = None, **more: Any) -> Driver:
        def confirm(question: str) -> bool:
            self.answers.append(question)
            return self.yes

        setting = Setting("q1", [], self.root)
        stop = interrupts or Interrupts(print)
        driver = Driver(journal, setting, stop, self.said.append, confirm, self.stage, **more)
        driver.go()
        return driver

    def found(self, journal: Journal) -> Qualified:
        members = {name: Member(name, ["rdna1", "navi10"], name, 22) for name in self.stage.hosts}
        (found,) = session.qualified(journal, members)
        return found


@pytest.fixture
def site(tmp_path: Path) -> Callable[..., Site]:
    """Return a site with one host, or several, whose cards behave as told."""

    def make(*behaves: Mapping[str, Any], **more: Any) -> Site:
        hosts = {
            f"host-{number:02}": Host(tmp_path / f"host-{number}", dict(one), **more)
            for number, one in enumerate(behaves, start=1)
        }
        return Site(tmp_path / "runs", Stage(hosts))

    return make


def order(found: Qualified) -> list[str]:
    return [f"{one.candidate.stack}@{one.candidate.policy}" for one in found.ranking.ranked]


def ended(journal: Journal) -> str:
    return journal.asked.state


def test_cards_as_in_the_documents_lead_to_their_conclusion(site: Callable[..., Site]) -> None:
    here = site(DOCUMENTS)
    journal = here.asked(*ORDER, allow_diagnostic=True)
    here.go(journal)
    assert ended(journal) == "done"
    found = here.found(journal)
    assert order(found) == list(ORDER)
    assert found.ranking.sentence.startswith("Use rocm52 with readme: all 6 cases pass, up to 56x56")
    assert found.group == "navi10"
    trial = journal.trial("host-01", Try("rocm57", "gemm-only"))
    assert trial is not None
    statuses = [case["status"] for case in trial["verdict"]["cases"]]
    assert statuses.count("hang") == 2, "a candidate that hangs twice is stopped"
    assert statuses.count("not-run") == 1
    assert any("no wheel of torch" in said for said in here.said)
    written = session.write(journal, [found])
    assert (written["ok"], written["cards"][0]["recommendation"]["stack"]) == (True, "rocm52")
    record = (journal.root / "record.json").read_text()
    assert "host-01" not in record
    assert json.loads(record)["best"] == {"stack": "rocm52", "policy": "readme"}


def test_a_card_that_behaves_otherwise_leads_to_another(site: Callable[..., Site]) -> None:
    otherwise = {**DOCUMENTS, "rocm52@readme": HANGS_FROM_44, "rocm57@gemm-only": WELL}
    here = site(otherwise)
    journal = here.asked(*ORDER, allow_diagnostic=True)
    here.go(journal)
    found = here.found(journal)
    assert order(found)[:2] == ["rocm57@gemm-only", "rocm52@readme"]
    assert found.ranking.sentence.startswith("Use rocm57 with gemm-only")


def test_where_everything_hangs_the_helper_is_named(site: Callable[..., Site]) -> None:
    here = site({"rocm57@gemm-only": HANGS_FROM_44})
    journal = here.asked("rocm57@gemm-only")
    here.go(journal)
    found = here.found(journal)
    assert not found.ranking.ok
    assert "limit_conv2d(max_size=42)" in found.ranking.sentence
    assert session.write(journal, [found])["ok"] is False


def test_an_interrupted_qualification_resumes_where_it_was(site: Callable[..., Site]) -> None:
    here = site(dict.fromkeys(("rocm52@readme", "rocm52@gemm-off"), WELL))
    journal = here.asked("rocm52@readme", "rocm52@gemm-off")
    interrupts = Interrupts(print)

    def ctrl_c(_one: Try) -> None:
        interrupts.after_wave = True

    here.stage.during = ctrl_c
    here.go(journal, interrupts)
    assert ended(journal) == "interrupted"
    here.stage.during = print
    again = load(journal.root)
    assert again.asked.tries == journal.asked.tries
    here.go(again)
    assert ended(again) == "done"
    assert here.stage.hosts["host-01"].tried == ["rocm52@readme", "rocm52@gemm-off"]


def test_when_it_is_killed_at_once_the_candidate_is_tried_again(site: Callable[..., Site]) -> None:
    here = site({"rocm52@readme": WELL})
    journal = here.asked("rocm52@readme")
    here.stage.lost, here.stage.ending = frozenset({"host-01"}), "cancelled"
    here.go(journal)
    assert ended(journal) == "stopped"
    trial = journal.trial("host-01", Try("rocm52", "readme"))
    assert trial is not None
    assert trial["failure"] == f"{NOT_TRIED}it was stopped"
    here.stage.lost, here.stage.ending = frozenset(), "complete"
    here.go(journal)
    assert ended(journal) == "done"


def test_its_whole_time_is_bounded(site: Callable[..., Site]) -> None:
    here = site(dict.fromkeys(("rocm52@readme", "rocm52@gemm-off"), WELL))
    journal = here.asked("rocm52@readme", "rocm52@gemm-off")
    now = [0.0]

    def long(_one: Try) -> None:
        now[0] += 29.5 * 60

    here.stage.during = long
    here.go(journal, clock=lambda: now[0])
    assert ended(journal) == "stopped"
    assert here.stage.hosts["host-01"].tried == ["rocm52@readme"]
    left = journal.trial("host-01", Try("rocm52", "gemm-off"))
    assert left is not None
    assert left["failure"] == f"{NOT_TRIED}the 30 minutes are over"
    assert not here.found(journal).ranking.ranked[1].candidate.works


WEDGING = {"rocm52@readme": WELL, "rocm57@gemm-only": MEMORY_FAULT, "rocm52@gemm-off": WELL}


def test_a_wedged_card_is_offered_its_reboot_and_the_rest_is_tried(site: Callable[..., Site]) -> None:
    here = site(WEDGING, wedged_by="rocm57@gemm-only")
    journal = here.asked(*WEDGING, reboot="ask")
    here.go(journal)
    host = here.stage.hosts["host-01"]
    assert (host.reboots, host.tried) == (1, list(WEDGING))
    (question,) = here.answers
    assert "does not pass any more" in question
    assert "Reboot host-01 now?" in question
    assert ended(journal) == "done"


def test_without_the_reboot_nothing_more_is_blamed_on_the_card(site: Callable[..., Site]) -> None:
    here = site(WEDGING, wedged_by="rocm57@gemm-only")
    here.yes = False
    journal = here.asked(*WEDGING, reboot="ask")
    here.go(journal)
    assert ended(journal) == "stopped"
    assert here.stage.hosts["host-01"].tried == ["rocm52@readme", "rocm57@gemm-only"]
    left = journal.trial("host-01", Try("rocm52", "gemm-off"))
    assert left is not None
    assert "needs a reboot" in left["failure"]
    # The user has rebooted it meanwhile.
    here.stage.hosts["host-01"].wedged = False
    here.go(load(journal.root))
    assert here.stage.hosts["host-01"].tried == list(WEDGING)


def test_where_reboots_are_wished_for_nobody_is_asked(site: Callable[..., Site]) -> None:
    here = site(WEDGING, wedged_by="rocm57@gemm-only")
    journal = here.asked(*WEDGING, reboot="if-needed")
    here.go(journal)
    assert (here.answers, here.stage.hosts["host-01"].reboots) == ([], 1)
    assert ended(journal) == "done"


def test_a_host_that_is_lost_keeps_no_other_back(site: Callable[..., Site]) -> None:
    here = site({"rocm52@readme": WELL}, {"rocm52@readme": WELL})
    here.stage.lost = frozenset({"host-01"})
    journal = here.asked("rocm52@readme")
    here.go(journal)
    assert ended(journal) == "stopped"
    assert not journal.pending("host-02", Try("rocm52", "readme"))
    assert journal.pending("host-01", Try("rocm52", "readme"))


def test_the_page_needs_nothing_but_itself_and_escapes_everything(site: Callable[..., Site]) -> None:
    here = site({"rocm52@readme": WELL, "rocm57@gemm-only": "<script>alert(1)</script>"})
    journal = here.asked("rocm52@readme", "rocm57@gemm-only")
    here.go(journal)
    session.write(journal, [here.found(journal)])
    text = (journal.root / "report.html").read_text()
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "rdna1_stack: rocm52" in text
    assert "simulated" in text
    assert "http" not in text.replace('http-equiv="Content-Security-Policy"', "")


def test_every_stack_of_the_project_can_be_a_candidate() -> None:
    assert {one.split("@")[0] for one in ORDER} <= set(model.names())
