"""The page as text: everything escaped, nothing fetched. tests/report opens it in a browser."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from rdna1.report import page
from rdna1.report.document import build
from rdna1.runs import model

from tests.report import sample


class Elements(HTMLParser):
    """Every element of a page with its attributes, and the text inside of some."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, list[str]] = {"script": [], "style": []}
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag in self.inside:
            self._open = tag
            self.inside[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._open:
            self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open:
            self.inside[self._open][-1] += data

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.found)


def rendered(hosts: int = 12, *, evil: bool = False) -> str:
    run, found = sample.run(hosts)
    if evil:
        sample.hostile(run, found)
    return page.render(build(run, found))


def test_hostile_texts_become_no_elements() -> None:
    plain, evil = Elements(rendered()), Elements(rendered(evil=True))
    assert sample.HOSTILE not in rendered(evil=True)
    assert plain.count("script") == evil.count("script") == 1
    assert evil.count("img") == 0
    for _, attributes in evil.found:
        assert not [name for name in attributes if name.startswith("on")]


def test_nothing_is_fetched() -> None:
    for _, attributes in Elements(rendered(evil=True)).found:
        for name in ("src", "href", "action", "data", "srcset"):
            link = attributes.get(name)
            assert link is None or link.startswith("#") or link == "data:,", link
    text = rendered()
    assert "@import" not in text
    assert re.findall(r"url\(", text) == []


def test_only_the_page_s_own_script_and_style_may_run() -> None:
    elements = Elements(rendered(evil=True))
    (policy,) = [
        one["content"] for tag, one in elements.found if one.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    for name in ("script", "style"):
        (text,) = elements.inside[name]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in policy
    # An attribute of this name would be refused by the policy above.
    assert not [tag for tag, attributes in elements.found if "style" in attributes]


def test_every_host_and_every_reason_is_there() -> None:
    run, hosts = sample.run(12)
    text = page.render(build(run, hosts))
    for name in hosts:
        assert f">{name}</button>" in text
    for wave in run.waves:
        assert wave.gate is None or wave.gate.reason in text
    assert "don&#39;t have enough free space" in text
    assert "torch: 2.2.2+rocm5.7 found, 1.13.1+rocm5.2 wanted" in text
    for said in (run.who, run.control_host, run.inventory.sha256, "ansible-core 2.21.5", sample.LOCK):
        assert said in text


def test_what_only_stands_in_says_so() -> None:
    text = rendered()
    assert "Not measured on cards." in text
    assert '<span class="badge">simulated</span>' in text
    assert '<span class="badge">stand-in</span>' in text
    assert "simulated cards, stand-in torch" in text
    real = page.render(build(*sample.run(12, simulated=False)))
    assert "simulated" not in re.sub(r"<style>.*?</style>", "", real, flags=re.DOTALL)
    assert "Not measured on cards." not in real


def test_headers_and_labels_are_for_everybody() -> None:
    elements = Elements(rendered())
    assert all(one.get("scope") in ("col", "row") for tag, one in elements.found if tag == "th")
    labelled = {one["aria-labelledby"] for tag, one in elements.found if tag == "section"}
    assert labelled <= {one.get("id") for tag, one in elements.found if tag == "h2"}
    ids = [one["id"] for _, one in elements.found if one.get("id")]
    assert len(ids) == len(set(ids))


def test_a_run_that_has_only_begun_can_be_shown() -> None:
    run, _ = sample.run(12)
    run.state, run.ended, run.waves, run.commit = "running", None, [], None
    text = page.render(build(run, {}))
    assert "not yet" in text
    assert "0 of 0" in text


@pytest.mark.parametrize("field", ["verdict", "prior", "restored", "before", "after"])
def test_a_document_of_another_version_can_be_shown(field: str) -> None:
    """What a verdict or a plan says may lack anything."""
    run, _ = sample.run(12)
    known: dict[str, Any] = {field: {"schema": "rdna1.another/9"}}
    host = model.Host("a", state="ok", wave=1, **known)
    assert ">a</button>" in page.render(build(run, {"a": host}))


def test_what_is_still_to_come_is_not_called_a_failure() -> None:
    run, hosts = sample.run(12)
    text = page.render(build(run, hosts))
    assert "<p>6 hosts did not pass, and 3 more are still to come. Go on with" in text
    run.state = "running"
    begun = {name: model.Host(name, wave=host.wave) for name, host in hosts.items()}
    text = page.render(build(run, begun))
    assert "<p>12 hosts are still to come. The run is still going.</p>" in text
    assert "--resume" not in text
    assert "Nobody has looked at it." in text


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, ""),
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (59.4, "59 s"),
        (60, "1 min 0 s"),
        (3599.6, "1 h 0 min"),
        (7260, "2 h 1 min"),
    ],
)
def test_durations(seconds: float | None, said: str) -> None:
    assert page.duration(seconds) == said


def test_times_are_shown_in_utc() -> None:
    assert page.moment("2026-11-21T10:00:00+01:00") == "2026-11-21 09:00:00"
    assert page.moment("yesterday") == "yesterday"
    assert page.moment(None) == ""


def test_a_state_that_nobody_knows_is_not_shown_as_good() -> None:
    assert page.tone("excellent") == "odd"
    assert {page.tone(state) for state in model.PASSED} == {"good", "odd"}
    assert "good" not in {page.tone(state) for state in model.FAILED}


def test_reasons_stand_in_the_order_of_the_chain() -> None:
    run, hosts = sample.run(12)
    (host,) = (one for one in build(run, hosts).hosts if one.host == "render-001.example.org")
    assert [(role, len(found)) for role, found in page.reasons(host).items()] == [
        ("rocm", 2),
        ("pytorch_venv", 1),
        ("rocm_environment", 1),
    ]
