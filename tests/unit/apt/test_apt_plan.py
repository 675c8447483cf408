"""apt's own words, as apt 2.6 and 3.0 say them."""

import pytest
from ansible_collections.rdna1.provision.plugins.module_utils import apt_plan
from ansible_collections.rdna1.provision.plugins.module_utils.apt_plan import Change, Requirement

SIMULATION = """\
Reading package lists...
The following packages will be DOWNGRADED:
  rocminfo
0 upgraded, 2 newly installed, 1 downgraded, 2 to remove and 0 not upgraded.
Remv libamdhip64-5 [5.7.1-3]
Purg libfoo:i386 [1.0]
Inst libtinfo5 (6.4-4 Debian:12.15/oldstable [amd64])
Inst linux-libc-dev (6.12.117-1 Debian:13.7/stable, Debian-Security:13/stable-security [all])
Inst rocminfo [5.7.1-3] (1.0.0.50200-65 repo.radeon.com:ubuntu [amd64])
Inst python [2.7.14-4+rdna1+aa] (2.7.14-4+rdna1+bb local-deb [all])
Inst comgr [2.4.0.50200-65] (2.4.0.50200-65 repo.radeon.com:ubuntu [amd64]) [rocm-gdb:amd64 ]
Inst liba (1.0 localhost [all]) []
Conf libtinfo5 (6.4-4 Debian:12.15/oldstable [amd64])
"""


@pytest.fixture
def changes() -> list[Change]:
    return apt_plan.parse(SIMULATION)


def test_every_change_is_read(changes: list[Change]) -> None:
    assert changes == [
        Change("libamdhip64-5", "5.7.1-3", ""),
        Change("libfoo:i386", "1.0", ""),
        Change("libtinfo5", "", "6.4-4", ("Debian",)),
        Change("linux-libc-dev", "", "6.12.117-1", ("Debian", "Debian-Security")),
        Change("rocminfo", "5.7.1-3", "1.0.0.50200-65", ("repo.radeon.com",)),
        Change("python", "2.7.14-4+rdna1+aa", "2.7.14-4+rdna1+bb"),
        Change("comgr", "2.4.0.50200-65", "2.4.0.50200-65", ("repo.radeon.com",)),
        Change("liba", "", "1.0"),
    ]


def test_each_change_has_its_kind(changes: list[Change]) -> None:
    kinds = [change.kind for change in changes]
    assert kinds == ["remove", "remove", "install", "install", "downgrade", "upgrade", "reinstall", "install"]


def test_nothing_speaks_against_what_is_allowed_by_name(changes: list[Change]) -> None:
    assert apt_plan.objections(changes, ["libamdhip64-*", "libfoo"], ["rocminfo"]) == []


def test_every_objection_is_named_not_only_the_first(changes: list[Change]) -> None:
    found = apt_plan.objections(changes, ["libfoo"], [], [Requirement("repo.radeon.com", "*.50700-63")])
    assert found == [
        "remove libamdhip64-5 (5.7.1-3)",
        "downgrade rocminfo (5.7.1-3 to 1.0.0.50200-65)",
        "install rocminfo (5.7.1-3 to 1.0.0.50200-65) from repo.radeon.com where *.50700-63 is wanted, "
        "comgr (2.4.0.50200-65 to 2.4.0.50200-65) from repo.radeon.com where *.50700-63 is wanted",
    ]


def test_the_right_build_is_no_objection(changes: list[Change]) -> None:
    assert apt_plan.objections(changes[2:4], require=[Requirement("repo.radeon.com", "*.50200-65")]) == []


def test_the_summary_is_one_line(changes: list[Change]) -> None:
    line = apt_plan.summary(changes, {"download": 1_234_000_000, "disk": -2_500_000})
    assert line == (
        "3 install (1 Debian, 1 Debian or Debian-Security, 1 local), 1 upgrade (1 local), "
        "1 downgrade (1 repo.radeon.com), 1 reinstall (1 repo.radeon.com), 2 remove; "
        "1.2 GB to download; 2.5 MB less on disk"
    )
    assert apt_plan.summary([], {}) == "nothing"


def test_changes_as_data_are_complete(changes: list[Change]) -> None:
    lists = apt_plan.as_lists(changes)
    assert sum(map(len, lists.values())) == len(changes)
    assert lists["downgrade"] == [
        {"name": "rocminfo", "old": "5.7.1-3", "new": "1.0.0.50200-65", "origins": ["repo.radeon.com"]}
    ]


@pytest.mark.parametrize(
    ("words", "disk"),
    [
        ("After this operation, 94.2 kB of additional disk space will be used.", 94_200),
        ("After this operation, 1,234 MB disk space will be freed.", -1_234_000_000),
        ("After this operation, 14.5 GB of additional disk space will be used.", 14_500_000_000),
        ("After this operation, 0 B of additional disk space will be used.", 0),
        ("", 0),
    ],
)
def test_sizes_are_read(words: str, disk: int) -> None:
    output = f"""\
Need to get 21.4 kB/22.0 kB of archives.
{words}
'file:/r/p/./vv_1.0_all.deb' vv_1.0_all.deb 644 MD5Sum:1c2287fa232e4d7b7da57d4cedb4db77
'http://a.example.org/debian/pool/main/c/cowsay/cowsay_3.03%2bdfsg2-8_all.deb' cowsay.deb 21372 MD5Sum:331cb8
"""
    assert apt_plan.sizes(output) == {"download": 21372, "disk": disk}


@pytest.mark.parametrize(
    ("words", "download"),
    [
        ("Need to get 1,988 MB of archives.", 1_988_000_000),
        ("Need to get 21.4 kB/1,988 MB of archives.", 21_400),
        ("Need to get 0 B of archives.", 0),
    ],
)
def test_what_an_installation_downloads_is_read_from_its_own_words(words: str, download: int) -> None:
    output = f"{words}\nAfter this operation, 12.3 GB of additional disk space will be used.\n"
    assert apt_plan.sizes(output) == {"download": download, "disk": 12_300_000_000}


def test_what_is_fetched_and_what_it_takes_is_known_by_package() -> None:
    uris = "'http://a.example/pool/main/c/comgr_2.4.0_amd64.deb' comgr_2.4.0_amd64.deb 644 SHA256:1c\n"
    assert list(apt_plan.downloads(uris)) == [
        ("comgr", "http://a.example/pool/main/c/comgr_2.4.0_amd64.deb", 644)
    ]
    records = "Package: comgr\nInstalled-Size: 2\n\nPackage: comgr\nInstalled-Size: 9\n\nPackage: empty\n"
    assert apt_plan.installed_sizes(records) == {"comgr": 2048, "empty": 0}


NEEDED = [("comgr", "http://a.example/rocm/pool/comgr_1_amd64.deb", 1)]


@pytest.mark.parametrize(
    ("uri", "reason", "packages"),
    [
        ("http://a.example/rocm/dists/ubuntu/InRelease", "Could not connect to a.example", 1),
        ("http://a.example/rocm/dists/ubuntu/InRelease", "404  Not Found", 0),
        ("http://a.example/rocm/dists/ubuntu", "does not have a Release file", 0),
        ("http://b.example/rocm/dists/ubuntu/InRelease", "Could not connect to b.example", 0),
        ("http://a.example/roc/dists/ubuntu/InRelease", "Could not connect to a.example", 0),
    ],
)
def test_a_dead_server_counts_for_what_is_needed_from_it(uri: str, reason: str, packages: int) -> None:
    (found,) = apt_plan.unreachable([(uri, reason)], NEEDED)
    assert found == {"uri": uri, "reason": reason, "packages": packages}


UNMET = """\
Some packages could not be installed.
The following packages have unmet dependencies:
 rocm-llvm : Depends: python but it is not installable
             Depends: libstdc++-5-dev but it is not installable or
                      libstdc++-7-dev but it is not installable
E: Unable to correct problems, you have held broken packages.
"""
SOLVER_3 = """\
E: Unable to correct problems, you have held broken packages.
E: The following information from --solver 3.0 may provide additional context:
   Unable to satisfy dependencies. Reached two conflicting decisions:
"""


def test_unmet_dependencies_are_the_reason() -> None:
    assert apt_plan.explain(UNMET, SOLVER_3) == (
        "rocm-llvm : Depends: python but it is not installable Depends: libstdc++-5-dev but it is not "
        "installable or libstdc++-7-dev but it is not installable"
    )


def test_otherwise_apt_s_errors_are() -> None:
    stderr = "W: something\nE: Version '9' for 'tt' was not found\nE: Version '9' for 'tt' was not found\n"
    assert apt_plan.explain("", stderr) == "Version '9' for 'tt' was not found"
    assert "not considered secure" in apt_plan.explain(
        "",
        "W: OpenPGP signature verification failed: x: SHA1 is not considered secure\nE: x is not signed.\n",
    )
    assert apt_plan.explain("", "") != ""
