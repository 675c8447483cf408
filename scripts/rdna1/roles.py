"""What the roles say of themselves: their public variables, and the README made of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import yaml

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Variable:
    """A public variable: its option in ``meta/argument_specs.yml`` and its value in ``defaults/main.yml``."""

    name: str
    spec: dict[str, Any]
    default: Any

    @property
    def type(self) -> str:
        """Its type as Ansible writes it, with the elements of a list."""
        kind = str(self.spec.get("type", "str"))
        return f"{kind} of {self.spec['elements']}" if "elements" in self.spec else kind

    @property
    def shown_default(self) -> str:
        """Its default as one line of YAML."""
        if self.spec.get("required"):
            return "*required*"
        text = (
            yaml.safe_dump(self.default, default_flow_style=True, width=10_000)
            .removesuffix("\n...\n")
            .strip()
        )
        return "`" + text.replace("|", "\\|") + "`"

    @property
    def description(self) -> str:
        """Its description as one paragraph of Markdown, with the choices."""
        words = self.spec["description"]
        text = words if isinstance(words, str) else " ".join(words)
        choices = ", ".join(f"`{choice}`" for choice in self.spec.get("choices", []))
        return markdown(text).replace("|", "\\|") + (f" One of {choices}." if choices else "")


@dataclass(frozen=True)
class Role:
    """A role of the collection, read from its folder."""

    path: Path

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def spec(self) -> dict[str, Any]:
        """The main entry point's argument spec."""
        specs: dict[str, Any] = yaml.safe_load((self.path / "meta/argument_specs.yml").read_text())[
            "argument_specs"
        ]
        return dict(specs["main"])

    @property
    def defaults(self) -> dict[str, Any]:
        """What defaults/main.yml sets."""
        return yaml.safe_load((self.path / "defaults/main.yml").read_text()) or {}

    @property
    def variables(self) -> list[Variable]:
        """Its public variables, in the order of its argument spec."""
        options: dict[str, dict[str, Any]] = self.spec.get("options", {})
        return [Variable(name, spec, self.defaults.get(name)) for name, spec in options.items()]

    def readme(self) -> str:
        """Render README.md from the argument spec, the defaults and the hand-written docs.md."""
        words = self.spec["description"]
        notes = self.path / "docs.md"
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(TEMPLATES),
            trim_blocks=True,
            keep_trailing_newline=True,
            autoescape=jinja2.select_autoescape(),
        )
        return environment.get_template("role.md.j2").render(
            role=self,
            summary=markdown(self.spec["short_description"]),
            paragraphs=[markdown(words)] if isinstance(words, str) else [markdown(text) for text in words],
            notes=notes.read_text().strip() if notes.exists() else "",
        )


def markdown(text: str) -> str:
    """Ansible's C(code) as Markdown's."""
    return re.sub(r"C\(([^)]*)\)", r"`\1`", " ".join(text.split()))


def find_roles(root: Path) -> list[Role]:
    """All roles of a checkout, by name."""
    return [Role(path.parent) for path in sorted(root.glob("roles/*/meta"))]
