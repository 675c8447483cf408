from pathlib import Path

import pytest
from rdna1.lab.mirror import release, repository, signing
from rdna1.lab.mirror.release import Release
from rdna1.lab.paths import CHECKOUT

STACKS = CHECKOUT / "stacks"


@pytest.fixture(scope="session")
def releases() -> dict[str, Release]:
    """The releases that the mirror serves, by version."""
    return {one.version: one for one in release.load(STACKS)}


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> signing.Key:
    """A key of the kind that the lab generates."""
    return signing.obtain(tmp_path_factory.mktemp("key"))


@pytest.fixture(scope="session")
def served(releases: dict[str, Release], key: signing.Key, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repositories, built."""
    root = tmp_path_factory.mktemp("www")
    for one in releases.values():
        repository.build(one, root / one.url_path, key)
    return root
