"""One environment, in a login shell, for services and for rdna1-python."""

import pytest

testinfra_hosts = ["ansible://rdna1"]

WANTED = {
    "ROCM_PATH": "/opt/rocm-5.2.0",
    "HSA_OVERRIDE_GFX_VERSION": "10.3.0",
    "MIOPEN_DEBUG_CONV_IMPLICIT_GEMM": "1",
}
WAYS = {
    "login shell": "su --login operator --command env",
    "wrapper": '/opt/rdna1/bin/rdna1-python -c \'import os; os.execvp("env", ["env"])\'',
    "service": "systemd-run --wait --pipe --quiet --property=EnvironmentFile=/etc/rdna1/environment env",
}


@pytest.mark.parametrize("way", WAYS)
def test_the_environment_is_there(host, way):
    lines = host.check_output(WAYS[way]).splitlines()
    found = dict(line.split("=", 1) for line in lines if "=" in line)
    assert {name: found.get(name) for name in WANTED} == WANTED
    assert "LD_LIBRARY_PATH" not in found
    assert "MIOPEN_FIND_ENFORCE" not in found


def test_the_tools_are_on_a_login_shell_s_path(host):
    assert (
        host.check_output("su --login operator --command 'command -v rocminfo'")
        == "/opt/rocm-5.2.0/bin/rocminfo"
    )
