"""A fleet that has converged: nothing differs, and running every role all the same changes nothing."""

from pathlib import Path

import ansible_runner

ROOT = Path(__file__).parents[3]


def run(tmp_path, playbook, **variables):
    """Run a playbook on the scenario's hosts (RDNA1_LAB); return what became of it."""
    return ansible_runner.run(
        private_data_dir=str(tmp_path),
        project_dir=str(ROOT),
        playbook=f"playbooks/{playbook}.yml",
        inventory=[str(ROOT / "inventories/lab")],
        extravars=variables,
        envvars={"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_HOST_KEY_CHECKING": "True"},
        suppress_env_files=True,
        quiet=True,
    )


def test_nothing_differs(tmp_path):
    done = run(tmp_path, "drift", rdna1_deep=True, rdna1_drift_to=str(tmp_path / "drift.json"))
    assert (done.status, done.rc) == ("successful", 0), done.stdout.read()


def test_a_full_run_changes_nothing(tmp_path):
    done = run(tmp_path, "rdna1", rdna1_full=True)
    assert (done.status, done.rc) == ("successful", 0), done.stdout.read()
    assert done.stats["changed"] == {}, "these roles change what is already as wanted"
    assert len(done.stats["ok"]) == 4
