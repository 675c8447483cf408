"""What is read from the host: sysfs, /proc, the kernel log, variables, libraries, versions."""

import contextlib
import os
from pathlib import Path

import pytest
from conv2d_verify import access, card, checks, environment, kernel_log, libraries, procfs
from conv2d_verify.errors import UsageError
from conv2d_verify.evidence import Evidence
from conv2d_verify.expectations import Expectation
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("version", "name"), [(100100, "gfx1010"), (100101, "gfx1011"), (90010, "gfx90a"), (100300, "gfx1030")]
)
def test_names_of_targets(version: int, name: str) -> None:
    assert card.gfx_name(version) == name


def test_a_tree_without_a_card_has_none(tmp_path: Path) -> None:
    assert card.cards(tmp_path) == []
    assert card.simulated(tmp_path) == f"sysfs is {tmp_path}"
    assert card.simulated(Path("/sys")) == ""


def test_a_link_to_the_real_tree_does_not_pass_for_it(tmp_path: Path) -> None:
    link = tmp_path / "sys"
    link.symlink_to("/sys")
    assert card.simulated(link)


def test_a_name_with_spaces_and_parentheses_does_not_shift_the_fields() -> None:
    found = procfs.parse_stat("7 (a (b) c) D 1 7 7 0 -1 4194304 0 0 0 0 250 50 0 0")
    assert found is not None
    assert (found.name, found.state, found.parent, found.group) == ("a (b) c", "D", 1, 7)
    assert found.cpu_seconds == pytest.approx(300 / os.sysconf("SC_CLK_TCK"))


@given(text=st.text(max_size=60))
def test_no_text_breaks_the_reader_of_stat(text: str) -> None:
    # Numbers that are none: the kernel never writes them, and nothing is taken from them.
    with contextlib.suppress(ValueError):
        procfs.parse_stat(text)


def test_a_process_that_is_gone_is_said_to_be() -> None:
    assert procfs.describe_state(2**22 + 1) == "gone"
    assert procfs.describe_state(os.getpid()).startswith(("running", "sleeping"))


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("amdgpu 0000:03:00.0: amdgpu: GPU reset begin!", "gpu-reset"),
        ("[drm:amdgpu_job_timedout] *ERROR* ring gfx_0.0.0 timeout, signaled seq=1", "ring-timeout"),
        ("amdgpu: [gfxhub] no-retry page fault (src_id:0 ring:24 vmid:8 pasid:32770)", "page-fault"),
        ("amdgpu: GCVM_L2_PROTECTION_FAULT_STATUS:0x00841051", "page-fault"),
        ("amdgpu: Queue preemption failed for queue with doorbell_id: 80004008", "preemption-failed"),
        ("amdgpu: Failed to evict process queues", "eviction-failed"),
        ("kfd: amdgpu: skipped device 1002:731f, PCI rejects atomics 730<0", "pcie-atomics"),
        ("[drm] Fence fallback: fence wait loop timeout expired", "fence-timeout"),
        ("GPU hang detected", "gpu-hang"),
        ("Out of memory: Killed process 4711 (python)", "oom"),
    ],
)
def test_known_signs_in_the_kernel_log(line: str, code: str) -> None:
    assert [hit["code"] for hit in kernel_log.match(["usb 1-1: new device", line])] == [code]


def test_a_kernel_record_s_text_is_told_from_its_head_and_its_tags() -> None:
    record = b"6,1234,5000000,-;amdgpu: GPU reset begin!\n SUBSYSTEM=pci\n"
    assert kernel_log.text_of(record) == "[5.000000] amdgpu: GPU reset begin!"


def test_only_what_came_since_is_new(tmp_path: Path) -> None:
    fifo = tmp_path / "kmsg"
    os.mkfifo(fifo)
    writer = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
    os.write(writer, b"6,1,1,-;before\n")
    log = kernel_log.KernelLog(fifo)
    assert log.readable
    assert log.history == ["[0.000001] before"]
    os.write(writer, b"6,2,2,-;GPU hang\n")
    assert log.new() == ["[0.000002] GPU hang"]
    assert log.new() == []
    log.close()
    os.close(writer)


def test_a_kernel_log_that_cannot_be_read_is_said_to_be(tmp_path: Path) -> None:
    log = kernel_log.KernelLog(tmp_path / "none")
    assert not log.readable
    assert "none cannot be read" in log.problem
    assert log.new() == []


def test_the_environment_file_is_read_as_systemd_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "environment"
    file.write_text('# a comment\n; another\n\nA=1\nB="two words"\nC=a=b\nD=\n E = $A \n')
    assert environment.read_file(file) == {"A": "1", "B": "two words", "C": "a=b", "D": "", "E": "$A"}


def test_a_line_that_is_none_is_named(tmp_path: Path) -> None:
    file = tmp_path / "environment"
    file.write_text("A=1\nexport B=2\n")
    with pytest.raises(UsageError, match="line 2"):
        environment.read_file(file)


def test_variables_without_effect_are_told_from_those_that_have_one() -> None:
    found = {
        entry["name"]: entry["effect"]
        for entry in environment.report(
            {
                "MIOPEN_DEBUG_CONV_IMPLICIT_GEMM": "1",
                "MIOPEN_DEBUG_CONV_GEMM": "0",
                "HSA_USE_SVM": "0",
                "PYTORCH_ROCM_ARCH": "gfx1030",
                "MIOPEN_SOMETHING_NEW": "1",
                "PATH": "/bin",
            }
        )
    }
    assert found == {
        "MIOPEN_DEBUG_CONV_IMPLICIT_GEMM": "none",
        "MIOPEN_DEBUG_CONV_GEMM": "yes",
        "HSA_USE_SVM": "none",
        "PYTORCH_ROCM_ARCH": "none",
        "MIOPEN_SOMETHING_NEW": "unknown",
    }


def test_the_wheel_s_libraries_are_told_from_the_system_s() -> None:
    maps = """\
7f00-7f01 r-xp 00000000 08:01 1 /opt/venv/lib/python3.10/site-packages/torch/lib/libMIOpen.so
7f01-7f02 r--p 00000000 08:01 1 /opt/venv/lib/python3.10/site-packages/torch/lib/libMIOpen.so
7f02-7f03 r-xp 00000000 08:01 2 /opt/rocm-5.2.0/lib/libamdhip64.so.5.2.50200
7f03-7f04 rw-p 00000000 00:00 0
7f04-7f05 r-xp 00000000 08:01 3 /usr/lib/x86_64-linux-gnu/libc.so.6
"""
    found = libraries.mapped(maps, "/opt/venv/lib/python3.10/site-packages/torch")
    assert [(entry["kind"], entry["bundled"]) for entry in found] == [("HIP", False), ("MIOpen", True)]


@pytest.mark.parametrize(
    ("found", "wanted", "right"),
    [
        ("3.10.21", "3.10", True),
        ("3.1.0", "3.10", False),
        ("3.100.0", "3.10", False),
        ("1.13.1+cu117", "1.13.1", True),
        ("1.13.1+rocm5.2", "1.13.1+rocm5.2", True),
        ("1.13.1+rocm5.2.1", "1.13.1+rocm5.2", False),
        ("2.2.2+rocm5.7", "1.13.1+rocm5.2", False),
        ("5.2.21151-afdc89f8", "5.2", True),
    ],
)
def test_versions(found: str, wanted: str, right: bool) -> None:
    assert checks.starts_as(found, wanted) is right


@pytest.mark.parametrize(
    ("version", "right"), [("1.26.4", True), ("2.0.0", False), ("2.1.0rc1", False), (None, False)]
)
def test_numpy_stays_below_two(version: str | None, right: bool) -> None:
    (check,) = checks.versions(Expectation(numpy_below="2"), {"numpy": version})
    assert check.ok is right


def test_a_version_that_is_missing_is_a_violation() -> None:
    assert [check.ok for check in checks.versions(Expectation(versions={"hip": "5.2"}), {"hip": None})] == [
        False
    ]


def test_a_variable_that_must_not_be_set() -> None:
    expect = Expectation(environment={"MIOPEN_FIND_ENFORCE": None, "HSA_OVERRIDE_GFX_VERSION": "10.3.0"})
    found = checks.environment(expect, {"MIOPEN_FIND_ENFORCE": "3"})
    assert [(check.found, check.ok) for check in found] == [("3", False), ("not set", False)]


def test_a_simulated_device_need_only_be_there(tmp_path: Path) -> None:
    assert not access.device(tmp_path / "kfd")["usable"]
    (tmp_path / "kfd").touch()
    assert access.device(tmp_path / "kfd") == {
        "path": str(tmp_path / "kfd"),
        "exists": True,
        "is_device": False,
        "usable": True,
    }


def evidence(**changes: object) -> Evidence:
    values = {
        "phase": "first-launch",
        "state": "R",
        "waits_in": "",
        "compilers": (),
        "compiler_folders": (),
        "cpu_share": None,
        "gpu_busy_percent": None,
    }
    return Evidence(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seen", "compiling"),
    [
        (evidence(compilers=("clang",)), True),
        (evidence(compiler_folders=("comgr-1",)), True),
        (evidence(cpu_share=1.0, gpu_busy_percent=0), True),
        (evidence(cpu_share=1.0, gpu_busy_percent=99), False),
        (evidence(cpu_share=1.0), False),
        (evidence(cpu_share=0.0, gpu_busy_percent=0), False),
        (evidence(phase="wait", compilers=("clang",)), False),
        (evidence(phase="launch", compilers=("clang",)), False),
    ],
)
def test_what_speaks_for_a_compiler(seen: Evidence, compiling: bool) -> None:
    assert seen.compiling is compiling
