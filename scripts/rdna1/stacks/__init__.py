"""Stacks as data: what can be installed, what is known of it, and the locks that keep it the same."""
