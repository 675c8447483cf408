"""Prove on the card that Conv2d works: it ends, its numbers are right, and it says what really ran."""

__version__ = "1.0.0"
