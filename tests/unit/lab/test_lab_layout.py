"""Which hosts a lab has, and on which ports."""

import socket

import pytest
from rdna1.lab import layout, ports
from rdna1.lab.errors import LabError


def test_four_hosts_are_one_of_each() -> None:
    assert [(host.name, host.base, host.groups) for host in layout.plan(4)] == [
        ("rx5600xt-01", "debian-13", ("navi10", "canary")),
        ("rx5700xt-01", "debian-13", ("navi10",)),
        ("rx5500xt-01", "debian-12", ("navi14",)),
        ("cpu-reference", "debian-13", ("cpu_reference",)),
    ]


def test_a_larger_lab_contains_a_smaller_one() -> None:
    assert set(layout.plan(5)) < set(layout.plan(40))
    names = [host.name for host in layout.plan(40)]
    assert len(set(names)) == 40
    assert names[3:5] == ["rx5600xt-02", "rx5700xt-02"]
    assert sum("canary" in host.groups for host in layout.plan(40)) == 1


def test_one_host_is_the_cpu_reference() -> None:
    assert [host.card for host in layout.plan(1)] == [None]


def test_given_bases_are_taken_in_turn() -> None:
    assert [host.base for host in layout.plan(3, ["debian-12"])] == ["debian-12"] * 3
    assert [host.base for host in layout.plan(3, ["a", "b"])] == ["a", "b", "a"]


@pytest.mark.parametrize("count", [0, -1, 201])
def test_impossible_numbers_are_refused(count: int) -> None:
    with pytest.raises(LabError, match=r"cannot have .* hosts; use 1 to 200"):
        layout.plan(count)


def everything_is_free(_port: int) -> bool:
    return True


def test_the_same_lab_gets_the_same_ports_and_another_one_others() -> None:
    mine, again, other = (
        ports.allocate(name, 5, free=everything_is_free) for name in ("lab", "lab", "other")
    )
    assert mine == again
    assert not set(mine) & set(other)
    assert all(ports.FIRST <= port <= ports.LAST for port in mine + other)


def test_what_others_hold_is_passed_over() -> None:
    first, second, third = ports.allocate("lab", 3, free=everything_is_free)
    assert ports.allocate("lab", 1, taken=[first], free=lambda port: port != second) == [third]


def test_a_full_machine_is_said() -> None:
    with pytest.raises(LabError, match="no 1 free ports"):
        ports.allocate("lab", 1, free=lambda _port: False)


def test_a_port_in_use_is_not_free() -> None:
    with socket.socket() as holder:
        holder.bind((ports.LOOPBACK, 0))
        holder.listen()
        assert not ports.is_free(holder.getsockname()[1])


def test_a_host_keeps_its_port_unless_another_program_took_it() -> None:
    given = ports.assign(
        "lab",
        ["held", "recorded", "stolen", "new"],
        held={"held": 20001, "gone": 20009},
        recorded={"recorded": 20002, "stolen": 20003, "held": 29999},
        free=lambda port: port != 20003,
    )
    assert (given["held"], given["recorded"]) == (20001, 20002)
    assert given["stolen"] not in (20001, 20002, 20003)
    assert sorted(given) == ["held", "new", "recorded", "stolen"]
    assert len(set(given.values())) == 4


def test_two_hosts_never_share_a_recorded_port() -> None:
    given = ports.assign("lab", ["a", "b"], {}, {"a": 20001, "b": 20001}, free=everything_is_free)
    assert given["a"] != given["b"]
