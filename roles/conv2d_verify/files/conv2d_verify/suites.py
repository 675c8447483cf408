"""Suites are data: one JSON file each under data/suites, or any file of the same form."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conv2d_verify import fields
from conv2d_verify.cases import DTYPES, FAULTS, OPS, Case
from conv2d_verify.errors import UsageError

SCHEMA = "rdna1.suite/1"
FOLDER = Path(__file__).with_name("data") / "suites"
SEARCHES = ("none", "largest-size")
_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")


@dataclass(frozen=True)
class Suite:
    """Cases that belong together, and how they are walked through."""

    name: str
    about: str
    cases: tuple[Case, ...]
    search: str = "none"
    minutes: float = 0.0
    # Limits tighter than the run's, in seconds; 0 for none.
    timeout: float = 0.0
    compile_timeout: float = 0.0


def names() -> list[str]:
    """Return the names of the suites that come with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def load(wanted: list[str]) -> list[Suite]:
    """Load suites by name or by the path of a file, each once, in the order asked for."""
    found: dict[str, Suite] = {}
    for name in wanted:
        for suite in _load(name, ()):
            known = found.setdefault(suite.name, suite)
            if known != suite:
                raise UsageError(
                    f"--suite {name}: another suite is also called {suite.name}; rename one of them."
                )
    return list(found.values())


def _load(name: str, above: tuple[str, ...]) -> list[Suite]:
    path = Path(name) if "/" in name or name.endswith(".json") else FOLDER / f"{name}.json"
    if not path.is_file():
        raise UsageError(
            f"--suite {name}: there is no such suite; allowed: {', '.join(names())}, or a file's path."
        )
    top = fields.read(path, SCHEMA)
    own = top.text("name")
    if not _NAME.fullmatch(own):
        raise top.wrong("name", "lower-case letters, digits, '.', '_', '@' and '-', 64 at most")
    about = top.text("about")
    if top.has("includes"):
        parts = top.texts("includes")
        top.done()
        if own in above:
            raise top.wrong("includes", f"suites that do not lead back to {own}")
        return [suite for part in parts for suite in _load(part, (*above, own))]
    return [_suite(top, own, about)]


def _suite(top: fields.Fields, name: str, about: str) -> Suite:
    search = top.text("search", "none", SEARCHES)
    minutes = top.number("minutes", 0, 24 * 60, 0)
    timeout = top.number("timeout", 0, 86400, 0)
    compile_timeout = top.number("compile_timeout", 0, 86400, 0)
    gating = top.flag("gating", True)
    defaults = _shape(top.inner("defaults"), Case(id="", suite=name, gating=gating))
    cases = [_case(item, name, defaults) for item in top.objects("cases")]
    top.done()
    if not cases:
        raise top.wrong("cases", "a list of at least one case")
    if search == "largest-size" and [case.size for case in cases] != sorted({case.size for case in cases}):
        raise top.wrong("search", "none, unless the cases' sizes only grow")
    seen: set[str] = set()
    for number, case in enumerate(cases):
        if case.id in seen:
            raise UsageError(
                f"{top.source}: key cases[{number}] repeats the case {case.id}; give it an id of its own."
            )
        seen.add(case.id)
    return Suite(name, about, tuple(cases), search, minutes, timeout, compile_timeout)


def _case(item: fields.Fields, suite: str, defaults: Case) -> Case:
    named = item.text("id", "-")
    case = _shape(item, defaults)
    if named == "-":
        same = (case.in_channels, case.out_channels) == (defaults.in_channels, defaults.out_channels)
        named = str(case.size) if same else f"{case.in_channels}-{case.out_channels}@{case.size}"
    elif not _NAME.fullmatch(named):
        raise item.wrong("id", "lower-case letters, digits, '.', '_', '@' and '-', 64 at most")
    return _with(case, id=f"{suite}/{named}")


def _shape(item: fields.Fields, base: Case) -> Case:
    """Read the keys that a case and a suite's defaults share."""
    case = _with(
        base,
        op=item.text("op", base.op, OPS),
        size=item.whole("size", 1, 4096, base.size),
        in_channels=item.whole("in_channels", 1, 4096, base.in_channels),
        out_channels=item.whole("out_channels", 1, 4096, base.out_channels),
        kernel=item.whole("kernel", 1, 15, base.kernel),
        stride=item.whole("stride", 1, 15, base.stride),
        padding=item.whole("padding", 0, 15, base.padding),
        batch=item.whole("batch", 1, 4096, base.batch),
        dtype=item.text("dtype", base.dtype, DTYPES),
        runs=item.whole("runs", 1, 10000, base.runs),
        gating=item.flag("gating", base.gating),
        fault=item.text("fault", base.fault, FAULTS),
        wants=item.text("wants", base.wants or "-").strip("-"),
        layers=_layers(item) or base.layers,
    )
    item.done()
    if case.size + 2 * case.padding < case.kernel:
        raise item.wrong("size", f"at least {case.kernel - 2 * case.padding}, the kernel less its padding")
    if case.op == "conv2d-chain" and not case.layers and item.path != "defaults":
        raise item.wrong("layers", "a list of [in, out, kernel, stride, padding]")
    return case


def _layers(item: fields.Fields) -> tuple[tuple[int, int, int, int, int], ...]:
    allowed = (
        "a list of [in, out, kernel, stride, padding], whole numbers, each layer taking what the last gives"
    )
    value = item.raw("layers")
    if value is None:
        return ()
    if not isinstance(value, list):
        raise item.wrong("layers", allowed)
    layers: list[tuple[int, int, int, int, int]] = []
    for layer in value:
        whole = (
            isinstance(layer, list)
            and len(layer) == 5
            and all(type(n) is int and 0 <= n <= 4096 for n in layer)
        )
        if not whole or 0 in layer[:4] or (layers and layers[-1][1] != layer[0]):
            raise item.wrong("layers", allowed)
        layers.append((layer[0], layer[1], layer[2], layer[3], layer[4]))
    return tuple(layers)


def _with(case: Case, **changes: Any) -> Case:
    return Case(**{**case.__dict__, **changes})
