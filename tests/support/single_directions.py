"""Features that are nothing but the harmonics of one direction: the case in which theory gives every number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spectral_ceilings.diagnostic.backbones.features import Features
from spectral_ceilings.diagnostic.frames.splits import Split
from spectral_ceilings.numerics import haar_directions, real_harmonics


def single_direction(
    l_max: int, l_top: int, frames: int, seed: int
) -> tuple[Features, NDArray[np.float64], Split, NDArray[np.float64]]:
    """Return features Phi_L of one random direction for each frame, its signals T, a split, and no residual."""
    directions = haar_directions(frames, np.random.default_rng(seed))
    values = real_harmonics(l_max, directions)[:, None, :]
    irreps = "+".join(f"1x{l}{'e' if l % 2 == 0 else 'o'}" for l in range(l_max + 1))
    third = frames // 3
    split = Split(
        np.arange(third), np.arange(third, third + third // 3), np.arange(third + third // 3, frames)
    )
    return (
        Features(values, irreps, "directions"),
        real_harmonics(l_top, directions),
        split,
        np.zeros((frames, 3)),
    )
