"""`rdna1 rollout`: its options and its help."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from rdna1.rollout.asked import BUDGET, ON_FAILURE, PLAYBOOK, REBOOT, WAVES, Asked

WHO = "Who goes, and when"
WRONG = "When something goes wrong"
ELSE = "What else is done"
SHOWN = "What is shown"

INVENTORY_HELP = "As for ansible-playbook; may be given several times."
LIMIT_HELP = "Fewer hosts, as for ansible-playbook."
WAVES_HELP = f"""How much of the fleet has been attempted after each wave, in hosts or shares. Where
there is a group canary, it is a wave of its own before. Default: {WAVES}."""
SOAK_HELP = "Wait between waves."
CONFIRM_HELP = "Ask before each wave but the first."
BUDGET_HELP = f"""How many hosts may fail in all waves together: 2, or 5% of the fleet, rounded down.
Whatever is no pass counts, unreachable hosts too. Default: {BUDGET}."""
TIMEOUT_HELP = """How long a wave may take. Hosts that are still busy then are timed out; those that only
waited for them go again. Default: no limit."""
ON_FAILURE_HELP = f"""What becomes of a host that fails after a change. rollback: back to its last state if
that had passed, else quarantine: a marker on the host and its environment off, so that
no job lands on it. Default: {ON_FAILURE}."""
RESUME_HELP = """Go on with a run that was stopped, killed or had failures: its failed and never-
attempted hosts, not those that passed. Its waves stay; extra variables must be given
again."""
REBOOT_HELP = f"""A host that needs a reboot is shown as needs-reboot; or it is rebooted, and verified
again. Default: {REBOOT}."""
DRAIN_HELP = """Run here for each host before the chain, with RDNA1_HOST, RDNA1_ADDRESS, RDNA1_GROUPS,
RDNA1_KERNEL and more in its environment. Where it fails, the host is skipped and counts
as a failure."""
UNDRAIN_HELP = "The same after the wave, for hosts that passed. The others stay drained."
EXTRA_HELP = "As for ansible-playbook: NAME=VALUE, JSON or @FILE. Secrets belong into a vaulted @FILE."
PLAYBOOK_HELP = f"A playbook of your own around the chain. Default: {PLAYBOOK}."


def option(*names: str, panel: str, text: str, **more: Any) -> Any:
    """Return an option; its help reads as one paragraph."""
    return typer.Option(*names, rich_help_panel=panel, help=" ".join(text.split()), **more)


def rollout(
    inventory: Annotated[
        list[Path] | None, option("--inventory", "-i", panel=WHO, text=INVENTORY_HELP, metavar="PATH")
    ] = None,
    limit: Annotated[str | None, option("--limit", panel=WHO, text=LIMIT_HELP, metavar="PATTERN")] = None,
    waves: Annotated[str | None, option("--waves", panel=WHO, text=WAVES_HELP, metavar="SIZES")] = None,
    soak: Annotated[int | None, option("--soak", panel=WHO, text=SOAK_HELP, metavar="SECONDS", min=0)] = None,
    confirm: Annotated[bool | None, option("--confirm", panel=WHO, text=CONFIRM_HELP)] = None,
    budget: Annotated[str | None, option("--budget", panel=WRONG, text=BUDGET_HELP, metavar="HOSTS")] = None,
    timeout: Annotated[
        int | None, option("--timeout", panel=WRONG, text=TIMEOUT_HELP, metavar="SECONDS", min=0)
    ] = None,
    on_failure: Annotated[
        Literal["rollback", "quarantine", "leave"] | None,
        option("--on-failure", panel=WRONG, text=ON_FAILURE_HELP),
    ] = None,
    resume: Annotated[str | None, option("--resume", panel=WRONG, text=RESUME_HELP, metavar="ID")] = None,
    reboot: Annotated[
        Literal["never", "if-needed", "always"] | None, option("--reboot", panel=ELSE, text=REBOOT_HELP)
    ] = None,
    drain: Annotated[str | None, option("--drain", panel=ELSE, text=DRAIN_HELP, metavar="COMMAND")] = None,
    undrain: Annotated[
        str | None, option("--undrain", panel=ELSE, text=UNDRAIN_HELP, metavar="COMMAND")
    ] = None,
    extra_vars: Annotated[
        list[str] | None, option("--extra-vars", "-e", panel=ELSE, text=EXTRA_HELP, metavar="VARS")
    ] = None,
    vault_password_file: Annotated[
        list[Path] | None,
        option("--vault-password-file", panel=ELSE, text="As for ansible-playbook.", metavar="PATH"),
    ] = None,
    playbook: Annotated[
        Path | None, option("--playbook", panel=ELSE, text=PLAYBOOK_HELP, metavar="PATH")
    ] = None,
    quiet: Annotated[bool, option("--quiet", "-q", panel=SHOWN, text="Gates and the last screen.")] = False,
    json_lines: Annotated[
        bool, option("--json-lines", panel=SHOWN, text="Every event as JSON, for programs.")
    ] = False,
    runs_dir: Annotated[
        Path, option("--runs-dir", panel=SHOWN, text="Where each run gets a folder.", metavar="PATH")
    ] = Path("runs"),
) -> None:
    """Take a fleet through the chain in waves; each starts only when the gate of the one before is open.

    A gate is open when every host of its wave is accounted for and all failures so far are within the budget.

    rdna1 rollout -i inventories/mine: the canaries, then one host, 10%, 50%, all; the first failure stops it.

    rdna1 rollout -i inventories/mine --budget 5% --soak 600 --confirm: tolerant, slow, and asking.

    rdna1 rollout --resume 20260131-120000-1a2b: on, after a failure was cured or the driver was killed.

    Ctrl-C stops after the wave, a second one stops now. What a run did lies in runs/ID/.

    Exit codes: 0 every host passed, 1 a host failed, 2 the run could not start or was not finished.
    """
    # Not above: it imports Ansible, which no other command should have to wait for.
    from rdna1.rollout.session import session

    asked = Asked(
        inventories=inventory or [],
        limit=limit,
        waves=waves,
        soak=soak,
        confirm=confirm,
        budget=budget,
        timeout=timeout,
        on_failure=on_failure,
        reboot=reboot,
        drain=drain,
        undrain=undrain,
        playbook=playbook,
        extra_vars=extra_vars or [],
        vault_password_files=vault_password_file or [],
    )
    raise typer.Exit(session(asked, resume, runs_dir, quiet=quiet, json_lines=json_lines))
