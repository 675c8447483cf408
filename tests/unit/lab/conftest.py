"""A machine that is not there: podman, ssh-keygen and the like answer from memory."""

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from rdna1.lab.paths import LabPaths
from rdna1.lab.podman import Podman, Result

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{number:04} root@host\n"


@dataclass
class FakeMachine:
    """Keeps containers, images and networks in memory and notes every command."""

    containers: dict[str, dict[str, Any]] = field(default_factory=dict)
    images: set[str] = field(default_factory=set)
    networks: set[str] = field(default_factory=set)
    commands: list[list[str]] = field(default_factory=list)
    seeds: dict[str, bytes] = field(default_factory=dict)
    fail: dict[str, str] = field(default_factory=dict)
    systemd: str = "running"
    # Hosts get theirs from several threads at a time.
    keys: Iterator[int] = field(default_factory=itertools.count)

    def __call__(
        self, argv: Sequence[str], *, stdin: bytes | None = None, timeout: float | None = None
    ) -> Result:
        assert timeout is None or timeout > 0
        words = list(argv)
        if words[0] == "env":
            words = words[2:]
        self.commands.append(words)
        for text, error in self.fail.items():
            if text in " ".join(words):
                return Result(125, "", error)
        answer = getattr(self, "_" + words[0].replace("-", "_"), None)
        assert answer, f"no fake for {words}"
        return Result(*answer(words[1:], stdin))

    def podman_commands(self, verb: str) -> list[list[str]]:
        """Return what podman was asked to do."""
        return [words for words in self.commands if words[:2] == ["podman", verb]]

    def _sysctl(self, _args: list[str], _stdin: bytes | None) -> tuple[int, str, str]:
        return 0, "", ""

    def _ssh(self, _args: list[str], _stdin: bytes | None) -> tuple[int, str, str]:
        return 0, self.systemd + "\n", ""

    def _ssh_keygen(self, args: list[str], _stdin: bytes | None) -> tuple[int, str, str]:
        number = next(self.keys)
        file = Path(args[args.index("-f") + 1])
        file.write_text(f"private {number}\n")
        file.with_suffix(".pub").write_text(KEY.format(number=number))
        return 0, "", ""

    def _mmdebstrap(self, args: list[str], _stdin: bytes | None) -> tuple[int, str, str]:
        Path(next(arg for arg in args if arg.endswith(".tar"))).write_text("an image")
        return 0, "", ""

    def _podman(self, args: list[str], stdin: bytes | None) -> tuple[int, str, str]:
        match args:
            case ["--version"]:
                return 0, "podman version 4.3.1\n", ""
            case ["image", "exists", name]:
                return int(name not in self.images), "", ""
            case ["images", *_]:
                return 0, json.dumps([{"Names": [name]} for name in sorted(self.images)]), ""
            case ["import", *_, name]:
                self.images.add(name)
            case ["image", "prune", "--force", "--filter", "label=rdna1.copy"]:
                pass
            case ["commit", "--quiet", "--change", "LABEL rdna1.copy=1", name, image]:
                assert name in self.containers
                self.images.add(image)
            case ["rmi", name]:
                if any(one["Image"] == name for one in self.containers.values()):
                    return 2, "", "image is in use by a container"
                self.images.discard(name)
            case ["network", "exists", name]:
                return int(name not in self.networks), "", ""
            case ["network", "create", *_, name]:
                self.networks.add(name)
            case ["network", "rm", *_, name]:
                self.networks.discard(name)
            case ["network", "inspect", _]:
                return 0, json.dumps([{"subnets": [{"subnet": "10.89.7.0/24", "gateway": "10.89.7.1"}]}]), ""
            case ["ps", *_, "--quiet"]:
                return 0, "\n".join(self.containers), ""
            case ["ps", "--all", *filters, "--format", "json"]:
                wanted = dict(text.removeprefix("label=").split("=") for text in filters[1::2])
                rows = [one for one in self.containers.values() if wanted.items() <= one["Labels"].items()]
                return 0, json.dumps(rows), ""
            case ["create" | "run" as verb, *rest]:
                self._add(rest, "Created" if verb == "create" else "running")
            case ["cp", *_, place]:
                self.seeds[place.split(":")[0]] = stdin or b""
            case ["start", name]:
                self.containers[name]["State"] = "running"
            case ["exec", _, "systemctl", *_]:
                return 0, self.systemd + "\n", ""
            case ["rm", "--force", *names]:
                for name in names:
                    self.containers.pop(name, None)
            case _:
                raise AssertionError(f"no fake for podman {args}")
        return 0, "", ""

    def _add(self, args: list[str], state: str) -> None:
        labels = dict(args[i + 1].split("=", 1) for i, word in enumerate(args) if word == "--label")
        published = [args[i + 1] for i, word in enumerate(args) if word == "--publish"]
        name = args[args.index("--name") + 1]
        if name in self.containers:
            raise AssertionError(f"the name {name} is already in use")
        self.containers[name] = {
            "Names": [name],
            "Labels": labels,
            "State": state,
            "Image": labels["rdna1.image"].split("+")[0],
            "Ports": [{"host_port": int(place.split(":")[1])} for place in published] or None,
        }


@pytest.fixture
def machine() -> FakeMachine:
    return FakeMachine()


@pytest.fixture
def podman(machine: FakeMachine) -> Podman:
    return Podman(machine)


@pytest.fixture
def paths(tmp_path: Path) -> LabPaths:
    return LabPaths("try", tmp_path)


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep every test away from this machine's caches, labs and rights."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("RDNA1_LAB", raising=False)
    monkeypatch.delenv("LAB_BASE", raising=False)
    monkeypatch.setattr("os.geteuid", lambda: 0)
