"""Errors of a model against its labels, in the loss."""

from __future__ import annotations

import torch

from .state import Graph


def stress_error(predicted: Graph, reference: Graph) -> torch.Tensor:
    """Return the mean squared error of the stress ``(frames, 3, 3)``, over frames whose reference is finite; zero without."""
    known = torch.isfinite(reference["stress"]).flatten(1).all(dim=1)[:, None, None]
    left = predicted["stress"] - torch.where(known, reference["stress"], predicted["stress"].detach())
    # A product and a quotient, not a selection: nothing waits for the device.
    return torch.where(known, left, 0.0).square().sum() / (9 * known.sum()).clamp(min=1)
