"""`rdna1 lock`, against a real index on loopback, with the real uv and pip."""

from collections.abc import Callable
from typing import Any

import pytest
from rdna1 import cli
from rdna1.lab.errors import LabError
from rdna1.stacks import lock, model
from rdna1.stacks.lock import Difference, Found

MakeStack = Callable[..., model.Stack]


def test_it_locks_everything_for_the_stack_s_python_and_not_for_this_one(
    wheels: Any, make_stack: MakeStack, capsys: pytest.CaptureFixture[str]
) -> None:
    wheels.build()
    stack = make_stack()
    assert stack.refusal()
    assert cli.code(["lock", "mine", "--index-url", wheels.url, "--yes"]) == 0
    said = capsys.readouterr().out
    locked = {pin.project: (pin.version, pin.sha256) for pin in stack.pins}
    assert locked == {
        "torch": ("2.2.2+rocm5.7", wheels.sha256("torch-2.2.2+rocm5.7-cp310")),
        "triton": ("2.2.0", wheels.sha256("triton")),
        "typing-extensions": ("4.9.0", wheels.sha256("typing_extensions")),
    }
    assert stack.refusal() == ""
    assert model.problems(stack) == []
    for project, (_, sha256) in locked.items():
        assert f"+ {project} " in said
        assert sha256 in said
    assert f"{wheels.url}/torch/torch-2.2.2%2Brocm5.7-cp310-cp310-linux_x86_64.whl" in said

    before = stack.lock.read_text()
    assert cli.code(["lock", "mine", "--index-url", wheels.url]) == 0
    assert "all 3 hashes were met" in capsys.readouterr().out
    assert stack.lock.read_text() == before


def test_what_is_wanted_may_move_and_the_rest_stays(
    wheels: Any, make_stack: MakeStack, capsys: pytest.CaptureFixture[str]
) -> None:
    wheels.build()
    stack = make_stack()
    assert cli.code(["lock", "mine", "--index-url", wheels.url, "--yes"]) == 0
    capsys.readouterr()
    moved = make_stack(wheels={"index_urls": [], "wanted": {"torch==2.3.0+rocm5.7": "unknown"}})
    assert "does not pin torch==2.3.0+rocm5.7" in moved.refusal()
    assert cli.code(["lock", "mine", "--index-url", wheels.url, "--yes"]) == 0
    said = capsys.readouterr().out
    assert "+ torch 2.2.2+rocm5.7 -> 2.3.0+rocm5.7" in said
    assert "- triton 2.2.0" in said
    assert [pin.version for pin in stack.pins] == ["2.3.0+rocm5.7"]
    assert moved.refusal() == ""


def test_nothing_is_written_unless_somebody_says_yes(
    wheels: Any, make_stack: MakeStack, capsys: pytest.CaptureFixture[str]
) -> None:
    wheels.build()
    stack = make_stack()
    assert cli.code(["lock", "mine", "--index-url", wheels.url]) == 2
    said = capsys.readouterr()
    assert "nothing was written" in said.err
    assert wheels.sha256("triton") in said.out
    assert not stack.lock.exists()


def test_another_file_under_a_locked_name_is_refused_even_with_yes(
    wheels: Any, make_stack: MakeStack, capsys: pytest.CaptureFixture[str]
) -> None:
    wheels.build()
    stack = make_stack()
    assert cli.code(["lock", "mine", "--index-url", wheels.url, "--yes"]) == 0
    before = stack.lock.read_text()
    wheels.again(content="evil = True")
    assert cli.code(["lock", "mine", "--index-url", wheels.url, "--yes"]) == 1
    assert "do not install it" in capsys.readouterr().err
    assert stack.lock.read_text() == before


def test_a_hash_that_another_source_names_must_be_met(
    wheels: Any, make_stack: MakeStack, capsys: pytest.CaptureFixture[str]
) -> None:
    wheels.build()
    wanted = {"torch==2.2.2+rocm5.7": 64 * "a"}
    stack = make_stack(wheels={"index_urls": [], "wanted": wanted})
    assert cli.code(["lock", "mine", "--index-url", wheels.url, "--yes"]) == 1
    assert 64 * "a" in capsys.readouterr().err
    assert not stack.lock.exists()


def test_an_index_without_hashes_serves_too(wheels: Any, make_stack: MakeStack) -> None:
    wheels.build(hashes=False)
    stack = make_stack()
    assert cli.code(["lock", "mine", "--index-url", wheels.url, "--yes"]) == 0
    assert {pin.project: pin.sha256 for pin in stack.pins}["triton"] == wheels.sha256("triton")


def test_an_index_that_lies_about_a_file_is_found_out(wheels: Any, make_stack: MakeStack) -> None:
    wheels.build()
    stack = make_stack()
    (file,) = wheels.root.glob("simple/triton/*.whl")
    file.write_bytes(file.read_bytes() + b"more")
    with pytest.raises(LabError) as error:
        lock.obtain(stack, lock.Indexes(wheels.url))
    assert "\n" not in str(error.value)


def test_extras_add_what_they_bring_and_the_lock_has_no_brackets(wheels: Any, make_stack: MakeStack) -> None:
    wheels.build(
        (
            "torch",
            "2.12.0+rocm7.14.0",
            "cp312-cp312-linux_x86_64",
            ('amd-torch-device-gfx1010 ; extra == "device-gfx1010"',),
        ),
        ("amd_torch_device_gfx1010", "2.12.0", "py3-none-linux_x86_64", ()),
    )
    wanted = {"torch[device-gfx1010]==2.12.0+rocm7.14.0": "unknown"}
    stack = make_stack(python="3.12", wheels={"index_urls": [], "wanted": wanted})
    assert cli.code(["lock", "mine", "--index-url", wheels.url, "--yes"]) == 0
    assert [pin.project for pin in stack.pins] == ["amd-torch-device-gfx1010", "torch"]
    assert model.problems(stack) == []


def test_a_wheel_that_is_not_there_is_one_sentence(
    wheels: Any, make_stack: MakeStack, capsys: pytest.CaptureFixture[str]
) -> None:
    wheels.build()
    make_stack(wheels={"index_urls": [], "wanted": {"torch==9.9": "unknown"}})
    assert cli.code(["lock", "mine", "--index-url", wheels.url, "--yes"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("rdna1: stacks/mine: uv failed: ")
    assert "--index-url" in line


@pytest.mark.parametrize(("trusted", "locked"), [("b", "a"), ("a", "b"), ("b", "b")])
def test_the_lock_s_hash_and_the_other_source_s_must_both_be_met(
    make_stack: MakeStack, trusted: str, locked: str
) -> None:
    wheels = {"index_urls": [], "wanted": {"torch==1": 64 * trusted}}
    stack = make_stack(lock=f"torch==1 \\\n    --hash=sha256:{64 * locked}\n", wheels=wheels)
    with pytest.raises(LabError, match=f"is known with {64 * 'b'}"):
        lock.judge(stack, [Found("torch", "1", 64 * "a", "u")])


def test_a_newer_pin_of_the_stack_moves_only_that(make_stack: MakeStack) -> None:
    pins = f"a==1 \\\n    --hash=sha256:{64 * 'a'}\nb==1 \\\n    --hash=sha256:{64 * 'b'}\n"
    stack = make_stack(lock=pins)
    found = [Found("a", "1", 64 * "a", "u"), Found("b", "2", 64 * "c", "u2")]
    assert lock.judge(stack, found) == [Difference("b", "1", "2", 64 * "c", "u2")]
    assert lock.judge(stack, found[:1]) == [Difference("b", "1", "")]
    assert Difference("b", "1", "").words == "- b 1"


def test_no_such_stack_names_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.code(["lock", "rocm99"]) == 2
    assert "rocm52" in capsys.readouterr().err
