"""Apt worlds: archives, a host's apt state and the real apt, below one directory, without a network."""

from pathlib import Path

from ansible.plugins.loader import init_plugin_loader

# Before anything of the collection is imported, or Ansible does not find its plugins.
init_plugin_loader([str(Path(__file__).parents[3] / "collections")])
