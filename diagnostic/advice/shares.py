"""What the knobs hold: gain and unique part, with intervals over blocks and a band of what they hold of nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .density import Floats
from .settings import KNOBS

#: Resampled sets of blocks, and the part of them that an interval leaves out on each side.
RESAMPLES, TAIL = 2_000, 0.025


@dataclass(frozen=True, eq=False)
class Shares:
    """Gains and unique parts of the knobs, in the order of ``KNOBS``; shares of the squared error that the base leaves.

    Attributes
    ----------
    left
        Part of the target's power that the base leaves.
    gain, unique : (knobs,) arrays
        gain = 1 - E(base + knob) / E(base); unique = (E(all but the knob) - E(all)) / E(base).
    all_gain
        1 - E(all) / E(base).
    lefts : (resamples,) array
        ``left`` for resampled blocks.
    gains, uniques : (resamples, knobs) arrays
        The same for resampled blocks.
    all_gains : (resamples,) array
        The same for all knobs together.
    """

    left: float
    gain: Floats
    unique: Floats
    all_gain: float
    lefts: Floats
    gains: Floats
    uniques: Floats
    all_gains: Floats

    def interval(self, values: Floats) -> tuple[float, float]:
        """Return the interval of resampled values, 95 %."""
        low, high = np.quantile(values, [TAIL, 1 - TAIL])
        return float(low), float(high)


def shares_of(errors: Mapping[str, NDArray[np.float64]], power: Floats, rng: np.random.Generator) -> Shares:
    """Return the shares from squared errors by block.

    Parameters
    ----------
    errors
        For each fit of ``knob_subsets`` an array ``(blocks,)``.
    power : (blocks,) array
        Power of the target.
    rng
        Draws the resampled blocks.
    """
    names = list(errors)
    table = np.stack([errors[name] for name in names] + [power])
    blocks = table.shape[1]
    counts = rng.multinomial(blocks, np.full(blocks, 1 / blocks), size=RESAMPLES)
    point = _shares(dict(zip(names, table[:-1].sum(axis=1)[:, None], strict=True)))
    sums = table[:-1] @ counts.T
    drawn = _shares(dict(zip(names, sums, strict=True)))
    return Shares(
        left=float(errors["base"].sum() / power.sum()) if power.sum() > 0 else 0.0,
        gain=point[0][0], unique=point[1][0], all_gain=float(point[2][0]),
        lefts=sums[names.index("base")] / np.maximum(table[-1] @ counts.T, np.finfo(float).tiny),
        gains=drawn[0], uniques=drawn[1], all_gains=drawn[2],
    )  # fmt: skip


def _shares(sums: Mapping[str, Floats]) -> tuple[Floats, Floats, Floats]:
    base = np.maximum(sums["base"], np.finfo(float).tiny)
    gain = np.stack([1 - sums[f"+{knob}"] / base for knob in KNOBS], axis=-1)
    unique = np.stack([(sums[f"-{knob}"] - sums["all"]) / base for knob in KNOBS], axis=-1)
    return gain, unique, 1 - sums["all"] / base


@dataclass(frozen=True, eq=False)
class Null:
    """The largest gain and unique part of each knob over the null targets, (knobs,) arrays, and of all knobs together."""

    gain: Floats
    unique: Floats
    all_gain: float


def null_band(by_block: Mapping[str, Floats]) -> Null:
    """Return what the knobs hold of targets in which there is nothing to hold.

    Parameters
    ----------
    by_block
        For each fit of ``knob_subsets`` an array ``(blocks, targets)``; the first target is the measured one and left out.
    """
    gain, unique, together = _shares({name: part[:, 1:].sum(axis=0) for name, part in by_block.items()})
    return Null(gain.max(axis=0), unique.max(axis=0), float(together.max()))
