"""Each host keeps a verdict, and it says what it was reached on."""

testinfra_hosts = ["ansible://lab"]

SIZES = [32, 40, 42, 44, 48, 56, 64, 128, 224, 512]


def test_the_verdict_is_a_pass_over_all_ten_sizes(verdict):
    assert verdict["schema"] == "rdna1.verdict/1"
    assert verdict["ok"] is True
    passed = [row["case"]["size"] for row in verdict["cases"] if row["status"] == "pass"]
    assert sorted(passed) == SIZES


def test_each_case_was_compared_with_the_cpu_in_all_three_directions(verdict):
    for row in verdict["cases"]:
        assert [finding["what"] for finding in row["findings"]] == [
            "forward",
            "input gradient",
            "weight gradient",
        ]
        assert all(finding["max_abs"] <= finding["max_abs_allowed"] for finding in row["findings"])


def test_it_says_what_was_stood_in(host, verdict):
    real = host.check_output("hostname") == "cpu-reference"
    assert verdict["runtime"]["stand_in"] is not real
    assert verdict["device"]["simulated"] is not real
    notices = " ".join(verdict["notices"])
    assert ("simulated card" in notices) is not real
    assert ("stand-in torch" in notices) is not real


def test_it_can_be_reached_again_without_ansible(host):
    done = host.run("/opt/rdna1/bin/conv2d-verify --case smoke/32")
    assert done.rc == 0, done.stdout + done.stderr
