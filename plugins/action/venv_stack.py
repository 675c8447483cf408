# SPDX-License-Identifier: MIT
"""Action: run the module of this name, and show how far it is."""

from __future__ import annotations

from ansible_collections.rdna1.provision.plugins.plugin_utils.watched import WatchedModule


class ActionModule(WatchedModule):
    """See plugins/modules/venv_stack.py."""
