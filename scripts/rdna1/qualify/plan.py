"""What is tried, and on whom: pure, so that every choice is a unit test."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rdna1.lab.errors import LabError
from rdna1.rollout.fleet import Member
from rdna1.stacks import policies
from rdna1.stacks.model import Stack
from rdna1.stacks.policies import Policy

# Groups of the inventory whose cards are of one kind.
FAMILIES = ("navi10", "navi12", "navi14")
CANARY, FLEET = "canary", "rdna1"
# The stack that is tried first: what passes with it is what a card is judged by later.
FIRST = "rocm52"
BETWEEN = ":"


@dataclass(frozen=True)
class Try:
    """A stack under a policy, to be tried."""

    stack: str
    policy: str

    @property
    def key(self) -> str:
        """What its files are called."""
        return f"{self.stack}@{self.policy}"

    def __str__(self) -> str:
        return f"{self.stack} with {self.policy}"


def candidates(
    stacks: Mapping[str, Stack],
    known: Mapping[str, Policy],
    *,
    chosen: Sequence[str] = (),
    also: Sequence[str] = (),
    exactly: Sequence[str] = (),
) -> list[Try]:
    """Return what is tried: stacks under their own policy and `also` others, or `exactly` those.

    A policy that sets something and changes nothing is the same as defaults, and is not tried beside it.
    """
    if exactly:
        found = [_exact(text, stacks) for text in exactly]
    else:
        for_cards = [stack for stack in stacks.values() if stack.on_card and not stack.diagnostic]
        taken = [_stack(name, stacks) for name in chosen] or sorted(
            for_cards, key=lambda stack: (stack.name != FIRST, stack.name)
        )
        found = [Try(stack.name, policy) for stack in taken for policy in (stack.policy, *also)]
    seen: dict[tuple[str, tuple[tuple[str, str], ...]], Try] = {}
    for one in found:
        policy = policies.compose(one.policy, known)
        seen.setdefault((one.stack, tuple(sorted(policy.changes.items()))), one)
    return list(seen.values())


def _stack(name: str, stacks: Mapping[str, Stack]) -> Stack:
    if name not in stacks:
        raise LabError("--stack", f"there is no stack {name}", f"choose from {', '.join(sorted(stacks))}")
    if not stacks[name].on_card:
        raise LabError("--stack", f"{name} is for the CPU", "choose a stack for a card")
    return stacks[name]


def _exact(text: str, stacks: Mapping[str, Stack]) -> Try:
    name, between, policy = text.partition(BETWEEN)
    stack = _stack(name, stacks)
    if between and not policy:
        raise LabError("--candidate", f"{text} names no policy", "give STACK:POLICY, or STACK alone")
    return Try(stack.name, policy or stack.policy)


def hosts(members: Mapping[str, Member], limit: str | None) -> list[str]:
    """Return who tries: whom --limit names, else a host per card family, a canary where there is one."""
    fleet = [member for member in members.values() if FLEET in member.groups]
    if not fleet:
        raise LabError("--inventory", f"no host of {FLEET} is in it", "qualify a host with an RDNA1 card")
    if limit:
        return [member.name for member in fleet]
    families: dict[tuple[str, ...], list[Member]] = {}
    for member in fleet:
        families.setdefault(tuple(one for one in FAMILIES if one in member.groups), []).append(member)
    return [
        min(same, key=lambda member: CANARY not in member.groups).name for _, same in sorted(families.items())
    ]


def group_of(members: Mapping[str, Member], names: Iterable[str]) -> str:
    """Return the group whose variables adopt what was found on these hosts."""
    groups = [set(members[name].groups) for name in names if name in members]
    common = set.intersection(*groups) if groups else set()
    return next((family for family in FAMILIES if family in common), FLEET)
