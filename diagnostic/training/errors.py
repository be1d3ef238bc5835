"""Errors of a model against its labels, in the loss."""

from __future__ import annotations

import torch

from .state import Graph


def stress_error(predicted: Graph, reference: Graph) -> torch.Tensor:
    """Return the mean squared error of the stress ``(frames, 3, 3)``, over frames whose reference is finite; zero without."""
    known = torch.isfinite(reference["stress"]).flatten(1).all(dim=1)
    if not bool(known.any()):
        return torch.zeros((), device=known.device)
    return ((predicted["stress"][known] - reference["stress"][known]) ** 2).mean()
