"""Stand-ins: their control data, their order among versions, and what dpkg makes of them."""

import shutil
import subprocess
from pathlib import Path

import pytest
from ansible_collections.rdna1.provision.plugins.module_utils import apt_deb822, dpkg_standin, dpkg_version
from ansible_collections.rdna1.provision.plugins.module_utils.dpkg_standin import StandIn
from ansible_collections.rdna1.provision.plugins.modules import dpkg_standin as module
from rdna1.role_variables import RoleVariables

ROOT = Path(__file__).parents[3]
PYTHON = StandIn(
    "python",
    "Why it is here. " * 20,
    depends=["python3"],
    replaces=["python-is-python3"],
    links={"/usr/bin/python": "python3"},
)
# Real packages of these names, where they last were.
REAL = {
    "python": "2.7.15~rc1-1",  # Ubuntu 18.04
    "libstdc++-7-dev": "7.5.0-6ubuntu2",  # Ubuntu 20.04
    "libgcc-7-dev": "7.5.0-6ubuntu2",
    "libpython3.8": "3.8.2-1ubuntu1",
}
# What the releases' own packages declare that they break.
BROKEN = {"python": "2.7.14-4", "libgcc-7-dev": "7.5.0-6~"}


def standins(system: str) -> dict[str, StandIn]:
    role = RoleVariables(ROOT, "jammy_compat", system)
    return {name: StandIn(name, **fields) for name, fields in role["__jammy_compat_wanted_standins"].items()}


def test_the_control_data_says_what_it_is() -> None:
    fields = apt_deb822.parse(PYTHON.control)
    assert fields["package"] == "python"
    assert fields["multi-arch"] == "foreign"
    assert fields["provides"] == fields["conflicts"] == fields["replaces"] == "python-is-python3"
    summary, _, description = fields["description"].partition("\n")
    assert "stand-in" in summary
    assert description.startswith("Why it is here.")
    assert max(map(len, PYTHON.control.splitlines())) <= 80


def test_another_content_is_another_version_and_the_same_is_the_same() -> None:
    other = StandIn("python", PYTHON.description, depends=["python3"], replaces=PYTHON.replaces)
    again = StandIn(**vars(PYTHON))
    assert PYTHON.version == again.version != other.version


@pytest.mark.parametrize("system", ["Ubuntu_24.04", "Ubuntu_22.04", "Debian_13", "Debian_12"])
def test_a_real_package_wins_and_no_package_of_the_release_is_broken(system: str) -> None:
    for name, standin in standins(system).items():
        assert dpkg_version.compare(standin.version, REAL[name]) < 0
        assert dpkg_version.compare(standin.version, BROKEN.get(name, "0~")) > 0


@pytest.mark.parametrize(
    ("installed", "wanted"),
    [
        ({}, True),
        ({"python": PYTHON.version}, False),
        ({"python": "0~rdna1+00000000"}, True),
        ({"python": "2.7.18-3"}, False),
    ],
    ids=["none", "itself", "an older one", "a real one"],
)
def test_it_is_wanted_but_not_over_a_real_package(installed: dict[str, str], wanted: bool) -> None:
    assert PYTHON.is_wanted(installed) is wanted


def test_versions_of_stand_ins_are_recognised() -> None:
    assert dpkg_standin.is_standin(PYTHON.version)
    assert not any(map(dpkg_standin.is_standin, REAL.values()))


class Host:
    """As much of an Ansible module as building needs."""

    def __init__(self, tmpdir: Path) -> None:
        self.tmpdir = str(tmpdir)

    def run_command(self, command: list[str], *, check_rc: bool, environ_update: dict[str, str]) -> None:
        subprocess.run(
            command, check=check_rc, capture_output=True, env={"PATH": "/usr/bin:/bin", **environ_update}
        )


@pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="dpkg is not on this machine")
def test_dpkg_deb_builds_it_the_same_every_time(tmp_path: Path) -> None:
    built = [module.build(Host(tmp_path), PYTHON, tmp_path / name) for name in ("one", "two")]
    assert built[0].read_bytes() == built[1].read_bytes()
    fields = subprocess.run(
        ["dpkg-deb", "--field", built[0]], check=True, capture_output=True, text=True
    ).stdout
    assert fields == PYTHON.control
    listed = subprocess.run(
        ["dpkg-deb", "--contents", built[0]], check=True, capture_output=True, text=True
    ).stdout
    assert "./usr/bin/python -> python3" in listed
    assert all(line.split()[1] == "root/root" for line in listed.splitlines())
    assert all(line.startswith(("drwxr-xr-x", "lrwxrwxrwx")) for line in listed.splitlines())


@pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="dpkg is not on this machine")
def test_an_older_file_gives_way_and_a_whole_one_is_kept(tmp_path: Path) -> None:
    (tmp_path / "python_0~rdna1+00000000_all.deb").touch()
    first = module.build(Host(tmp_path), PYTHON, tmp_path)
    stamp = first.stat().st_mtime_ns
    assert module.build(Host(tmp_path), PYTHON, tmp_path).stat().st_mtime_ns == stamp
    assert [path.name for path in tmp_path.glob("*.deb")] == [PYTHON.file_name]


def test_a_link_that_is_gone_comes_back_and_another_s_stays(tmp_path: Path) -> None:
    gone, there = tmp_path / "gone", tmp_path / "there"
    there.write_text("somebody's")
    standin = StandIn("x", "", links={str(gone): "python3", str(there): "python3"})
    assert module.restore_links(standin, check_mode=True) == [str(gone)]
    assert not gone.is_symlink()
    assert module.restore_links(standin, check_mode=False) == [str(gone)]
    assert gone.readlink() == Path("python3")
    assert there.read_text() == "somebody's"
