"""What a free readout is fitted to and judged on: features and residuals at every use of the frames, in the lab frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ..injection.orientations import Orientations, Uses
from ..records.devices import placed

#: An array on the host, or a tensor on any device.
Array = NDArray[np.float64] | torch.Tensor


@dataclass(frozen=True)
class LabInputs:
    """Inputs of one atom at the training, validation and held-out uses, in turn.

    Attributes
    ----------
    features
        ``(components, uses)`` of each part: reduced features as they stand in the laboratory.
    residuals
        ``(uses,)`` of each part: F - F_backbone along the lab-fixed direction e, eV/Å.
    """

    features: tuple[Array, Array, Array]
    residuals: tuple[Array, Array, Array]

    @classmethod
    def turned(
        cls,
        orientations: Orientations,
        reduced: Sequence[NDArray[np.float64]],
        residual: NDArray[np.float64],
        device: str | torch.device = "cpu",
    ) -> LabInputs:
        """Turn the features and the residual of every frame exactly, on the device: each frame is sent there once.

        Parameters
        ----------
        orientations
            The uses of the frames.
        reduced
            Reduced features of the frames by irrep, each ``(frames, channels, 2 l + 1)``.
        residual
            F - F_backbone of the frames, ``(frames, 3)``, eV/Å.
        device
            Where they are turned, and stay.
        """
        blocks, left = [placed(block, device) for block in reduced], placed(residual, device)

        def features(uses: Uses) -> torch.Tensor:
            turned = [uses.turn(block).reshape(len(uses), -1) for block in blocks]
            return torch.cat(turned, dim=1).T.contiguous()

        parts = orientations.training, orientations.validation, orientations.held_out
        return cls(
            (features(parts[0]), features(parts[1]), features(parts[2])),
            (parts[0].along(left), parts[1].along(left), parts[2].along(left)),
        )
