"""Ansible finds the collection as it does in a run, whichever test imports a part of it first."""

from pathlib import Path

from ansible.plugins.loader import init_plugin_loader

init_plugin_loader([str(Path(__file__).parents[2] / "collections")])
