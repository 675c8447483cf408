# SPDX-License-Identifier: MIT
"""The kinds of things that roles manage: what to ask a host about each, and what differs from what is wanted.

A role names its things in ``__ROLE_desired`` (roles/ROLE/vars/main.yml), a list of dictionaries, each of
a ``kind`` in ``KINDS``. Pure functions: the question goes to the host (``module_utils/observation.py``), the
answer is judged here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ansible_collections.rdna1.provision.plugins.module_utils import (
    dpkg_standin,
    openpgp_key,
    tree_state,
    venv_lock,
    venv_state,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


class Difference(NamedTuple):
    """Something that is not as wanted."""

    item: str
    observed: str
    wanted: str
    reason: str


@dataclass(frozen=True)
class Kind:
    """How to ask about an item, and how to judge the answer."""

    ask: Callable[[Mapping[str, Any]], dict[str, Any]]
    judge: Callable[[Mapping[str, Any], Any], Iterator[Difference]]


# --- what lies in the file system -----------------------------------------------------------------


def _ask_path(item: Mapping[str, Any]) -> dict[str, Any]:
    return {"kind": "path", "path": item["path"]}


def _judge_file(item: Mapping[str, Any], seen: Any) -> Iterator[Difference]:
    wrong = _wrong_type(item["path"], "file", seen)
    if wrong:
        yield wrong
        return
    if seen["text"] != item["text"]:
        yield Difference(
            item["path"], "other content", "the role's content", _first_change(seen["text"], item["text"])
        )
    yield from _judge_access(item, seen)


def _judge_data(item: Mapping[str, Any], seen: Any) -> Iterator[Difference]:
    """A plain file whose content, and whether it is there, another item judges."""
    if seen is not None:
        wrong = _wrong_type(item["path"], "file", seen)
        if wrong:
            yield wrong
        else:
            yield from _judge_access(item, seen)


def _judge_directory(item: Mapping[str, Any], seen: Any) -> Iterator[Difference]:
    # A link to a directory is somebody's way to have more room.
    if seen is not None and seen["type"] == "link" and seen["leads_to_directory"]:
        return
    wrong = _wrong_type(item["path"], "directory", seen)
    if wrong:
        yield wrong
    else:
        yield from _judge_access(item, seen)


def _judge_link(item: Mapping[str, Any], seen: Any) -> Iterator[Difference]:
    # A link may lead on through others (update-alternatives) where only its end matters.
    end = "leads_to" if "leads_to" in item else "target"
    wanted = f"a link to {item[end]}"
    if seen is None:
        yield Difference(item["path"], "missing", wanted, "it is missing")
    elif seen["type"] != "link":
        yield Difference(
            item["path"], f"a {seen['type']}", wanted, f"it is a {seen['type']}, {wanted} is wanted"
        )
    elif seen[end] != item[end]:
        found = f"a link to {seen[end]}"
        yield Difference(item["path"], found, wanted, f"it is {found}, not to {item[end]}")


def _judge_absent(item: Mapping[str, Any], seen: Any) -> Iterator[Difference]:
    if seen is not None:
        yield Difference(
            item["path"], f"a {seen['type']}", "absent", item.get("reason", "it must not be there")
        )


def access(item: Mapping[str, Any]) -> dict[str, str]:
    """Mode, owner and group that an item's path shall have."""
    usual = {"mode": "0755" if item["kind"] == "directory" else "0644", "owner": "root", "group": "root"}
    return {field: item.get(field, value) for field, value in usual.items()}


def _judge_access(item: Mapping[str, Any], seen: Mapping[str, Any]) -> Iterator[Difference]:
    for field, wanted in access(item).items():
        if seen[field] != wanted:
            yield Difference(
                item["path"],
                f"{field} {seen[field]}",
                f"{field} {wanted}",
                f"{field} {seen[field]}, {wanted} wanted",
            )


def _wrong_type(path: str, wanted: str, seen: Any) -> Difference | None:
    if seen is None:
        return Difference(path, "missing", f"a {wanted}", "it is missing")
    if seen["type"] != wanted:
        found = f"a link to {seen['target']}" if seen["type"] == "link" else f"a {seen['type']}"
        return Difference(path, found, f"a {wanted}", f"it is {found}, a {wanted} is wanted")
    return None


def _first_change(before: str | None, after: str) -> str:
    if before is None:
        return "it is larger than anything that the role writes"
    old, new = before.splitlines(), after.splitlines()
    for number, line in enumerate(new):
        if number >= len(old) or old[number] != line:
            found = repr(old[number]) if number < len(old) else "missing"
            return f"line {number + 1} is {found}, {line!r} wanted"
    if len(old) > len(new):
        return f"line {len(new) + 1} is {old[len(new)]!r}, nothing wanted there"
    return "it ends with another line break"


def _judge_tree(item: Mapping[str, Any], seen: Any) -> Iterator[Difference]:
    belongs = {"owner": item.get("owner", "root"), "group": item.get("group", "root")}
    wanted: dict[str, dict[str, str]] = {
        folder: {"type": "directory", "mode": item.get("directory_mode", "0755"), **belongs}
        for folder in tree_state.folders(item["files"])
    }
    wanted |= {
        name: {"type": "file", "mode": item.get("mode", "0644"), **belongs, "sha256": digest}
        for name, digest in item["files"].items()
    }
    if seen is None:
        yield Difference(item["path"], "missing", "a directory", "it is missing")
        return
    if item.get("compiled"):
        seen = {name: entry for name, entry in seen.items() if not tree_state.is_compiled(name)}
    for name in sorted(wanted.keys() | seen.keys()):
        path = item["path"] if name == "." else f"{item['path']}/{name}"
        found, right = seen.get(name), wanted.get(name)
        if found == right:
            continue
        if right is None:
            yield Difference(path, f"a {found['type']}", "absent", "nobody wants it there")
        elif found is None:
            yield Difference(path, "missing", f"a {right['type']}", "it is missing")
        else:
            fields = ("type", "mode", "owner", "group", "sha256")
            field = next(field for field in fields if found.get(field) != right.get(field))
            words = {"sha256": "its content is another"}.get(
                field, f"{field} {found.get(field)}, {right.get(field)} wanted"
            )
            yield Difference(path, f"{field} {found.get(field)}", f"{field} {right.get(field)}", words)


# --- packages -------------------------------------------------------------------------------------


def _judge_packages(item: Mapping[str, Any], seen: Mapping[str, Any]) -> Iterator[Difference]:
    for spec in item["specs"]:
        name, _, version = spec.partition("=")
        yield from _judge_package(name, version, seen.get(name))


def _judge_package(name: str, version: str, found: Any) -> Iterator[Difference]:
    wanted = version or "installed"
    if found is None:
        yield Difference(f"package {name}", "missing", wanted, f"it is missing, {wanted} wanted")
    elif found["state"] != "installed":
        yield Difference(f"package {name}", found["state"], wanted, f"it is {found['state']}")
    elif version and found["version"] != version:
        yield Difference(
            f"package {name}", found["version"], version, f"{found['version']} found, {version} wanted"
        )


def standins(fields: Mapping[str, Mapping[str, Any]]) -> list[dpkg_standin.StandIn]:
    """Stand-ins as the module dpkg_standin takes them."""
    return [dpkg_standin.StandIn(name, **options) for name, options in fields.items()]


def _ask_standins(item: Mapping[str, Any]) -> dict[str, Any]:
    links = [path for standin in standins(item["standins"]) for path in standin.links]
    return {"kind": "standins", "names": list(item["standins"]), "links": links}


def _judge_standins(item: Mapping[str, Any], seen: Mapping[str, Any]) -> Iterator[Difference]:
    packages = seen["packages"]
    installed = {name: found["version"] for name, found in packages.items()}
    for standin in standins(item["standins"]):
        if standin.is_wanted(installed):
            yield from _judge_package(standin.name, standin.version, packages.get(standin.name))
        elif installed[standin.name] == standin.version:
            yield from _judge_package(standin.name, standin.version, packages[standin.name])
            for path in sorted(set(standin.links) & set(seen["missing"])):
                yield Difference(
                    path, "missing", "a link", f"the stand-in {standin.name} brought it, and it is gone"
                )


def _judge_build(_item: Mapping[str, Any], seen: Mapping[str, Any]) -> Iterator[Difference]:
    for name in seen["loose"]:
        yield Difference(f"package {name}", "not held", "held", "nothing keeps it from being upgraded")
    for name, path in sorted(seen["damaged"].items()):
        yield Difference(f"package {name}", f"without {path}", "whole", f"its file {path} is gone")
    for name, path in sorted(seen["edited"].items()):
        yield Difference(
            f"package {name}", f"another {path}", "whole", f"its file {path} is not as it was packed"
        )
    for spec, by in sorted(seen["unmet"].items()):
        name, _, version = spec.partition("=") if "|" not in spec else (spec, "", "")
        wanted = version or "installed"
        yield Difference(f"package {name}", "not as needed", wanted, f"{by} needs it, {wanted}")


def _judge_leftovers(_item: Mapping[str, Any], seen: Mapping[str, str]) -> Iterator[Difference]:
    for name, version in sorted(seen.items()):
        yield Difference(
            f"package {name}", version, "absent", f"{version} is of another build, and in the way"
        )


def _judge_donor(item: Mapping[str, Any], seen: Mapping[str, Mapping[str, str]]) -> Iterator[Difference]:
    for name, found in sorted(seen.items()):
        version, wanted = found["version"], found["wanted"]
        reason = (
            f"{version} is beyond what {item['donor']} has, {wanted} wanted"
            if name in item["listed"]
            else f"{version} is of {item['donor']} and not listed, {item['own']} has {wanted}"
        )
        yield Difference(f"package {name}", version, wanted, reason)


def _judge_retired(_item: Mapping[str, Any], seen: Any) -> Iterator[Difference]:
    for file in seen:
        entries = "; ".join(file["entries"])
        yield Difference(file["path"], entries, "absent", f"it contradicts the role's own ({entries})")


def _judge_archives(item: Mapping[str, Any], seen: Any) -> Iterator[Difference]:
    if not seen and item["needed"]:
        yield Difference(
            f"archive of {item['codename']}",
            "not found",
            "known",
            "no source in /etc/apt is surely the release's own",
        )


def _judge_signing_key(item: Mapping[str, Any], seen: Any) -> Iterator[Difference]:
    wanted = openpgp_key.normalise_fingerprint(item["fingerprint"])
    if not seen:
        yield Difference(item["path"], "missing", wanted, "there is no key that can be read")
        return
    found = ", ".join(key["fingerprint"] for key in seen)
    if found != wanted:
        yield Difference(item["path"], found, wanted, f"it holds {found}, {wanted} wanted")
    for state in ("revoked", "expired"):
        if found == wanted and seen[0][state]:
            yield Difference(item["path"], state, "good", f"the key is {state}")


# --- accounts -------------------------------------------------------------------------------------


def _judge_group(item: Mapping[str, Any], seen: Any) -> Iterator[Difference]:
    if seen is None:
        yield Difference(f"group {item['name']}", "missing", "there", "it is missing")


def _judge_account(item: Mapping[str, Any], seen: Any) -> Iterator[Difference]:
    what = f"user {item['name']}"
    if seen is None:
        yield Difference(what, "missing", "there", "the account is missing")
        return
    for field in ("home", "shell"):
        if field in item and seen[field] != item[field]:
            yield Difference(
                what,
                f"{field} {seen[field]}",
                f"{field} {item[field]}",
                f"{field} {seen[field]}, {item[field]} wanted",
            )
    for group in item["groups"]:
        if group not in seen["groups"]:
            yield Difference(what, f"not in {group}", f"in {group}", f"is not in the group {group}")


def _judge_start_lines(_item: Mapping[str, Any], seen: Any) -> Iterator[Difference]:
    for line in seen:
        yield Difference(
            line["path"],
            f"line {line['number']}",
            "taken out",
            f"line {line['number']}, {line['text']!r}, wins over the role in {line['user']}'s shells",
        )


# --- the venv, the policy, the card, the verdict --------------------------------------------------


def _ask_venv(item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "kind": "venv",
        "root": item["root"],
        "name": venv_lock.identity(item["lock"])[:12],
        "deep": item["deep"],
    }


def _judge_venv(item: Mapping[str, Any], seen: Any) -> Iterator[Difference]:
    identity = venv_lock.identity(item["lock"])
    layout = venv_state.Layout(Path(item["root"]), identity[:12])
    wanted = venv_state.Wanted(identity, venv_lock.parse(item["lock"]), item["interpreter"], item["keep"])
    for difference in venv_state.differences(layout, seen, wanted):
        place = layout.current if difference.action == venv_state.SWITCH else layout.venv
        yield Difference(str(place), "not as wanted", f"lock {layout.name}", difference.reason)


def _judge_venv_beside(item: Mapping[str, Any], seen: Any) -> Iterator[Difference]:
    """One that is not in use: whether `current` leads to it, and what is kept, is the other one's."""
    theirs = (venv_state.SWITCH, venv_state.PRUNE)
    identity = venv_lock.identity(item["lock"])
    layout = venv_state.Layout(Path(item["root"]), identity[:12])
    wanted = venv_state.Wanted(identity, venv_lock.parse(item["lock"]), item["interpreter"], 0)
    for difference in venv_state.differences(layout, seen, wanted):
        if difference.action not in theirs:
            yield Difference(str(layout.venv), "not as wanted", f"lock {layout.name}", difference.reason)


def _judge_record(item: Mapping[str, Any], seen: Any) -> Iterator[Difference]:
    if seen is None:
        yield Difference(item["path"], "missing", "a record", "nothing is recorded")
        return
    if not isinstance(seen, dict):
        yield Difference(item["path"], "no record", "a record", "it holds something else")
        return
    for field in sorted(seen.keys() | item["content"].keys()):
        if seen.get(field) != item["content"].get(field):
            found, wanted = _word(seen.get(field)), _word(item["content"].get(field))
            yield Difference(
                item["path"], f"{field} {found}", f"{field} {wanted}", f"{field} is {found}, {wanted} wanted"
            )


def _judge_manifest(item: Mapping[str, Any], seen: Any) -> Iterator[Difference]:
    """What the chain noted when it last came to an end, beside what it would note now."""
    if isinstance(seen, dict) and "state" not in item["content"]:
        seen = {field: value for field, value in seen.items() if field != "state"}
    yield from _judge_record({**item, "content": _flat(item["content"])}, _flat(seen))


def _flat(manifest: Any) -> Any:
    """Its state field by field; anything else as it is."""
    if not isinstance(manifest, dict) or not isinstance(manifest.get("state"), dict):
        return manifest
    return {**{field: value for field, value in manifest.items() if field != "state"}, **manifest["state"]}


def _word(value: Any) -> str:
    """A value as a person reads it."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {_word(inner)}" for key, inner in sorted(value.items())) or "nothing"
    if isinstance(value, list):
        return ", ".join(map(_word, value)) or "nothing"
    return "nothing" if value is None else str(value)


def _judge_unmatched(item: Mapping[str, Any], seen: Any) -> Iterator[Difference]:
    for path in seen:
        if path not in item["wanted"]:
            yield Difference(path, "there", "absent", item["reason"])


def _judge_card(item: Mapping[str, Any], seen: Mapping[str, Any]) -> Iterator[Difference]:
    for card in seen["unserved"]:
        if not seen["cards"]:
            yield Difference(
                "card", f"{card['board']} without a driver", "served", "the compute driver did not take it"
            )
    if not seen["cards"]:
        found = ", ".join(card["gfx"] for card in seen["others"]) or "no AMD compute device"
        yield Difference("card", found, ", ".join(item["targets"]), f"sysfs shows {found}")
    if not seen["device"]:
        yield Difference(item["device"], "missing", "there", "the compute driver's device is missing")


def _judge_system(item: Mapping[str, Any], seen: Mapping[str, Any]) -> Iterator[Difference]:
    if seen["interrupted"]:
        words = ", ".join(seen["interrupted"])
        yield Difference("dpkg", words, "whole", f"dpkg was interrupted ({words}); run {seen['cure']}")
    if seen["architecture"] != item["architecture"]:
        yield Difference(
            "architecture", seen["architecture"], item["architecture"], "nothing here is built for it"
        )


def _judge_verdict(item: Mapping[str, Any], seen: Any) -> Iterator[Difference]:
    """A verdict counts where it passed, is about exactly this state, and no part of it was left out."""
    wanted = "a pass for this state"
    if not isinstance(seen, dict):
        yield Difference("verdict", "none", wanted, "there is no verdict")
        return
    outcome = seen.get("outcome", "unknown")
    if outcome != "pass":
        yield Difference("verdict", outcome, wanted, f"the last verdict is {outcome}")
        return
    for what, about, right in verdict_subject(item, seen):
        if about != right:
            found, is_now = _word(about), _word(right)
            yield Difference(
                "verdict", f"{what} {found}", f"{what} {is_now}", f"it is about {what} {found}, not {is_now}"
            )
    left_out = sorted(set(item["suites"]) - set(seen.get("suites") or []))
    if seen.get("filtered") or left_out:
        yield Difference("verdict", "a part", wanted, f"it left out {', '.join(left_out) or 'cases'}")


def verdict_subject(item: Mapping[str, Any], seen: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """What a verdict is about: each with what the verdict says and what the host is."""
    expect = seen.get("expect") or {}
    yield "stack", expect.get("stack"), item["stack"]
    for name, value in item["subject"].items():
        yield name, (expect.get("subject") or {}).get(name), value
    yield "kernel", (seen.get("kernel") or {}).get("release"), item["kernel"]
    cards = (seen.get("device") or {}).get("cards") or []
    if item["cards"] is not None:
        yield "card", sorted(card["device_id"] for card in cards), sorted(item["cards"])


def _ask(kind: str, *fields: str) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Ask with some of the item's own fields."""
    return lambda item: {"kind": kind, **{field: item[field] for field in fields}}


KINDS: dict[str, Kind] = {
    "absent": Kind(_ask_path, _judge_absent),
    "account": Kind(_ask("account", "name"), _judge_account),
    "archives": Kind(_ask("archives", "codename", "ignore"), _judge_archives),
    "build": Kind(_ask("build", "version", "under", "deep"), _judge_build),
    "card": Kind(_ask("card", "sysfs", "targets", "boards", "device"), _judge_card),
    "data": Kind(_ask_path, _judge_data),
    "directory": Kind(_ask_path, _judge_directory),
    "donor": Kind(_ask("donor", "donor", "own", "listed"), _judge_donor),
    "file": Kind(_ask_path, _judge_file),
    "group": Kind(_ask("group", "name"), _judge_group),
    "leftovers": Kind(
        _ask("leftovers", "build", "vendor_names", "vendor_versions", "names"), _judge_leftovers
    ),
    "link": Kind(_ask_path, _judge_link),
    "manifest": Kind(_ask("record", "path"), _judge_manifest),
    "matching": Kind(_ask("matching", "pattern"), _judge_unmatched),
    "packages": Kind(
        lambda item: {"kind": "packages", "names": [spec.partition("=")[0] for spec in item["specs"]]},
        _judge_packages,
    ),
    "record": Kind(_ask("record", "path"), _judge_record),
    "retired": Kind(dict, _judge_retired),
    "signing_key": Kind(_ask("signing_key", "path"), _judge_signing_key),
    "standins": Kind(_ask_standins, _judge_standins),
    "start_lines": Kind(_ask("start_lines", "users", "variables", "library_paths"), _judge_start_lines),
    "system": Kind(_ask("system"), _judge_system),
    "tree": Kind(_ask("tree", "path"), _judge_tree),
    "venv": Kind(_ask_venv, _judge_venv),
    "venv_beside": Kind(_ask_venv, _judge_venv_beside),
    "verdict": Kind(_ask("record", "path"), _judge_verdict),
}

# Kinds that stand for several items of another one.
SEVERAL: dict[str, Callable[[Mapping[str, Any]], list[dict[str, Any]]]] = {
    "files": lambda item: [
        {"kind": "file", "path": path, "template": item["template"], "mode": "0644"} for path in item["paths"]
    ],
    "groups": lambda item: [{"kind": "group", "name": name} for name in item["names"]],
    "members": lambda item: [
        {**{key: value for key, value in item.items() if key != "names"}, "kind": "account", "name": name}
        for name in item["names"]
    ],
}


def expand(items: Any) -> Iterator[dict[str, Any]]:
    """One list of items: no nested lists, nothing that does not apply, several where one stands for them.

    KeyError where a kind is unknown.
    """
    for item in items:
        if isinstance(item, list):
            yield from expand(item)
        elif not item.get("when", True):
            continue
        elif item["kind"] in SEVERAL:
            yield from SEVERAL[item["kind"]](item)
        else:
            KINDS[item["kind"]]
            yield {key: value for key, value in item.items() if key != "when"}
