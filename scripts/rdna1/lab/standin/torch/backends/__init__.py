"""Switches of the libraries behind torch."""

from . import cudnn

__all__ = ["cudnn"]
