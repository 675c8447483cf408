"""One run of Ansible, through ansible-runner's API: events in, an ending out. Nothing printed is parsed."""

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ansible_runner
from ansible import constants

from rdna1.lab.paths import CHECKOUT
from rdna1.rollout import processes
from rdna1.rollout.events import Event
from rdna1.rollout.outcome import Ending

# How often, in seconds, a run looks whether it shall stop.
ATTENTION = 1


@dataclass(frozen=True)
class Job:
    """What Ansible shall do: a playbook, or one module, on some hosts."""

    hosts: Sequence[str]
    playbook: str | None = None
    module: str | None = None
    module_args: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    timeout: int = 0


@dataclass(frozen=True)
class Setting:
    """What is the same for all of a run's jobs. `private` is a folder that only this user can read."""

    run: str
    inventories: Sequence[Path]
    private: Path
    extra_files: Sequence[Path] = ()
    vault_password_files: Sequence[Path] = ()


def configuration() -> str:
    """Return the ansible.cfg that holds here: the working directory's or one that was named, else ours."""
    return str(constants.CONFIG_FILE or CHECKOUT / "ansible.cfg")


def environment(run: str) -> dict[str, str]:
    """Return what Ansible needs in its environment beside what this process has."""
    return {
        processes.MARK: run,
        "ANSIBLE_CONFIG": configuration(),
        # ansible-runner switches host key checking off unless told.
        "ANSIBLE_HOST_KEY_CHECKING": str(constants.HOST_KEY_CHECKING),
        "ANSIBLE_NOCOLOR": "1",
        # Also where the virtual environment is not activated.
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
    }


def private_file(path: Path, text: str) -> Path:
    """Write a file that nobody else can read, not even for a moment."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    return path


def run(setting: Setting, job: Job, on_event: Callable[[Event], None], stop: Callable[[], bool]) -> Ending:
    """Run a job to its end. Extra variables travel by files, so that the process list does not show them."""
    private = setting.private
    # Only from this file does ansible-runner take settings when it is told to write none itself.
    private_file(
        private / "env/settings", json.dumps({"pexpect_timeout": ATTENTION, "suppress_output_file": True})
    )
    limit = private_file(private / "limit", "".join(f"{host}\n" for host in job.hosts))
    own = private_file(private / "extra.json", json.dumps(dict(job.extra)))
    words: list[str] = []
    for path in setting.vault_password_files:
        words += ["--vault-password-file", str(path)]
    # What the run itself sets comes last, so that it wins.
    for path in (*setting.extra_files, own):
        words += ["-e", f"@{path}"]
    trouble: list[Exception] = []

    def handle(event: Event) -> bool:
        try:
            on_event(event)
        except Exception as error:
            trouble.append(error)  # raised below: from here it would leave Ansible running
        # False: the event is not kept as a file. Its results may hold what shall not lie about, and the
        # final counts are an event like any other.
        return False

    try:
        runner = ansible_runner.run(
            private_data_dir=str(private),
            project_dir=str(CHECKOUT),
            playbook=job.playbook,
            module=job.module,
            module_args=job.module_args,
            host_pattern="all" if job.module else None,
            inventory=[str(path) for path in setting.inventories],
            limit=f"@{limit}",
            cmdline=" ".join(map(quoted, words)) or None,
            envvars=environment(setting.run),
            quiet=True,
            suppress_env_files=True,
            # Not ansible-runner's own: it would put every host's facts on disk.
            fact_cache_type="",
            timeout=job.timeout or None,
            event_handler=handle,
            cancel_callback=lambda: bool(trouble) or stop(),
        )
    finally:
        limit.unlink(missing_ok=True)
        own.unlink(missing_ok=True)
    if runner.status in ("canceled", "timeout"):
        # ansible-runner ends the process group; Ansible's workers are in groups of their own.
        processes.end_marked(setting.run)
    if trouble:
        raise trouble[0]
    endings: dict[str, Ending] = {"canceled": "cancelled", "timeout": "timeout"}
    return endings.get(runner.status, "complete")


def quoted(word: str) -> str:
    """Return a word as ansible-runner's command line wants it."""
    return "'" + word.replace("'", "'\"'\"'") + "'"
