"""What is installed, what is broken, and what another ROCm left."""

import hashlib
from pathlib import Path

import pytest
from ansible_collections.rdna1.provision.plugins.module_utils import dpkg_status
from ansible_collections.rdna1.provision.plugins.module_utils.dpkg_status import Vendor
from hypothesis import given
from hypothesis import strategies as st

AMD = Vendor(["roc*", "hip*", "hsa*"], [r"\.[3-9]\d{4}-\d+(~\d\d\.\d\d)?$"])
BUILD = "*.50200-65"


def stanza(
    name: str,
    version: str = "1",
    status: str = "install ok installed",
    architecture: str = "amd64",
    **fields: str,
) -> str:
    lines = [f"Package: {name}", f"Status: {status}", f"Architecture: {architecture}", f"Version: {version}"]
    return "\n".join([*lines, *(f"{key.replace('_', '-')}: {value}" for key, value in fields.items()), ""])


def status(*stanzas: str) -> list[dpkg_status.Package]:
    return dpkg_status.parse("\n".join(stanzas))


def test_only_what_is_there_is_a_package() -> None:
    packages = status(
        stanza("a"),
        stanza("b", status="hold ok installed"),
        stanza("c", status="deinstall ok config-files"),
        stanza("d", status="purge ok not-installed"),
        stanza("e", status="install ok half-configured"),
    )
    assert [package.name for package in packages] == ["a", "b", "e"]
    assert [package.held for package in packages] == [False, True, False]


def test_of_several_architectures_the_host_s_counts() -> None:
    packages = status(
        stanza("dpkg"), stanza("a", "1", architecture="i386"), stanza("a", "2"), stanza("b", "3")
    )
    found = dpkg_status.native([*packages, *status(stanza("c", "4", architecture="all"))])
    assert {name: package.version for name, package in found.items()} == {
        "dpkg": "1", "a": "2", "b": "3", "c": "4",
    }  # fmt: skip


def test_what_dpkg_was_interrupted_in_is_named(tmp_path: Path) -> None:
    whole = status(stanza("a"), stanza("b", status="install ok triggers-pending"))
    assert dpkg_status.interrupted(whole, tmp_path) == []
    assert dpkg_status.interrupted(status(stanza("a", status="install ok unpacked")), tmp_path) == [
        "a is unpacked"
    ]
    (tmp_path / "updates").mkdir()
    assert dpkg_status.interrupted(whole, tmp_path) == []
    (tmp_path / "updates/0001").touch()
    assert dpkg_status.interrupted(whole, tmp_path) == ["its journal is not written back"]


@pytest.mark.parametrize("state", ["unpacked", "half-configured"])
def test_what_dpkg_wants_again_is_installed_again(state: str) -> None:
    """Seen in an upgrade from Debian 12 to 13: killed right after unpacking, neither dpkg nor apt went on."""
    half = stanza("a", status="install reinstreq half-installed")
    assert dpkg_status.cure(status(half, stanza("b", status=f"install ok {state}"))) == dpkg_status.CURE
    wanted = status(half, stanza("b", status=f"install reinstreq {state}"), stanza("c"))
    assert dpkg_status.cure(wanted) == (
        "dpkg --configure -a and then apt-get --ignore-hold --fix-broken --reinstall install b"
    )


def test_what_is_in_its_journal_is_newer_than_the_status_file(tmp_path: Path) -> None:
    (tmp_path / "status").write_text("\n\n".join([stanza("a"), stanza("b", "1"), stanza("c")]))
    (tmp_path / "updates").mkdir()
    for number, noted in enumerate(
        [
            stanza("b", "1", status="install ok half-installed"),
            stanza("b", "2", status="install ok unpacked"),
            stanza("c", status="deinstall ok not-installed"),
            stanza("d", status="install reinstreq half-installed"),
        ]
    ):
        (tmp_path / f"updates/{number:04}").write_text(noted)
    found = dpkg_status.read(tmp_path)
    assert [(each.name, each.version, each.state) for each in found][:2] == [
        ("a", "1", "installed"), ("b", "2", "unpacked"),
    ]  # fmt: skip
    assert dpkg_status.interrupted(found, tmp_path) == ["b is unpacked", "d is half-installed"]


def test_a_status_file_without_some_packages_is_otherwise_the_same() -> None:
    a, b, c = stanza("a", Description="x\n .\n y"), stanza("b"), stanza("c")
    assert dpkg_status.without(f"{a}\n{b}\n{c}\n", {"b"}) == f"{a}\n{c}"


def leftovers(*stanzas: str, names: list[str] | None = None) -> tuple[list[str], dict[str, list[str]]]:
    gone, kept = dpkg_status.leftovers(status(*stanzas), AMD, BUILD, names or [])
    return [package.name for package in gone], kept


def test_amd_s_packages_of_another_build_go() -> None:
    assert leftovers(
        stanza("rocm-core", "5.7.0.50700-63~22.04"),
        stanza("hsa-rocr", "1.5.0.50200-65"),
        stanza("rocm-core5.2.0", "5.2.0.50200-65"),
        stanza("hip-dev", "6.2.41134.60204-139~24.04"),
    ) == (["hip-dev", "rocm-core", "rocm-core5.2.0"], {})


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("libtest-simple-perl", "1.302198-1"),  # looks like a build, but is not called like ROCm
        ("rocksdb-tools", "9.10.0-1"),  # is called like ROCm, but no build
        ("rocs", "4:24.12.3-1"),
        ("amdgpu-dkms", "1:6.2.4.50700-1652687.22.04"),
    ],
)
def test_what_only_looks_like_amd_s_stays(name: str, version: str) -> None:
    assert leftovers(stanza(name, version)) == ([], {})


def test_the_distribution_s_go_by_name() -> None:
    found = leftovers(
        stanza("libamdhip64-5"),
        stanza("rocminfo", "5.7.1-3"),
        stanza("vim"),
        names=["libamdhip64-*", "rocminfo"],
    )
    assert found == (["libamdhip64-5", "rocminfo"], {})


def test_what_something_else_needs_stays_and_so_does_what_that_needs() -> None:
    found = leftovers(
        stanza("libucx0", Depends="libc6, libamdhip64-5 (>= 5.7)"),
        stanza("libamdhip64-5", Pre_Depends="libhsa-runtime64-1"),
        stanza("libhsa-runtime64-1"),
        stanza("hipcc", Depends="libamdhip64-5"),
        names=["libamdhip64-*", "libhsa-*", "hipcc"],
    )
    assert found == (["hipcc"], {"libamdhip64-5": ["libucx0"], "libhsa-runtime64-1": ["libamdhip64-5"]})


def test_an_alternative_that_stays_is_enough() -> None:
    user = stanza("user", Depends="libhsa-runtime64-1 | other")
    assert leftovers(user, stanza("libhsa-runtime64-1"), stanza("other"), names=["libhsa-*"])[0]
    assert leftovers(user, stanza("libhsa-runtime64-1"), names=["libhsa-*"])[0] == []


def test_a_virtual_name_is_a_need_too() -> None:
    user = stanza("user", Depends="hsa")
    found = leftovers(user, stanza("libhsa-runtime64-1", Provides="hsa (= 1), x"), names=["libhsa-*"])
    assert found == ([], {"libhsa-runtime64-1": ["user"]})


@given(
    st.dictionaries(
        st.sampled_from("abcdefgh"), st.sets(st.sampled_from("abcdefgh"), max_size=3), min_size=1
    ),
    st.sets(st.sampled_from("abcdefgh")),
)
def test_nothing_that_stays_ever_loses_what_it_needs(needs: dict[str, set[str]], names: set[str]) -> None:
    needs = {name: {need for need in wanted if need in needs} for name, wanted in needs.items()}
    packages = [
        stanza(name, **({"Depends": ", ".join(sorted(wanted))} if wanted else {}))
        for name, wanted in needs.items()
    ]
    gone, kept = leftovers(*packages, names=sorted(names))
    assert set(gone) | set(kept) == names & set(needs)
    assert not set(gone) & set(kept)
    for name in set(needs) - set(gone):
        assert not needs[name] & set(gone)


def test_a_package_with_a_missing_file_is_found(tmp_path: Path) -> None:
    prefix = tmp_path / "opt/rocm"
    (prefix / "bin").mkdir(parents=True)
    (prefix / "bin/there").touch()
    info = tmp_path / "info"
    info.mkdir()
    files = {"whole": ["bin", "bin/there"], "torn": ["bin/gone"], "libx:amd64": ["lib/gone.so"]}
    for name, paths in files.items():
        listed = [str(prefix / path) for path in paths]
        (info / f"{name}.list").write_text("\n".join(["/.", "/usr/share/doc/x", *listed]) + "\n")
    packages = status(
        stanza("whole"), stanza("torn"), stanza("libx"), stanza("other", "2"), stanza("listless")
    )
    assert dpkg_status.missing_files(packages, "1", str(prefix), tmp_path) == {
        "torn": str(prefix / "bin/gone"),
        "libx": str(prefix / "lib/gone.so"),
    }


def test_a_package_with_an_edited_file_is_found(tmp_path: Path) -> None:
    prefix = tmp_path / "opt/rocm"
    prefix.mkdir(parents=True)
    (tmp_path / "info").mkdir()
    for name in ("whole", "edited", "link", "gone", "libx:amd64", "outside", "other"):
        place = prefix / name
        place.write_text("as it was packed")
        inside = str(place).lstrip("/") if name != "outside" else "usr/share/doc/outside"
        digest = hashlib.md5(place.read_bytes(), usedforsecurity=False).hexdigest()
        (tmp_path / f"info/{name}.md5sums").write_text(f"{digest}  {inside}\n")
    for name in ("edited", "libx:amd64", "other"):
        (prefix / name).write_text("as it was parked")
    (prefix / "gone").unlink()
    (prefix / "link").unlink()
    (prefix / "link").symlink_to(prefix / "whole")
    there = [stanza(name) for name in ("whole", "edited", "link", "gone", "libx", "outside", "without")]
    found = dpkg_status.edited_files(status(*there, stanza("other", "2")), "1", str(prefix), tmp_path)
    assert found == {name: str(prefix / path) for name, path in
                     {"edited": "edited", "link": "link", "libx": "libx:amd64"}.items()}  # fmt: skip
