"""Signals: counted at once, spoken of later."""

from __future__ import annotations

import os
import signal

import pytest
from rdna1.rollout.interrupts import Interrupts


def test_a_signal_does_not_speak_into_what_is_being_shown() -> None:
    """The handler runs between two steps of the main thread, which may hold the screen's lock."""
    told: list[str] = []
    showing = False

    def tell(text: str) -> None:
        assert not showing
        told.append(text)

    with Interrupts(tell) as interrupts:
        showing = True
        os.kill(os.getpid(), signal.SIGINT)
        showing = False
        assert interrupts.after_wave
        assert not interrupts.stop()
        assert told == ["stopping after this wave; once more to stop now"]
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupts.stop()
    assert told[1:] == ["stopping now"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_some_signals_stop_at_once(number: signal.Signals) -> None:
    with Interrupts(print) as interrupts:
        os.kill(os.getpid(), number)
        assert interrupts.stop()


def test_what_was_not_told_is_told_at_the_end() -> None:
    told: list[str] = []
    before = signal.getsignal(signal.SIGINT)
    with Interrupts(told.append):
        os.kill(os.getpid(), signal.SIGINT)
    assert len(told) == 1
    assert signal.getsignal(signal.SIGINT) is before
