"""Base images: made from the distribution's packages, cached in podman under a hash of their recipe."""

import contextlib
import fcntl
import hashlib
import json
import os
import shlex
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from rdna1.lab import archive, paths, probe
from rdna1.lab.errors import LabError, last_words
from rdna1.lab.podman import Podman, as_root

HERE = Path(__file__).parent
DATA = HERE / "images.yml"
CUSTOMISE = HERE / "image" / "customise.py"
CONTAINERFILE = HERE / "image" / "Containerfile"
REPOSITORY = "localhost/rdna1-lab"
# What marks an image that was made of a host.
COPY = "rdna1.copy"
EXTRA_AUTHORITIES = Path("/usr/local/share/ca-certificates")
BUILD_TIMEOUT = 1800.0
PROXY_VARIABLES = ("http_proxy", "https_proxy", "no_proxy")


@cache
def data() -> dict[str, Any]:
    """Return the recipes."""
    loaded: dict[str, Any] = yaml.safe_load(DATA.read_text())
    return loaded


def bases() -> list[str]:
    """Return the names that a host's base may have."""
    return list(data()["bases"])


def extra_authorities(folder: Path) -> dict[str, str]:
    """Return the certificates that this machine trusts beyond the distribution's list."""
    return {path.name: path.read_text() for path in sorted(folder.rglob("*.crt"))}


@dataclass(frozen=True)
class Recipe:
    """All that decides what one base image contains; the archive's own progress excepted."""

    base: str
    packages: list[str]
    settings: dict[str, Any]
    sources: list[str]
    registry_image: str | None
    codename: str | None
    components: list[str]

    @property
    def digest(self) -> str:
        """Changes when anything in the recipe does."""
        text = json.dumps(
            [self.packages, self.settings, self.sources, self.registry_image, self.codename, self.components],
            sort_keys=True,
        )
        parts = [text, CUSTOMISE.read_text()] + ([CONTAINERFILE.read_text()] if self.registry_image else [])
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]

    @property
    def image(self) -> str:
        """The image's full name."""
        return f"{REPOSITORY}/{self.base}:{self.digest}"


def recipe(base: str, etc: Path = Path("/etc"), authorities: Path = EXTRA_AUTHORITIES) -> Recipe:
    """Return the recipe of a base as it is on this machine."""
    table = data()
    row = table["bases"].get(base)
    if row is None:
        raise LabError("LAB_BASE", f"there is no base {base}", f"use one of {', '.join(bases())}")
    components = row.get("components", [])
    archives = archive.own(etc / "apt", etc / "os-release") if "codename" in row else None
    return Recipe(
        base=base,
        packages=table["packages"],
        settings={
            "keyring": row.get("keyring"),
            "user": table["user"],
            "masked_units": table["masked_units"],
            "leftovers": table["registry_leftovers"] if "registry_image" in row else [],
            "certificates": extra_authorities(authorities),
        },
        sources=archive.one_line_sources(archives, row["codename"], components) if archives else [],
        registry_image=row.get("registry_image"),
        codename=row.get("codename"),
        components=components,
    )


@contextlib.contextmanager
def only_one(base: str) -> Iterator[None]:
    """Let one command at a time build a base; the others wait and then find it built."""
    folder = paths.cache() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"image-{base}").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def scratch(base: str) -> Iterator[Path]:
    """Give a base's build a folder with space for an image; what a killed build left there goes first."""
    folder = paths.cache() / f"image-{base}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def ensure(podman: Podman, wanted: Recipe, say: Callable[[str], None]) -> str:
    """Return the image of a recipe, building it where it is missing and removing those of older recipes."""
    if podman.ask("image", "exists", wanted.image).rc == 0:
        return wanted.image
    with only_one(wanted.base):
        if podman.ask("image", "exists", wanted.image).rc != 0:
            say(f"building the base image {wanted.base} (once; it is kept until its recipe changes)")
            (build_from_registry if wanted.registry_image else bootstrap)(podman, wanted)
            prune(podman)
    return wanted.image


def bootstrap(podman: Podman, wanted: Recipe) -> None:
    """Make an image from the distribution's packages alone."""
    with scratch(wanted.base) as folder:
        settings, tar = folder / "recipe.json", folder / "image.tar"
        settings.write_text(json.dumps(wanted.settings))
        argv = [
            "mmdebstrap",
            "--quiet",
            "--variant=minbase",
            "--format=tar",
            # A server has package lists; without them apt could not even simulate.
            "--skip=cleanup/apt/lists",
            f"--components={','.join(wanted.components)}",
            f"--include={','.join(wanted.packages)}",
            f"--customize-hook=upload {shlex.quote(str(CUSTOMISE))} /root/customise.py",
            f"--customize-hook=upload {shlex.quote(str(settings))} /root/recipe.json",
            '--customize-hook=chroot "$1" python3 /root/customise.py /root/recipe.json',
            '--customize-hook=rm "$1/root/customise.py" "$1/root/recipe.json"',
            str(wanted.codename),
            str(tar),
            *wanted.sources,
        ]
        proxies = {key: value for key in PROXY_VARIABLES if (value := os.environ.get(key))}
        done = podman.run(as_root(argv, proxies), timeout=BUILD_TIMEOUT)
        if done.rc != 0:
            raise LabError(
                "this machine",
                f"mmdebstrap could not bootstrap {wanted.base}: {last_words(done.err)}",
                "see that this machine's own `apt-get update` works, then run the command again",
            )
        podman("import", "--change", 'CMD ["/sbin/init"]', str(tar), wanted.image, timeout=BUILD_TIMEOUT)


def build_from_registry(podman: Podman, wanted: Recipe) -> None:
    """Make an image from a distribution's registry image."""
    pulled = podman.ask("pull", "--quiet", str(wanted.registry_image), timeout=BUILD_TIMEOUT)
    if pulled.rc != 0:
        raise LabError(
            f"LAB_BASE={wanted.base}",
            f"no image registry gave {wanted.registry_image} ({last_words(pulled.err)})",
            "unset LAB_BASE for the bases that need no registry (debian-13, debian-12)",
        )
    with scratch(wanted.base) as folder:
        (folder / "recipe.json").write_text(json.dumps(wanted.settings))
        shutil.copy(CUSTOMISE, folder)
        # A build runs containers as well, but of an image that cannot boot yet.
        working = probe.find(
            folder / "containers.conf", podman.run, lambda way: probe.starts(way, str(wanted.registry_image))
        )
        arguments = [f"BASE={wanted.registry_image}", f"PACKAGES={' '.join(wanted.packages)}"]
        flags = [flag for argument in arguments for flag in ("--build-arg", argument)]
        where = ["--file", str(CONTAINERFILE), "--tag", wanted.image]
        working("build", "--quiet", *where, *flags, str(folder), timeout=BUILD_TIMEOUT)


def ours(podman: Podman) -> list[str]:
    """Return all base images of this project."""
    listing = json.loads(podman("images", "--format", "json") or "[]")
    names = [name for image in listing for name in image.get("Names") or []]
    return sorted(name for name in names if name.startswith(REPOSITORY + "/"))


def prune(podman: Podman) -> None:
    """Remove the images of older recipes, but none that a container of another lab still uses."""
    current = {recipe(base).image for base in bases()}
    for name in ours(podman):
        if name not in current:
            podman.ask("rmi", name)  # refused where a container uses it: then it stays
    # A later copy of the same host took the name of an earlier one.
    podman.ask("image", "prune", "--force", "--filter", f"label={COPY}")


def base_of(image: str) -> str:
    """Return the base that an image's name carries."""
    return image.removeprefix(REPOSITORY + "/").split(":")[0]


def purge(podman: Podman) -> list[str]:
    """Remove all base images that no container uses; return those that had to stay."""
    return [name for name in ours(podman) if podman.ask("rmi", name).rc != 0]
