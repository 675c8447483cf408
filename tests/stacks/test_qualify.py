"""rdna1 qualify, with a card as in the original documents' tables, otherwise, and wedged."""

from typing import Any

from stacks_host import HOST, Host

ROWS = ("rocm52", "rocm57", "rocm52-mixed", "therock")


def when(candidate: str, **more: Any) -> dict[str, Any]:
    """Under this candidate alone: only it has these kernels."""
    kernels = f"/var/lib/rdna1/qualify/{candidate}/state/kernels"
    return {"when": {"env": {"MIOPEN_CUSTOM_CACHE_DIR": kernels}, **more}}


def named(*stacks: str) -> list[str]:
    return [word for stack in stacks for word in ("--candidate", stack)]


def test_the_documents_rows_lead_to_their_conclusion_and_others_elsewhere(host: Host) -> None:
    host.wants(rdna1_stack="rocm52")
    host.converge()
    before = host.root("cat /etc/rdna1/environment /etc/rdna1/expect.json; readlink /opt/rdna1/current")
    host.breaks(
        {**when("rocm57@gemm-only", min_size=44), "do": "hang"},
        {**when("rocm52-mixed@gemm-only"), "do": "crash"},
    )
    words = ("--limit", HOST, "--suite", "smoke", "--allow-diagnostic", *named(*ROWS))
    (card,) = host.qualify(*words)["cards"]
    assert [row["stack"] for row in card["candidates"]] == list(ROWS)
    assert card["recommendation"]["inventory"] == "rdna1_stack: rocm52\nrocm_environment_policy: readme\n"
    states = {row["stack"]: row["state"] for row in card["candidates"]}
    assert "42x42 is the largest that surely works" in states["rocm57"]
    assert "nobody has written down the hashes" in states["therock"]
    host.breaks({**when("rocm52@readme", min_size=44), "do": "hang"})
    (card,) = host.qualify("--limit", HOST, "--suite", "smoke", *named("rocm52", "rocm57"))["cards"]
    assert card["recommendation"]["stack"] == "rocm57"
    # What the host uses is as it was.
    after = host.root("cat /etc/rdna1/environment /etc/rdna1/expect.json; readlink /opt/rdna1/current")
    assert after == before
    host.breaks()
    assert "changed=0" in host.converge()


def test_a_wedged_card_is_rebooted_and_what_is_left_is_tried_after_it_is_well(host: Host) -> None:
    few = ("--limit", HOST, "--suite", "boundary", "--reboot", "if-needed")
    host.qualify(*few, "--candidate", "rocm52")  # what passes now is what the card is judged by
    host.breaks({"when": {}, "do": "hang"})
    started = host.root("cut -d ' ' -f 22 /proc/1/stat")
    with host.power():
        found = host.qualify(*few, *named("rocm52:winograd-off", "rocm52:direct-off"), code=2)
    assert host.root("cut -d ' ' -f 22 /proc/1/stat") != started, "it was rebooted"
    # No reboot cures this card, so that the second candidate is not blamed for it.
    states = {row["policy"]: row["state"] for row in found["cards"][0]["candidates"]}
    assert "not tried" in states["direct-off"]
    assert "do not come back" in states["winograd-off"]
    host.breaks()
    again = host.qualify("--resume", found["run"])
    assert again["cards"][0]["recommendation"]["policy"] == "direct-off"
