"""What can be wrong with a request, as one sentence for the person who made it."""

from __future__ import annotations


class UsageError(Exception):
    """The request itself is wrong or cannot be carried out: where, what, cure. Exit code 2."""
