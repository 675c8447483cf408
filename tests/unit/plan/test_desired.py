"""What roles want on each release; releases, as hosts tell them; variables that only a host knows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.rdna1.provision.plugins.action import plan as action
from ansible_collections.rdna1.provision.plugins.module_utils import observation
from ansible_collections.rdna1.provision.plugins.plugin_utils import desired, kinds, release

ROOT = Path(__file__).parents[3]
RELEASES = {
    "Ubuntu 24.04": ("Ubuntu", "24.04", "noble"),
    "Ubuntu 22.04": ("Ubuntu", "22.04", "jammy"),
    "Debian 13": ("Debian", "13.1", "trixie"),
    "Debian 12": ("Debian", "12.8", "bookworm"),
}

MakeScope = Callable[..., desired.RoleScope]


def facts_of(system: str) -> dict[str, str]:
    name, version, codename = RELEASES[system]
    return {
        "distribution": name,
        "distribution_version": version,
        "distribution_major_version": version.partition(".")[0],
        "distribution_release": codename,
        "architecture": "x86_64",
    }


@pytest.fixture(scope="session")
def scope() -> MakeScope:
    """Make a role's view of a host, as the action does."""

    def make(role: str, system: str = "Debian 13", **variables: Any) -> desired.RoleScope:
        known = {
            "ansible_facts": facts_of(system),
            "inventory_hostname": "host",
            "ansible_managed": "Ansible managed",
            **{name: trust_as_template(value) if isinstance(value, str) else value
               for name, value in variables.items()},
        }  # fmt: skip
        return desired.RoleScope(role, Templar(loader=DataLoader(), variables=known), known)

    return make


ROLES = [
    "host_check", "jammy_compat", "rocm", "pytorch_venv", "rocm_environment", "conv2d_verify", "self_converge"
]  # fmt: skip
ARCHIVE = [{"uris": ["http://mirror.example.org/os"], "pockets": ["", "-updates"], "signed_by": "/key.gpg"}]


@pytest.mark.parametrize("system", RELEASES)
@pytest.mark.parametrize("role", ROLES)
def test_every_item_can_be_asked_about_on_every_release(role: str, system: str, scope: MakeScope) -> None:
    wanted = scope(role, system, rocm_users=["me"])
    items = wanted.desired()
    assert items, "a role that wants nothing is never run"
    wanted.learn("__jammy_compat_own", {"archives": ARCHIVE})
    for item in items:
        question = kinds.KINDS[item["kind"]].ask(item)
        assert question["kind"] in observation.LOOKS
        assert "{{" not in str({key: value for key, value in item.items() if key != "files"}), item
        if item["kind"] == "file":
            assert "rdna1" in wanted.text(item["template"])


def test_a_release_that_a_role_does_not_know_is_one_sentence(scope: MakeScope) -> None:
    facts = {**facts_of("Debian 13"), "distribution_version": "11.2", "distribution_major_version": "11"}
    with pytest.raises(
        desired.UnknownSystemError, match=r"runs Debian 11 on x86_64; install one of Ubuntu 24\.04, "
    ):
        scope("rocm", ansible_facts=facts)


@pytest.mark.parametrize(
    ("system", "kind"),
    [("Ubuntu 24.04", "file"), ("Ubuntu 22.04", "absent"), ("Debian 13", "file"), ("Debian 12", "absent")],
)
def test_the_donor_is_wanted_only_where_the_host_is_not_that_release(
    system: str, kind: str, scope: MakeScope
) -> None:
    found = {
        item["kind"]
        for item in scope("jammy_compat", system).desired()
        if "rdna1-donor" in str(item.get("path"))
    }
    assert found == {kind}


@pytest.mark.parametrize(("stack", "build"), [("rocm52", ".50200-65"), ("rocm57", ".50700-63~22.04")])
def test_the_packages_are_the_stack_s(scope: MakeScope, stack: str, build: str) -> None:
    items = scope("rocm", rdna1_stack=stack, rocm_package_set="runtime").desired()
    (packages,) = (item for item in items if item["kind"] == "packages")
    assert packages["specs"]
    assert all(spec.endswith(build) for spec in packages["specs"])


def test_an_inventory_s_variable_may_be_a_template_over_a_role_s(scope: MakeScope) -> None:
    items = scope("rocm_environment", rocm_environment_root="{{ place }}/x", place="/srv").desired()
    assert "/srv/x/bin" in [item.get("path") for item in items]


def test_what_only_the_host_can_tell_is_filled_in(scope: MakeScope) -> None:
    scopes = {"host_check": scope("host_check"), "jammy_compat": scope("jammy_compat"),
              "conv2d_verify": scope("conv2d_verify")}  # fmt: skip
    wanted = [(role, item) for role, found in scopes.items() for item in found.desired()]
    answers: list[Any] = []
    for _, item in wanted:
        if item["kind"] == "archives":
            answers.append(ARCHIVE)
        elif item["kind"] == "system":
            answers.append({"kernel": "6.1"})
        elif item["kind"] == "card":
            answers.append({"cards": [{"device_id": "731f"}], "others": [{"device_id": "7340"}]})
        else:
            answers.append(None)
    action.complete(scopes, wanted, answers)
    (source,) = (item for _, item in wanted if str(item.get("path")).endswith("rdna1-donor.sources"))
    assert "URIs: http://mirror.example.org/os\nSuites: bookworm bookworm-updates\n" in source["text"]
    (verdict,) = (item for _, item in wanted if item["kind"] == "verdict")
    assert (verdict["kernel"], verdict["cards"]) == ("6.1", ["731f", "7340"])


def test_a_verdict_on_the_cpu_is_about_no_card(scope: MakeScope) -> None:
    found = {"conv2d_verify": scope("conv2d_verify", conv2d_verify_device="cpu")}
    wanted = [("conv2d_verify", item) for item in found["conv2d_verify"].desired()]
    action.complete(found, wanted, [None] * len(wanted))
    assert next(item for _, item in wanted if item["kind"] == "verdict")["cards"] is None


def test_a_text_is_what_ansible_s_own_template_lookup_makes(scope: MakeScope) -> None:
    wanted = scope("rocm")
    for item in wanted.desired():
        if item["kind"] == "file":
            lookup = wanted._templar.template(trust_as_template(
                f"{{{{ lookup('ansible.builtin.template', '{item['template']}') }}}}"))  # fmt: skip
            assert wanted.text(item["template"]) == str(lookup)


def test_digests_are_of_the_files_and_not_of_what_python_compiled(tmp_path: Path) -> None:
    (tmp_path / "a/__pycache__").mkdir(parents=True)
    (tmp_path / "a/x.py").write_text("x")
    (tmp_path / "a/__pycache__/x.pyc").write_text("x")
    assert list(desired.digests(tmp_path)) == ["a/x.py"]


UBUNTU = 'NAME="Ubuntu"\nVERSION_ID="24.04"\nID=ubuntu\nVERSION_CODENAME=noble\nx86_64\ntrixie/sid\n'
DEBIAN = "NAME='Debian GNU/Linux'\nVERSION_ID=\"13\"\nVERSION_CODENAME=trixie\nID=debian\nx86_64\n13.1\n"


@pytest.mark.parametrize(
    ("output", "version", "major", "name"),
    [(UBUNTU, "24.04", "24", "Ubuntu"), (DEBIAN, "13.1", "13", "Debian"),
     (DEBIAN.replace("13.1", "forky/sid"), "13", "13", "Debian"),
     (UBUNTU.replace("ID=ubuntu", "ID=mint").replace("Ubuntu", "Mint"), "24.04", "24", "Mint")],
)  # fmt: skip
def test_a_release_is_what_ansible_s_facts_would_say(
    output: str, version: str, major: str, name: str
) -> None:
    found = release.facts(output)
    assert set(found) == set(release.FACTS)
    assert (found["distribution"], found["distribution_version"], found["distribution_major_version"]) == (
        name, version, major,
    )  # fmt: skip
    assert found["architecture"] == "x86_64"
