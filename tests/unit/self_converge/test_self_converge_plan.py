"""A host that repairs itself has a second venv, and the plan tells the two apart."""

from typing import Any

from ansible_collections.rdna1.provision.plugins.plugin_utils import plan


def venv(torch: str | None, stack: str) -> dict[str, Any]:
    marker = {"python": "3.10", "stack": stack, "lock": 64 * "a"}
    return {"venv": {"distributions": {"torch": torch} if torch else {}, "marker": marker}}


def test_what_the_host_computes_with_is_not_the_venv_of_ansible() -> None:
    desired = [
        ("host_check", {"kind": "system"}),
        ("pytorch_venv", {"kind": "venv"}),
        ("self_converge", {"kind": "venv"}),
    ]
    answers = [
        {"kernel": "6.8", "reboot_needed": False},
        venv("1.13.1+rocm5.2", "rocm52"),
        venv(None, "self_converge"),
    ]
    facts = {"distribution": "Debian", "distribution_version": "13.1"}
    found = plan.summary(facts, desired, answers)
    assert (found["torch"], found["stack"]) == ("1.13.1+rocm5.2", "rocm52")
