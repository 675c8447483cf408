"""Small wheels, and the modules run in this process as Ansible would run them."""

import base64
import hashlib
import json
import os
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.rdna1.provision.plugins.module_utils import venv_build, venv_lock
from ansible_collections.rdna1.provision.plugins.modules import venv_stack

RunModule = Callable[..., dict[str, Any]]
MakeWheel = Callable[..., str]
Provision = Callable[..., dict[str, Any]]

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
def run_module(capsys: pytest.CaptureFixture[str]) -> RunModule:
    """Run a module's main and return its answer; `check` runs it in check mode."""

    def run(main: Callable[[], None], *, check: bool = False, **parameters: Any) -> dict[str, Any]:
        with patch_module_args({**parameters, "_ansible_check_mode": check}), pytest.raises(SystemExit):
            main()
        return dict(json.loads(capsys.readouterr().out))

    return run


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("wheels")


@pytest.fixture(scope="session")
def wheel(wheels: Path) -> MakeWheel:
    """Write a wheel of one module and return its line of a lock."""

    def make(name: str, version: str, code: str = "", requires: str = "") -> str:
        info = f"{name}-{version}.dist-info"
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        files = {
            f"{name}/__init__.py": code or f'__version__ = "{version}"\n',
            f"{info}/METADATA": metadata + (f"Requires-Dist: {requires}\n" if requires else ""),
            f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        record = "".join(f"{path},{_digest(text)},{len(text)}\n" for path, text in files.items())
        path = wheels / f"{name}-{version}-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as archive:
            for member, text in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
                archive.writestr(zipfile.ZipInfo(member), text)
        return f"{name}=={version} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"

    return make


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "rdna1"


@pytest.fixture
def lock(wheel: MakeWheel) -> str:
    return wheel("torch", "1.13.1+rocm5.2", '__version__ = "1.13.1"\n') + wheel("numpy", "1.26.4")


@pytest.fixture
def other_lock(wheel: MakeWheel) -> str:
    return wheel("torch", "2.2.2+rocm5.7") + wheel("numpy", "1.26.4")


@pytest.fixture
def provision(run_module: RunModule, root: Path, wheels: Path) -> Provision:
    """Run the module with the wheels that the tests made."""

    def run(lock: str, **more: Any) -> dict[str, Any]:
        parameters = {
            "root": str(root), "lock": lock, "interpreter": sys.executable, "python": PYTHON, "free_gib": 0,
            "modules": ["torch", "numpy", "torchvision"], "find_links": [str(wheels)], "offline": True,
        }  # fmt: skip
        return run_module(venv_stack.main, **{**parameters, **more})

    return run


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, wheels: Path) -> None:
    """Unpack wheels without pip: a hundred times faster, and all that the choreography around it needs."""

    def install(venv: Path, interpreter: str, lock: str, *_: Any) -> None:
        (venv / "bin").mkdir(parents=True)
        (venv / "fresh").touch()
        (venv / "bin/python").symlink_to(interpreter)
        (venv / "pyvenv.cfg").write_text(f"home = {Path(interpreter).parent}\n")
        packages = venv / f"lib/python{PYTHON}/site-packages"
        for requirement in venv_lock.parse(lock):
            with zipfile.ZipFile(next(wheels.glob(f"{requirement.name}-{requirement.version}-*"))) as archive:
                archive.extractall(packages)
        for name in ("pip", "ensurepip"):  # content to be asked for their existence and for `pip check`
            (packages / name).mkdir()
            (packages / name / "__init__.py").touch()
            (packages / name / "__main__.py").touch()

    monkeypatch.setattr(venv_build, "install", install)


@pytest.fixture(autouse=True)
def _umask() -> Iterator[None]:
    """The module sets the umask of its process, which here is the tests' own."""
    before = os.umask(0o022)
    yield
    os.umask(before)
