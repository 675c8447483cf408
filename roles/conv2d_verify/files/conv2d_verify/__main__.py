"""`python -m conv2d_verify`."""

from __future__ import annotations

import sys

from conv2d_verify.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
