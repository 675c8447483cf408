"""What a stack promises: versions, sizes that pass, sizes known to hang, time ceilings. One file a stack."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conv2d_verify import fields

if TYPE_CHECKING:
    from pathlib import Path

    from conv2d_verify.cases import Case

SCHEMA = "rdna1.expect/1"
VERSIONS = ("python", "torch", "hip", "numpy")


@dataclass(frozen=True)
class KnownHang:
    """Sizes that are known to hang on this stack."""

    size_at_least: int
    suites: tuple[str, ...]
    reason: str

    def covers(self, case: Case) -> bool:
        """Say whether a case is one of them."""
        named = not self.suites or case.suite in self.suites
        return named and case.op == "conv2d" and case.size >= self.size_at_least


@dataclass(frozen=True)
class Ceiling:
    """The longest that cases may take."""

    cases: str
    first_s: float | None
    steady_s: float | None


@dataclass(frozen=True)
class Expectation:
    """A whole expectation file; the empty one expects nothing but that the cases pass."""

    source: str = ""
    stack: str = ""
    subject: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    numpy_below: str = ""
    capability: tuple[int, ...] = ()
    gfx: tuple[str, ...] = ()
    environment: dict[str, str | None] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    kfd: bool = False
    kernel_log: bool = False
    must_pass: dict[str, tuple[int, ...]] = field(default_factory=dict)
    known_hangs: tuple[KnownHang, ...] = ()
    ceilings: tuple[Ceiling, ...] = ()

    def known_hang(self, case: Case) -> KnownHang | None:
        """Return the entry that says this case hangs."""
        return next((entry for entry in self.known_hangs if entry.covers(case)), None)

    def ceilings_of(self, case_id: str) -> list[Ceiling]:
        """Return the ceilings that hold for a case."""
        return [ceiling for ceiling in self.ceilings if fnmatch.fnmatchcase(case_id, ceiling.cases)]

    def to_json(self) -> dict[str, Any]:
        """Return what the verdict says about it."""
        return {"source": self.source, "stack": self.stack, "subject": dict(self.subject)}


def load(path: Path) -> Expectation:
    """Read an expectation file."""
    top = fields.read(path, SCHEMA)
    subject = top.inner("subject")
    subject_values = {key: subject.text(key) for key in subject.keys()}  # noqa: SIM118 - not a dict
    versions = top.inner("versions")
    wanted = {key: versions.text(key) for key in VERSIONS if versions.has(key)}
    numpy_below = versions.text("numpy_below", "-").strip("-")
    versions.done()
    device = top.inner("device")
    capability = tuple(device.wholes("capability", 0, 99))
    gfx = tuple(device.texts("gfx"))
    device.done()
    found = Expectation(
        source=str(path),
        stack=top.text("stack"),
        subject=subject_values,
        versions=wanted,
        numpy_below=numpy_below,
        capability=capability,
        gfx=gfx,
        environment=_environment(top.inner("environment")),
        groups=tuple(top.texts("groups")),
        kfd=top.flag("kfd", False),
        kernel_log=top.flag("kernel_log", False),
        must_pass=_must_pass(top.inner("must_pass")),
        known_hangs=tuple(_known_hang(item) for item in top.objects("known_hangs")),
        ceilings=tuple(_ceiling(item) for item in top.objects("ceilings")),
    )
    top.done()
    return found


def _environment(item: fields.Fields) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for name in item.keys():  # noqa: SIM118 - not a dict
        value = item.raw(name)
        if value is not None and not isinstance(value, str):
            raise item.wrong(name, "a text, or null where the variable must not be set")
        found[name] = value
    return found


def _must_pass(item: fields.Fields) -> dict[str, tuple[int, ...]]:
    return {suite: tuple(item.wholes(suite, 1, 4096)) for suite in item.keys()}  # noqa: SIM118 - not a dict


def _known_hang(item: fields.Fields) -> KnownHang:
    found = KnownHang(item.whole("size_at_least", 1, 4096), tuple(item.texts("suites")), item.text("reason"))
    item.done()
    return found


def _ceiling(item: fields.Fields) -> Ceiling:
    first = item.number("first_s", 0, 86400) if item.has("first_s") else None
    steady = item.number("steady_s", 0, 86400) if item.has("steady_s") else None
    found = Ceiling(item.text("cases"), first, steady)
    item.done()
    if first is None and steady is None:
        raise item.wrong("first_s", "a number of seconds here or for steady_s")
    return found
