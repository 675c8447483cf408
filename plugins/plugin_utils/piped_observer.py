# SPDX-License-Identifier: MIT
"""What runs on the host, read from its standard input: the observer without Ansible's own half of a module.

``plugin_utils/piped.py`` appends the call. Standard library only, Python 3.9 and newer.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import sys
import zlib
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Dict, Optional, Sequence

MARK = "rdna1-answers:"


class Sources(MetaPathFinder, Loader):
    """Finds modules among texts."""

    def __init__(self, texts: Dict[str, str]) -> None:
        self.texts = texts

    def find_spec(
        self, fullname: str, _path: Optional[Sequence[str]], _target: Optional[ModuleType] = None
    ) -> Optional[ModuleSpec]:
        """Return the spec of a module that is among the texts, or of a package around one."""
        if any(known == fullname or known.startswith(fullname + ".") for known in self.texts):
            return importlib.util.spec_from_loader(fullname, self, is_package=fullname not in self.texts)
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Run its text."""
        name = module.__name__
        exec(compile(self.texts.get(name, ""), name, "exec"), module.__dict__)  # noqa: S102 - as imports do


def run(packed: str) -> None:
    """Answer the questions, and print the answers on one line."""
    load = json.loads(zlib.decompress(base64.b64decode(packed)))
    sys.meta_path.insert(0, Sources(load["sources"]))
    observation = importlib.import_module(load["observer"])
    print(MARK + json.dumps(observation.answer_all(load["questions"])))
