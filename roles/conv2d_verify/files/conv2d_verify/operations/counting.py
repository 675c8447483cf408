"""nonzero and unique: they count, so that nothing may be rounded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conv2d_verify import compare, protocol

if TYPE_CHECKING:
    from conv2d_verify.cases import Case
    from conv2d_verify.session import Session


def run(session: Session, case: Case) -> list[dict[str, Any]]:
    """Compare with the CPU's answer, element by element."""
    torch = session.torch
    session.phase(protocol.PREPARE)
    numbers = torch.randint(0, 7, (case.size, case.size))
    function = torch.nonzero if case.op == "nonzero" else torch.unique
    exact = function(numbers)
    on_device = numbers.to(session.device)
    got = None
    for turn in range(case.runs):
        got, seconds = session.timed(lambda: function(on_device), first=turn == 0)
        session.times.append(seconds)
    session.phase(protocol.COMPARE)
    return [compare.identical("forward", got, exact)]
