"""What `--help` says beyond the commands' own words: examples, and the order in which they are listed."""

import inspect
from collections.abc import Iterator

import typer
from typer.models import CommandInfo

FLEET, STACKS, PROJECT = "A fleet", "Stacks", "This project"

# The commands as they are listed: in the order in which a person comes to need them.
PANELS = {
    "doctor": FLEET,
    "preflight": FLEET,
    "rollout": FLEET,
    "drift": FLEET,
    "status": FLEET,
    "report": FLEET,
    "diff": FLEET,
    "stacks": STACKS,
    "qualify": STACKS,
    "lock": STACKS,
    "lab": PROJECT,
    "docs": PROJECT,
}

# Lines to be typed as they stand, and what they do. A test parses each of them.
EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "doctor": (
        ("rdna1 doctor", "the lab"),
        ("rdna1 doctor -i inventories/mine", "your fleet"),
        ("rdna1 doctor -i inventories/mine --json", "for programs: .failures[].fix"),
    ),
    "preflight": (
        ("rdna1 preflight -i inventories/mine", "a table, and preflight.json"),
        ("rdna1 preflight -i inventories/mine --limit render-01 --json one.json", "one host"),
    ),
    "drift": (
        ("rdna1 drift -i inventories/mine", "a table, and drift.json"),
        ("rdna1 drift -i inventories/mine --deep", "half a minute a host; weekly, say"),
    ),
    "status": (
        ("rdna1 status", "every host that has a verdict or a run"),
        ("rdna1 status -i inventories/mine", "and those that have neither"),
        ("rdna1 status --max-age 30 --json", "a month-old pass is none"),
    ),
    "report": (
        ("rdna1 report", "the newest run, as runs/ID/report.html"),
        ("rdna1 report 20260131-120000-1a2b --html a.html", "another run, another file"),
        ("rdna1 report --json - --junit rdna1.xml", "for programs, and for CI"),
    ),
    "diff": (
        ("rdna1 diff render-01 render-02", "why does one hang, and not the other?"),
        ("rdna1 diff render-01 render-02 --json", "for programs"),
    ),
    "qualify": (
        ("rdna1 qualify -i inventories/mine", "a host per card family"),
        ("rdna1 qualify -i inventories/mine --limit render-01", "this one"),
        ("rdna1 qualify --stack rocm52 --policy gemm-off", "two policies of one stack"),
        ("rdna1 qualify --resume 20260131-120000-1a2b", "on, after an interruption"),
    ),
    "docs": (
        ("rdna1 docs", "after a change of a role's specs or defaults"),
        ("rdna1 docs --check", "in CI"),
    ),
    "lab up": (
        ("rdna1 lab up", "four hosts"),
        ("rdna1 lab up --name second --hosts 12 --debian 13,12", "another lab, larger and mixed"),
    ),
    "lab reset": (("rdna1 lab reset rx5600xt-01", "one host anew; without a name, all"),),
    "lab down": (
        ("rdna1 lab down", "its containers and state; caches stay"),
        ("rdna1 lab down --purge", "these, too"),
    ),
    "lab status": (("rdna1 lab status --json", "for programs; without, a table"),),
    "lab ssh": (
        ("rdna1 lab ssh rx5600xt-01", "a shell"),
        ("rdna1 lab ssh rx5600xt-01 -- systemctl --failed", "one command"),
    ),
}


def arrange(app: typer.Typer) -> None:
    """Give every command its examples and its place. Call it once, when all are registered."""
    order = list(PANELS)
    for path, command in commands(app):
        command.help = paragraphs(inspect.getdoc(command.callback) or "") + examples(path)
        command.rich_help_panel = PANELS.get(path)
    for group in app.registered_groups:
        group.rich_help_panel = PANELS.get(str(group.name))
    app.registered_commands.sort(
        key=lambda one: order.index(name_of(one)) if name_of(one) in PANELS else len(order)
    )


def name_of(command: CommandInfo) -> str:
    """Return what a command is called."""
    return command.name or (command.callback.__name__.replace("_", "-") if command.callback else "")


def commands(app: typer.Typer, prefix: str = "") -> Iterator[tuple[str, CommandInfo]]:
    """Return all commands with what is typed to reach them, those of groups included."""
    for command in app.registered_commands:
        yield f"{prefix}{name_of(command)}", command
    for group in app.registered_groups:
        if group.typer_instance is not None:
            yield from commands(group.typer_instance, f"{prefix}{group.name} ")


def paragraphs(text: str) -> str:
    """Return a docstring with each paragraph as one line: a terminal's width is not the source's."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def examples(path: str) -> str:
    """Return a command's examples as a block; the backspace at its start tells typer to keep its lines."""
    lines = EXAMPLES.get(path, ())
    if not lines:
        return ""
    return "\n\n\b\nExamples:\n" + "\n".join(f"  # {what}\n  {line}" for line, what in lines)
