"""Running a module in this process.

Ansible finds the collection as it does in a run, whichever test imports a part of it first.
"""

import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible.plugins.loader import init_plugin_loader

Run = Callable[..., dict[str, Any]]

init_plugin_loader([str(Path(__file__).parents[2] / "collections")])


@pytest.fixture
def run_module(tmp_path: Path) -> Run:
    """Run a module's main; what it exits with, failed or not, is the answer."""

    def run(module: ModuleType, *, check: bool = False, **arguments: Any) -> dict[str, Any]:
        (tmp_path / "remote").mkdir(exist_ok=True)
        settings = {"_ansible_check_mode": check, "_ansible_remote_tmp": str(tmp_path / "remote")}
        output = io.StringIO()
        with (
            patch_module_args({**arguments, **settings}),
            contextlib.redirect_stdout(output),
            pytest.raises(SystemExit),
        ):
            module.main()
        answer: dict[str, Any] = json.loads(output.getvalue().strip().splitlines()[-1])
        return answer

    return run
