"""Bringing a lab up, renewing its hosts, taking it down. Running any of it again repairs what is missing."""

import contextlib
import fcntl
import hashlib
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rdna1.lab import cards, copies, images, layout, limits, mirror, parallel, ports, probe, seed, ssh, state
from rdna1.lab.containers import Container, Fleet, Wanted, host_options
from rdna1.lab.errors import CHECK_FAILED, LabError
from rdna1.lab.paths import LabPaths
from rdna1.lab.paths import cache as cache_folder
from rdna1.lab.podman import Podman, Runner, check_root, run
from rdna1.lab.state import MIRROR, HostState, LabState, MirrorState

MIRROR_NAME = "mirror.lab"
MIRROR_PORT = 8080
SERVER = Path(__file__).parent / "guest" / "serve.py"
SERVER_IN_CONTAINER = "/usr/local/lib/rdna1-mirror/serve.py"
# What podman calls a container whose creation was interrupted: it may lack its seed.
NEVER_STARTED = ("created", "configured", "initialized", "unknown")
# Not a host: the files that the mirror serves, which are made on this machine.
CONTENT = "the mirror's content"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """What a command did: the lab as it is, which hosts are new, and which failed."""

    lab: LabState
    created: list[str]
    started: list[str]
    failures: dict[str, LabError]

    @property
    def outdated(self) -> list[str]:
        """The hosts that an older recipe's image is under."""
        wanted = {base: images.recipe(base).image for base in {host.base for host in self.lab.hosts.values()}}
        return [name for name, host in self.lab.hosts.items() if host.image != wanted[host.base]]


@contextlib.contextmanager
def locked(paths: LabPaths) -> Iterator[None]:
    """Let one command at a time change a lab."""
    paths.lock.parent.mkdir(parents=True, exist_ok=True)
    with paths.lock.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LabError(
                f"lab {paths.name}", "another command is changing it", "wait until that one has ended"
            ) from None
        yield


def user() -> seed.User:
    """Return the account that the images have."""
    return seed.User(**images.data()["user"])


def podman_of(paths: LabPaths, runner: Runner = run) -> Podman:
    """Return podman as this lab found that it must be called."""
    conf = paths.containers_conf
    return Podman(runner, conf if conf.exists() else None)


# --- up, reset -----------------------------------------------------------------------------------


def up(
    paths: LabPaths,
    count: int | None,
    bases: Sequence[str] | None,
    say: Say,
    runner: Runner = run,
    *,
    copy: bool = False,
    full_size: bool | None = None,
) -> Outcome:
    """Bring the lab to `count` hosts: create what is missing, start what stopped, remove what is too much.

    None stands for what the lab has already, or for the defaults where it is new. With `copy`, a new host
    begins with the disk of one of its kind, where the lab has one.
    """
    if count is not None:
        layout.plan(count)  # a number that cannot be is refused before anything is touched
    return converge(paths, count, bases, (), say, runner, copy=copy, full_size=full_size)


def reset(paths: LabPaths, names: Sequence[str], say: Say, runner: Runner = run) -> Outcome:
    """Make hosts anew from their base images: same ports, nothing else kept. No names: all hosts."""
    lab = state.need(paths)
    for name in names:
        host_of(lab, name)
    return converge(paths, None, None, names or list(lab.hosts), say, runner)


def host_of(lab: LabState, name: str) -> HostState:
    """Return a host of the lab."""
    if name not in lab.hosts:
        raise LabError(f"lab {lab.name}", f"it has no host {name}", f"use one of {', '.join(lab.hosts)}")
    return lab.hosts[name]


def converge(
    paths: LabPaths,
    count: int | None,
    bases: Sequence[str] | None,
    renew: Collection[str],
    say: Say,
    runner: Runner,
    *,
    copy: bool = False,
    full_size: bool | None = None,
) -> Outcome:
    """Make the lab what it shall be. Interrupted at any point, it is finished by the next `up`."""
    check_root()
    with locked(paths):
        before = state.load(paths)
        if count is None:
            count = len(before.hosts) if before else layout.DEFAULT_HOSTS
        if bases is None:
            bases = before.bases if before else ()
        if full_size is None:
            full_size = before.full_size if before else False
        hosts = layout.plan(count, bases)
        made = ensure_images(Podman(runner), {host.base for host in hosts}, say)
        first = made[hosts[0].base]
        fleet = Fleet(settled(paths, first, runner), paths)
        existing = usable(fleet, before, hosts, renew)
        # The highest address, where podman's own choices from below do not meet it.
        lab = as_it_shall_be(paths, hosts, made, existing, before, str(fleet.ensure_network()[-2]))
        lab.bases = tuple(bases)
        lab.full_size = full_size
        state.save(paths, lab)
        begin = copies.commit(fleet, lab, existing) if copy else {}
        return bring_up(fleet, lab, first, existing, begin, say)


def settled(paths: LabPaths, image: str, runner: Runner) -> Podman:
    """Return podman as it must be called on this machine, found by trying where it is not known yet."""
    trial = Fleet(Podman(runner), paths)
    return probe.settle(
        paths.containers_conf, image, trial.container("probe"), trial.labels("probe", image), runner
    )


def ensure_images(podman: Podman, bases: set[str], say: Say) -> dict[str, str]:
    """Return the image of each base."""
    done, failures = parallel.each(
        {base: partial(images.ensure, podman, images.recipe(base), say) for base in sorted(bases)}
    )
    for error in failures.values():
        raise error
    return done


def usable(
    fleet: Fleet, before: LabState | None, hosts: Sequence[layout.Host], renew: Collection[str]
) -> dict[str, Container]:
    """Remove the containers that have no place in the lab as it shall be; return the others."""
    bases = {host.name: host.base for host in hosts}

    def stays(container: Container) -> bool:
        # Without the lab's state nobody has the key that its hosts accept.
        if before is None or container.state in NEVER_STARTED:
            return False
        if container.host == MIRROR:
            return True
        return (
            container.host not in renew
            and images.base_of(container.image) == bases.get(container.host)
            and fleet.paths.host_key(container.host).exists()
        )

    existing = fleet.all()
    kept = {name: container for name, container in existing.items() if stays(container)}
    fleet.remove(sorted(existing.keys() - kept.keys()))
    return kept


def as_it_shall_be(
    paths: LabPaths,
    hosts: Sequence[layout.Host],
    made: Mapping[str, str],
    existing: Mapping[str, Container],
    before: LabState | None,
    mirror_address: str,
) -> LabState:
    """Return the lab's new state: who keeps a port keeps it, and an existing host its image."""
    held = {name: container.port for name, container in existing.items() if container.port}
    port = ports.assign(
        f"{paths.scope}-{paths.name}",
        [MIRROR, *(host.name for host in hosts)],
        held,
        before.ports() if before else {},
    )
    catalogue = cards.catalogue()
    return LabState(
        name=paths.name,
        user=user().name,
        mirror=MirrorState(
            port=port[MIRROR],
            address=mirror_address,
            url=f"http://{MIRROR_NAME}:{MIRROR_PORT}",
            facts=before.mirror.facts if before else {},
        ),
        hosts={
            host.name: HostState(
                port=port[host.name],
                base=host.base,
                image=existing[host.name].image if host.name in existing else made[host.base],
                card=host.card,
                card_name=catalogue[host.card].name if host.card else None,
                groups=host.groups,
            )
            for host in hosts
        },
    )


def bring_up(
    fleet: Fleet,
    lab: LabState,
    image: str,
    existing: Mapping[str, Container],
    begin: Mapping[str, str],
    say: Say,
) -> Outcome:
    """Make the mirror's content and the hosts at the same time; `begin` has the images of copies."""
    created = [name for name in lab.hosts if name not in existing]
    started = [name for name in lab.hosts if name in existing and existing[name].state != "running"]
    if created or started:
        limits.make_room(fleet.podman.run, fleet.running_everywhere() + len(created) + len(started), say)
        say(f"starting {len(created) + len(started)} of {len(lab.hosts)} hosts")
    authorized = ssh.client_key(fleet.podman.run, fleet.paths)
    keys = give_host_keys(fleet, lab, created)
    if not fleet.paths.www.exists():
        say("making what the mirror serves (where nothing is cached yet, it fetches some 1.5 GB)")
    if lab.full_size:
        say("the mirror's stand-ins take the room of the real packages (making them, once, takes minutes)")
    fleet.paths.www.mkdir(parents=True, exist_ok=True)
    tasks: dict[str, Callable[[], Any]] = {
        CONTENT: partial(mirror.build, fleet.paths.www, cache=cache_folder(), full_size=lab.full_size),
        MIRROR: partial(bring_up_mirror, fleet, lab, image, existing.get(MIRROR)),
    }
    for name in lab.hosts:
        if name in keys:
            tasks[name] = partial(create_host, fleet, lab, name, keys[name], authorized, begin.get(name))
        elif name in started:
            tasks[name] = partial(start_host, fleet, lab, name)
        else:
            tasks[name] = partial(wait_for, fleet, lab, name)
    done, failures = parallel.each(tasks)
    if CONTENT in done:
        lab.mirror.facts = facts_of(done[CONTENT])
    state.save(fleet.paths, lab)
    return Outcome(lab, created, started, failures)


def facts_of(content: mirror.MirrorFacts) -> dict[str, Any]:
    """Return what the inventory must know of the mirror's content, as plain data."""
    return {
        "key_fingerprint": content.key_fingerprint,
        "requirements": {stack: str(path) for stack, path in content.requirements.items()},
        "standalone_url_path": content.standalone_url_path,
        "standalone_sha256": content.standalone_sha256,
        "standalone_release": content.standalone_release,
    }


def give_host_keys(fleet: Fleet, lab: LabState, new: Sequence[str]) -> dict[str, ssh.KeyPair]:
    """Make the new hosts' keys and record the public halves of all, before any of them is reached."""
    keys, failures = parallel.each(
        {name: partial(ssh.generate, fleet.podman.run, f"root@{name}") for name in new}
    )
    for error in failures.values():
        raise error
    for name, key in keys.items():
        state.write_atomically(fleet.paths.host_key(name), key.public)
    ssh.record_host_keys(fleet.paths, [(name, host.port) for name, host in lab.hosts.items()])
    return keys


def create_host(
    fleet: Fleet, lab: LabState, name: str, key: ssh.KeyPair, authorized: str, image: str | None
) -> None:
    """Create a host with its keys and its card in it, and wait until it lets its user in.

    `image` is that of the host that it is a copy of; None stands for its base.
    """
    host = lab.hosts[name]
    card = cards.catalogue()[host.card] if host.card else None
    extra_ca = bool(images.extra_authorities(images.EXTRA_AUTHORITIES))
    content = seed.for_host(key, authorized, user(), MIRROR_NAME, card, extra_ca=extra_ca)
    options = host_options(host.port, MIRROR_NAME, lab.mirror.address)
    fleet.create(Wanted(name, image or host.image, content, options, version=host.image))
    wait_for(fleet, lab, name)


def start_host(fleet: Fleet, lab: LabState, name: str) -> None:
    """Start a host that stopped, with all that is on it."""
    fleet.start(name)
    wait_for(fleet, lab, name)


def wait_for(fleet: Fleet, lab: LabState, name: str) -> None:
    """Wait until a host lets its user in."""
    systemd = ssh.wait_until_ready(fleet.podman.run, fleet.paths, lab.user, lab.hosts[name].port)
    if systemd not in probe.BOOTED:
        raise LabError(
            name,
            f"it does not let {lab.user} in over SSH ({systemd})",
            f"run `rdna1 lab reset {name} --name {lab.name}`",
            exit_code=CHECK_FAILED,
        )


def bring_up_mirror(fleet: Fleet, lab: LabState, image: str, existing: Container | None) -> None:
    """Have the mirror's web server run; it keeps nothing, so another version of it simply replaces it."""
    server = SERVER.read_text()
    version = f"{image}+{hashlib.sha256(server.encode()).hexdigest()[:12]}"
    if existing and existing.image == version:
        if existing.state != "running":
            fleet.start(MIRROR)
        return
    if existing:
        fleet.remove([MIRROR])
    options = [
        "--ip", lab.mirror.address,
        "--publish", f"{ports.LOOPBACK}:{lab.mirror.port}:{MIRROR_PORT}",
        # The folder above what is served: that one is replaced as a whole when its content changes.
        "--volume", f"{fleet.paths.mirror}:/srv:ro",
    ]  # fmt: skip
    command = ["python3", SERVER_IN_CONTAINER, "/srv/www", str(MIRROR_PORT)]
    fleet.create(Wanted(MIRROR, image, seed.for_mirror(server), options, command, version=version))


# --- down ----------------------------------------------------------------------------------------


def down(paths: LabPaths, *, purge: bool, say: Say, runner: Runner = run) -> None:
    """Remove all of a lab, whatever state it is in; with purge also the project's images and caches."""
    check_root()
    with locked(paths):
        fleet = Fleet(podman_of(paths, runner), paths)
        existing = sorted(fleet.all())
        fleet.remove(existing)
        fleet.remove_network()
        if paths.root.exists():
            shutil.rmtree(paths.root)
        paths.lock.unlink(missing_ok=True)
    images.prune(Podman(runner))
    say(f"lab {paths.name} is down ({len(existing)} containers removed)")
    if purge:
        for image in images.purge(Podman(runner)):
            say(f"kept {image}: another lab uses it")
        if cache_folder().exists():
            shutil.rmtree(cache_folder())
