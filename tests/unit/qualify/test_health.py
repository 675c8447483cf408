"""Whether a card is still well: what is known to pass decides, then the kernel's log."""

from typing import Any

import pytest
from ansible_collections.rdna1.provision.plugins.filter.card_health import card_health

CARDS = [{"gfx": "gfx1010"}]
RESET = {"matches": [{"code": "gpu-reset", "line": "GPU reset begin!", "meaning": ""}]}


def after(*statuses: str, **more: Any) -> dict[str, Any]:
    return {
        "cases": [{"id": f"smoke/{number}", "status": status} for number, status in enumerate(statuses)],
        "workers": {"deaths": []},
        "kernel_log": {"matches": []},
        **more,
    }


@pytest.mark.parametrize("status", ["hang", "crash", "compile-timeout"])
def test_whoever_may_have_struck_the_card_is_suspect(status: str) -> None:
    assert card_health(after("pass", status), CARDS) == {"ok": True, "suspect": True, "reason": ""}


@pytest.mark.parametrize("status", ["pass", "fail", "error", "skipped", "not-run"])
def test_what_came_back_is_not(status: str) -> None:
    assert card_health(after("pass", status), CARDS) == {"ok": True, "suspect": False, "reason": ""}


def test_what_passed_before_decides() -> None:
    assert card_health(after("hang", kernel_log=RESET), CARDS, {"outcome": "pass"})["ok"]
    found = card_health(after("hang"), CARDS, {"outcome": "hang", "summary": "1 of 1 hangs"})
    assert not found["ok"]
    assert "1 of 1 hangs" in found["reason"]


def test_without_it_the_kernel_s_log_does() -> None:
    found = card_health(after("hang", kernel_log=RESET), CARDS)
    assert (found["ok"], found["suspect"]) == (False, True)
    assert "gpu-reset" in found["reason"]
    fault = {"matches": [{"code": "page-fault", "line": "", "meaning": ""}]}
    assert card_health(after("crash", kernel_log=fault), CARDS)["ok"], "a fault of a program's own"


def test_a_process_that_cannot_be_killed_needs_a_reboot_whatever_passes() -> None:
    deaths = {"deaths": ["worker 7 cannot be killed: D after SIGKILL"]}
    assert not card_health(after("hang", workers=deaths), CARDS, {"outcome": "pass"})["ok"]


def test_a_card_that_is_gone_is_not_well() -> None:
    assert card_health({}, [])["reason"] == "sysfs no longer shows the card"
    assert card_health({}, CARDS) == {"ok": True, "suspect": False, "reason": ""}
