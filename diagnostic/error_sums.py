"""What a fit leaves behind on held-out frames: sums over blocks of frames, from which every figure is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..theory.errors import InputError
from .splits import BLOCK

_FIELDS = ("injected", "missed", "before", "after", "oracle", "blank")


@dataclass(frozen=True)
class ErrorSums:
    """Sums of squares over the held-out uses of each block of frames, in (eV/Å)^2; each array is ``(blocks,)``.

    Attributes
    ----------
    injected
        |dF|^2, the power injected.
    missed
        |dF - (p[F'] - p[F])|^2: what the injection did not bring back. p[F'] and p[F] are the predictions of the same
        fit with and without the injection; the fit is linear in its target, so their difference is exactly what the
        injection caused, and what the readout learns of the backbone's own error does not count as missed.
    before
        |F' - F_backbone|^2 along the injected direction: the error without a readout.
    after
        |F' - F_backbone - prediction|^2: the error with the readout.
    oracle
        The same for the fit that has the true signal T among its features.
    blank
        |F - F_backbone|^2 minus its value with the readout's p[F]: the gain when nothing is injected.
    count
        Number of squares in each sum.
    null
        R2 of the same fit on targets of independently rotated frames, one value for each draw.
    """

    injected: NDArray[np.float64]
    missed: NDArray[np.float64]
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    oracle: NDArray[np.float64]
    blank: NDArray[np.float64]
    count: NDArray[np.float64]
    null: tuple[float, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return JSON-ready data that restores the sums exactly."""
        data: dict[str, Any] = {name: getattr(self, name).tolist() for name in (*_FIELDS, "count")}
        return {**data, "null": list(self.null)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> ErrorSums:
        """Restore what ``to_json`` gave; InputError where it is damaged."""
        try:
            arrays = {name: np.array(data[name], dtype=np.float64) for name in (*_FIELDS, "count")}
            sums = cls(**arrays, null=tuple(float(x) for x in data["null"]))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"a saved cell is damaged ({error!r}); delete the run directory's cells and run again"
            ) from error
        return sums


def block_of_frame(frames: int) -> NDArray[np.int64]:
    """Return the block that each held-out frame belongs to: consecutive frames stay together."""
    return np.minimum(np.arange(frames) // BLOCK, max(0, frames // BLOCK - 1))


def block_sums(squares: NDArray[np.float64], blocks: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sum ``(frames, ...)`` over everything but the block."""
    per_frame = squares.reshape(len(squares), -1).sum(axis=1)
    return np.bincount(blocks, weights=per_frame, minlength=int(blocks.max()) + 1).astype(np.float64)


def pool(sums: Sequence[ErrorSums]) -> ErrorSums:
    """Add up the sums of several atoms, block by block."""
    arrays = {name: np.sum([getattr(one, name) for one in sums], axis=0) for name in (*_FIELDS, "count")}
    return ErrorSums(**arrays)
