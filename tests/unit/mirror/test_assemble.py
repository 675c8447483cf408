"""The tree is made aside and swapped in; it is kept until something that it is made of changes."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from rdna1.lab.mirror import assemble, signing

CONTENT = {
    "key_fingerprint": "ABC",
    "locks": {"rocm52": "locks/rocm52.txt"},
    "standalone_url_path": "python/x.tar.gz",
    "standalone_sha256": "d" * 64,
    "standalone_release": "3.10.13",
}


class Builder:
    """Takes the place of the long part of a build."""

    def __init__(self) -> None:
        self.built = 0
        self.fails = False
        self.full_size = False

    def __call__(self, root: Path, cache: Path, key: signing.Key, *, full_size: bool) -> dict[str, Any]:
        assert cache.is_dir()
        assert key.fingerprint
        self.built += 1
        self.full_size = full_size
        (root / "half").write_text(str(self.built))
        if self.fails:
            raise KeyboardInterrupt
        return json.loads(json.dumps(CONTENT))  # type: ignore[no-any-return]


@pytest.fixture
def builder(monkeypatch: pytest.MonkeyPatch, key: signing.Key) -> Builder:
    made = Builder()
    monkeypatch.setattr(assemble, "_fill", made)
    monkeypatch.setattr(signing, "obtain", lambda _: key)
    return made


def test_facts(builder: Builder, tmp_path: Path) -> None:
    facts = assemble.build(tmp_path / "www", cache=tmp_path / "cache")
    assert builder.built == 1
    assert facts.requirements == {
        "rocm52": tmp_path / "www/locks/rocm52.txt",
        "cpu_reference": assemble.STACKS / "cpu_reference/requirements.txt",
    }
    assert (facts.standalone_url_path, facts.standalone_release) == ("python/x.tar.gz", "3.10.13")


def test_nothing_is_built_twice(builder: Builder, tmp_path: Path) -> None:
    first = assemble.build(tmp_path / "www", cache=tmp_path / "cache")
    assert assemble.build(tmp_path / "www", cache=tmp_path / "cache") == first
    assert builder.built == 1


@pytest.mark.parametrize("changed", ["CODE", "STANDINS", "STACKS"])
def test_a_changed_source_builds_again(
    builder: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    assemble.build(tmp_path / "www", cache=tmp_path / "cache")
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "new.yml").write_text("new: true\n")
    for stack in assemble.SERVED:
        (copy / stack).mkdir()
        (copy / stack / "requirements.txt").write_text("")
    monkeypatch.setattr(assemble, changed, copy)
    assemble.build(tmp_path / "www", cache=tmp_path / "cache")
    assert builder.built == 2


def test_an_interrupted_build_leaves_the_old_tree_and_is_made_up_for(
    builder: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    www = tmp_path / "www"
    assemble.build(www, cache=tmp_path / "cache")
    monkeypatch.setattr(assemble, "_recipe", lambda _, full_size: f"another{full_size}")
    builder.fails = True
    with pytest.raises(KeyboardInterrupt):
        assemble.build(www, cache=tmp_path / "cache")
    assert (www / "half").read_text() == "1"
    builder.fails = False
    assemble.build(www, cache=tmp_path / "cache")
    assert (www / "half").read_text() == "3"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("www")] == ["www"]


def test_a_tree_without_its_mark_is_not_finished(builder: Builder, tmp_path: Path) -> None:
    assemble.build(tmp_path / "www", cache=tmp_path / "cache")
    (tmp_path / "www" / assemble.MARK).unlink()
    assemble.build(tmp_path / "www", cache=tmp_path / "cache")
    assert builder.built == 2


def test_another_size_builds_again(builder: Builder, tmp_path: Path) -> None:
    for built, full_size in enumerate((False, True, True, False), 1):
        assemble.build(tmp_path / "www", cache=tmp_path / "cache", full_size=full_size)
        assert builder.full_size is full_size
        assert builder.built == (built if built < 3 else built - 1)


def test_without_full_size_the_recipe_is_only_of_the_sources_and_the_key(key: signing.Key) -> None:
    usual = assemble._recipe(key, full_size=False)
    assert re.fullmatch(rf"[0-9a-f]{{64}}{key.fingerprint}", usual)
    assert assemble._recipe(key, full_size=True) == f"{usual}+full-size"
