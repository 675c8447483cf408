"""Makes a Python archive that runs wherever it is unpacked, out of a CPython of the control machine.

It is laid out like python-build-standalone's install_only archives, which real hosts get: a folder `python`
with bin, include and lib. The libraries that its modules need travel with it, because a minimal host lacks
them; only the C library is the host's own.
"""

import gzip
import re
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from rdna1.lab.errors import LabError, last_words
from rdna1.lab.mirror import interpreter
from rdna1.lab.mirror.commands import run
from rdna1.lab.mirror.interpreter import Interpreter

TARGET = "x86_64-unknown-linux-gnu"
# The code that an archive depends on: an archive is kept until this changes.
MADE_BY = (Path(__file__), Path(interpreter.__file__))
CURE = "install the packages that `scripts/setup` installs, then run the command again"
# The parts of the C library, which every host has and which must fit its loader.
BASE = re.compile(r"(ld-linux.*|linux-vdso|lib(c|m|dl|rt|util|pthread|resolv|mvec|anl))\.so(\..*)?")
OLDEST_GLIBC = 36  # Debian 12's
# The interpreter's own tests; what needs a display; what needs a name service nobody runs any more.
UNWANTED_MODULES = re.compile(r"(_tkinter|nis|_test\w*|_ctypes_test|_xx\w*|xx\w*)\..*\.so")
UNWANTED_FOLDERS = frozenset(
    {"__pycache__", "test", "tests", "idlelib", "tkinter", "turtledemo", "site-packages", "dist-packages"}
)
# Where python-build-standalone's archives say they were built to: instead of this machine's own paths.
BUILT_TO = "/install"
# What venvs and wheels come to need of it; that a venv can be made with pip shows that ensurepip works.
CHECK = """
import bz2, ctypes, curses, hashlib, lzma, readline, sqlite3, ssl, subprocess, sys, tempfile, uuid, venv, zlib
assert sys.version_info[:2] == (3, 10), sys.version
assert ctypes.CDLL(None).getpid() > 0
sqlite3.connect(":memory:").execute("select 1")
ssl.create_default_context()
with tempfile.TemporaryDirectory() as folder:
    venv.EnvBuilder(with_pip=True, symlinks=True).create(folder)
    subprocess.run([folder + "/bin/python", "-m", "pip", "--version"], check=True, stdout=subprocess.DEVNULL)
"""


def obtain(folder: Path) -> tuple[Path, str]:
    """Return the archive in folder and its release; make it when there is none yet."""
    for file in sorted(folder.glob("cpython-*.tar.gz")):
        return file, file.name.split("-")[1]
    folder.mkdir(parents=True, exist_ok=True)
    errors: list[LabError] = []
    for source in interpreter.usable():
        try:
            return make(source, folder), source.version
        except LabError as error:
            errors.append(error)
    what = " | ".join(dict.fromkeys(error.what for error in errors))
    raise LabError(
        "the Python archive",
        what or "no CPython 3.10 runs on this machine and uv could not get one",
        errors[0].cure if errors else interpreter.CURE,
    )


def make(source: Interpreter, folder: Path) -> Path:
    """Make the archive of one interpreter; nothing half-made stays."""
    file = folder / f"cpython-{source.version}-lab-{TARGET}-install_only.tar.gz"
    with tempfile.TemporaryDirectory(prefix="rdna1-python-") as scratch:
        root = Path(scratch, "python")
        lay_out(source, root)
        relocate(root)
        suits_hosts(root)
        half = Path(scratch, file.name)
        pack(root, half)
        check(half, Path(scratch, "elsewhere"))
        shutil.copyfile(half, folder / ".half")
        (folder / ".half").replace(file)
    return file


def lay_out(source: Interpreter, root: Path) -> None:
    """Copy what an archive has of an interpreter."""
    library = root / "lib"
    binaries = root / "bin"
    binaries.mkdir(parents=True)
    shutil.copyfile(source.binary, binaries / "python3.10")
    (binaries / "python3.10").chmod(0o755)
    for name in ("python3", "python"):
        (binaries / name).symlink_to("python3.10")
    shutil.copytree(source.stdlib, library / "python3.10", ignore=_unwanted, symlinks=False)
    (library / "python3.10" / "site-packages").mkdir()
    if source.include.is_dir():
        shutil.copytree(source.include, root / "include" / "python3.10", symlinks=False)
    if source.library is not None:
        shutil.copy(source.library, library / source.library.name)
    for file in (library / "python3.10").glob("_sysconfigdata*.py"):
        text = file.read_text()
        for prefix in source.prefixes - {"/usr"}:
            text = text.replace(prefix, BUILT_TO)
        file.write_text(text)
    (root / "STANDIN").write_text(
        f"The rdna1 lab's stand-in for python-build-standalone's archive of CPython {source.version}:\n"
        "the CPython of the machine that runs the lab, with the libraries that it needs. For the lab only.\n"
    )


def _unwanted(_folder: str, names: list[str]) -> set[str]:
    return {
        name
        for name in names
        if name in UNWANTED_FOLDERS
        or name.startswith("config-3.10")
        or name.endswith((".pyc", ".a"))
        or UNWANTED_MODULES.fullmatch(name)
    }


def relocate(root: Path) -> None:
    """Bring the libraries that programs and modules load, and let them be looked for in the archive."""
    library = root / "lib"
    for file in binaries(root):
        brought = {name: path for name, path in needed(file).items() if not BASE.fullmatch(name)}
        for name, path in brought.items():
            if path is None:
                what = f"{file.name} needs {name}, which is not on this machine"
                raise LabError("the Python archive", what, interpreter.CURE)
            if not (library / name).exists():
                shutil.copy(path, library / name)
    for file in binaries(root):
        # What is only there for debugging; without strip the archive is merely larger.
        if shutil.which("strip"):
            run(["strip", "--strip-unneeded", file], cure=CURE)
        up = "/".join([".."] * len(file.parent.relative_to(root).parts))
        run(["patchelf", "--set-rpath", f"$ORIGIN/{up}/lib", file], cure=CURE)


def needed(file: Path) -> dict[str, Path | None]:
    """Return the libraries that are loaded with a program or module; None for one that is not found."""
    found: dict[str, Path | None] = {}
    for line in run(["ldd", file], cure=CURE).splitlines():
        name, arrow, rest = line.strip().partition(" => ")
        if arrow:
            path = rest.partition(" (")[0]
            found[name] = Path(path) if path.startswith("/") else None
    return found


def suits_hosts(root: Path) -> None:
    """Refuse what was built for a newer C library than the lab's oldest host has."""
    for file in binaries(root):
        wanted = max(
            (int(number) for number in re.findall(rb"\bGLIBC_2\.(\d+)", file.read_bytes())), default=0
        )
        if wanted > OLDEST_GLIBC:
            what = f"this CPython's {file.name} needs glibc 2.{wanted}, Debian 12 has 2.{OLDEST_GLIBC}"
            raise LabError("the Python archive", what, interpreter.CURE)


def binaries(root: Path) -> list[Path]:
    """Return the ELF files of a tree."""
    found = []
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as stream:
                if stream.read(4) == b"\x7fELF":
                    found.append(path)
    return found


def pack(root: Path, target: Path) -> None:
    """Write the archive; the same tree gives the same bytes."""
    with (
        target.open("wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in [root, *sorted(root.rglob("*"))]:
            entry = tar.gettarinfo(path, f"python/{path.relative_to(root)}".removesuffix("/."))
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = "root"
            entry.mtime = 0
            entry.mode = 0o755 if path.is_dir() or path.parent.name == "bin" or path.is_symlink() else 0o644
            if entry.isfile():
                with path.open("rb") as stream:
                    tar.addfile(entry, stream)
            else:
                tar.addfile(entry)


def check(archive: Path, elsewhere: Path) -> None:
    """Unpack the archive somewhere else and use it, in an environment that cannot help it."""
    with tarfile.open(archive) as tar:
        tar.extractall(elsewhere, filter="tar")
    done = subprocess.run(
        [elsewhere / "python" / "bin" / "python3", "-I", "-c", CHECK],
        env={"PATH": "/usr/bin:/bin", "HOME": str(elsewhere)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise LabError(
            "the Python archive",
            f"what was made of this machine's CPython 3.10 does not run: {last_words(done.stderr)}",
            interpreter.CURE,
        )
