"""Finds out how podman must be called for containers to run on this machine.

Machines differ: crun refuses cgroups in the hybrid v1/v2 layout, where runc does not; inside some virtual
machines podman may not raise the limits that it gives containers by default. Trying tells; guessing does not.
"""

import json
import platform
import resource
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rdna1.lab.errors import LabError
from rdna1.lab.podman import Podman, Runner, explain

RUNTIMES = ("runc", "crun")
PID_MAX = Path("/proc/sys/kernel/pid_max")
# As systemd gives it to services: programs that still use select() cannot have more.
SOFT_FILES = 1024
BOOT_TIMEOUT = 30.0
# What systemd says of itself once it is up, with or without a unit that failed.
BOOTED = ("running", "degraded")


@dataclass(frozen=True)
class Settings:
    """One way of calling podman."""

    runtime: str | None = None
    ulimits: tuple[str, ...] = ()

    @property
    def is_default(self) -> bool:
        """Whether the machine's own containers.conf is left to speak."""
        return self == Settings()

    def __str__(self) -> str:
        runtime = self.runtime or "the default runtime"
        return f"{runtime} with {' '.join(self.ulimits)}" if self.ulimits else runtime


def own_limits() -> tuple[str, ...]:
    """Return limits that podman can give without the right to raise its own."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    processes = resource.getrlimit(resource.RLIMIT_NPROC)[1]
    # Podman lowers its own number of processes to pid_max before it starts anything.
    most = int(PID_MAX.read_text())
    processes = most if processes == resource.RLIM_INFINITY else min(processes, most)
    return f"nofile={min(SOFT_FILES, files)}:{files}", f"nproc={processes}:{processes}"


def candidates(runtimes: Iterable[str], limits: tuple[str, ...]) -> Iterator[Settings]:
    """All ways to try, the machine's own settings first."""
    for runtime in (None, *runtimes):
        yield Settings(runtime)
        yield Settings(runtime, limits)


def choose(ways: Iterable[Settings], attempt: Callable[[Settings], str | None]) -> Settings:
    """Return the first way that works; `attempt` returns why one does not."""
    reasons: dict[str, Settings] = {}
    for way in ways:
        reason = attempt(way)
        if reason is None:
            return way
        reasons.setdefault(reason, way)
    tried = "; ".join(f"{way}: {reason}" for reason, way in reasons.items())
    raise LabError(
        "this machine", f"podman cannot run a container in any way ({tried})", "cure that, then try again"
    )


def machine(podman: Podman) -> str:
    """Return what a finding depends on: another kernel or podman may need another way."""
    return f"{podman('--version').strip()}, kernel {platform.release()}"


def render(settings: Settings) -> str:
    """Return the containers.conf of a way that is not the machine's own."""
    lines = ["# Written by `rdna1 lab up`, which tried what works on this machine.", "[containers]"]
    if settings.ulimits:
        lines.append("default_ulimits = " + json.dumps(settings.ulimits))
    lines.append("[engine]")
    if settings.runtime:
        lines.append("runtime = " + json.dumps(settings.runtime))
    return "\n".join(lines) + "\n"


def apply(conf: Path, settings: Settings, run: Runner) -> Podman:
    """Return a podman that is called in this way; conf is written where it needs one."""
    if settings.is_default:
        conf.unlink(missing_ok=True)
        return Podman(run)
    conf.parent.mkdir(parents=True, exist_ok=True)
    conf.write_text(render(settings))
    return Podman(run, conf)


def remembered(conf: Path, key: str) -> Settings | None:
    """Return what was found earlier on this same machine."""
    try:
        found = json.loads(conf.with_suffix(".json").read_text())
        return Settings(found["runtime"], tuple(found["ulimits"])) if found["machine"] == key else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def find(conf: Path, run: Runner, attempt: Callable[[Podman], str | None]) -> Podman:
    """Return the first podman that `attempt` has nothing against; written to conf."""
    runtimes = [runtime for runtime in RUNTIMES if shutil.which(runtime)]
    settings = choose(candidates(runtimes, own_limits()), lambda way: attempt(apply(conf, way, run)))
    podman = apply(conf, settings, run)
    remember = {"machine": machine(podman), **asdict(settings)}
    conf.parent.mkdir(parents=True, exist_ok=True)
    conf.with_suffix(".json").write_text(json.dumps(remember) + "\n")
    return podman


def settle(conf: Path, image: str, name: str, labels: Sequence[str], run: Runner) -> Podman:
    """Return a podman that can boot the image here, trying only where nothing is remembered."""
    settings = remembered(conf, machine(Podman(run)))
    if settings is not None:
        return apply(conf, settings, run)
    return find(conf, run, lambda podman: boot(podman, image, name, labels))


def starts(podman: Podman, image: str) -> str | None:
    """Run a program in an image that need not have systemd; return why it does not start, or None."""
    done = podman.ask("run", "--rm", "--network", "none", image, "true")
    return None if done.rc == 0 else explain(done.err)


def boot(podman: Podman, image: str, name: str, labels: Sequence[str]) -> str | None:
    """Boot the image once; return why it does not come up, or None."""
    podman.ask("rm", "--force", name)
    try:
        started = podman.ask(
            "run", "--detach", "--name", name, "--network", "none", "--stop-timeout", "0",
            "--systemd=always", *labels, image,
        )  # fmt: skip
        if started.rc != 0:
            return explain(started.err)
        deadline = time.monotonic() + BOOT_TIMEOUT
        state = "no answer"
        while time.monotonic() < deadline:
            answer = podman.ask("exec", name, "systemctl", "is-system-running")
            state = answer.out.strip() or explain(answer.err)
            if state in BOOTED:
                return None
            time.sleep(0.3)
        return f"systemd did not come up within {BOOT_TIMEOUT:.0f} s ({state})"
    finally:
        podman.ask("rm", "--force", name)
