"""The helper rdna1_torch with the real PyTorch, which only the host without a card has."""

testinfra_hosts = ["ansible://cpu_reference"]

PYTHON = "/opt/rdna1/current/bin/python"


def test_results_are_equal_and_gradients_flow(host):
    """Each convolution forward and backward, against double precision."""
    said = host.run(f"{PYTHON} -B -m rdna1_torch --device cpu")
    assert said.rc == 0, said.stdout + said.stderr
    assert "no bias" in said.stdout


def test_a_small_network_trains_through_the_cpu_s_way_as_without_it(host):
    code = """
import torch
from rdna1_torch import dispatch
original = torch.nn.functional.conv2d
def train(conv2d):
    torch.manual_seed(0)
    weight = torch.randn(4, 3, 3, 3, requires_grad=True)
    image = torch.randn(2, 3, 64, 64)
    losses = []
    for _ in range(3):
        loss = conv2d(image, weight, None, padding=1).pow(2).mean()
        (slope,) = torch.autograd.grad(loss, weight)
        weight = (weight - 0.1 * slope).detach().requires_grad_()
        losses.append(float(loss))
    return losses
plain = train(original)
moved = train(lambda *given, **more: dispatch.on_cpu(original, *given, **more))
assert plain == moved and plain[-1] < plain[0], (plain, moved)
"""
    said = host.run(f"{PYTHON} -B -c '{code}'")
    assert said.rc == 0, said.stderr
