"""Read hand-written JSON strictly: a mistake gets one sentence with the file, the key and what is allowed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from conv2d_verify.errors import UsageError


class Fields:
    """One JSON object of a file; every key must be asked for before `done`, or it is a stranger."""

    def __init__(self, source: str, value: object, path: str = "") -> None:
        self.source = source
        self.path = path
        if not isinstance(value, dict):
            raise UsageError(f"{source}: {path or 'the file'} must be an object, not {_kind(value)}.")
        self._value: dict[str, Any] = value
        self._asked: set[str] = set()

    def wrong(self, key: str, allowed: str) -> UsageError:
        """Return the sentence for a key whose value is not allowed."""
        found = json.dumps(self._value.get(key))
        return UsageError(f"{self.source}: key {self.at(key)} is {found}; allowed: {allowed}.")

    def at(self, key: str) -> str:
        """Return the full name of a key, on one line whatever is in it."""
        name = key if key.isprintable() else json.dumps(key)
        return f"{self.path}.{name}" if self.path else name

    def has(self, key: str) -> bool:
        """Say whether the key is there at all."""
        return key in self._value

    def _take(self, key: str) -> Any:
        self._asked.add(key)
        return self._value.get(key)

    def text(self, key: str, default: str | None = None, choices: tuple[str, ...] = ()) -> str:
        """Take a string, one of `choices` where there are any."""
        allowed = "one of " + ", ".join(choices) if choices else "a text"
        if not self.has(key) and default is not None:
            self._asked.add(key)
            return default
        value = self._take(key)
        if not isinstance(value, str) or not value or (choices and value not in choices):
            raise self.wrong(key, allowed)
        return value

    def whole(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """Take a whole number from low to high."""
        if not self.has(key) and default is not None:
            self._asked.add(key)
            return default
        value = self._take(key)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self.wrong(key, f"a whole number from {low} to {high}")
        return value

    def number(self, key: str, low: float, high: float, default: float | None = None) -> float:
        """Take a number from low to high."""
        if not self.has(key) and default is not None:
            self._asked.add(key)
            return default
        value = self._take(key)
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not low <= value <= high:
            raise self.wrong(key, f"a number from {low:g} to {high:g}")
        return float(value)

    def flag(self, key: str, default: bool) -> bool:
        """Take true or false."""
        value = self._take(key) if self.has(key) else default
        self._asked.add(key)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def objects(self, key: str) -> list[Fields]:
        """Take a list of objects; an absent key is an empty list."""
        value = self._take(key) if self.has(key) else []
        self._asked.add(key)
        if not isinstance(value, list):
            raise self.wrong(key, "a list of objects")
        return [Fields(self.source, item, f"{self.at(key)}[{n}]") for n, item in enumerate(value)]

    def inner(self, key: str) -> Fields:
        """Take an object; an absent key is an empty one."""
        value = self._take(key) if self.has(key) else {}
        self._asked.add(key)
        return Fields(self.source, value, self.at(key))

    def texts(self, key: str) -> list[str]:
        """Take a list of strings; an absent key is an empty list."""
        value = self._take(key) if self.has(key) else []
        self._asked.add(key)
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            raise self.wrong(key, "a list of texts")
        return list(value)

    def wholes(self, key: str, low: int, high: int) -> list[int]:
        """Take a list of whole numbers from low to high; an absent key is an empty list."""
        value = self._take(key) if self.has(key) else []
        self._asked.add(key)
        good = isinstance(value, list) and all(
            isinstance(item, int) and not isinstance(item, bool) and low <= item <= high for item in value
        )
        if not good:
            raise self.wrong(key, f"a list of whole numbers from {low} to {high}")
        return list(value)

    def keys(self) -> list[str]:
        """Return the keys of an object whose keys are names, and count them all as asked for."""
        self._asked.update(self._value)
        return list(self._value)

    def raw(self, key: str) -> Any:
        """Take whatever stands there."""
        return self._take(key)

    def done(self) -> None:
        """Raise when a key is there that nobody asked for."""
        strangers = sorted(set(self._value) - self._asked)
        if strangers:
            known = ", ".join(sorted(self._asked))
            raise UsageError(
                f"{self.source}: key {self.at(strangers[0])} is not known; allowed here: {known}."
            )


def read(path: Path, schema: str) -> Fields:
    """Read a JSON file of the given schema."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: is not UTF-8 text, so not JSON.") from error
    except (json.JSONDecodeError, RecursionError) as error:
        where = (
            f"line {error.lineno}, column {error.colno}"
            if isinstance(error, json.JSONDecodeError)
            else "too deep"
        )
        raise UsageError(f"{path}: is not JSON ({where}).") from error
    fields = Fields(str(path), value)
    fields.text("schema", choices=(schema,))
    return fields


def _kind(value: object) -> str:
    names = {list: "a list", str: "a text", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(value), "nothing" if value is None else type(value).__name__)
