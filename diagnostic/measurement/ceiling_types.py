"""What a result says of a ceiling that does not bind exactly."""

from __future__ import annotations

from typing import Literal, TypedDict

#: Whether a ceiling binds: exactly, up to the measured miss of equivariance, or not at all, for want of a symmetry.
CeilingKind = Literal["exact", "approximate", "none"]


class Leak(TypedDict):
    """R2 of the molecule at an l above the ceiling of exactly equivariant features, where the features miss equivariance."""

    degree: int
    l: int
    r2: float
    r2_low: float
    r2_high: float
