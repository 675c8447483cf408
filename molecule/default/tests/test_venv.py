"""Python 3.10 with exactly the locked wheels."""

import re

import pytest

testinfra_hosts = ["ansible://lab"]

PYTHON = "/opt/rdna1/current/bin/python"


def test_current_leads_to_the_only_venv(host):
    target = host.check_output("readlink -f /opt/rdna1/current")
    assert re.fullmatch(r"/opt/rdna1/venvs/[0-9a-f]{12}", target)


def test_the_wheels_that_were_fetched_for_it_are_gone(host):
    assert not host.file("/opt/rdna1/tmp").exists


def test_the_interpreter_is_3_10(host):
    assert host.check_output(f"{PYTHON} --version").startswith("Python 3.10.")


def test_it_holds_what_the_lock_says_and_pip_is_content(host):
    assert host.run(f"{PYTHON} -m pip check").rc == 0
    frozen = dict(
        line.split("==") for line in host.check_output(f"{PYTHON} -m pip freeze --all").splitlines()
    )
    assert frozen["numpy"] == "1.26.4"
    assert frozen["torch"] == ("1.13.1" if "cpu" in host.check_output("hostname") else "1.13.1+rocm5.2")


@pytest.mark.parametrize("module", ["torch", "numpy"])
def test_modules_can_be_imported(host, module):
    assert host.run(f"{PYTHON} -c 'import {module}'").rc == 0


def test_the_stand_in_says_what_it_is(host):
    text = host.check_output(f"{PYTHON} -c 'import torch; print(torch.__doc__)'").lower()
    assert ("stand-in" in text) == ("cpu" not in host.check_output("hostname"))


def test_the_helper_is_there_and_does_nothing_unless_it_is_asked(host):
    code = (
        "import torch; before = torch.nn.functional.conv2d; import rdna1_torch; "
        "assert torch.nn.functional.conv2d is before; print(rdna1_torch.__file__)"
    )
    assert "/site-packages/rdna1_torch/" in host.check_output(f"{PYTHON} -B -c '{code}'")
