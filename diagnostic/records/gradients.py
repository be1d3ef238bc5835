"""The gradient of a sum of losses, made in parts where memory does not hold the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch

from .devices import halving


def leave_gradient(
    loss: Callable[[slice], torch.Tensor], parameters: Iterable[torch.Tensor], parts: Iterable[slice]
) -> torch.Tensor:
    """Leave the gradient of the sum of ``loss(part)`` over all parts in the parameters, and return that sum.

    Where memory runs out the part is halved (:func:`~spectral_ceilings.diagnostic.records.devices.halving`), so that ``loss``
    must add up: that of a whole part is the sum of those of its halves. Nothing of a half that failed is left in the gradient.

    Parameters
    ----------
    loss
        Gives a scalar with its graph, of some items.
    parameters
        Leaves; what they held as ``grad`` is forgotten.
    parts
        Runs of items.

    Examples
    --------
    >>> weight, x = torch.tensor([2.0], requires_grad=True), torch.arange(4.0)
    >>> leave_gradient(lambda rows: (weight * x[rows]).sum(), [weight], [slice(0, 2), slice(2, 4)])
    tensor(12.)
    >>> weight.grad
    tensor([6.])
    """
    leaves = [parameter for parameter in parameters if parameter.requires_grad]
    for leaf in leaves:
        leaf.grad = None

    def run(part: slice) -> tuple[torch.Tensor, tuple[torch.Tensor | None, ...]]:
        value = loss(part)
        return value.detach(), torch.autograd.grad(value, leaves, allow_unused=True)

    total: torch.Tensor | None = None
    for _, (value, gradients) in halving(run, parts):
        total = value if total is None else total + value
        for leaf, gradient in zip(leaves, gradients, strict=True):
            if gradient is None:
                continue
            # A copy: several leaves may be given the same tensor, and what clips gradients writes into them.
            leaf.grad = gradient.clone() if leaf.grad is None else leaf.grad.add_(gradient)
    return torch.zeros(()) if total is None else total
