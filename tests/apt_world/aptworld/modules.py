"""The project's own modules, run in this process on a host below a directory."""

from __future__ import annotations

import contextlib
import io
import json
import os
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

from ansible.module_utils.testing import patch_module_args
from ansible_collections.rdna1.provision.plugins.module_utils import (
    apt_backup,
    apt_preferences,
    apt_retirement,
    apt_sources,
    apt_world,
    dpkg_status,
    restore_ledger,
)

# Those that know paths of the host's.
UTILS = (
    apt_backup,
    apt_preferences,
    apt_retirement,
    apt_sources,
    apt_world,
    dpkg_status,
    restore_ledger,
)
HOSTS_PATHS = ("/etc/", "/var/lib/")


def run(
    module: types.ModuleType,
    root: Path,
    environment: Mapping[str, str],
    arguments: Mapping[str, Any],
    *,
    check: bool,
) -> dict[str, Any]:
    """Run a module's main with the host's paths looked for below root; return its answer, failed or not."""
    settings = {"_ansible_check_mode": check, "_ansible_remote_tmp": str(root / "tmp")}
    output = io.StringIO()
    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.dict(os.environ, environment))
        stack.enter_context(relocated([*UTILS, module], root))
        if hasattr(module, "restore_links"):  # it would look at the links of this machine
            stack.enter_context(mock.patch.object(module, "restore_links", return_value=[]))
        stack.enter_context(patch_module_args(json.loads(json.dumps({**arguments, **settings}))))
        stack.enter_context(contextlib.redirect_stdout(output))
        stack.enter_context(contextlib.suppress(SystemExit))
        module.main()
    answer: dict[str, Any] = json.loads(output.getvalue().strip().splitlines()[-1])
    return answer


@contextlib.contextmanager
def relocated(modules: list[types.ModuleType], root: Path) -> Iterator[None]:
    """Have every path of the host's, in constants and in defaults of arguments, lie below root."""

    def moved(value: Any) -> Any:
        known = isinstance(value, Path) and str(value).startswith(HOSTS_PATHS)
        return root / str(value).lstrip("/") if known else value

    with contextlib.ExitStack() as stack:
        for module in modules:
            for name, value in list(vars(module).items()):
                function = vars(value).get("__init__") if isinstance(value, type) else value
                if moved(value) is not value:
                    stack.enter_context(mock.patch.object(module, name, moved(value)))
                elif isinstance(function, types.FunctionType) and function.__defaults__:
                    defaults = tuple(map(moved, function.__defaults__))
                    stack.enter_context(mock.patch.object(function, "__defaults__", defaults))
        yield
