"""`rdna1 docs`: write what is generated from the roles, or say where it has drifted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ROOT = Path(__file__).parents[2]


def docs(
    check: Annotated[bool, typer.Option(help="Write nothing; exit 1 where a file has drifted.")] = False,
) -> None:
    """Write the roles' README files, docs/apt.md and docs/stacks.md from the data that they describe."""
    # Not above: nobody else should wait for these.
    from rdna1.apt_docs import render_apt_docs
    from rdna1.roles import find_roles
    from rdna1.stacks.docs import render_stacks_docs

    pages = {role.path / "README.md": role.readme() for role in find_roles(ROOT)}
    pages[ROOT / "docs/apt.md"] = render_apt_docs(ROOT)
    pages[ROOT / "docs/stacks.md"] = render_stacks_docs()
    drifted = []
    for path, wanted in pages.items():
        if not path.exists() or path.read_text() != wanted:
            drifted.append(path)
            if not check:
                path.write_text(wanted)
    for path in drifted:
        name = path.relative_to(ROOT)
        typer.echo(
            f"{name} does not match what it is made from; run: rdna1 docs" if check else f"wrote {name}",
            err=check,
        )
    raise typer.Exit(1 if check and drifted else 0)
