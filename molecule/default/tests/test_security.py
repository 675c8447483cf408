"""Nobody but root can change what root executes or reads, and the verifier has no rights of its own."""

testinfra_hosts = ["ansible://rdna1"]

OURS = "/opt/rdna1 /etc/rdna1 /var/lib/rdna1 /opt/rocm-5.2.0"
NAMED = "/etc/apt /etc/profile.d /etc/environment.d /etc/systemd/system /etc/udev/rules.d"
# The verifier's own corner, in which root keeps what it found.
CORNER = "/var/lib/rdna1/conv2d_verify"


def test_all_of_it_is_root_s_and_writable_by_nobody_else(host):
    ours = f"find {OURS} -path {CORNER} -prune -o"
    assert host.check_output(f"{ours} ! -user root -print; {ours} ! -group root -print") == ""
    assert host.check_output(f"{ours} ! -type l -perm /022 -print") == ""
    named = f"find {NAMED} -name '*rdna1*'"
    assert host.check_output(f"{named} ! -user root -print; {named} ! -type l -perm /022 -print") == ""


def test_no_directory_above_them_is_writable_by_others(host):
    for path in (*OURS.split(), *NAMED.split(), "/usr/bin/python3"):
        above = host.check_output(f"namei -om {path}")
        for line in above.splitlines()[1:]:
            mode, owner, *_ = line.split()
            assert owner == "root", f"{path}: {line}"
            assert mode.startswith("l") or (mode[5] != "w" and mode[8] != "w"), f"{path}: {line}"


def test_nothing_of_it_has_rights_of_its_own(host):
    assert host.check_output(f"find {OURS} -perm /6000") == ""


def test_what_was_there_before_is_root_s_alone(host):
    for path in ("/var/lib/rdna1/points", "/var/lib/rdna1/backup"):
        if host.file(path).exists:
            assert host.file(path).mode == 0o700
            assert host.check_output(f"find {path} -perm /077 -name '*.json*'") == ""


def test_the_verifier_may_nothing(host):
    user = host.user("rdna1-verify")
    assert user.shell == "/usr/sbin/nologin"
    assert set(user.groups) <= {"rdna1-verify", "render", "video"}
    assert host.check_output("getent shadow rdna1-verify").split(":")[1].startswith("!")
    assert "not allowed to run sudo" in host.check_output("LC_ALL=C sudo -l -U rdna1-verify")
    owned = host.check_output("find / -xdev -user rdna1-verify ! -path '/proc/*'").splitlines()
    assert all(path == CORNER or path.startswith(CORNER + "/") for path in owned), owned


def test_a_user_cannot_have_root_s_verifier_read_a_file_of_his(host):
    """What the program loads lies where only root writes, whatever the caller's environment and directory."""
    head = host.check_output("head -n 1 /opt/rdna1/bin/conv2d-verify")
    assert head == "#!/opt/rdna1/current/bin/python -sEB"
