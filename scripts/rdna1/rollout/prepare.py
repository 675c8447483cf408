"""Everything before the first wave: the run's directory, its locks, its extra variables, its secrets."""

import contextlib
import getpass
import importlib.metadata
import json
import os
import platform
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleError
from ansible.parsing.splitter import parse_kv

from rdna1.lab.errors import LabError
from rdna1.lab.paths import CHECKOUT
from rdna1.rollout import fleet, lock, processes, vault, waves
from rdna1.rollout.ansible import Setting, private_file
from rdna1.rollout.asked import BUDGET, ON_FAILURE, PLAYBOOK, REBOOT, WAVES, Asked
from rdna1.rollout.fleet import Member
from rdna1.rollout.gate import named
from rdna1.rollout.journal import Journal
from rdna1.rollout.secrets import Scrubber
from rdna1.runs import model
from rdna1.runs.model import FAILED, Host, Inventory, Options, Run, RunPaths

# The lab's, as for ansible-playbook.
INVENTORY = "inventories/lab"
# The name of the folder for what must not outlive the driver.
PRIVATE = "rdna1-rollout-"


@dataclass(frozen=True)
class Prepared:
    """A run that can be driven, and what is to be said before."""

    journal: Journal
    setting: Setting
    members: Mapping[str, Member]
    budget: int
    said: list[str]


@contextlib.contextmanager
def prepared(asked: Asked, resume: str | None, runs_dir: Path) -> Iterator[Prepared]:
    """Make a run, or take one up again, and hold its locks."""
    runs_dir = runs_dir.resolve()
    before = taken_up(asked, runs_dir / resume) if resume else None
    given = map(Path, before.inventory.paths) if before else asked.inventories or [CHECKOUT / INVENTORY]
    inventories = [path.resolve() for path in given]
    playbook = CHECKOUT / (before.options.playbook if before else PLAYBOOK)
    if asked.playbook:
        playbook = asked.playbook.resolve()
    if not playbook.is_file():
        raise LabError("--playbook", f"there is no {playbook}", "give the path of a playbook")
    with private_folder() as private:
        keys = vault.keys(asked.vault_password_files)
        files, names = extra_files(keys.loader, asked.extra_vars, private)
        if before and (missing := set(before.options.extra_vars_names) - set(names)):
            raise LabError(
                f"run {before.id}",
                f"it had extra variables ({', '.join(sorted(missing))}), whose values are not kept",
                "give them again with -e",
            )
        known = fleet.read(keys.loader, inventories, before.options.limit if before else asked.limit)
        hidden = vault.secrets_of(keys, [*vault.files_of(inventories, playbook), *files])
        if before:
            run, hosts = resumed(before, asked, known, runs_dir)
        else:
            run, hosts = fresh(asked, known, inventories, playbook, names)
        paths = RunPaths(runs_dir / run.id)
        budget = waves.share(run.options.budget, len(hosts), up=False, where="--budget")
        owner = lock.me(run.id, str(private))
        with lock.held(locks(runs_dir, paths, hosts, known.members), owner) as dead:
            said = [clear(one) for one in dead]
            if before:
                said += differences(before, known, hosts)
            journal = Journal(paths, run, hosts, Scrubber(hidden))
            paths.verdicts.mkdir(parents=True, exist_ok=True)
            for name in hosts:
                journal.save_host(name)
            journal.save()
            setting = Setting(
                run.id, inventories, private, files, [path.resolve() for path in asked.vault_password_files]
            )
            yield Prepared(journal, setting, known.members, budget, said)


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """Make a folder that only this user can read, in memory where the machine has such a place."""
    base = os.environ.get("XDG_RUNTIME_DIR")
    place = Path(base) if base and Path(base).is_dir() else Path(tempfile.gettempdir())
    sweep(place)
    pid = os.getpid()
    path = Path(tempfile.mkdtemp(prefix=f"{PRIVATE}{namespace()}-{pid}-{processes.started(pid)}-", dir=place))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def namespace() -> str:
    """Return what tells where this process's id means something."""
    return re.sub(r"\D", "", str(Path("/proc/self/ns/pid").readlink()))


def sweep(place: Path) -> None:
    """Remove what drivers left that died before they had a lock, by which the next one would have known."""
    for path in place.glob(f"{PRIVATE}{namespace()}-*-*-*"):
        pid, began = path.name.split("-")[-3:-1]
        if path.is_dir() and path.owner() == getpass.getuser() and processes.started(int(pid)) != began:
            shutil.rmtree(path, ignore_errors=True)


def locks(
    runs_dir: Path, paths: RunPaths, hosts: Mapping[str, Host], members: Mapping[str, Member]
) -> Iterator[tuple[Path, str]]:
    """Return the locks that a run needs, each with what it is about."""
    yield runs_dir / ".lock", f"runs directory {runs_dir}"
    yield paths.lock, f"run {paths.root.name}"
    addresses = {members[name].address: name for name in hosts if name in members}
    for address, name in sorted(addresses.items()):
        yield lock.host_lock(address), f"host {name}"


def clear(dead: lock.Owner) -> str:
    """End what a dead driver left running and remove what it left lying; return what to say of it."""
    ended = processes.end_marked(dead.run)
    private = Path(dead.private)
    if private.name.startswith(PRIVATE) and private.is_dir() and private.owner() == getpass.getuser():
        shutil.rmtree(private, ignore_errors=True)
    return f"{dead} has died and left its lock; {ended} processes of it were ended"


# --- a new run -----------------------------------------------------------------------------------


def fresh(
    asked: Asked, known: fleet.Fleet, inventories: Sequence[Path], playbook: Path, names: list[str]
) -> tuple[Run, dict[str, Host]]:
    """Return a run that has not begun."""
    options = chosen(
        Options(WAVES, BUDGET, ON_FAILURE, REBOOT, asked.limit, names, playbook=str(playbook)), asked
    )
    if playbook == CHECKOUT / PLAYBOOK:
        options = replace(options, playbook=PLAYBOOK)
    commit, dirty = git()
    run = Run(
        id=f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}",
        state="running",
        started=model.now(),
        who=getpass.getuser(),
        control_host=socket.gethostname(),
        commit=commit,
        dirty=dirty,
        versions=versions(),
        inventory=Inventory([str(path) for path in inventories], known.sha256),
        options=options,
        waves=waves.plan(options.waves, list(known.members), known.canaries),
    )
    wave_of = {name: wave.number for wave in run.waves for name in wave.hosts}
    return run, {name: Host(name, member.groups, wave_of[name]) for name, member in known.members.items()}


def chosen(options: Options, asked: Asked) -> Options:
    """Return options with what was asked for instead."""
    names = ("waves", "soak", "confirm", "budget", "timeout", "on_failure", "reboot", "drain", "undrain")
    given = {name: getattr(asked, name) for name in names if getattr(asked, name) is not None}
    return replace(options, **given)


def git() -> tuple[str | None, bool]:
    """Return the checkout's commit, and whether it was changed since; None where it is no clone."""
    said = [
        subprocess.run(["git", "-C", str(CHECKOUT), *words], capture_output=True, text=True, check=False)
        for words in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
    ]
    if said[0].returncode:
        return None, False
    return said[0].stdout.strip(), bool(said[1].stdout.strip())


def versions() -> dict[str, str]:
    """Return the versions of what drives the run."""
    installed = {name: importlib.metadata.version(name) for name in ("ansible-core", "ansible-runner")}
    project = importlib.metadata.version("rdna1-provision")
    return {**installed, "python": platform.python_version(), "project": project}


# --- a run taken up again ------------------------------------------------------------------------


def taken_up(asked: Asked, root: Path) -> Run:
    """Return a run that is to be resumed."""
    for name in ("inventories", "limit", "waves", "playbook"):
        if getattr(asked, name):
            raise LabError(
                f"--{name.replace('inventories', 'inventory')}",
                "it cannot be changed when a run is resumed",
                "leave it out, or start a new run",
            )
    return model.load_run(RunPaths(root))


def resumed(run: Run, asked: Asked, known: fleet.Fleet, runs_dir: Path) -> tuple[Run, dict[str, Host]]:
    """Return a run as it was left, with hosts that it may never have got to write down."""
    hosts = model.load_hosts(RunPaths(runs_dir / run.id))
    for wave in run.waves:
        for name in wave.hosts:
            groups = known.members[name].groups if name in known.members else []
            hosts.setdefault(name, Host(name, groups, wave.number))
    run.options, run.state, run.ended = chosen(run.options, asked), "running", None
    return run, hosts


def differences(run: Run, known: fleet.Fleet, hosts: Mapping[str, Host]) -> list[str]:
    """Return what is to be said of a run that is taken up again."""
    again = [name for name, host in hosts.items() if host.state in FAILED]
    said = [f"tried again, as they failed: {named(again)}"] if again else []
    if known.sha256 != run.inventory.sha256:
        said.append("the inventory has changed since the run began")
    if new := [name for name in known.members if name not in hosts]:
        said.append(f"not part of the run, as they are new in the inventory: {named(new)}")
    return said


# --- extra variables -----------------------------------------------------------------------------


def extra_files(loader: Any, given: Sequence[str], private: Path) -> tuple[list[Path], list[str]]:
    """Return extra variables as files, in their order, and all their names."""
    files: list[Path] = []
    names: set[str] = set()
    for number, text in enumerate(given):
        try:
            if text.startswith("@"):
                path = Path(text[1:]).expanduser().resolve()
                content = loader.load_from_file(str(path), cache="none")
            else:
                content = yaml.safe_load(text) if text.lstrip().startswith("{") else parse_kv(text)
                path = private_file(private / f"given-{number}.json", json.dumps(content))
            names.update(map(str, content))
        except (AnsibleError, yaml.YAMLError, OSError, TypeError, ValueError) as error:
            where = text if text.startswith("@") else f"the option number {number + 1}"
            what = f"{where} cannot be read ({type(error).__name__})"
            raise LabError("--extra-vars", what, "use NAME=VALUE, JSON or @FILE") from None
        files.append(path)
    return files, sorted(names - {"_raw_params"})
