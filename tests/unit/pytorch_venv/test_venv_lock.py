"""What a lock is, and what is none."""

import hashlib
from pathlib import Path

import pytest
from ansible_collections.rdna1.provision.plugins.module_utils import venv_lock
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).parents[3]
HEX = "0123456789abcdef" * 4

NAMES = st.from_regex(r"[a-z]([a-z0-9_.-]{0,8}[a-z0-9])?", fullmatch=True)
VERSIONS = st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){0,3}(\+rocm[0-9]\.[0-9])?", fullmatch=True)
HASHES = st.lists(st.text("0123456789abcdef", min_size=64, max_size=64), min_size=1, max_size=3, unique=True)


@pytest.mark.parametrize(
    "lock", sorted(ROOT.glob("stacks/*/requirements.txt")), ids=lambda path: path.parent.name
)
def test_the_stacks_locks_are_locks(lock: Path) -> None:
    names = [requirement.name for requirement in venv_lock.parse(lock.read_text())]
    assert {"torch", "numpy"} <= set(names)


def test_a_lock_is_named_as_sha256sum_names_the_file() -> None:
    data = (ROOT / "stacks/rocm52/requirements.txt").read_bytes()
    assert venv_lock.identity(data.decode()) == hashlib.sha256(data).hexdigest()


@given(st.dictionaries(NAMES, st.tuples(VERSIONS, HASHES), min_size=1, max_size=6))
def test_what_was_written_is_read(pins: dict[str, tuple[str, list[str]]]) -> None:
    canonical = {venv_lock.canonical(name) for name in pins}
    text = "# made by hand\n"
    for name, (version, hashes) in pins.items():
        text += " \\\n    ".join([f"{name}=={version}", *(f"--hash=sha256:{found}" for found in hashes)])
        text += "\n    # via somebody\n"
    if len(canonical) < len(pins):
        with pytest.raises(venv_lock.LockError, match="pinned twice"):
            venv_lock.parse(text)
        return
    assert venv_lock.parse(text) == [
        venv_lock.Requirement(venv_lock.canonical(name), version, tuple(hashes))
        for name, (version, hashes) in pins.items()
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: nothing is pinned"),
        ("# torch\n", "nothing is pinned"),
        ("torch==1.13.1\n", "line 1: torch needs --hash"),
        (f"numpy==1.26.4 --hash=sha256:{HEX}\ntorch>=1.13\n", "line 2: 'torch>=1.13' is not NAME==VERSION"),
        (f"torch==1.* --hash=sha256:{HEX}\n", "is not NAME==VERSION"),
        ("torch==1.13.1 --hash=md5:0123\n", "torch needs --hash"),
        (f"torch==1.13.1 --hash=sha256:{HEX[:-1]}\n", "torch needs --hash"),
        ("--index-url http://elsewhere.example/\n", "is not NAME==VERSION"),
        ("-r other.txt\n", "is not NAME==VERSION"),
        (f"torch @ http://elsewhere.example/torch.whl --hash=sha256:{HEX}\n", "is not NAME==VERSION"),
        (f"torch==1.13.1; python_version < '3.11' --hash=sha256:{HEX}\n", "is not NAME==VERSION"),
        (f"torch==1 --hash=sha256:{HEX} --no-deps\n", "nothing else after its version"),
        (f"torch==1 --hash=sha256:{HEX}\nTorch==2 --hash=sha256:{HEX}\n", "line 2: torch is pinned twice"),
        (f"torch==1 --hash=sha256:{HEX} \\\n", "line 1: the last line is continued"),
    ],
)
def test_what_is_no_lock_is_refused_with_its_line(text: str, said: str) -> None:
    with pytest.raises(venv_lock.LockError, match=said.replace("*", r"\*")):
        venv_lock.parse(text)
