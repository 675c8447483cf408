"""Reboots in a lab. A container stops where a host would start again; that part is the test's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.rollout.conftest import Lab, Site

CHECKOUT = Path(__file__).parents[2]
SECOND = "rx5700xt-01"
PATIENT = "conv2d_verify_timeout=300"


def test_nothing_reboots_until_it_is_asked_for_and_hooks_stand_around_it(
    one: Site, lab: Lab, tmp_path: Path
) -> None:
    lab.on(SECOND, "touch /run/reboot-required")
    before = lab.boot(SECOND)
    done = one.in_lab("--limit", SECOND)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (one.of(SECOND)["state"], lab.boot(SECOND)) == ("needs-reboot", before)
    following = f"Next: rdna1 rollout -i {CHECKOUT}/inventories/lab --limit {SECOND} --reboot if-needed"
    assert following in done.stdout
    told = tmp_path / "told"
    drain = f'echo "drain $RDNA1_HOST $RDNA1_OS $RDNA1_STATE" >> {told}'
    undrain = f'echo "undrain $RDNA1_HOST $RDNA1_TORCH $RDNA1_STATE" >> {told}'
    words = ["--limit", SECOND, "--reboot", "if-needed", "--drain", drain, "--undrain", undrain]
    with lab.power(SECOND):
        done = one.in_lab(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    host = one.of(SECOND)
    assert lab.boot(SECOND) != before
    assert host["state"] in ("ok", "changed")
    assert host["verdict"]["outcome"] == "pass"
    assert not host["drained"]
    assert told.read_text().splitlines() == [
        f"drain {SECOND} Debian pending",
        f"undrain {SECOND} {host['after']['torch']} {host['state']}",
    ]
    # What nobody needs is not done.
    again = lab.boot(SECOND)
    assert one.in_lab("--limit", SECOND, "--reboot", "if-needed").returncode == 0
    assert (one.of(SECOND)["reboot_needed"], lab.boot(SECOND)) == (False, again)


def test_a_reboot_waits_for_the_host_and_verifies_again(lab: Lab) -> None:
    before = lab.boot(SECOND)
    with lab.power(SECOND):
        words = ["-i", "inventories/lab", "--limit", SECOND, "-e", PATIENT]
        done = lab.play("tests/rollout/standin/reboot.yml", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "verdict pass" in done.stdout
    assert lab.boot(SECOND) != before


def test_this_machine_is_never_rebooted(lab: Lab, tmp_path: Path) -> None:
    inventory = tmp_path / "hosts.yml"
    inventory.write_text("rdna1: {hosts: {here: {ansible_connection: local, ansible_become: false}}}\n")
    done = lab.play("tests/rollout/standin/reboot.yml", "-i", str(inventory))
    assert done.returncode == 2
    assert "here: it is reached by a local connection" in done.stdout
    assert "Restart the host" not in done.stdout
