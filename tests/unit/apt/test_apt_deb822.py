"""Stanzas, against python-debian's reading of them."""

import string

import pytest
from ansible_collections.rdna1.provision.plugins.module_utils import apt_deb822
from debian.deb822 import Deb822
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.from_regex(r"[A-Z][A-Za-z-]{0,8}[a-z]", fullmatch=True)
LINES = st.text(string.ascii_letters + string.digits + ".,:/#()<>=~+ ", min_size=1, max_size=30).map(
    str.strip
)
VALUES = st.lists(LINES.filter(lambda line: line not in ("", ".")), min_size=1, max_size=3).map("\n".join)
FIELDS = st.dictionaries(NAMES, VALUES, min_size=1, max_size=5).filter(
    lambda fields: len({name.lower() for name in fields}) == len(fields)
)


def test_comments_and_blank_lines_do_not_matter() -> None:
    text = "# a header\n\n\n# of the stanza\nTypes: deb\n# inside\nURIs: a\n  b\n \n\nTypes: deb-src\n"
    assert list(apt_deb822.parse_all(text)) == [{"types": "deb", "uris": "a\nb"}, {"types": "deb-src"}]


def test_an_empty_line_of_a_value_is_a_dot() -> None:
    text = apt_deb822.render({"Signed-By": "-----BEGIN\n\nmQ==", "Empty": ""})
    assert text == "Signed-By: -----BEGIN\n .\n mQ==\n"
    assert apt_deb822.parse(text) == {"signed-by": "-----BEGIN\n\nmQ=="}


@pytest.mark.parametrize("text", ["", "\n\n", "# only this\n\n# and that\n"])
def test_nothing_is_no_stanza(text: str) -> None:
    assert apt_deb822.split_stanzas(text) == []


@given(st.lists(FIELDS, min_size=1, max_size=4))
def test_stanzas_round_trip(stanzas: list[dict[str, str]]) -> None:
    text = "\n".join(map(apt_deb822.render, stanzas))
    expected = [{name.lower(): value for name, value in fields.items()} for fields in stanzas]
    assert list(apt_deb822.parse_all(text)) == expected


@given(FIELDS)
def test_python_debian_reads_what_we_render(fields: dict[str, str]) -> None:
    read = Deb822(apt_deb822.render(fields))
    assert {name: "\n".join(map(str.strip, value.splitlines())) for name, value in read.items()} == fields
