"""Lines of start files: which set a variable, which can go, and what a shell makes of the rest."""

import shutil
import subprocess

import pytest
from ansible_collections.rdna1.provision.plugins.module_utils import shell_lines
from hypothesis import given, settings
from hypothesis import strategies as st

VARIABLES = ["HSA_OVERRIDE_GFX_VERSION", "MIOPEN_DEBUG_*", "ROCM_PATH"]
PATHS = ["/opt/rocm*"]

CAN_GO = [
    "export HSA_OVERRIDE_GFX_VERSION=10.3.0",
    "  export MIOPEN_DEBUG_CONV_GEMM=0  # the fix from the forum",
    'export ROCM_PATH="/opt/rocm 5"; export MIOPEN_DEBUG_CONV_FFT=0'.replace("; export", ""),
    "HSA_OVERRIDE_GFX_VERSION=10.3.0",
    "declare -x ROCM_PATH='/opt/rocm'",
    "export LD_LIBRARY_PATH=/opt/rocm/lib:$LD_LIBRARY_PATH",
    "export LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}/opt/rocm-5.7.0/lib",
    "export ROCM_PATH=/opt/rocm;",
]
MUST_STAY = [
    "export LD_LIBRARY_PATH=/opt/rocm/lib:/opt/mpi/lib:$LD_LIBRARY_PATH",
    "export ROCM_PATH=/opt/rocm EDITOR=vim",
    "[ -d /opt/rocm ] && export ROCM_PATH=/opt/rocm",
    "if true; then export ROCM_PATH=/opt/rocm; fi",
    "export ROCM_PATH=/opt/rocm; cd /srv",
    "export ROCM_PATH=$(dirname $(which rocminfo))",
    "export ROCM_PATH=/opt/rocm \\",
]
NOT_MEANT = [
    "# export ROCM_PATH=/opt/rocm",
    "export MIOPEN_LOG_LEVEL=5",
    "export PATH=$PATH:/opt/rocm/bin",
    "export LD_LIBRARY_PATH=/opt/mpi/lib:$LD_LIBRARY_PATH",
    "echo ROCM_PATH",
    'alias gpu="ROCM_PATH=/opt/rocm python"',
    "[ $ROCM_PATH = /opt/rocm ]",
    "export EDITOR=vim # not ROCM_PATH=/x",
]


@pytest.mark.parametrize("line", CAN_GO)
def test_a_line_that_only_sets_such_variables_can_go(line: str) -> None:
    (found,) = shell_lines.find(f"a=1\n{line}\n", VARIABLES, PATHS)
    assert found == shell_lines.Line(2, line.strip(), True)


@pytest.mark.parametrize("line", MUST_STAY)
def test_a_line_that_does_more_is_told_and_stays(line: str) -> None:
    (found,) = shell_lines.find(f"{line}\n", VARIABLES, PATHS)
    assert not found.removable


@pytest.mark.parametrize("line", NOT_MEANT)
def test_other_lines_are_not_meant(line: str) -> None:
    assert shell_lines.find(f"{line}\n", VARIABLES, PATHS) == []


def test_a_continued_line_and_a_file_with_here_documents_are_left_alone() -> None:
    continued = "echo \\\nROCM_PATH=/opt/rocm\n"
    document = "cat > x <<'EOF'\nexport ROCM_PATH=/opt/rocm\nEOF\n"
    for text in (continued, document):
        (found,) = shell_lines.find(text, VARIABLES, PATHS)
        assert not found.removable


def test_what_was_taken_out_can_be_read_and_is_not_found_again() -> None:
    text = "if [ -d /opt/rocm ]; then\n  export ROCM_PATH=/opt/rocm\nfi\nalias ll='ls -l'"
    after = shell_lines.without(text, shell_lines.find(text, VARIABLES))
    assert after == (
        "if [ -d /opt/rocm ]; then\n  : # taken out by rdna1.provision: export ROCM_PATH=/opt/rocm\n"
        "fi\nalias ll='ls -l'"
    )
    assert shell_lines.find(after, VARIABLES) == []


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not on this machine")
@settings(max_examples=25, deadline=None)
@given(
    body=st.lists(st.sampled_from([*CAN_GO, "MINE=1", "# a word", ""]), min_size=1, max_size=6),
    block=st.sampled_from(["{}", "if true; then\n{}\nfi", "f() {{\n{}\n}}\nf", "for i in 1; do\n{}\ndone"]),
)
def test_a_shell_reads_the_rest_as_before_and_has_none_of_it(body: list[str], block: str) -> None:
    text = block.format("\n".join([*body, "MINE=2"])) + "\nexport MINE\n"
    after = shell_lines.without(text, shell_lines.find(text, VARIABLES, PATHS))
    environment = {"PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        ["bash", "--norc", "-ec", f"{after}\nexec env"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    names = {line.partition("=")[0] for line in done.stdout.splitlines()}
    assert done.stderr == ""
    assert "MINE" in names
    assert not names & {"HSA_OVERRIDE_GFX_VERSION", "ROCM_PATH", "MIOPEN_DEBUG_CONV_GEMM", "LD_LIBRARY_PATH"}


@given(st.text(max_size=200))
def test_no_text_breaks_it_and_nothing_is_lost(text: str) -> None:
    found = shell_lines.find(text, ["*"], ["*"])
    assert shell_lines.without(text, found).replace(shell_lines.NOTHING, "") == text.replace(
        shell_lines.NOTHING, ""
    )
