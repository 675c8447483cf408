"""docs/run.schema.json, made from the data classes: `python -m rdna1.report.schema >docs/run.schema.json`."""

import dataclasses
import json
import types
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from rdna1.report.document import Document
from rdna1.runs import model

PLAIN: dict[object, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    Any: {},
    type(None): {"type": "null"},
}
# Beside what the classes say.
ABOUT = {
    "Run": "What runs/ID/run.json holds.",
    "Host": "What runs/ID/hosts/NAME.json holds.",
    "Document": "What `rdna1 report --json` writes: the run, its hosts, and what follows from them.",
}


def schema() -> dict[str, Any]:
    """Return the schema of a report, and in its $defs those of the files in a run's directory."""
    made: dict[str, Any] = {}
    for kind in (Document, model.Run, model.Host):
        _of(kind, made)
    made = {name: made[name] for name in sorted(made)}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": model.SCHEMA,
        "title": "A rollout, as rdna1 report writes it",
        "$ref": "#/$defs/Document",
        "$defs": made,
    }


def _of(kind: Any, made: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a type; classes are named, and put with what was made."""
    if kind in PLAIN:
        return PLAIN[kind]
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return {"enum": list(inner)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_of(one, made) for one in inner]}
    if origin is list:
        return {"type": "array", "items": _of(inner[0], made)}
    if origin is dict:
        # JSON has no keys but strings.
        return {"type": "object", "additionalProperties": _of(inner[1], made)}
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        _class(kind, made)
        return {"$ref": f"#/$defs/{kind.__name__}"}
    raise TypeError(f"no schema is known for {kind}")


def _class(kind: type, made: dict[str, Any]) -> None:
    module = kind.__module__
    if kind.__name__ in made:
        if made[kind.__name__]["$comment"] != module:
            raise TypeError(f"two classes are called {kind.__name__}: rename the one in {module}")
        return
    made[kind.__name__] = {"$comment": module}
    hints = get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]
    properties = {name: _of(hints[name], made) for name in names}
    if "schema" in properties:
        properties["schema"] = {"const": model.SCHEMA}
    about = ABOUT.get(kind.__name__) or (kind.__doc__ or "").splitlines()[0]
    made[kind.__name__] = {
        "$comment": module,
        "description": about,
        "type": "object",
        "properties": properties,
        "required": names,
        "additionalProperties": False,
    }


def text() -> str:
    """Return the file's content."""
    return json.dumps(schema(), indent=2) + "\n"


if __name__ == "__main__":
    print(text(), end="")
