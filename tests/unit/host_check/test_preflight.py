"""What the checks found becomes one report: nothing counted twice, nothing left out, a sentence a failure."""

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rdna1.provision.plugins.module_utils import venv_state
from ansible_collections.rdna1.provision.plugins.plugin_utils import preflight

AMD = {"name": "rocm-core", "old": "", "new": "5.2", "origins": ["repo.radeon.com"]}
LIBRARY = {"name": "libtinfo5", "old": "", "new": "6.3", "origins": ["Debian"]}


def cost(item: dict[str, Any], download: int, disk: int, path: str = "/usr") -> dict[str, Any]:
    return {**item, "cost": {"download": download, "disk": disk, "path": path}}


COMPAT = {"install": [cost(LIBRARY, 10, 100)], "held": ["libtinfo5"]}
ROCM = {
    "install": [cost(AMD, 1000, 20000, "/opt/rocm-5.2.0"), cost(LIBRARY, 10, 100)],
    "remove": [cost({**AMD, "name": "rocm-old", "new": ""}, 0, -5000, "/opt")],
    "mirrors": [{"uri": "http://a.example/x", "reason": "gone", "packages": 0}],
}


def found(**more: Any) -> dict[str, Any]:
    return {
        "transactions": [COMPAT, ROCM],
        "retired": [],
        "failed": [],
        "roles": ["jammy_compat", "rocm", "pytorch_venv"],
        **more,
    }


def test_a_package_of_two_rehearsals_counts_once() -> None:
    report = preflight.summary(found())
    assert [item["name"] for item in report["packages"]["install"]] == ["libtinfo5", "rocm-core"]
    assert report["packages_in_words"] == "2 new, 1 go"
    assert report["origins"] == {"Debian": 1, "repo.radeon.com": 1}
    assert report["download_bytes"] == 1010
    assert report["held"] == ["libtinfo5"]
    assert report["mirrors"] == ROCM["mirrors"]


def test_needs_are_archives_packages_by_place_and_a_venv_to_build() -> None:
    venv = {"reasons": ["there is no venv /opt/rdna1/venvs/x"], "root": "/opt/rdna1", "gib": 10}
    needs = preflight.needs(preflight.summary(found())["packages"], venv)
    assert needs[:3] == [{"path": "/"}, {"path": "/opt"}, {"path": "/var"}]
    assert needs[3:] == [
        {"path": "/var/cache/apt/archives", "bytes": 1010, "what": "archives"},
        {"path": "/opt", "bytes": -5000, "what": "packages"},
        {"path": "/opt/rocm-5.2.0", "bytes": 20000, "what": "packages"},
        {"path": "/usr", "bytes": 100, "what": "packages"},
        {"path": "/opt/rdna1", "gib": 10.0, "what": "the venv"},
    ]


def test_a_venv_that_is_only_switched_to_or_pruned_takes_no_room(tmp_path: Path) -> None:
    """The words are venv_state's: this fails if they change."""
    layout = venv_state.Layout(tmp_path, "a" * 12)
    venv = {
        "marker": {"lock": "x", "interpreter": "/p"},
        "executable": True,
        "interpreter": "/p",
        "distributions": {},
        "files": {"damaged": [], "count": 0, "touched": []},
    }
    observed = {
        "current": None,
        "venv": venv,
        "others": [{"name": "b" * 12, "marker": None, "last_used": 0.0}],
        "leftovers": ["tmp/x"],
        "pythons": {},
    }
    wanted = venv_state.Wanted("x", [], "/p", 1)
    reasons = [item.reason for item in venv_state.differences(layout, observed, wanted)]
    assert len(reasons) == 3
    assert preflight.needs({kind: [] for kind in preflight.KINDS}, {"reasons": reasons}) == [
        {"path": "/"}, {"path": "/opt"}, {"path": "/var"}
    ]  # fmt: skip
    build = venv_state.differences(layout, {**observed, "venv": None}, wanted)[0].reason
    assert preflight.needs({}, {"reasons": [build], "root": "/opt/rdna1", "gib": 1})[-1]["what"] == "the venv"


@pytest.mark.parametrize(
    ("text", "message", "fix"),
    [
        (
            "h has 1 GiB free on /, 30 GiB are wanted there; make room there, or lower it.",
            "has 1 GiB free on /, 30 GiB are wanted there",
            "make room there, or lower it",
        ),
        (
            "h: x is not a variable. Correct this in -e; nothing was changed.",
            "x is not a variable",
            "correct this in -e",
        ),
        (
            "The venv was not built: 3 GiB are free; make room there; /opt/rdna1/current is as it was.",
            "The venv was not built: 3 GiB are free",
            "make room there",
        ),
        ("something broke", "something broke", ""),
    ],
)
def test_a_sentence_is_what_is_wrong_and_what_cures_it(text: str, message: str, fix: str) -> None:
    assert preflight.failure("h", "x", text) == {"host": "h", "code": "x", "message": message, "fix": fix}


def failed(role: str, task: str, **result: Any) -> dict[str, Any]:
    return {"role": role, "entry": "check", "task": task, "result": result}


def test_a_failure_s_code_is_the_module_s_own_or_the_step_s() -> None:
    one = failed("rocm", "rdna1.provision.rocm : Packages | Simulate", msg="a; b.", code="unreachable")
    other = failed("host_check", "Card | Judge its generation", msg="a; b.")
    assert [item["code"] for item in preflight.failures("h", [one, other])] == [
        "rocm.unreachable",
        "host_check.card",
    ]


def test_a_loop_s_failures_are_told_one_by_one() -> None:
    results = [
        {"failed": True, "msg": "one; cure it."},
        {"failed": False, "msg": "fine"},
        {"failed": True, "msg": "two; cure it."},
    ]
    told = preflight.failures("h", [failed("rocm", "Input | Judge", msg="One or more", results=results)])
    assert [item["message"] for item in told] == ["one", "two"]


def test_a_file_system_that_is_too_small_is_a_failure_with_its_arithmetic() -> None:
    room = {
        "mount": "/opt",
        "free_bytes": 10**9,
        "need_bytes": 3 * 10**9,
        "needs": [{"path": "/opt/x", "bytes": 3 * 10**9, "what": "the venv"}],
    }
    (told,) = preflight.too_full("h", [room, {**room, "need_bytes": 10**9}])
    assert told["message"] == "1.0 GB are free on /opt, 3.0 GB are needed there (3.0 GB for the venv)"
    assert told["fix"] == "make room on /opt"


def test_what_follows_from_an_earlier_failure_is_unknown_not_failed_again() -> None:
    system = {"role": "host_check", "entry": "system", "task": "", "result": {}}
    compat = failed("jammy_compat", "Packages | Install")
    roles = ["jammy_compat", "rocm", "pytorch_venv"]
    assert preflight.not_judged(roles, [system]) == roles
    assert preflight.not_judged(roles, [compat]) == ["rocm"]
    assert preflight.not_judged(roles, []) == []


def test_leftovers_of_every_kind_are_told() -> None:
    line = {"user": "ada", "path": "/home/ada/.bashrc", "number": 1, "text": "x", "removed": False}
    report = preflight.summary(
        found(
            retired=[{"retired": [{"path": "/etc/apt/x.list", "entries": ["y"]}]}] * 2 + [{}],
            shells={"retired": ["/etc/profile.d/x.sh"], "lines": [line], "unseen": []},
            leftovers={"remove": ["rocm-old"], "kept": {"liba": ["libb"]}, "noted": ["amdgpu-dkms"]},
        )
    )
    assert report["retired"] == [
        {"path": "/etc/apt/x.list", "entries": ["y"]},
        {"path": "/etc/profile.d/x.sh", "entries": ["the whole file"]},
    ]
    assert report["leftovers"]["packages"] == ["rocm-old"]
    assert report["leftovers"]["kept"] == {"liba": ["libb"]}
    assert report["leftovers"]["shell_lines"] == [line]
