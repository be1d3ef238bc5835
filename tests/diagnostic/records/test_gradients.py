"""A gradient that is made in halves is that of the whole, and nothing of a half that failed stays in it."""

import pytest
import torch

from spectral_ceilings.diagnostic.records.devices import OutOfDeviceMemory
from spectral_ceilings.diagnostic.records.gradients import leave_gradient


def network() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Tanh(), torch.nn.Linear(5, 1)).double()


class _Failing(torch.autograd.Function):
    """Runs out of memory on the way back, when gradients of later layers are known already."""

    @staticmethod
    def forward(ctx: object, values: torch.Tensor) -> torch.Tensor:
        return values.clone()

    @staticmethod
    def backward(ctx: object, gradient: torch.Tensor) -> torch.Tensor:
        if len(gradient) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return gradient


@pytest.mark.parametrize("way_back", [False, True], ids=["forward", "backward"])
def test_halves_give_the_gradient_of_the_whole(way_back: bool) -> None:
    x = torch.randn(11, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    whole, halved = network(), network()
    torch.autograd.backward(whole(x).square().mean())
    tried: list[int] = []

    def loss(rows: slice) -> torch.Tensor:
        some = x[rows]
        tried.append(len(some))
        if len(some) > 3 and not way_back:
            raise torch.OutOfMemoryError("CUDA out of memory")
        hidden = halved[1](halved[0](some))
        return halved[2](_Failing.apply(hidden) if way_back else hidden).square().mean() * (
            len(some) / len(x)
        )

    for parameter in halved.parameters():
        parameter.grad = torch.full_like(parameter, 7.0)  # of an earlier step
    total = leave_gradient(loss, halved.parameters(), [slice(0, 8), slice(8, 11)])
    assert tried[:3] == [8, 4, 2]
    # Sums of 11 terms of order one in another order: 11 roundings of 1.1e-16, with room for the layers.
    torch.testing.assert_close(total, whole(x).square().mean().detach(), rtol=1e-13, atol=1e-14)
    for a, b in zip(whole.parameters(), halved.parameters(), strict=True):
        torch.testing.assert_close(b.grad, a.grad, rtol=1e-13, atol=1e-14)


def test_of_one_part_it_is_the_gradient_to_the_bit() -> None:
    x = torch.randn(6, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    one, other = network(), network()
    torch.autograd.backward(one(x).square().mean())
    leave_gradient(lambda rows: other(x[rows]).square().mean(), other.parameters(), [slice(0, 6)])
    assert all(
        torch.equal(a.grad, b.grad)  # type: ignore[arg-type]
        for a, b in zip(one.parameters(), other.parameters(), strict=True)
    )


def test_leaves_that_are_given_one_tensor_do_not_share_it() -> None:
    a, b = (torch.ones(2, requires_grad=True) for _ in range(2))
    unused = torch.ones(1, requires_grad=True)
    leave_gradient(lambda rows: (a + b).square().sum(), [a, b, unused], [slice(0, 1)])
    assert a.grad is not None
    a.grad.mul_(0.0)  # as clipping does
    assert torch.equal(b.grad, torch.full((2,), 4.0))  # type: ignore[arg-type]
    assert unused.grad is None


def test_one_item_that_does_not_fit_ends_it() -> None:
    def full(rows: slice) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(OutOfDeviceMemory):
        leave_gradient(full, [torch.ones(1, requires_grad=True)], [slice(0, 4)])
