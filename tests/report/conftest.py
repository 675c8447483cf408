"""Lets these tests, tests/unit/report, tests/unit/status and bench/report share one sample run."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
