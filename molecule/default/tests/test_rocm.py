"""AMD's packages: the exact ones, held, from a repository whose key is the wanted one."""

import re
import subprocess

testinfra_hosts = ["ansible://rdna1"]


def amd_packages(host, build):
    lines = host.check_output(
        "dpkg-query -W -f '${db:Status-Want} ${db:Status-Status} ${Package} ${Version}\n'"
    )
    rows = [line.split() for line in lines.splitlines()]
    return {
        name: (want, version)
        for want, status, name, version in rows
        if status == "installed" and build in version
    }


def test_the_full_set_is_installed_in_its_exact_versions(host, stack):
    for name, version in stack["rocm"]["packages"]["full"].items():
        assert host.package(name).version == version


def test_every_package_of_the_build_is_held(host, stack):
    packages = amd_packages(host, stack["rocm"]["build"])
    assert len(packages) > 30
    assert {name for name, (want, _) in packages.items() if want != "hold"} == set()


def test_amd_s_packages_come_from_amd_s_repository_at_600(host, stack, candidate):
    policy = host.check_output("LC_ALL=C apt-cache policy rocminfo")
    assert " 600 http" in policy
    assert candidate("rocminfo") == stack["rocm"]["packages"]["minimal"]["rocminfo"]


def test_the_key_has_the_wanted_fingerprint(host):
    """Judged by GnuPG here, not by the module that let the key in."""
    (keyring,) = host.file("/etc/apt/keyrings").listdir()
    key = host.file(f"/etc/apt/keyrings/{keyring}").content
    shown = subprocess.run(
        ["gpg", "--show-keys", "--with-colons"], input=key, capture_output=True, check=True
    )
    fields = [line.split(":") for line in shown.stdout.decode().splitlines()]
    assert [row[0] for row in fields].count("pub") == 1
    wanted = host.ansible.get_variables()["lab_key_fingerprint"]
    assert next(row[9] for row in fields if row[0] == "fpr") == wanted


def test_the_prefix_is_there_and_opt_rocm_leads_to_it(host, stack):
    assert host.file(stack["rocm"]["prefix"] + "/.info/version").content_string.startswith(
        stack["rocm"]["version"]
    )
    assert host.check_output("readlink -f /opt/rocm") == stack["rocm"]["prefix"]


def test_rocminfo_shows_the_card_and_says_that_it_is_simulated(host):
    shown = host.check_output("/opt/rocm/bin/rocminfo")
    assert "gfx10" in shown
    assert "simulated" in shown.lower()


def test_unattended_upgrades_leave_the_stack_alone(host):
    configuration = host.check_output("apt-config dump Unattended-Upgrade::Package-Blacklist")
    patterns = re.findall(r'"(.+)";', configuration)
    for package in [
        "rocm-core",
        "rocm-llvm",
        "miopen-hip",
        "hsa-rocr",
        "comgr",
        "rocblas",
        "hip-runtime-amd",
    ]:
        assert any(re.match(pattern, package) for pattern in patterns), package


def test_users_may_reach_the_card(host):
    assert {"video", "render"} <= set(host.user("operator").groups)
