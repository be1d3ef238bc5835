"""Sets of directions on the sphere."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..theory.errors import InputError


def haar_directions(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw n independent directions, uniform on the sphere: shape (n, 3), unit vectors."""
    if n < 0:
        raise InputError(f"the number of directions is {n}: give zero or more")
    points = rng.standard_normal((n, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return points
