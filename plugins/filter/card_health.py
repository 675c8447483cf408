# SPDX-License-Identifier: MIT
"""Filter: is a card still well after a candidate, or does it need a reboot?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

DOCUMENTATION = """
name: card_health
short_description: Whether a card is still well after a verdict
description:
  - A card that hung may hang on, whatever is run next, so that the next candidate would be blamed for the
    one before. A case that passed earlier decides; where there is none, the kernel's log does, and a process
    that cannot be killed.
positional: _input
options:
  _input:
    description: The verdict after which the card is judged; empty where there was none.
    type: dict
    required: true
  cards:
    description: The cards that sysfs shows now.
    type: list
    elements: dict
    required: true
  probe:
    description: The verdict of a case that has passed on this card before; empty where there is none.
    type: dict
author: The rdna1.provision authors
"""

EXAMPLES = """
- name: Judge the card
  ansible.builtin.set_fact:
    health: "{{ verdict | rdna1.provision.card_health(cards=facts.cards, probe={}) }}"
"""

RETURN = """
_value:
  description: C(ok), C(suspect) (something hung or crashed, so a probe is wanted) and C(reason), in words.
  type: dict
"""

# A case that ended so may have left the card in a state of its own.
STRUCK = ("hang", "compile-timeout", "crash")
UNKILLABLE = "cannot be killed"
# In the kernel's log: the card, or a queue of it, has stopped. A reset may have brought it back, or not.
STOPPED = (
    "gpu-reset",
    "gpu-hang",
    "fence-timeout",
    "ring-timeout",
    "preemption-failed",
    "eviction-failed",
    "hws-hang",
)


def card_health(
    verdict: Mapping[str, Any], cards: Sequence[Mapping[str, Any]], probe: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Judge the card."""
    struck = [case for case in verdict.get("cases", []) if case["status"] in STRUCK]
    stuck = [words for words in (verdict.get("workers") or {}).get("deaths", []) if UNKILLABLE in words]
    logged = [
        hit["code"] for hit in (verdict.get("kernel_log") or {}).get("matches", []) if hit["code"] in STOPPED
    ]
    reason = ""
    if not cards:
        reason = "sysfs no longer shows the card"
    elif stuck:
        reason = f"a process is stuck in the kernel ({stuck[0]})"
    elif probe:
        if probe.get("outcome") != "pass":
            reason = f"what passed on it before does not pass any more ({probe.get('summary', 'no verdict')})"
    elif struck and logged:
        signs = ", ".join(sorted(set(logged)))
        reason = f"the kernel logged {signs}, and nothing has passed before that could be tried again"
    return {"ok": not reason, "suspect": bool(struck or logged or stuck), "reason": reason}


class FilterModule:
    """Ansible's way to find the filter."""

    def filters(self) -> dict[str, Callable[..., dict[str, Any]]]:
        """Return the filter by its name."""
        return {"card_health": card_health}
