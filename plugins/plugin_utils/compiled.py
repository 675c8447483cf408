# SPDX-License-Identifier: MIT
"""Templates that are compiled once in the control process, and not once a host in each host's worker.

Ansible compiles a template anew each time that it is evaluated, in a process that ends with the host's task:
on a converged host that was a third of the controller's work. What comes of it depends on the text, on the
environment's settings, and on whether backslashes are escaped.
"""

from __future__ import annotations

import contextlib
import hashlib
import marshal
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleError
from ansible.plugins.loader import filter_loader, test_loader
from ansible.release import __version__
from ansible.template import Templar
from jinja2 import TemplateError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import CodeType

    from ansible.parsing.dataloader import DataLoader

CODE: dict[tuple[str, bool], CodeType] = {}

try:
    from ansible._internal._templating._jinja_bits import AnsibleEnvironment, _TemplateCompileContext
except ImportError:  # another ansible-core keeps them elsewhere: nothing is shared, all is right but slower
    ENVIRONMENT = None
else:

    class SharingEnvironment(AnsibleEnvironment):  # type: ignore[misc]  # ansible ships no types
        """Ansible's environment, which takes what is compiled already and leaves what it compiles."""

        def compile(self, source: Any, name: str | None = None, *others: Any, **options: Any) -> CodeType:
            """Compile as Ansible does; share what has neither a name nor settings of its own (an overlay)."""
            if not isinstance(source, str) or name is not None or others or options or self.overlayed:
                compiled: CodeType = super().compile(source, name, *others, **options)
                return compiled
            context = _TemplateCompileContext.current(optional=True)
            key = str(source), bool(context and context.escape_backslashes)
            if key not in CODE:
                CODE[key] = super().compile(source)
            return CODE[key]

    ENVIRONMENT = SharingEnvironment


def share(templar: Any) -> Any:
    """Have a templar, or an engine, with an environment of its own share what is compiled; return it."""
    if ENVIRONMENT is not None:
        getattr(templar, "_engine", templar).environment.__class__ = ENVIRONMENT
    return templar


def load_jinja_plugins() -> None:
    """Load Ansible's own filters and tests, which each worker would otherwise load for itself."""
    for loader in (filter_loader, test_loader):
        loader.get("defined")


def warm(loader: DataLoader, texts: Mapping[bool, Iterable[str]], cache: Path | None = None) -> None:
    """Compile texts, by whether backslashes are escaped, before workers are forked.

    With a folder, what came of them is kept there for the next run, as Python keeps what it compiles. A text
    that is wrong fails where it is used, with its place.
    """
    if ENVIRONMENT is None:
        return
    wanted = [(str(text), escape) for escape, several in texts.items() for text in several]
    kept = cache / f"{identity(wanted)}.compiled" if cache else None
    if kept and (known := _read(kept)):
        CODE.update(known)
        return
    environment = share(Templar(loader=loader))._engine.environment
    for text, escape in wanted:
        with (
            contextlib.suppress(AnsibleError, TemplateError),
            _TemplateCompileContext(escape_backslashes=escape),
        ):
            environment.compile(text)
    if kept:
        keep(kept)


def _read(file: Path) -> dict[tuple[str, bool], CodeType] | None:
    """What an earlier run left, if it is whole: marshal may crash on what is not."""
    try:
        content = file.read_bytes()
    except OSError:
        return None
    digest, content = content[:32], content[32:]
    if hashlib.sha256(content).digest() != digest:
        return None
    found: dict[tuple[str, bool], CodeType] = marshal.loads(content)  # noqa: S302 - written by this user alone
    return found


def identity(wanted: Iterable[tuple[str, bool]]) -> str:
    """What compiling depends on: the texts, and the three that compile."""
    versions = [sys.version, __version__, version("jinja2")]
    return hashlib.sha256(repr([versions, *wanted]).encode()).hexdigest()[:32]


def keep(file: Path) -> None:
    """Write what is compiled into a file of this user's alone, and remove those of other texts."""
    with contextlib.suppress(OSError):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as scratch:
            content = marshal.dumps(CODE)
            scratch.write(hashlib.sha256(content).digest() + content)
        for older in file.parent.glob("*.compiled"):
            older.unlink()
        Path(scratch.name).replace(file)
