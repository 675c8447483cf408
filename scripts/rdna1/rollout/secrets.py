"""Keeping vaulted values out of all that a run writes and shows."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

CENSORED = "********"
# What is shorter would also hit ordinary words and numbers, and is no secret worth the name.
SHORTEST = 4


class Scrubber:
    """Replaces secrets in texts and in documents."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets for form in spellings(secret)}
        # The longest first: one secret may hold another.
        ordered = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def text(self, text: str) -> str:
        """Return a text without secrets."""
        return self._pattern.sub(CENSORED, text) if self._pattern else text

    def document(self, document: Any) -> Any:
        """Return a JSON document without secrets, neither in values nor in keys."""
        if self._pattern is None:
            return document
        if isinstance(document, str):
            return self.text(document)
        if isinstance(document, dict):
            return {self.document(key): self.document(value) for key, value in document.items()}
        if isinstance(document, list):
            return [self.document(item) for item in document]
        if isinstance(document, int | float) and self._pattern.fullmatch(str(document)):
            return CENSORED
        return document


def spellings(secret: str) -> Iterator[str]:
    """Return how a secret may be met: whole, escaped as JSON and YAML do, and line by line."""
    for text in (secret, secret.strip(), *secret.splitlines()):
        if len(text) >= SHORTEST:
            yield text
            yield json.dumps(text)[1:-1]
            yield json.dumps(text, ensure_ascii=False)[1:-1]
            yield text.replace("'", "''")


def leaves(value: Any) -> Iterator[str]:
    """Return all texts and numbers in a value."""
    if isinstance(value, dict):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from leaves(item)
    elif value is not None and not isinstance(value, bool):
        yield str(value)
