"""`--help`, completion and colours: what a person meets first."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from rdna1 import cli
from rdna1 import help as told
from typer.testing import CliRunner

ALL = dict(told.commands(cli.app))
RDNA1 = Path(sys.executable).with_name("rdna1")
COLOUR = re.compile(r"\x1b\[[0-9;]*[34][0-7]m")


def shown(*arguments: str) -> str:
    return (
        CliRunner()
        .invoke(cli.app, [*arguments, "--help"], env={"COLUMNS": "80", "TERMINAL_WIDTH": "80"})
        .output
    )


@pytest.mark.parametrize("path", told.EXAMPLES)
def test_every_example_shows_and_is_accepted(path: str) -> None:
    help_text = shown(*path.split())
    group = typer.main.get_command(cli.app)
    for line, what in told.EXAMPLES[path]:
        assert f"  {line} " in help_text, "it must fit into a line of a terminal"
        assert what in help_text
        program, *words = shlex.split(line)
        assert program == "rdna1"
        command, context = group, typer.Context(group)
        for name in path.split():
            assert words.pop(0) == name
            found = command.get_command(context, name)  # type: ignore[attr-defined]
            assert found is not None
            command = found
        # Raises where an option or an argument is not the command's.
        command.make_context(path, words)


@pytest.mark.parametrize("path", ALL)
def test_every_command_says_what_it_does_and_how_it_is_called(path: str) -> None:
    help_text = shown(*path.split())
    assert f"Usage: root {path}" in help_text or f"Usage: rdna1 {path}" in help_text
    if path in told.PANELS and told.PANELS[path] != told.STACKS:
        assert re.search(rf"^ +rdna1 {path}( |:|$)", help_text, re.MULTILINE), "an example"


def test_commands_are_listed_in_the_order_in_which_one_needs_them() -> None:
    listed = re.findall(r"^│ ([a-z]+) +[A-Z]", shown(), re.MULTILINE)
    assert set(listed) <= set(told.PANELS), "give every command its panel"
    fleet = [name for name, panel in told.PANELS.items() if panel == told.FLEET]
    assert [name for name in listed if name in fleet] == fleet
    assert {"lab", "docs"} <= set(listed)


def test_a_paragraph_is_one_line_whatever_the_source_s_width_is() -> None:
    assert told.paragraphs("One.\n\nTwo\nlines.") == "One.\n\nTwo lines."


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_what_a_shell_can_source(shell: str) -> None:
    environment = {**os.environ, "_RDNA1_COMPLETE": f"source_{shell}"}
    done = subprocess.run([RDNA1], env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0
    assert "_RDNA1_COMPLETE" in done.stdout
    assert "rdna1" in done.stdout


def test_completion_knows_commands_and_options() -> None:
    def complete(words: str, at: int) -> list[str]:
        environment = {
            **os.environ,
            "_RDNA1_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": str(at),
        }
        done = subprocess.run(
            [RDNA1], env=environment, capture_output=True, text=True, check=False, timeout=60
        )
        return done.stdout.split()

    assert {"report", "status"} <= set(complete("rdna1 ", 1))
    assert complete("rdna1 doc", 1) == ["doctor", "docs"]
    assert "--junit" in complete("rdna1 report --j", 2)


def test_completion_does_not_wait_for_what_it_does_not_need() -> None:
    slow = ("ansible", "ansible_runner", "jinja2", "jsonschema", "rdna1.rollout.driver")
    code = f"import sys, rdna1.cli; print([name for name in {slow} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("no_colour", [False, True])
def test_no_color_is_respected(no_colour: bool) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    environment |= {"FORCE_COLOR": "1", **({"NO_COLOR": "1"} if no_colour else {})}
    done = subprocess.run(
        [RDNA1, "report", "--help"], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert bool(COLOUR.search(done.stdout)) is not no_colour
