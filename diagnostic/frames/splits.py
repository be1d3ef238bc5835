"""Splits of frames into training, validation and held-out ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...theory.errors import InputError

#: Fractions of the frames; the rest is held out.
TRAINING, VALIDATION = 0.6, 0.1
#: Consecutive frames that stay together: neighbours in time are not independent.
BLOCK = 10


@dataclass(frozen=True)
class Split:
    """Frame indices, in ascending order. Nothing is ever chosen on ``held_out``."""

    training: NDArray[np.int64]
    validation: NDArray[np.int64]
    held_out: NDArray[np.int64]

    def counts(self) -> dict[str, int]:
        """Return the number of frames in each part."""
        return {
            "training": len(self.training),
            "validation": len(self.validation),
            "held_out": len(self.held_out),
        }


def split_frames(n_frames: int, seed: int, *, with_held_out: bool = True) -> Split:
    """Deal blocks of consecutive frames to the three parts.

    The same ``(n_frames, seed)`` gives the same split to ``ceilings train`` and ``ceilings diagnose``, so that the
    frames held out of the one are held out of the other.

    Parameters
    ----------
    n_frames
        Number of frames; at least ``3 * BLOCK``.
    seed
        Seed of the order in which blocks are dealt.
    with_held_out
        False where the held-out frames come from a file of their own: then 6/7 train and 1/7 validate.
    """
    if n_frames < 3 * BLOCK:
        raise InputError(
            f"{n_frames} frames are too few to split, expected at least {3 * BLOCK}; give more frames"
        )
    blocks = np.array_split(np.arange(n_frames), n_frames // BLOCK)
    order = np.random.default_rng([seed, n_frames]).permutation(len(blocks))
    share = 1.0 if with_held_out else TRAINING + VALIDATION
    n_valid = max(1, round(VALIDATION / share * len(blocks)))
    n_train = len(blocks) - n_valid
    if with_held_out:
        n_train = min(round(TRAINING * len(blocks)), n_train - 1)

    def join(part: NDArray[np.int64]) -> NDArray[np.int64]:
        return (
            np.sort(np.concatenate([blocks[k] for k in part])) if len(part) else np.empty(0, dtype=np.int64)
        )

    return Split(
        training=join(order[:n_train]),
        validation=join(order[n_train : n_train + n_valid]),
        held_out=join(order[n_train + n_valid :] if with_held_out else order[:0]),
    )


def evenly_spaced(total: int, count: int) -> NDArray[np.int64]:
    """Return at most ``count`` indices of ``range(total)``, spread evenly from the first to the last, ascending.

    Every index comes once: where ``count`` is more than ``total``, there are ``total`` of them. One index is the first.

    Examples
    --------
    >>> evenly_spaced(10, 4).tolist()
    [0, 3, 6, 9]
    """
    return np.unique(np.linspace(0, total - 1, count).round().astype(np.int64))
