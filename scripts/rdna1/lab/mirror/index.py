"""Lays wheels out as an index that pip understands (PEP 503)."""

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote

from rdna1.lab.mirror.lock import normalise


def build(wheels: Mapping[Path, str], root: Path) -> None:
    """Write the index of wheels (file and sha256) below root."""
    projects: dict[str, list[tuple[Path, str]]] = {}
    for file, sha256 in sorted(wheels.items()):
        projects.setdefault(normalise(file.name.split("-")[0]), []).append((file, sha256))
    root.mkdir(parents=True)
    for project, files in projects.items():
        folder = root / project
        folder.mkdir()
        for file, _ in files:
            link(file, folder / file.name)
        (folder / "index.html").write_text(page(project, (reference(file.name, sha) for file, sha in files)))
    (root / "index.html").write_text(page("simple index", (f"{project}/" for project in sorted(projects))))


def reference(name: str, sha256: str) -> str:
    """Return the link to a wheel; a local version's "+" is escaped, as PyTorch's own index does."""
    return f"{quote(name)}#sha256={sha256}"


def page(title: str, links: Iterable[str]) -> str:
    """Return one page of the index."""
    anchors = "".join(f'<a href="{target}">{target.partition("#")[0]}</a><br>\n' for target in links)
    head = f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body>"
    return f"{head}\n{anchors}</body></html>\n"


def link(source: Path, target: Path) -> None:
    """Put a file into the tree without a second copy of its bytes, where the file system allows that."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
