# SPDX-License-Identifier: MIT
"""How far a long step has come, for whoever watches: one line in a file, gone when the step ends.

Nothing here may make a step fail: where the file cannot be written, nobody sees how far it has come.
"""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path
from typing import Callable, Iterator, Sequence

# Readable by everybody, so that the controller can look without becoming root, and gone after a boot.
FOLDER = Path("/run/rdna1/progress")
SECONDS = 2.0


@contextlib.contextmanager
def of_apt(step: str) -> Iterator[int]:
    """Note what apt says on the file descriptor that this gives (``APT::Status-Fd``)."""
    reading, writing = os.pipe()
    with _noted(step) as note:
        reader = threading.Thread(target=_read_apt, args=(reading, note), daemon=True)
        reader.start()
        try:
            yield writing
        finally:
            os.close(writing)
            reader.join(SECONDS)


@contextlib.contextmanager
def of_growth(step: str, what: str, folders: Sequence[Path]) -> Iterator[None]:
    """Note how much lies in folders that fill."""
    ended = threading.Event()

    def watch(note: Callable[[str], None]) -> None:
        while not ended.wait(SECONDS):
            note("%s: %.2f GiB so far" % (what, sum(map(size, folders)) / 2**30))

    with _noted(step) as note:
        watcher = threading.Thread(target=watch, args=(note,), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()


def apt_words(line: str) -> str:
    """A line of apt's as a person reads it; empty where it says nothing of progress.

    ``dlstatus:3:42.5:Retrieving file 3 of 112`` (README.progress-reporting of apt).
    """
    kind, _, rest = line.strip().partition(":")
    _, _, rest = rest.partition(":")
    percent, _, words = rest.partition(":")
    stage = {"dlstatus": "download", "pmstatus": "installation"}.get(kind)
    try:
        return "%s %.0f %% (%s)" % (stage, float(percent), words) if stage else ""
    except ValueError:
        return ""


def size(folder: Path) -> int:
    """Bytes in the files below a folder; those that come and go meanwhile count or not."""
    total = 0
    for place, _, names in os.walk(str(folder)):
        for name in names:
            with contextlib.suppress(OSError):
                total += Path(place, name).lstat().st_size
    return total


def _read_apt(descriptor: int, note: Callable[[str], None]) -> None:
    with os.fdopen(descriptor, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            words = apt_words(line)
            if words:
                note(words)


@contextlib.contextmanager
def _noted(step: str) -> Iterator[Callable[[str], None]]:
    """Give a function that notes how far the step is."""
    file = FOLDER / step

    def note(words: str) -> None:
        with contextlib.suppress(OSError):
            FOLDER.mkdir(mode=0o755, parents=True, exist_ok=True)
            scratch = file.with_name(".%s.%d" % (step, os.getpid()))
            scratch.write_text(" ".join(words.split()) + "\n", encoding="utf-8")
            scratch.replace(file)

    try:
        yield note
    finally:
        with contextlib.suppress(OSError):
            file.unlink()
