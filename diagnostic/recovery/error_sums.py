"""What a fit leaves behind on held-out frames: sums of squares frame by frame, from which every figure is computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..frames.splits import BLOCK

#: Most blocks of held-out frames.
MOST_BLOCKS = 20

_FIELDS = ("injected", "missed", "before", "after", "oracle", "blank")


@dataclass(frozen=True)
class ErrorSums:
    """Sums of squares over the uses of each held-out frame, in (eV/Å)^2; each array is ``(frames,)``.

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
    origin
        Where these sums are saved: the finished part of a run and the number in it; None: nowhere.
    each
        Where these are sums of clusters, the ``r2`` of every frame or environment that went into them; else None.
    """

    injected: NDArray[np.float64]
    missed: NDArray[np.float64]
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    oracle: NDArray[np.float64]
    blank: NDArray[np.float64]
    count: NDArray[np.float64]
    null: tuple[float, ...] = ()
    origin: tuple[str, int] | None = field(default=None, compare=False)
    each: NDArray[np.float64] | None = field(default=None, compare=False)

    def r2(self) -> NDArray[np.float64]:
        """Return 1 - mean |missed|^2 / power of every frame, the power being the mean |injected|^2 of all frames; ``(frames,)``.

        Both are means over the uses of a frame, so that the mean over frames, weighted by their uses, is the R2 of all of them,
        1 - sum |missed|^2 / sum |injected|^2. 0 where nothing was injected in any frame.
        """
        power = float(self.injected.sum() / self.count.sum())
        if power == 0.0:
            return np.zeros(len(self.missed))
        return np.asarray(1.0 - self.missed / self.count / power)

    def by_cluster(self, clusters: NDArray[np.int64], count: int) -> ErrorSums:
        """Return the sums of clusters of frames, rounded to single precision as those of frames are.

        Parameters
        ----------
        clusters
            The cluster of every frame, from 0 to ``count`` - 1; a cluster without frames gets zeros.
        """
        summed: dict[str, Any] = {
            name: np.bincount(clusters, weights=getattr(self, name), minlength=count)
            .astype(np.float32)
            .astype(np.float64)
            for name in (*_FIELDS, "count")
        }
        each = self.r2().astype(np.float32).astype(np.float64)
        return ErrorSums(**summed, null=self.null, each=each)

    def to_saved(self) -> tuple[dict[str, Any], dict[str, NDArray[np.float32]]]:
        """Return JSON-ready data and arrays in single precision that restore the sums exactly.

        An array that repeats another, or holds one value, is only named.
        """
        data: dict[str, Any] = {
            "frames": len(self.injected),
            "null": list(self.null),
            "same": {},
            "value": {},
        }
        arrays: dict[str, NDArray[np.float32]] = {}
        for name in (*_FIELDS, "count"):
            values = getattr(self, name)
            single = values.astype(np.float32)
            if not np.array_equal(single.astype(np.float64), values):
                raise ValueError(f"{name} holds more digits than single precision: make it with frame_sums")
            twin = next((other for other in arrays if np.array_equal(arrays[other], single)), None)
            if len(values) and (values == values[0]).all():
                data["value"][name] = float(values[0])
            elif twin is not None:
                data["same"][name] = twin
            else:
                arrays[name] = single
        if self.each is not None:
            arrays["each"] = self.each.astype(np.float32)
        return data, arrays

    @classmethod
    def from_saved(cls, data: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> ErrorSums:
        """Restore what ``to_saved`` gave; InputError where it is damaged."""
        try:
            frames = int(data["frames"])
            loaded: dict[str, Any] = {}
            for name in (*_FIELDS, "count"):
                if name in data["value"]:
                    loaded[name] = np.full(frames, float(data["value"][name]))
                else:
                    loaded[name] = np.asarray(arrays[data["same"].get(name, name)]).astype(np.float64)
                if loaded[name].shape != (frames,):
                    raise ValueError(f"{name} has the shape {loaded[name].shape}")
            each = np.asarray(arrays["each"]).astype(np.float64) if "each" in arrays else None
            sums = cls(**loaded, null=tuple(float(x) for x in data["null"]), each=each)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(
                f"a saved cell is damaged ({error!r}); delete the run directory's cells and run again"
            ) from error
        return sums


def block_starts(frames: int) -> NDArray[np.int64]:
    """Return the first frame of every block of held-out frames: consecutive frames stay together.

    A block has at least BLOCK frames, and there are at most MOST_BLOCKS of them: longer blocks hold more of the
    correlation in time, and beyond twenty blocks an interval hardly gets narrower (Student's t is 2.09 against 1.96).
    """
    count = int(np.clip(frames // BLOCK, 1, MOST_BLOCKS))
    return np.asarray(np.arange(count) * frames // count, dtype=np.int64)


def frame_sums(squares: NDArray[np.float64], frames: int) -> NDArray[np.float64]:
    """Sum ``(frames * uses, ...)`` over everything but the frame; the uses of a frame stand together.

    The sums are rounded to single precision (6e-8 of themselves), so that they are saved compactly and what is computed
    from saved sums equals what was computed at first.
    """
    return np.asarray(squares.reshape(frames, -1).sum(axis=1).astype(np.float32), dtype=np.float64)


def pool(sums: Sequence[ErrorSums]) -> ErrorSums:
    """Add up the sums of several atoms, frame by frame."""
    arrays = {name: np.sum([getattr(part, name) for part in sums], axis=0) for name in (*_FIELDS, "count")}
    return ErrorSums(**arrays)


#: Sums for each l, None where there is no path, and the number of coefficients for each l.
Cell = tuple[list[ErrorSums | None], list[int]]
