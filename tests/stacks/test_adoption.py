"""Another stack is one variable and one run, and so is the way back; stacks lie beside each other."""

import json

from stacks_host import Host

# A container gives no service the mount namespace that DynamicUser= wants: the job is the lab's user here.
DROP_IN = "/run/systemd/system/rdna1-job@.service.d"
OWN, OTHER = "rocm52", "rocm52-nightly"
TORCH = {OWN: "1.13.1+rocm5.2", OTHER: "2.0.0.dev20230209+rocm5.2"}
ASK = "import os, torch; print(torch.__version__, os.environ.get('MIOPEN_USER_DB_PATH', ''))"


def is_as_wanted(host: Host, stack: str) -> None:
    """What a program, the verdict and the manifest say."""
    assert host.root(f'/opt/rdna1/bin/rdna1-python -B -c "{ASK}"') == TORCH[stack]
    verdict = json.loads(host.root("cat /var/lib/rdna1/verdict.json"))
    assert (verdict["outcome"], verdict["expect"]["stack"]) == ("pass", stack)
    assert json.loads(host.root("cat /var/lib/rdna1/manifest.json"))["state"]["stack"] == stack


def nothing_changes(said: str) -> bool:
    return "changed=0" in said and "Run its roles" not in said


def test_there_and_back(host: Host) -> None:
    host.wants(rdna1_stack=OWN)
    host.converge()
    is_as_wanted(host, OWN)
    before = host.root("readlink /opt/rdna1/current")
    for stack in (OTHER, OWN):
        host.wants(rdna1_stack=stack)
        assert not nothing_changes(host.converge())
        is_as_wanted(host, stack)
        assert nothing_changes(host.converge()), "one run is all that it takes"
    # The venv that was there is the one that is there again.
    assert host.root("readlink /opt/rdna1/current") == before


def test_beside_each_other(host: Host) -> None:
    host.wants(rdna1_stack=OWN, rdna1_stacks_beside=["rocm57"])
    host.converge()
    assert nothing_changes(host.converge())
    said = {
        words: host.root(f'/opt/rdna1/bin/rdna1-python {words} -B -c "{ASK}"')
        for words in ("", f"--stack {OWN}", "--stack rocm57")
    }
    assert said[""] == said[f"--stack {OWN}"] == TORCH[OWN]
    assert said["--stack rocm57"] == "2.2.2+rocm5.7 ~/.cache/rdna1/rocm57/miopen"
    host.root("tee /opt/job.py", "import os, torch\nprint('job', torch.__version__, os.getuid() > 0)\n")
    host.root("tee /etc/rdna1/jobs/one", "STACK=rocm57\nARGUMENTS=-B /opt/job.py\n")
    host.root(f"mkdir -p {DROP_IN}")
    host.root(f"tee {DROP_IN}/lab.conf", "[Service]\nDynamicUser=no\nUser=operator\n")
    host.root("systemctl daemon-reload")
    host.root("systemctl start --wait rdna1-job@one")
    assert "job 2.2.2+rocm5.7 True" in host.root("journalctl --no-pager -u rdna1-job@one")
    host.root(f"rm -r /etc/rdna1/jobs/one /opt/job.py {DROP_IN}")
    host.root("systemctl daemon-reload")
    host.wants(rdna1_stack=OWN)
    host.converge()
    assert host.root("ls /opt/rdna1/stacks") == OWN
    assert host.root("ls /opt/rdna1/modulefiles/rdna1") == OWN
    assert nothing_changes(host.converge())
