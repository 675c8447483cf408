"""Write docs/reliability.md from what tests/faults last saw. With --check, only compare."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs/reliability.md"
RESULTS = HERE / "results"

HEAD = HERE / "head.md"


def read() -> dict[str, Any]:
    """Read what was seen, by fault."""
    found = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))]
    return {result["fault"]: result for result in found}


def message(result: dict[str, Any]) -> str:
    """Say what the run said, or what else it did."""
    if "killed_after" in result:
        moments = ", ".join(f"{seconds:g} s ({task})" for seconds, task, _ in result["killed_after"])
        return f"killed after {moments}"
    return result["said"].replace("|", "\\|") or "none: the run does its work"


def page(data: dict[str, Any], results: dict[str, Any]) -> str:
    """Return the page."""
    seen = [fault for fault in data["faults"] if results.get(fault["name"], {}).get("ok")]
    open_ = [fault for fault in data["faults"] if fault not in seen]
    lines = ["## Seen", "", "| fault | what the run says | when |", "|---|---|---|"]
    for fault in seen:
        result = results[fault["name"]]
        lines.append(f"| {fault['what']} | {message(result)} | {result['when'][:10]}, {result['base']} |")
    if not seen:
        lines = ["## Seen", "", "Nothing yet."]
    lines += ["", "## Not seen", ""]
    for fault in open_:
        why = "it failed when it was last run" if fault["name"] in results else "not run"
        lines.append(f"- {fault['what']}: {why}.")
    lines += [f"- {fault['what']}: {fault['why']}." for fault in data["not_run"]]
    return HEAD.read_text() + "\n".join(lines) + "\n"


def main() -> int:
    """Write the page, or compare it."""
    text = page(yaml.safe_load((HERE / "faults.yml").read_text()), read())
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(text)
        return 0
    if PAGE.exists() and PAGE.read_text() == text:
        return 0
    print(f"{PAGE} is not what the results say; run python tests/faults/table.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
