"""The Python archive: made of a Python of this machine, it runs anywhere and says what it is."""

import subprocess
import tarfile
from pathlib import Path

import pytest
from rdna1.lab.errors import LabError
from rdna1.lab.mirror import interpreter, pyarchive
from rdna1.lab.mirror.interpreter import Interpreter


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive; that it runs in another place, with all its modules, is checked while it is made."""
    return pyarchive.obtain(tmp_path_factory.mktemp("archive"))[0]


def test_it_is_laid_out_like_install_only(archive: Path) -> None:
    with tarfile.open(archive) as tar:
        members = {member.name: member for member in tar}
    assert {name.partition("/")[0] for name in members} == {"python"}
    assert members["python/bin/python3"].linkname == members["python/bin/python"].linkname == "python3.10"
    assert members["python/bin/python3.10"].mode == 0o755
    assert "python/lib/python3.10/ensurepip/__init__.py" in members
    assert not [name for name in members if "__pycache__" in name or "/lib/python3.10/test/" in name]
    assert {(member.uid, member.gid, member.mtime) for member in members.values()} == {(0, 0, 0)}


def test_it_says_of_what_it_was_made_and_names_no_folder_of_this_machine(archive: Path) -> None:
    with tarfile.open(archive) as tar:
        texts = {
            member.name: stream.read().decode(errors="replace")
            for member in tar
            if member.name.endswith(("STANDIN", ".py")) and (stream := tar.extractfile(member))
        }
    assert "stand-in" in texts["python/STANDIN"]
    named = [name for name, text in texts.items() if str(Path.home()) in text and "python3.10/" in name]
    assert named == []


def test_it_is_made_once(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter, "usable", pytest.fail)
    assert pyarchive.obtain(archive.parent) == (archive, archive.name.split("-")[1])


def test_packing_gives_the_same_bytes(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "bin").mkdir(parents=True)
    (tree / "bin" / "python3.10").write_text("x")
    (tree / "bin" / "python").symlink_to("python3.10")
    for name in ("one", "two"):
        pyarchive.pack(tree, tmp_path / name)
        (tree / "bin" / "python3.10").touch()
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_an_archive_that_does_not_run_is_not_kept(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "bin").mkdir(parents=True)
    (tree / "bin" / "python3").write_text("#!/bin/sh\necho 'ModuleNotFoundError: ssl' >&2\nexit 1\n")
    pyarchive.pack(tree, tmp_path / "archive")
    with pytest.raises(LabError, match="does not run: ModuleNotFoundError: ssl; install one"):
        pyarchive.check(tmp_path / "archive", tmp_path / "elsewhere")


def test_a_shim_that_does_not_run_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shim = tmp_path / "python3.10"
    shim.write_text("#!/bin/sh\necho 'pyenv: python3.10: command not found' >&2\nexit 127\n")
    shim.chmod(0o755)
    assert interpreter.probe(shim) is None
    monkeypatch.setattr(interpreter, "candidates", lambda: iter([shim]))
    monkeypatch.setattr(interpreter, "from_uv", lambda: None)
    with pytest.raises(LabError, match=r"no CPython 3\.10 runs on this machine.*; install one"):
        pyarchive.obtain(tmp_path / "archives")


def test_what_needs_a_newer_c_library_than_the_hosts_have_is_refused(tmp_path: Path) -> None:
    (tmp_path / "libold.so").write_bytes(b"\x7fELF\0GLIBC_2.2.5\0GLIBC_2.36\0")
    pyarchive.suits_hosts(tmp_path)
    (tmp_path / "libnew.so").write_bytes(b"\x7fELF\0GLIBC_2.2.5\0GLIBC_2.38\0")
    with pytest.raises(LabError, match=r"libnew\.so needs glibc 2\.38, Debian 12 has 2\.36"):
        pyarchive.suits_hosts(tmp_path)


def test_an_interpreter_that_will_not_do_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = [Interpreter(f"3.10.{n}", tmp_path, tmp_path, tmp_path, None, frozenset()) for n in (1, 2)]
    monkeypatch.setattr(interpreter, "usable", lambda: iter(sources))

    def make(source: Interpreter, folder: Path) -> Path:
        if source is sources[0]:
            raise LabError("the Python archive", "it is too new", "get an older one")
        return folder / source.version

    monkeypatch.setattr(pyarchive, "make", make)
    assert pyarchive.obtain(tmp_path) == (tmp_path / "3.10.2", "3.10.2")
    del sources[1]
    with pytest.raises(LabError, match="it is too new; get an older one"):
        pyarchive.obtain(tmp_path)


def test_another_python_is_no_python_3_10(tmp_path: Path) -> None:
    other = tmp_path / "python3.10"
    other.write_text('#!/bin/sh\necho \'{"implementation": "cpython", "version": "3.11.2"}\'\n')
    other.chmod(0o755)
    assert interpreter.probe(other) is None


def test_the_newest_of_pyenv_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in ("3.10.2", "3.10.13", "3.10.9"):
        file = tmp_path / "versions" / version / "bin" / "python3.10"
        file.parent.mkdir(parents=True)
        file.touch()
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert [path.parts[-3] for path in interpreter.candidates()][:3] == ["3.10.13", "3.10.9", "3.10.2"]


def test_libraries_that_are_not_the_c_library_s_are_brought() -> None:
    libraries = ["libssl.so.3", "libcrypt.so.1", "libtinfo.so.6", "libcrypto.so.3"]
    base = ["libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2", "libpthread.so.0", "libresolv.so.2"]
    assert [name for name in libraries + base if not pyarchive.BASE.fullmatch(name)] == libraries


def test_ldd_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        "linux-vdso.so.1 (0x1)",
        "libz.so.1 => /lib/libz.so.1 (0x2)",
        "libx.so => not found",
        "/lib64/ld.so (0x3)",
    ]
    monkeypatch.setattr(pyarchive, "run", lambda *_, **__: "".join(f"\t{line}\n" for line in lines))
    assert pyarchive.needed(tmp_path) == {"libz.so.1": Path("/lib/libz.so.1"), "libx.so": None}


def test_it_runs_where_it_is_unpacked(archive: Path, tmp_path: Path) -> None:
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path, filter="tar")
    python = tmp_path / "python" / "bin" / "python"
    code = "import sys, ssl; print(sys.base_prefix)"
    done = subprocess.run([python, "-I", "-c", code], env={}, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(tmp_path / "python")
