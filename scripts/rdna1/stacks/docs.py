"""docs/stacks.md: the stacks and the policies, from their own data."""

from __future__ import annotations

from pathlib import Path

import jinja2

from rdna1.stacks import model, policies


def render_stacks_docs() -> str:
    """Return docs/stacks.md for this checkout."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=jinja2.select_autoescape(),
    )
    return environment.get_template("stacks.md.j2").render(
        stacks=model.load_all(), policies=list(policies.load().values()), allow=model.ALLOW
    )
