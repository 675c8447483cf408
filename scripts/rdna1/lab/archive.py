"""Which Debian archive the lab uses: the one that this machine itself is installed from."""

import re
from pathlib import Path

ONE_LINE = re.compile(r"deb\s+(?:\[.*?\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s")
FIELD = re.compile(r"(?P<name>[A-Za-z-]+):\s*(?P<value>.*)")


def entries(etc_apt: Path) -> list[tuple[str, str]]:
    """Return (URI, suite) of every binary source, in both of apt's formats."""
    found: list[tuple[str, str]] = []
    for path in [etc_apt / "sources.list", *sorted((etc_apt / "sources.list.d").glob("*.list"))]:
        if path.exists():
            found += [(m["uri"], m["suite"]) for m in map(ONE_LINE.match, path.read_text().splitlines()) if m]
    for path in sorted((etc_apt / "sources.list.d").glob("*.sources")):
        for stanza in re.split(r"\n\s*\n", path.read_text()):
            fields = {
                m["name"].lower(): m["value"].split() for m in map(FIELD.match, stanza.splitlines()) if m
            }
            if "deb" in fields.get("types", []) and fields.get("enabled") != ["no"]:
                found += [
                    (uri, suite) for uri in fields.get("uris", []) for suite in fields.get("suites", [])
                ]
    return found


def own(etc_apt: Path, os_release: Path) -> tuple[str, str] | None:
    """Return this machine's (archive, security archive); None where it is no Debian or has no plain URLs."""
    release = dict(line.split("=", 1) for line in os_release.read_text().splitlines() if "=" in line)
    codename = release.get("VERSION_CODENAME", "").strip('"')
    if release.get("ID", "").strip('"') != "debian":
        return None
    by_suite = {
        suite: uri.rstrip("/")
        for uri, suite in reversed(entries(etc_apt))
        if uri.startswith(("http://", "https://"))
    }
    archive, security = by_suite.get(codename), by_suite.get(f"{codename}-security")
    return (archive, security) if archive and security else None


def one_line_sources(archives: tuple[str, str], codename: str, components: list[str]) -> list[str]:
    """Return the sources of a fresh installation of a release, as mmdebstrap takes them."""
    archive, security = archives
    places = [(archive, codename), (archive, f"{codename}-updates"), (security, f"{codename}-security")]
    return [f"deb {uri} {suite} {' '.join(components)}" for uri, suite in places]
