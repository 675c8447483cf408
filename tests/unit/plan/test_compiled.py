"""What is compiled once gives what Ansible's own templating gives."""

from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.rdna1.provision.plugins.plugin_utils import compiled
from hypothesis import given, settings
from hypothesis import strategies as st

VARIABLES = {
    "name": "torch",
    "nested": trust_as_template("{{ name }}-{{ number + 1 }}"),
    "number": 41,
    "path": r"C:\new",
    "several": [1, 2, 3],
}
EXPRESSIONS = [
    "{{ name }}",
    "{{ nested }}",
    "{{ number }}",
    "{{ several | map('string') | list }}",
    "{% if number > 1 %}many\n{% endif %}after",
    "a {{ path }} b",
    r"{{ name | regex_replace('(t)o', '\1\1') }}",
    r"{{ 'one\ttwo' }}",
    "{{ {'a': nested} }}",
]


def plain() -> Any:
    return Templar(loader=DataLoader(), variables=dict(VARIABLES))


@pytest.fixture(autouse=True)
def _nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "CODE", {})


def test_this_ansible_can_share() -> None:
    assert compiled.ENVIRONMENT is not None, "ansible-core keeps its environment elsewhere: see compiled.py"


@settings(deadline=None, max_examples=20)
@given(st.lists(st.tuples(st.sampled_from(EXPRESSIONS), st.booleans()), min_size=2, max_size=6))
def test_shared_and_plain_agree(texts: list[tuple[str, bool]]) -> None:
    shared = compiled.share(plain())
    for text, escape in texts:
        template = trust_as_template(text)
        wanted = plain().template(template, escape_backslashes=escape)
        assert shared.template(template, escape_backslashes=escape) == wanted


def test_a_text_is_compiled_once_for_all_hosts() -> None:
    compiled.warm(DataLoader(), {True: EXPRESSIONS})
    known = dict(compiled.CODE)
    assert len(known) == len(EXPRESSIONS)
    shared = compiled.share(plain())
    for text in EXPRESSIONS:
        shared.template(trust_as_template(text))
    assert all(compiled.CODE[key] is code for key, code in known.items())


def test_settings_of_a_templates_own_are_not_shared() -> None:
    shared = compiled.share(plain())
    text = "{% if true %}\nline\n{% endif %}\n"
    before = shared.template(trust_as_template(text))
    own = {"trim_blocks": False}
    other = shared.template(trust_as_template(text), overrides=own)
    assert before != other == plain().template(trust_as_template(text), overrides=own)


def test_a_text_that_is_not_trusted_stays_a_text() -> None:
    compiled.warm(DataLoader(), {True: ["{{ name }}"]})
    assert compiled.share(plain()).template("{{ name }}") == "{{ name }}"


def test_a_wrong_text_fails_where_it_is_used() -> None:
    compiled.warm(DataLoader(), {True: ["{{ name"]})
    with pytest.raises(Exception, match=r"[Ss]yntax error"):
        compiled.share(plain()).template(trust_as_template("{{ name"))


def test_what_was_compiled_is_there_for_the_next_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {True: EXPRESSIONS, False: EXPRESSIONS}
    compiled.warm(DataLoader(), texts, cache=tmp_path / "cache")
    compiled.CODE.clear()
    monkeypatch.setattr(compiled, "Templar", lambda **_: pytest.fail("it was compiled again"))
    compiled.warm(DataLoader(), texts, cache=tmp_path / "cache")
    monkeypatch.undo()
    shared = compiled.share(plain())
    for text in EXPRESSIONS:
        assert shared.template(trust_as_template(text)) == plain().template(trust_as_template(text))


@pytest.mark.parametrize("damage", [b"", b"nonsense", b"\xe9\x01\x00\x00\x00"])
def test_a_cache_that_was_damaged_or_cannot_be_written_is_passed_over(tmp_path: Path, damage: bytes) -> None:
    compiled.warm(DataLoader(), {True: EXPRESSIONS}, cache=tmp_path)
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(damage)
    compiled.CODE.clear()
    compiled.warm(DataLoader(), {True: EXPRESSIONS}, cache=tmp_path)
    assert len(compiled.CODE) == len(EXPRESSIONS)
    (tmp_path / "file").touch()
    compiled.warm(DataLoader(), {True: EXPRESSIONS}, cache=tmp_path / "file/below")


def test_only_what_was_compiled_last_is_kept(tmp_path: Path) -> None:
    compiled.warm(DataLoader(), {True: EXPRESSIONS}, cache=tmp_path)
    compiled.warm(DataLoader(), {True: EXPRESSIONS[1:]}, cache=tmp_path)
    assert len(list(tmp_path.iterdir())) == 1
    assert tmp_path.stat().st_mode & 0o077 == 0
