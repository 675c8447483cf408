# SPDX-License-Identifier: MIT
"""What runs on the host, read from its standard input: the observer without Ansible's own half of a module.

``plugin_utils/piped.py`` appends the call. Standard library only, Python 3.9 and newer.
"""

from __future__ import annotations

import base64
import importlib
import json
import sys
import zlib
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Dict, Optional, Sequence

MARK = "rdna1-answers:"


class Sources:
    """Finds modules among texts. Not from importlib.abc, whose import costs a tenth of the observation."""

    def __init__(self, texts: Dict[str, str]) -> None:
        self.texts = texts

    def find_spec(
        self, fullname: str, _path: Optional[Sequence[str]], _target: Optional[ModuleType] = None
    ) -> Optional[ModuleSpec]:
        """Return the spec of a module that is among the texts, or of a package around one."""
        if any(known == fullname or known.startswith(fullname + ".") for known in self.texts):
            loader: Any = self
            return ModuleSpec(fullname, loader, is_package=fullname not in self.texts)
        return None

    def create_module(self, _spec: ModuleSpec) -> None:
        """Have Python make the module."""

    def exec_module(self, module: ModuleType) -> None:
        """Run its text."""
        name = module.__name__
        exec(compile(self.texts.get(name, ""), name, "exec"), module.__dict__)  # noqa: S102 - as imports do


def run(observer: str, sources: str, questions: str) -> None:
    """Answer the questions, and print the answers on one line."""
    sys.meta_path.insert(0, Sources(unpack(sources)))
    observation = importlib.import_module(observer)
    print(MARK + json.dumps(observation.answer_all(unpack(questions))))


def unpack(packed: str) -> Any:
    """Read what ``plugin_utils/piped.py`` packed."""
    return json.loads(zlib.decompress(base64.b64decode(packed)))
