# SPDX-License-Identifier: MIT
"""Templates that are compiled once in the control process, and not once a host in each host's worker.

Ansible compiles a template anew each time that it is evaluated, in a process that ends with the host's task:
on a converged host that was a third of the controller's work. What comes of it depends on the text, on the
environment's settings, and on whether backslashes are escaped.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleError
from ansible.template import Templar
from jinja2 import TemplateError

if TYPE_CHECKING:
    from collections.abc import Iterable
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
    """Have a templar with an environment of its own share what is compiled; return it."""
    if ENVIRONMENT is not None:
        templar._engine.environment.__class__ = ENVIRONMENT
    return templar


def warm(loader: DataLoader, texts: Iterable[str], *, escape_backslashes: bool) -> None:
    """Compile texts before workers are forked; one that is wrong fails where it is used, with its place."""
    if ENVIRONMENT is None:
        return
    environment = share(Templar(loader=loader))._engine.environment
    for text in texts:
        with (
            contextlib.suppress(AnsibleError, TemplateError),
            _TemplateCompileContext(escape_backslashes=escape_backslashes),
        ):
            environment.compile(text)
