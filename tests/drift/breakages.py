"""How each kind of managed thing can be broken: shell commands for a host, derived from the item."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.rdna1.provision.plugins.module_utils import venv_lock

Item = Mapping[str, Any]


UNREADABLE = ("nonsense at its end", "a byte", "binary", "its last line gone", "a link to a file")
FORCED = ("gone", "a lower version", "a higher version")


@dataclass(frozen=True)
class Breakage:
    """One way to break one thing. Of ``named`` the plan must name at least one, as this role's."""

    role: str
    how: str
    shell: str
    named: tuple[str, ...]
    claims: tuple[str, ...] = ()
    # Only a deep look can see it.
    deep: bool = False
    # The plan has it only where nothing else differs.
    alone: bool = False
    # All that lies inside is as it was, and is named for itself.
    inside_whole: bool = False

    def __str__(self) -> str:
        return f"{self.role}: {self.named[0]}: {self.how}{' (deep)' if self.deep else ''}"

    @property
    def leaves_inside(self) -> bool:
        """Whether what lies inside can be broken as well."""
        return self.inside_whole or self.how in ("owner", "group") or self.how.startswith("mode ")

    @property
    def stops_apt(self) -> bool:
        """Whether apt can install for no other role: its files cannot be read, or dependencies are unmet."""
        if self.named[0].startswith("package "):
            return self.how in FORCED
        return self.named[0].startswith("/etc/apt/") and self.how in UNREADABLE

    def meets(self, other: Breakage) -> bool:
        """Whether both touch the same thing, one is inside of the other, or one stops the other."""
        if self.deep != other.deep or self.alone or other.alone:
            return True
        if self.shell == other.shell:  # a directory that two roles want
            return False
        packages = any(one.named[0].startswith("package ") for one in (self, other))
        if packages and self.role != other.role and (self.stops_apt or other.stops_apt):
            return True
        return any(
            mine == yours
            or (not other.leaves_inside and mine.startswith(f"{yours}/"))
            or (not self.leaves_inside and yours.startswith(f"{mine}/"))
            for mine in (*self.named, *self.claims)
            for yours in (*other.named, *other.claims)
        )


Ways = Iterator[tuple[str, str]]


def q(text: str) -> str:
    return shlex.quote(text)


# --- paths ----------------------------------------------------------------------------------------


def _other_types(path: str) -> Ways:
    yield "a directory", f"rm -rf {path}; mkdir {path}; touch {path}/inside"
    yield "a pipe", f"rm -rf {path}; mkfifo {path}"
    yield "a link to a file", f"echo other > {path}.moved; rm -rf {path}; ln -s {path}.moved {path}"
    yield "a link to nowhere", f"rm -rf {path}; ln -s /nowhere {path}"


def _access(path: str, mode: str) -> Ways:
    for other in sorted({"0600", "0666", "0777", "4755"} - {mode}):
        yield f"mode {other}", f"chmod {other} {path}"
    yield "owner", f"chown nobody {path}"
    yield "group", f"chgrp nogroup {path}"


def _one_byte(path: str) -> str:
    return f"printf X | dd of=$(echo {path}) bs=1 seek=2 conv=notrunc status=none"


def _file(item: Item) -> Ways:
    path = q(item["path"])
    for how, shell in _every_way(path, item.get("mode", "0644")):
        # Nonsense in an apt.conf stops every apt, a rehearsal in a copy as well; its sentence names the file.
        if "/apt.conf.d/" not in path or how not in UNREADABLE:
            yield how, shell


def _every_way(path: str, mode: str) -> Ways:
    yield "gone", f"rm {path}"
    yield "empty", f": > {path}"
    yield "a line more", f"echo '# more' >> {path}"
    yield "nonsense at its end", f"echo 'nonsense (\";' >> {path}"
    yield "a byte", _one_byte(path)
    yield "its last line gone", f"sed -i '$d' {path}"
    yield "binary", f"head -c 100000 /dev/urandom > {path}"
    yield from _other_types(path)
    yield from _access(path, mode)


def _data(item: Item) -> Ways:
    yield from _access(q(item["path"]), item.get("mode", "0644"))
    path = q(item["path"])
    yield "a directory", f"rm -rf {path}; mkdir {path}"


def _directory(item: Item) -> Ways:
    path = q(item["path"])
    yield from _access(path, item.get("mode", "0755"))
    yield "gone", f"rm -rf {path}"
    yield "a file", f"rm -rf {path}; echo x > {path}"
    yield "a link to nowhere", f"rm -rf {path}; ln -s /nowhere {path}"


def _link(item: Item) -> Ways:
    path = q(item["path"])
    yield "gone", f"rm {path}"
    yield "dangling", f"ln -sfn /nowhere {path}"
    yield "elsewhere", f"ln -sfn /usr {path}"
    yield "a file", f"rm {path}; echo x > {path}"
    yield "a directory", f"rm {path}; mkdir {path}; touch {path}/inside"


def _absent(item: Item) -> Ways:
    path = q(item["path"])
    yield "a file", f"mkdir -p $(dirname {path}); echo x > {path}"
    yield "a link to nowhere", f"mkdir -p $(dirname {path}); ln -s /nowhere {path}"
    yield "a directory", f"mkdir -p {path}"


def _tree(role: str, item: Item) -> Iterator[Breakage]:
    root = item["path"]
    for name in item["files"]:
        path = f"{root}/{name}"
        for how, shell in _file({"path": path, "mode": item.get("mode", "0644")}):
            yield Breakage(role, how, shell, (path,))
    for how, shell in _directory({"path": root, "mode": item.get("directory_mode", "0755")}):
        yield Breakage(role, how, shell, (root,))
    yield Breakage(role, "a stranger in it", f"touch {q(root)}/stranger.py", (f"{root}/stranger.py",))


# --- packages -------------------------------------------------------------------------------------


def dummy(name: str, version: str, architecture: str = "amd64") -> str:
    """Build and install an empty package, past all dependencies."""
    fields = f"Package: {name}\\nVersion: {version}\\nArchitecture: {architecture}\\n"
    fields += "Maintainer: nobody <nobody@example.org>\\nDescription: made to break a host\\n"
    return (
        f"d=$(mktemp -d); mkdir $d/DEBIAN; printf {q(fields)} > $d/DEBIAN/control; chmod 755 $d; "
        f"dpkg-deb -b $d $d.deb >/dev/null; dpkg -i --force-all $d.deb >/dev/null 2>&1"
    )


def _packages(role: str, item: Item) -> Iterator[Breakage]:
    for spec in item["specs"]:
        name, _, version = spec.partition("=")
        named = (f"package {name}",)
        yield Breakage(role, "gone", f"dpkg --purge --force-all {q(name)} >/dev/null 2>&1", named)
        # Of those without a version any is right: what the archive has moves with its updates.
        for how, other in {"a lower": "0.0.1", "a higher": "9:99"}.items() if version else ():
            yield Breakage(role, f"{how} version", dummy(name, other), named)


def _standins(role: str, item: Item) -> Iterator[Breakage]:
    for name, standin in item["standins"].items():
        links = tuple(standin.get("links", {}))
        lower = dummy(name, "0~rdna1+00000000", "all")  # a real package of that name may take its place
        for how, shell in (("gone", f"dpkg --purge --force-all {name} >/dev/null 2>&1"), ("older", lower)):
            yield Breakage(role, how, shell, (f"package {name}",), links)
        for link in links:
            yield Breakage(role, "gone", f"rm {q(link)}", (link,), (f"package {name}",))


def _build(role: str, item: Item, packages: list[str]) -> Iterator[Breakage]:
    for name in packages:
        named = (f"package {name}",)
        yield Breakage(role, "not on hold", f"echo {name} install | dpkg --set-selections", named)
        under = item["under"]
        lost = f"f=$(dpkg -L {name} | while read f; do [ -f $f ] && echo $f; done | grep ^{under}/ | head -1)"
        yield Breakage(role, "a file gone", f'{lost}; [ -z "$f" ] && echo none {name} || rm $f', named)
        yield Breakage(role, "a file edited", f"{lost}; echo x >> $f", named, deep=True)


def _donor(role: str, item: Item) -> Iterator[Breakage]:
    # A real one, small, that both releases have and nobody needs; past apt, which may have been stopped.
    of_donor = f"apt-cache madison hello | awk '$6 ~ /^{item['donor']}/ {{print $3; exit}}'"
    install = f"cd $(mktemp -d); apt-get -q download hello=$({of_donor}) && dpkg -i hello_*.deb"
    yield Breakage(
        role, "of the older release", f"( {install} ) >/dev/null 2>&1", ("package hello",), deep=True
    )
    for name in item["listed"]:
        for how, version in (("a lower", "0.0.1"), ("a higher", "9:99")):
            yield Breakage(role, f"{how} version", dummy(name, version), (f"package {name}",), deep=True)


def _leftovers(role: str, _item: Item) -> Iterator[Breakage]:
    for name, version in (("hip-of-old", "5.7.0.50700-63~22.04"), ("rocm-core5.7.0", "5.7.0.50700-63~22.04")):
        yield Breakage(role, "another build's", dummy(name, version), (f"package {name}",))


def _retired(role: str, item: Item) -> Iterator[Breakage]:
    for path in item["files"]:
        shell = f"mkdir -p $(dirname {q(path)}); echo '# deb http://mirror.example.org x main' > {q(path)}"
        yield Breakage(role, "there again", shell, (path,))
    lists, preferences = "/etc/apt/sources.list.d", "/etc/apt/preferences.d"
    suite = next((name for name in item["source_suites"]), "")
    for number, uri in enumerate(item["source_uris"]):
        # A mirror of whatever the glob covers.
        address = re.sub(r"^\*:/", "https:/", uri)
        address = re.sub(r"^\*", "http://mirror.example.org", address).replace("*", "x")
        release = suite.replace("*", "") or "ubuntu"
        place = f"{lists}/again-{role}-{number}.list"
        yield Breakage(
            role, f"source {uri}", f"echo 'deb [trusted=yes] {address} {release} main' > {place}", (place,)
        )
        place = f"{lists}/again-{role}-{number}.sources"
        text = f"Types: deb\\nURIs: {address}\\nSuites: {release}\\nComponents: main\\nTrusted: yes\\n"
        yield Breakage(role, f"deb822 source {uri}", f"printf {q(text)} > {place}", (place,))
    for number, pin in enumerate(item["pins"]):
        place = f"{preferences}/again-{role}-{number}"
        what = f"release {pin['fields'][0]}={pin['value'].replace('*', '')}"
        text = f"Package: *\\nPin: {what}\\nPin-Priority: 1001\\n"
        yield Breakage(role, "a pin of everything", f"printf {q(text)} > {place}", (place,))
    for number, name in enumerate(item.get("named_pins", {}).get("packages", [])[:3]):
        place = f"{preferences}/named-{role}-{number}.pref"
        text = f"Package: {name}\\nPin: version 9*\\nPin-Priority: 1001\\n"
        yield Breakage(role, f"a pin of {name}", f"printf {q(text)} > {place}", (place,))


def _signing_key(role: str, item: Item) -> Iterator[Breakage]:
    path = q(item["path"])
    other = "$(ls /usr/share/keyrings/*.gpg /etc/apt/trusted.gpg.d/*.asc 2>/dev/null | head -1)"
    for how, shell in (
        ("gone", f"rm {path}"),
        ("another key", f"cp {other} {path}"),
        ("another key more", f"cat {other} >> {path}"),
        ("nonsense", f"echo nonsense > {path}"),
        *_access(path, "0644"),
        *_other_types(path),
    ):
        yield Breakage(role, how, shell, (item["path"],))


# --- accounts, the venv, the verdict ----------------------------------------------------------------


def _group(role: str, item: Item) -> Iterator[Breakage]:
    shell = f"groupdel -f {item['name']}"
    yield Breakage(role, "gone", shell, (f"group {item['name']}",), ("groups",))


def _account(role: str, item: Item) -> Iterator[Breakage]:
    user = item["name"]
    named, claims = (f"user {user}",), ("groups",)
    for group in item["groups"]:
        yield Breakage(role, f"not in {group}", f"gpasswd -d {user} {group}", named, claims)
    if "home" in item:
        yield Breakage(role, "gone", f"userdel -f {user}", named, claims)
        yield Breakage(
            role,
            "home",
            f"sed -i 's|^{user}:\\(.*\\):[^:]*:\\([^:]*\\)$|{user}:\\1:/tmp:\\2|' /etc/passwd",
            named,
            claims,
        )
    if "shell" in item:
        yield Breakage(role, "shell", f"usermod -s /bin/bash {user}", named, claims)


def _venv(role: str, item: Item) -> Iterator[Breakage]:
    root = item["root"]
    venv, current = _place(item), f"{root}/current"
    for how, shell in (
        ("gone", f"rm {current}"),
        ("dangling", f"ln -sfn /nowhere {current}"),
        ("elsewhere", f"mkdir -p {root}/mine; ln -sfn mine {current}"),
    ):
        yield Breakage(role, how, shell, (current,), (venv,))
    for how, left in (
        ("an aside left", f"{venv}.replaced"),
        ("an unused Python", f"{root}/python/3.9.1"),
        ("a download left", "/".join((root, "tmp", "left"))),
        ("wheels left", "/".join((root, "tmp", "wheels", "0123456789ab"))),
    ):
        yield Breakage(role, how, f"mkdir -p {left}", (venv,), (left,), inside_whole=True)
    yield from _venv_itself(role, item)


def _place(item: Item) -> str:
    return f"{item['root']}/venvs/{venv_lock.identity(item['lock'])[:12]}"


def _venv_itself(role: str, item: Item) -> Iterator[Breakage]:
    """Whether it is in use or lies beside the one that is."""
    root, python, venv = item["root"], item["interpreter"], _place(item)
    current, site = f"{root}/current", f"{venv}/lib/python3*/site-packages"
    for how, shell in (
        ("gone", f"rm -rf {venv}"),
        ("its marker gone", f"rm {venv}/.rdna1-complete"),
        ("of another lock", f"sed -i 's/\"lock\": \"./\"lock\": \"x/' {venv}/.rdna1-complete"),
        ("its list gone", f"rm {venv}/.rdna1-files"),
        ("pyvenv.cfg gone", f"rm {venv}/pyvenv.cfg"),
        ("bin/python elsewhere", f"ln -sfn /usr/bin/python3 {venv}/bin/python"),
        ("a file gone", f"rm {site}/torch/nn/__init__.py"),
        ("a byte", _one_byte(f"{site}/numpy/version.py")),
        ("a byte, its time as before", f"touch -r {site}/numpy/version.py /tmp/t; "
         f"{_one_byte(f'{site}/numpy/version.py')}; touch -r /tmp/t {site}/numpy/version.py"),
        ("a file writable by all", f"chmod 0666 {site}/numpy/version.py"),
        ("a file of nobody's", f"chown nobody {site}/numpy/version.py"),
        ("a folder closed", f"chmod 0700 {site}/numpy"),
        ("a link to elsewhere", f"cd {site}/numpy; rm version.py; ln -s /dev/null version.py"),
        ("another version", f"cd {site}; mv numpy-*.dist-info numpy-9.9.9.dist-info"),
        ("only touched", f"touch {site}/numpy/version.py"),
        ("a file", f"rm -rf {venv}; touch {venv}"),
        ("a link", f"mv {venv} {root}/moved; ln -s {root}/moved {venv}"),
    ):  # fmt: skip
        whole = how not in ("gone", "a file", "a link")
        yield Breakage(role, how, shell, (venv,), (current,), inside_whole=whole)
    if python.startswith(f"{root}/python/"):
        home = "/".join(python.split("/")[: len(root.split("/")) + 2])
        library = f"{home}/lib/python3*/json/decoder.py"
        for how, shell in (
            ("the interpreter gone", f"rm {python}"),
            ("all of Python gone", f"rm -rf {home}"),
            ("a file of Python's gone", f"rm {library}"),
            ("a byte of Python's", _one_byte(library)),
            ("a file of Python's writable", f"chmod 0666 {library}"),
            ("a file of Python's only touched", f"touch {library}"),
        ):  # fmt: skip
            yield Breakage(role, how, shell, (venv, home), (current,))
        yield Breakage(role, "a byte of Python's rotten", _rot(library, home), (venv, home), deep=True)
    yield Breakage(role, "a byte rotten", _rot(f"{site}/numpy/version.py", venv), (venv,), deep=True)


def _rot(place: str, root: str) -> str:
    """What a failing disk does: another content, and no sign of a change. So the list is told of its time."""
    program = (
        "import os, sys; place, root = sys.argv[1:]; path = os.path.relpath(place, root); "
        "lines = [line.split(' ', 6) for line in open(root + '/.rdna1-files')]; "
        "[f.__setitem__(4, str(os.lstat(place).st_ctime_ns)) for f in lines if f[-1].strip() == path]; "
        "open(root + '/.rdna1-files', 'w').write(''.join(map(' '.join, lines)))"
    )
    return f"{_one_byte(place)}; python3 -c {q(program)} $(echo {place}) {root}"


def _record(item: Item) -> Ways:
    path = q(item["path"])
    yield "gone", f"rm {path}"
    yield "no JSON", f"echo nonsense > {path}"
    yield "a list", f"echo '[]' > {path}"
    for field in item["content"]:
        yield f"{field} edited", _edit(item["path"], f"d[{field!r}] = 'other'")
    yield "a field more", _edit(item["path"], "d['more'] = 1")
    yield from _other_types(path)


def _start_lines(role: str, item: Item) -> Iterator[Breakage]:
    name = item["variables"][0].replace("*", "X")
    path = item["library_paths"][0].replace("*", "/lib")
    for file, line in ((".bashrc", f"export {name}=1"), (".zshrc", f"export LD_LIBRARY_PATH={path}")):
        for user, home in [("root", "/root"), *((user, f"/home/{user}") for user in item["users"])]:
            shell = f"echo {q(line)} >> {home}/{file}; chown {user} {home}/{file}"
            yield Breakage(role, f"a line of {user}'s", shell, (f"{home}/{file}",))


def _manifest(role: str, item: Item) -> Iterator[Breakage]:
    path = item["path"]
    for how, shell in _record(item):
        if not how.startswith("state"):
            yield Breakage(role, how, shell, (path,))
    edited = _edit(path, "d['state'] = {field: 'other' for field in d['state']}")
    yield Breakage(role, "another state", edited, (path,), alone=True)


def _edit(path: str, code: str) -> str:
    program = f"import json; p = {path!r}; d = json.load(open(p)); {code}; json.dump(d, open(p, 'w'))"
    return f"python3 -c {q(program)}"


def _verdict(role: str, item: Item) -> Iterator[Breakage]:
    path = item["path"]
    for how, shell in (
        ("gone", f"rm $(readlink -f {path})"),
        ("no JSON", f"echo nonsense > $(readlink -f {path})"),
        ("a fail", _edit(path, "d['outcome'] = 'fail'")),
        ("a skip", _edit(path, "d['outcome'] = 'skip'")),
        ("of another kernel", _edit(path, "d['kernel']['release'] = '1.0'")),
        ("of another stack", _edit(path, "d['expect']['stack'] = 'other'")),
        ("about nothing", _edit(path, "d.pop('expect')")),
        ("a part of the suites", _edit(path, "d['suites'] = []")),
        ("filtered", _edit(path, "d['filtered'] = True")),
        *((f"of another {name}", _edit(path, f"d['expect']['subject'][{name!r}] = 'x'"))
          for name in item["subject"]),
        *([("of another card", _edit(path, "d['device']['cards'] = []"))] if item["cards"] else []),
    ):  # fmt: skip
        yield Breakage(role, how, shell, ("verdict",))


def _matching(role: str, item: Item) -> Iterator[Breakage]:
    place = item["pattern"].replace("*", "stray")
    shell = f"mkdir -p $(dirname {place}); printf '[Service]\\nEnvironment=X=1\\n' > {place}"
    yield Breakage(role, "a stray one", shell, (place,))


def _simple(ways: Callable[[Item], Ways]) -> Callable[[str, Item], Iterator[Breakage]]:
    return lambda role, item: (Breakage(role, how, shell, (item["path"],)) for how, shell in ways(item))


WAYS: dict[str, Callable[[str, Item], Iterator[Breakage]]] = {
    "absent": _simple(_absent),
    "account": _account,
    "data": _simple(_data),
    "directory": _simple(_directory),
    "donor": _donor,
    "file": _simple(_file),
    "group": _group,
    "leftovers": _leftovers,
    "link": _simple(_link),
    "manifest": _manifest,
    "matching": _matching,
    "packages": _packages,
    "record": _simple(_record),
    "retired": _retired,
    "signing_key": _signing_key,
    "standins": _standins,
    "start_lines": _start_lines,
    "tree": _tree,
    "venv": _venv,
    "venv_beside": _venv_itself,
    "verdict": _verdict,
}

# Kinds without a way: why.
ELSEWHERE = {
    "archives": "a host without sources of its own is told so; nobody can guess what they were",
    "build": "its packages are those of the kind packages: see of_host",
    "card": "no run can put one in",
    "system": "dpkg is not set right behind its owner's back; the sentence says what does it",
}


def of_host(desired: list[dict[str, Any]]) -> list[Breakage]:
    """Every way to break everything that a host's roles want."""
    found: list[Breakage] = []
    for item in desired:
        role, kind = item["role"], item["kind"]
        if kind == "build":
            mine = [spec.partition("=")[0] for other in desired if other["role"] == role
                    for spec in other.get("specs", [])]  # fmt: skip
            found += _build(role, item, mine)
            found += _packages(role, {"specs": ["rocm-core"]})  # what all of a build needs, and nobody names
        elif kind in WAYS:
            found += WAYS[kind](role, item)
        elif kind not in ELSEWHERE:
            raise KeyError(json.dumps(item))
    return found
