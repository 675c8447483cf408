# SPDX-License-Identifier: MIT
"""Action: observe a host in one module run, and plan what its roles have to do.

    - rdna1.provision.plan:
        roles: [jammy_compat, rocm]   # the host's roles, in their order
        full: false                   # let all of them run, whatever the plan says
        stage: before                 # or after, where a run has changed something
        show_desired: false           # return everything that is wanted as well
      register: __rdna1_plan

Two round trips: the release (one shell command, so that the right variables are read), then everything else.
Returns ``rdna1`` (the plan: differences, summary, verdict), ``roles`` (those that have something to do),
``manifest`` (what the chain notes on the host at its end) and, as facts, the release, so that no role has to
gather it; with ``show_desired`` also ``desired``, the list that the plan was made from. ``canaries`` and, for
waves, ``others`` are the play's hosts, whether or not they can be reached. Misspelt variables stop it
before the host is observed.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from ansible import constants as C  # noqa: N812 - what everybody calls it
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.rdna1.provision.plugins.action import check_variables
from ansible_collections.rdna1.provision.plugins.plugin_utils import compiled, kinds, piped, plan, release
from ansible_collections.rdna1.provision.plugins.plugin_utils.desired import RoleScope, UnknownSystemError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible ships no types
    """See the module's docstring."""

    _supports_check_mode = True

    @classmethod
    def finalize_task_arg(cls, name: str, value: Any, templar: Any, context: Any) -> Any:
        """Evaluate an argument as Ansible does, from what is compiled; another Ansible may not ask for it."""
        return super().finalize_task_arg(name, value, compiled.share(templar), context)

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask, judge, return the plan; fail with one sentence where the host cannot be judged."""
        result = super().run(tmp, task_vars)
        task_vars = dict(task_vars or {})
        _, arguments = self.validate_argument_spec(
            argument_spec={
                "roles": {"type": "list", "elements": "str", "required": True},
                "full": {"type": "bool", "default": False},
                "show_desired": {"type": "bool", "default": False},
                "stage": {"type": "str", "choices": ["before", "after"], "default": "before"},
            }
        )
        host = task_vars["inventory_hostname"]
        facts = self._release(host, task_vars.get("ansible_facts") or {})
        task_vars["ansible_facts"] = {**(task_vars.get("ansible_facts") or {}), **facts}
        # After the release, which an inventory may make its values depend on.
        templar = self._templar.copy_with_new_env(available_variables=task_vars)
        check_variables.check(task_vars, compiled.share(templar).template)
        try:
            scopes = {
                role: RoleScope(role, self._templar, task_vars) for role in [plan.JUDGE, *arguments["roles"]]
            }
        except UnknownSystemError as error:
            raise AnsibleActionFail(f"{host} {error}.") from error
        desired = [(role, item) for role, scope in scopes.items() for item in scope.desired()]
        # After its roles the chain has yet to write its own.
        own = plan.chain_items({}) if arguments["stage"] == "before" else []
        answers = self._ask([*desired, *own], task_vars)
        answers, noted = answers[: len(desired)], answers[len(desired) :]
        complete(scopes, desired, answers)
        found = plan.differences(desired, answers)
        summary = plan.summary(facts, desired, answers)
        manifest = plan.manifest(host, arguments["roles"], summary)
        if own:
            # Where something else differs, what was noted of the state is noted anew anyway.
            own = plan.chain_items(manifest, state=not found)
            found += plan.differences(own, noted)
        verdict = next(
            (plan.verdict(item, answer) for (_, item), answer in zip(desired, answers, strict=True)
             if item["kind"] == "verdict"), None,
        )  # fmt: skip
        if arguments["show_desired"]:
            result["desired"] = [{"role": role, **item} for role, item in [*desired, *own]]
        return {
            **result,
            "changed": False,
            "ansible_facts": facts,
            "roles": plan.roles_to_run(found, arguments["roles"], full=arguments["full"]),
            "rdna1": plan.document(host, arguments["stage"], found, summary, verdict),
            "manifest": manifest,
            **fleet(task_vars),
        }

    def _release(self, host: str, facts: Mapping[str, Any]) -> dict[str, str]:
        """The release, from the facts where somebody gathered them."""
        if all(fact in facts for fact in release.FACTS):
            return {fact: str(facts[fact]) for fact in release.FACTS}
        answer = self._low_level_execute_command(release.COMMAND, sudoable=False)
        if answer["rc"] != 0:
            said = " ".join((answer["stderr"] or answer["stdout"]).split())
            raise AnsibleActionFail(
                f"{host}: it does not say which release it runs ({said}); "
                "see whether it has /etc/os-release, or take it out of the inventory."
            )
        return release.facts(answer["stdout"])

    def _ask(self, desired: Sequence[tuple[str, Mapping[str, Any]]], task_vars: dict[str, Any]) -> list[Any]:
        questions = [kinds.KINDS[item["kind"]].ask(item) for _, item in desired]
        answer = self._piped(questions, task_vars)
        if answer is None:
            answer = self._execute_module(
                module_name="rdna1.provision.observe",
                module_args={"questions": questions},
                task_vars=task_vars,
            )
        if answer.get("failed"):
            said = (
                answer.get("msg")
                or answer.get("module_stderr")
                or answer.get("exception")
                or "no reason given"
            )
            raise AnsibleActionFail(f"{task_vars['inventory_hostname']}: it could not be observed: {said}")
        answers: list[Any] = answer["answers"]
        return answers

    def _piped(
        self, questions: Sequence[dict[str, Any]], task_vars: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """The answers by the shortest way; None where that cannot be gone, and the module has to."""
        try:
            pipelining = self._is_pipelining_enabled("new")
        except AssertionError:  # mitogen's, which has a way of its own to run modules
            return None
        interpreter = self._templar.template(task_vars.get("ansible_python_interpreter"))
        interpreter = interpreter or C.config.get_config_value(
            "INTERPRETER_PYTHON", variables=dict(task_vars)
        )
        if not str(interpreter).startswith("/") or not pipelining:
            return None
        command = f"{shlex.quote(str(interpreter))} -"
        said = self._low_level_execute_command(command, in_data=piped.script(questions))
        found: dict[str, Any] | None = piped.answers(said["stdout"])
        return found


def fleet(task_vars: Mapping[str, Any]) -> dict[str, list[str]]:
    """Who must pass before anybody else is touched and, for waves, in which order the others come."""
    hosts = task_vars.get("ansible_play_hosts_all", [])
    canaries = task_vars.get("groups", {}).get("canary", [])
    found = {"canaries": [host for host in hosts if host in canaries]}
    if "rdna1_serial" in task_vars:
        found["others"] = [host for host in hosts if host not in canaries]
    return found


def complete(
    scopes: Mapping[str, RoleScope], desired: Sequence[tuple[str, dict[str, Any]]], answers: Sequence[Any]
) -> None:
    """Fill in what only the host could tell: variables, templates' texts, what a verdict must be about."""
    kernel, cards = "", []
    for (role, item), answer in zip(desired, answers, strict=True):
        if item["kind"] == "archives":
            scopes[role].learn(item["sets"], {"archives": answer})
        elif item["kind"] == "system":
            kernel = answer["kernel"]
        elif item["kind"] == "card":
            cards = [card["device_id"] for group in ("cards", "others") for card in answer[group]]
    for role, item in desired:
        if item["kind"] == "file" and "text" not in item:
            item["text"] = scopes[role].text(item["template"])
        elif item["kind"] == "verdict":
            item |= {"kernel": kernel, "cards": cards if item["cards"] else None}
