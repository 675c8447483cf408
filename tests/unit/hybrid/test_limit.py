"""What is moved to the CPU and what is not, and that nothing stays behind."""

import ast
import sys
from pathlib import Path
from typing import Any

import pytest

PACKAGE = Path(__file__).parents[3] / "roles/pytorch_venv/files/rdna1_torch"


def conv(torch: Any, image: Any, weight: Any, **options: Any) -> Any:
    return torch.nn.functional.conv2d(image, weight, None, **options)


def test_it_is_off_unless_asked_for(torch: Any, helper: Any, tensor: Any) -> None:
    before = torch.conv2d
    assert torch.nn.functional.conv2d is before
    conv(torch, tensor(1, 3, 512, 512), tensor(8, 3, 3, 3))
    assert torch.calls[0][0].device.type == "cuda"
    assert helper.__all__ == ["Limit", "limit_conv2d"]


@pytest.mark.parametrize(
    ("shape", "moved"),
    [
        ((1, 3, 42, 42), False),
        ((1, 3, 43, 42), True),
        ((1, 3, 42, 43), True),
        ((3, 42, 42), False),
        ((3, 44, 1), True),
        ((64, 512, 1, 1), False),
    ],
)
def test_height_or_width_above_the_limit_is_moved(
    torch: Any, helper: Any, tensor: Any, shape: tuple[int, ...], moved: bool
) -> None:
    with helper.limit_conv2d(max_size=42) as limit:
        result = conv(torch, tensor(*shape), tensor(8, 3, 3, 3))
    assert torch.calls[0][0].device.type == ("cpu" if moved else "cuda")
    assert result.device.type == "cuda"
    assert limit.moved == int(moved)


def test_all_that_the_caller_says_arrives(torch: Any, helper: Any, tensor: Any) -> None:
    with helper.limit_conv2d(42):
        torch.conv2d(
            tensor(1, 4, 64, 64), tensor(8, 2, 3, 3), tensor(8), (2, 1), "same", dilation=3, groups=2
        )
    image, weight, bias, args, options = torch.calls[0]
    assert {one.device.type for one in (image, weight, bias)} == {"cpu"}
    assert (args, options) == (((2, 1), "same"), {"dilation": 3, "groups": 2})


def test_what_is_on_the_cpu_is_left_alone(torch: Any, helper: Any, tensor: Any) -> None:
    image = tensor(1, 3, 64, 64, device="cpu", dtype="float16")
    with helper.limit_conv2d(42) as limit:
        conv(torch, image, tensor(8, 3, 3, 3, device="cpu"))
    assert torch.calls[0][0] is image
    assert limit.moved == 0


@pytest.mark.parametrize(
    ("given", "computed"),
    [("float32", "float32"), ("float64", "float64"), ("float16", "float32"), ("bfloat16", "float32")],
)
def test_reduced_precision_is_computed_in_single_and_comes_back_as_it_was(
    torch: Any, helper: Any, tensor: Any, given: str, computed: str
) -> None:
    with helper.limit_conv2d(42):
        result = conv(torch, tensor(1, 3, 64, 64, dtype=given), tensor(8, 3, 3, 3, dtype=given))
    assert result.trail == (f"cpu {computed}", f"cuda {given}")


def test_under_autocast_the_result_has_autocast_s_type(torch: Any, helper: Any, tensor: Any) -> None:
    torch.autocast = "float16"
    with helper.limit_conv2d(42):
        assert conv(torch, tensor(1, 3, 64, 64), tensor(8, 3, 3, 3)).dtype == "float16"
        double = tensor(1, 3, 64, 64, dtype="float64")
        assert conv(torch, double, tensor(8, 3, 3, 3)).dtype == "float64"
        torch.get_autocast_dtype = {"cuda": "bfloat16"}.__getitem__
        assert conv(torch, tensor(1, 3, 64, 64), tensor(8, 3, 3, 3)).dtype == "bfloat16"


def test_as_a_call_it_stays_until_it_is_ended(torch: Any, helper: Any, tensor: Any) -> None:
    before = torch.conv2d
    limit = helper.limit_conv2d(max_size=42)
    conv(torch, tensor(1, 3, 64, 64), tensor(8, 3, 3, 3))
    assert torch.calls[0][0].device.type == "cpu"
    assert repr(limit) == "<limit_conv2d max_size=42 on, 1 moved>"
    limit.off()
    limit.off()
    assert torch.conv2d is before
    assert torch.nn.functional.conv2d is before
    assert repr(limit) == "<limit_conv2d max_size=42 off, 1 moved>"


def test_of_several_the_smallest_decides_and_each_can_end_first(torch: Any, helper: Any, tensor: Any) -> None:
    before = torch.conv2d
    wide, narrow = helper.limit_conv2d(100), helper.limit_conv2d(42)
    conv(torch, tensor(1, 3, 64, 64), tensor(8, 3, 3, 3))
    assert torch.calls[-1][0].device.type == "cpu"
    wide.off()
    conv(torch, tensor(1, 3, 64, 64), tensor(8, 3, 3, 3))
    assert torch.calls[-1][0].device.type == "cpu"
    wide = helper.limit_conv2d(100)
    narrow.off()
    conv(torch, tensor(1, 3, 64, 64), tensor(8, 3, 3, 3))
    assert torch.calls[-1][0].device.type == "cuda"
    wide.off()
    assert torch.conv2d is before


def test_an_exception_inside_ends_it_too(torch: Any, helper: Any) -> None:
    before = torch.conv2d
    with pytest.raises(ZeroDivisionError), helper.limit_conv2d(42):
        _ = 1 / 0
    assert torch.conv2d is before


@pytest.mark.parametrize("wrong", [0, -1, 42.0, "42", True, None])
def test_what_is_no_size_is_refused_and_changes_nothing(torch: Any, helper: Any, wrong: Any) -> None:
    before = torch.conv2d
    with pytest.raises(ValueError, match="whole number of pixels"):
        helper.limit_conv2d(max_size=wrong)
    assert torch.conv2d is before


def test_it_needs_nothing_but_torch_and_the_standard_library() -> None:
    found = set()
    for file in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(), feature_version=(3, 9))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(str(node.module).split(".")[0])
    assert found - set(sys.stdlib_module_names) == {"torch", "rdna1_torch"}
