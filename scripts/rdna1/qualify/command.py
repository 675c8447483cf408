"""`rdna1 qualify`: its options and its help."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

WHAT, WHO, HOW, SHOWN = "What is tried", "On whom", "How", "What is shown"

MINUTES, CANDIDATE_MINUTES = 180, 20

LIMIT_HELP = """These hosts. Default: one host for each card family of the inventory (navi10, navi12,
navi14), a canary where it has one."""
ALSO_HELP = "For each stack also this policy, or several joined by a plus. May be given several times."
EXACT_HELP = "Exactly this. May be given several times."
MINUTES_HELP = f"""No candidate is begun, and none goes on, after so many minutes; --resume goes on.
Default: {MINUTES}."""
CANDIDATE_HELP = f"How long the suites of one candidate may take. Default: {CANDIDATE_MINUTES}."
REBOOT_HELP = """A card that is not well after a candidate needs a reboot of its host: ask for it at the
terminal, do it, or stop with that host. Default: ask; never where there is no terminal."""
RESUME_HELP = """Go on with a qualification that was interrupted or stopped; what was tried is not tried
again. Extra variables must be given again."""
DIAGNOSTIC_HELP = "Let stacks that are for diagnosis only be tried."


def option(*names: str, panel: str, text: str, **more: Any) -> Any:
    """Return an option; its help reads as one paragraph."""
    return typer.Option(*names, rich_help_panel=panel, help=" ".join(text.split()), **more)


def qualify(
    inventory: Annotated[
        list[Path] | None,
        option("--inventory", "-i", panel=WHO, text="As for ansible-playbook.", metavar="PATH"),
    ] = None,
    limit: Annotated[str | None, option("--limit", panel=WHO, text=LIMIT_HELP, metavar="PATTERN")] = None,
    stack: Annotated[
        list[str] | None, option("--stack", panel=WHAT, text="Only this stack. May be given several times.")
    ] = None,
    policy: Annotated[list[str] | None, option("--policy", panel=WHAT, text=ALSO_HELP)] = None,
    candidate: Annotated[
        list[str] | None, option("--candidate", panel=WHAT, text=EXACT_HELP, metavar="STACK[:POLICY]")
    ] = None,
    suite: Annotated[
        list[str] | None,
        option("--suite", panel=WHAT, text="The verifier's suite. May be given several times. Default: all."),
    ] = None,
    allow_diagnostic: Annotated[bool, option("--allow-diagnostic", panel=WHAT, text=DIAGNOSTIC_HELP)] = False,
    minutes: Annotated[int | None, option("--minutes", panel=HOW, text=MINUTES_HELP, min=1)] = None,
    candidate_minutes: Annotated[
        int | None, option("--candidate-minutes", panel=HOW, text=CANDIDATE_HELP, min=1)
    ] = None,
    reboot: Annotated[
        Literal["ask", "if-needed", "never"] | None, option("--reboot", panel=HOW, text=REBOOT_HELP)
    ] = None,
    resume: Annotated[str | None, option("--resume", panel=HOW, text=RESUME_HELP, metavar="ID")] = None,
    extra_vars: Annotated[
        list[str] | None,
        option("--extra-vars", "-e", panel=HOW, text="As for ansible-playbook.", metavar="VARS"),
    ] = None,
    vault_password_file: Annotated[
        list[Path] | None,
        option("--vault-password-file", panel=HOW, text="As for ansible-playbook.", metavar="PATH"),
    ] = None,
    json: Annotated[
        str | None,
        option(
            "--json",
            panel=SHOWN,
            text="Where the result for programs goes too; - prints it, and nothing else.",
            metavar="FILE",
        ),
    ] = None,
    runs_dir: Annotated[
        Path, option("--runs-dir", panel=SHOWN, text="Where each run gets a folder.", metavar="PATH")
    ] = Path("runs"),
) -> None:
    """Let the card choose: try stacks and policies on a host, rank them, say what to use and how to adopt it.

    Each candidate is installed beside what the host uses and verified, hang-proof. What the host uses stays.

    The result lies in runs/ID/: report.html, qualify.json, and record.json, which names no host and may be
    given to others. Ctrl-C stops after the candidate, a second one stops now.

    Exit codes: 0 something passes everything, 1 nothing does on some card, 2 not everything could be tried.
    """
    # Not above: it imports Ansible, which no other command should have to wait for.
    from rdna1.qualify.session import Wish, session

    wish = Wish(
        inventories=inventory or [],
        limit=limit,
        stacks=stack or [],
        policies=policy or [],
        exactly=candidate or [],
        suites=suite or [],
        allow_diagnostic=allow_diagnostic,
        minutes=minutes,
        candidate_minutes=candidate_minutes,
        reboot=reboot,
        extra_vars=extra_vars or [],
        vault_password_files=vault_password_file or [],
    )
    raise typer.Exit(session(wish, resume, runs_dir, json))
