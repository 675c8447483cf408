"""One environment, whichever way a program comes into it: asked of the shells themselves."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Evaluate = Callable[..., Any]

BASE = {"PATH": "/usr/bin:/bin", "HOME": "/home/ada"}
README = {
    "ROCM_PATH": "/opt/rocm-5.2.0",
    "HSA_OVERRIDE_GFX_VERSION": "10.3.0",
    "MIOPEN_DEBUG_CONV_IMPLICIT_GEMM": "1",
}
SHELLS = [shell for shell in ("dash", "bash", "busybox", "zsh") if shutil.which(shell)]
LIBRARIES = {"rocm_environment_ld_library_path": True}


def shell(name: str, script: str, environment: dict[str, str]) -> dict[str, str]:
    """Run a script with unset variables as errors, and return the environment that it ends with."""
    command = [name, *(["sh"] if name == "busybox" else [])]
    if name == "bash":
        command += ["--norc", "--noprofile"]
    done = subprocess.run(
        [*command, "-euc", f"{script}\nexec env -0"],
        env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    found = dict(line.split("=", 1) for line in done.stdout.split("\0") if line)
    return {key: value for key, value in found.items() if key not in {"_", "PWD", "SHLVL", "OLDPWD"}}


def read_environment_file(text: str) -> dict[str, str]:
    """What systemd reads in an EnvironmentFile: comments, NAME=value, and double quotes taken off."""
    found = {}
    for line in text.splitlines():
        if line and line[0] not in "#;":
            name, _, value = line.partition("=")
            assert name == name.strip()
            if value.startswith('"'):
                assert value.endswith('"')
                value = value[1:-1]
            assert not set(value) & set("\"'\\$` "), "here systemd's and sh's ways of quoting part"
            found[name] = value
    return found


def test_there_are_shells_to_ask() -> None:
    assert {"dash", "bash"} <= set(SHELLS)


@pytest.mark.parametrize("name", SHELLS)
class TestProfile:
    def test_a_login_gets_what_the_readme_sets(self, render: Evaluate, name: str) -> None:
        assert shell(name, render("profile.sh.j2"), BASE) == {
            **README, "PATH": "/opt/rocm-5.2.0/bin:/opt/rdna1/bin:/usr/bin:/bin", "HOME": "/home/ada"
        }  # fmt: skip

    def test_twice_is_as_good_as_once(self, render: Evaluate, name: str) -> None:
        script = render("profile.sh.j2", **LIBRARIES)
        once = shell(name, script, BASE)
        assert shell(name, f"{script}\n{script}", BASE) == once
        assert shell(name, script, once) == once
        assert once["LD_LIBRARY_PATH"] == "/opt/rocm-5.2.0/lib"

    def test_it_extends_paths_and_does_not_replace_them(self, render: Evaluate, name: str) -> None:
        found = shell(name, render("profile.sh.j2", **LIBRARIES), {**BASE, "LD_LIBRARY_PATH": "/opt/mpi/lib"})
        assert found["LD_LIBRARY_PATH"] == "/opt/rocm-5.2.0/lib:/opt/mpi/lib"
        assert (
            shell(name, render("profile.sh.j2"), {**BASE, "LD_LIBRARY_PATH": "/opt/mpi/lib"})[
                "LD_LIBRARY_PATH"
            ]
            == "/opt/mpi/lib"
        )

    def test_what_an_earlier_policy_left_is_gone(self, render: Evaluate, name: str) -> None:
        left = shell(name, render("profile.sh.j2", rocm_environment_policy="gemm-off"), BASE)
        assert left["MIOPEN_DEBUG_CONV_GEMM"] == "0"
        now = shell(name, render("profile.sh.j2"), {**left, "MIOPEN_FIND_ENFORCE": "3"})
        assert now == shell(name, render("profile.sh.j2"), BASE)

    def test_a_home_in_a_value_is_left_to_miopen(self, render: Evaluate, name: str) -> None:
        script = render("profile.sh.j2", rocm_environment_miopen_user_db_path="~/.config/miopen-rocm52")
        assert shell(name, script, BASE)["MIOPEN_USER_DB_PATH"] == "~/.config/miopen-rocm52"


def test_a_home_in_a_value_is_left_to_miopen_in_services_and_the_wrapper_too(render: Evaluate) -> None:
    text = render("environment.j2", rocm_environment_miopen_cache_path="~/.cache/miopen-rocm52")
    for read in (read_environment_file(text), shell("dash", f"set -a\n{text}", BASE)):
        assert read["MIOPEN_CUSTOM_CACHE_DIR"] == "~/.cache/miopen-rocm52"


def test_the_profile_leaves_no_variable_of_its_own(render: Evaluate) -> None:
    names = []
    for script in ("", render("profile.sh.j2")):
        command = ["bash", "--norc", "-c", f"{script}\nset"]
        done = subprocess.run(command, env=BASE, capture_output=True, text=True, check=True)
        names.append({line.partition("=")[0] for line in done.stdout.splitlines()})
    assert names[1] - names[0] <= set(README) | {"_", "PIPESTATUS"}


def test_services_get_the_same_without_a_path(render: Evaluate) -> None:
    assert read_environment_file(render("environment.j2")) == README
    assert read_environment_file(render("environment.j2", **LIBRARIES)) == {
        **README, "LD_LIBRARY_PATH": "/opt/rocm-5.2.0/lib"
    }  # fmt: skip


def test_users_services_get_the_same_and_an_extended_path(render: Evaluate) -> None:
    lines = render("environment.d.conf.j2").splitlines()
    assert "PATH=/opt/rocm-5.2.0/bin:/opt/rdna1/bin${PATH:+:$PATH}" in lines
    assert read_environment_file("\n".join(line for line in lines if not line.startswith("PATH="))) == README


def test_a_named_service_loses_what_must_not_be_set(render: Evaluate) -> None:
    lines = render("service.conf.j2").splitlines()
    assert "EnvironmentFile=/etc/rdna1/environment" in lines
    (unset,) = [line for line in lines if line.startswith("UnsetEnvironment=")]
    assert "MIOPEN_FIND_ENFORCE" in unset.partition("=")[2].split()


def test_a_stack_without_rocm_sets_no_rocm(render: Evaluate) -> None:
    assert read_environment_file(render("environment.j2", rocm_environment_stack="cpu_reference")) == {}
    found = shell("dash", render("profile.sh.j2", rocm_environment_stack="cpu_reference"), BASE)
    assert found == {**BASE, "PATH": "/opt/rdna1/bin:/usr/bin:/bin"}


@pytest.fixture
def wrapper(render: Evaluate, tmp_path: Path) -> Callable[..., Path]:
    """Write the wrapper, its environment file, and a Python that shows what it was given."""

    def write(**variables: Any) -> Path:
        variables = {"rocm_environment_root": str(tmp_path), **variables}
        (tmp_path / "environment").write_text(render("environment.j2", **variables))
        path = tmp_path / "rdna1-python"
        path.write_text(
            render("rdna1-python.j2", **variables).replace(
                "/etc/rdna1/environment", str(tmp_path / "environment")
            )
        )
        path.chmod(0o755)
        python = tmp_path / "current/bin/python"
        python.parent.mkdir(parents=True, exist_ok=True)
        python.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\nexec env\n')
        python.chmod(0o755)
        return path

    return write


def test_the_wrapper_gives_the_environment_and_passes_everything_on(wrapper: Callable[..., Path]) -> None:
    path = wrapper()
    mess = {
        "MIOPEN_FIND_ENFORCE": "3",
        "MIOPEN_DEBUG_CONV_GEMM": "0",
        "LD_LIBRARY_PATH": "/opt/rocm/lib",
        "MINE": "1",
    }
    done = subprocess.run(
        [path, "-c", "a b", "*"], env={**BASE, **mess}, capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert lines[:3] == ["-c", "a b", "*"]
    found = dict(line.split("=", 1) for line in lines[3:])
    assert {name: found.get(name) for name in README} == README
    assert found["PATH"] == f"/opt/rocm-5.2.0/bin:{path.parent}/bin:/usr/bin:/bin"
    assert found["MINE"] == "1"
    assert not found.keys() & {"MIOPEN_FIND_ENFORCE", "MIOPEN_DEBUG_CONV_GEMM", "LD_LIBRARY_PATH"}


def test_the_wrapper_has_the_libraries_where_they_are_asked_for(wrapper: Callable[..., Path]) -> None:
    done = subprocess.run([wrapper(**LIBRARIES)], env=BASE, capture_output=True, text=True, check=True)
    assert "LD_LIBRARY_PATH=/opt/rocm-5.2.0/lib" in done.stdout.splitlines()


def test_the_wrapper_keeps_the_exit_code_and_says_what_is_missing(wrapper: Callable[..., Path]) -> None:
    path = wrapper()
    python = path.parent / "current/bin/python"
    python.write_text("#!/bin/sh\nexit 42\n")
    assert subprocess.run([path], env=BASE, check=False).returncode == 42
    python.unlink()
    done = subprocess.run([path], env=BASE, capture_output=True, text=True, check=False)
    assert done.returncode == 127
    assert done.stderr == f"rdna1-python: there is no {python}; run the role pytorch_venv\n"


@pytest.mark.parametrize("words", [["--stack", "rocm57"], ["--stack=rocm57"]])
def test_the_wrapper_takes_another_stack_whole(
    wrapper: Callable[..., Path], words: list[str], tmp_path: Path
) -> None:
    """Nothing of the host's own stack stays, and nothing that a program's own words say is taken."""
    path = wrapper(rocm_environment_policy="sdma-off")
    folder = tmp_path / "stacks/rocm57"
    (folder / "venv/bin").mkdir(parents=True)
    (folder / "environment").write_text("HSA_OVERRIDE_GFX_VERSION=1.2.3\n")
    (folder / "venv/bin/python").symlink_to(tmp_path / "current/bin/python")
    login = {**BASE, "HSA_ENABLE_SDMA": "0", "ROCM_PATH": "/opt/rocm-5.2.0", "stack": "mine"}
    done = subprocess.run(
        [path, *words, "a b", "--stack", "x"], env=login, capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert lines[:3] == ["a b", "--stack", "x"]
    found = dict(line.split("=", 1) for line in lines[3:])
    assert found["HSA_OVERRIDE_GFX_VERSION"] == "1.2.3"
    assert found["stack"] == "mine"
    assert not found.keys() & {"HSA_ENABLE_SDMA", "ROCM_PATH"}


@pytest.mark.parametrize(
    "words", [["--stack"], ["--stack="], ["--stack", "../x"], ["--stack", "rocm99", "a"]]
)
def test_the_wrapper_names_the_stacks_that_there_are(
    wrapper: Callable[..., Path], words: list[str], tmp_path: Path
) -> None:
    (tmp_path / "stacks/rocm52").mkdir(parents=True)
    done = subprocess.run([wrapper(), *words], env=BASE, capture_output=True, text=True, check=False)
    assert done.returncode == 127
    assert done.stderr.endswith("choose from rocm52\n")


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=30))
def test_what_a_site_says_of_its_policy_stays_a_comment(render: Evaluate, text: str) -> None:
    policy = {"title": text, "effect": f"x\n{text}\\", "variables": {}}
    variables = {"rocm_environment_policies": {"mine": policy}, "rocm_environment_policy": "mine"}
    for template in ("environment.j2", "profile.sh.j2"):
        assert uncommented(render(template, **variables)) == uncommented(
            render(template, rocm_environment_policy="defaults")
        )


def uncommented(text: str) -> list[str]:
    assert not any(line.endswith("\\") for line in text.split("\n")), "systemd would continue a comment"
    return [line for line in text.split("\n") if not line.startswith("#")]


ALLOWED = st.text("abcXYZ0189_@%+=:,./~-", max_size=12)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.dictionaries(st.sampled_from(["A_1", "HSA_ENABLE_SDMA", "Z"]), ALLOWED))
def test_every_allowed_value_arrives_everywhere_as_it_is(render: Evaluate, values: dict[str, str]) -> None:
    wanted = {**README, **values}
    variables = {"rocm_environment_variables": values}
    assert read_environment_file(render("environment.j2", **variables)) == wanted
    profile = shell("dash", render("profile.sh.j2", **variables), BASE)
    sourced = shell("dash", f"set -a\n{render('environment.j2', **variables)}", BASE)
    for name, value in wanted.items():
        assert profile[name] == sourced[name] == value


@settings(max_examples=60, deadline=None)
@given(value=st.text(max_size=8))
def test_only_values_that_mean_the_same_everywhere_are_allowed(evaluate: Evaluate, value: str) -> None:
    allowed = evaluate("value is regex(__rocm_environment_value)", value=value)
    safe = set(value) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./~-")
    assert allowed == safe
    if allowed and "~" not in value:
        assert shlex.split(f"x={value}", comments=False) == [f"x={value}"]
        assert os.linesep not in value
