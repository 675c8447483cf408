"""The command line."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from conv2d_verify import __version__, suites

_DEVICE = re.compile(r"cpu|cuda(:\d{1,3})?")


def parser() -> argparse.ArgumentParser:
    """Return the parser; every option's default is the one for a host set up by the playbook."""
    found = argparse.ArgumentParser(
        prog="conv2d-verify",
        description="Prove on the card that Conv2d ends and computes the right numbers.",
        epilog="Exit codes: 0 pass, 1 fail, 2 usage or no verdict, 3 hang, 77 no GPU.",
        allow_abbrev=False,
    )
    found.add_argument("--version", action="version", version=__version__)
    found.add_argument("--list", action="store_true", help="show the suites and their cases, and end")
    what = found.add_argument_group("what to run")
    what.add_argument(
        "--suite",
        action="append",
        default=[],
        metavar="NAME",
        help=f"a suite or a suite's file; repeatable (default: smoke; known: {', '.join(suites.names())})",
    )
    what.add_argument(
        "--case",
        action="append",
        default=[],
        metavar="PATTERN",
        help="only cases like SUITE/NAME; * and ? stand for others",
    )
    what.add_argument("--device", default="cuda:0", type=_device, help="cuda:N or cpu (default: %(default)s)")
    what.add_argument(
        "--expect",
        default="",
        metavar="FILE",
        help="what the stack promises (rdna1.expect/1); none for nothing",
    )
    what.add_argument(
        "--minutes", type=_positive, default=None, help="how long suites that go on for minutes do (burnin)"
    )
    what.add_argument(
        "--warm-cache",
        action="store_true",
        help="fill this user's MIOpen cache first; show the first run before and after",
    )
    limits = found.add_argument_group("limits")
    limits.add_argument(
        "--timeout",
        type=_positive,
        default=60.0,
        metavar="S",
        help="a case that takes longer hangs (default: %(default)g)",
    )
    limits.add_argument(
        "--compile-timeout",
        type=_positive,
        default=300.0,
        metavar="S",
        help="as long as a kernel is seen to compile, a case may take this (default: %(default)g)",
    )
    limits.add_argument(
        "--start-timeout",
        type=_positive,
        default=300.0,
        metavar="S",
        help="importing torch and waking the device may take this (default: %(default)g)",
    )
    limits.add_argument(
        "--max-hangs",
        type=_count,
        default=2,
        metavar="N",
        help="after so many hangs the rest is not run (default: %(default)d)",
    )
    limits.add_argument(
        "--wait",
        type=_seconds,
        default=0.0,
        metavar="S",
        help="wait so long for another verifier to leave the card (default: %(default)g)",
    )
    where = found.add_argument_group("where it runs")
    where.add_argument("--user", default="", metavar="NAME", help="started by root, become this user")
    where.add_argument("--allow-root", action="store_true", help="started by root without --user, stay root")
    where.add_argument(
        "--environment-file", default="", metavar="FILE", help="NAME=VALUE lines for the worker"
    )
    where.add_argument(
        "--sysfs",
        type=Path,
        default=Path("/sys"),
        metavar="DIR",
        help="anything but /sys is a simulated card",
    )
    where.add_argument(
        "--kfd", type=Path, default=Path("/dev/kfd"), metavar="FILE", help="the compute driver's device"
    )
    where.add_argument("--host-name", default="", metavar="NAME", help="the host's name in the reports")
    output = found.add_argument_group("reports, all inside --directory")
    output.add_argument(
        "--directory",
        type=Path,
        default=None,
        metavar="DIR",
        help="the only place written to (default: ~/.local/state/rdna1)",
    )
    output.add_argument(
        "--json", default="", metavar="FILE", help="the verdict (rdna1.verdict/1); - prints it"
    )
    output.add_argument("--junit", default="", metavar="FILE", help="the verdict as JUnit XML")
    output.add_argument(
        "--metrics", default="", metavar="FILE", help="the verdict for node_exporter's textfile collector"
    )
    output.add_argument("--quiet", action="store_true", help="no table")
    return found


def _device(text: str) -> str:
    if not _DEVICE.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no device; allowed: cuda:N or cpu")
    return "cuda:0" if text == "cuda" else text


def _positive(text: str) -> float:
    value = _seconds(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not more than 0")
    return value


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to 1000000")
    return value


def _count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to 1000")
    return int(text)
