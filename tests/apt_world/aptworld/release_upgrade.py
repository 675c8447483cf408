"""What do-release-upgrade makes of a provisioned host, as far as apt is concerned.

[C] Read in its source, ubuntu-release-upgrader for 24.04: third-party entries become deb822 with
``Enabled: no``, without their Signed-By and Architectures, and each file as it was stays beside it as
NAME.distUpgrade; preferences and the rest of /etc/apt stay; what the new release no longer has goes, unless
somebody answers the question with no.
"""

from __future__ import annotations

import re
from pathlib import Path

from aptworld.hosts import Builder, Found
from aptworld.roles import Host
from aptworld.world import World

STAYS = ("apt.conf.d", "keyrings", "preferences.d")
LOST = re.compile(r"(?m)^(Signed-By|Architectures): .*\n")


def upgrade(host: Host, found: Found, builder: Builder, root: Path) -> World:
    """Return the host on the new release, which ``found`` describes."""
    world = builder.build(found, root)
    for folder in STAYS:
        for path in sorted((host.world.root / "etc/apt" / folder).glob("*")):
            (root / "etc/apt" / folder).mkdir(exist_ok=True)
            (root / "etc/apt" / folder / path.name).write_bytes(path.read_bytes())
    for path in sorted((host.world.root / "etc/apt/sources.list.d").glob("*.sources")):
        before = path.read_text()
        world.put(f"etc/apt/sources.list.d/{path.name}.distUpgrade", before)
        text = LOST.sub("", before).replace("Types:", "Enabled: no\nTypes:")
        world.put(f"etc/apt/sources.list.d/{path.name}", text)

    new = {stanza.name for stanza in builder.archives[found.own].packages()}
    old = {(stanza.name, stanza.version) for stanza in builder.archives[host.found.own].packages()}
    own = {name for name, stanza in host.world.installed.items() if (name, stanza.version) in old}
    world.local = dict(host.world.local)
    for name, stanza in host.world.installed.items():
        world.installed[name] = world.find(name, archive=found.own) if name in own & new else stanza
    world.automatic = set(host.world.automatic)
    world.write_status()
    if not found.keeps_obsolete:
        # No hold is in the way: what depends on an obsolete package goes with it.
        world.apply(world.simulate("remove", *sorted(own - new)))
    world.hold(host.world.held & world.installed.keys())
    return world
