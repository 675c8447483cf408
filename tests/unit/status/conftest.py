"""The sample run stands in tests/report, which the browser's tests and bench/report share."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT))
