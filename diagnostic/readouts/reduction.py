"""Fewer channels, the same symmetry: linear combinations of channels, chosen irrep by irrep on training frames.

A linear combination of the channels of one irrep is again a feature of that irrep, so a polynomial of degree d of
reduced features is a polynomial of degree d of all features: a reduction can lower what is recovered below the
ceiling but never raise the ceiling.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..backbones.features import Block

#: Ridge strength of the linear fit that picks the leading combination, relative to the mean channel power.
_STRENGTH = 1e-5


def channel_combinations(
    block: NDArray[np.float64], keep: int, target: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Return combinations ``(channels, keep)`` of the channels of one irrep.

    The first is the ridge fit of ``target`` where one is given; the others are the principal components of what it
    leaves over (the first ``keep`` principal components without a target). Each is scaled to unit mean square.

    Parameters
    ----------
    block
        ``(samples, channels, 2 l + 1)``; scalars should be centred.
    keep
        How many combinations; at most the number of channels.
    target
        ``(samples, 2 l + 1)``, an equivariant signal of the same l and parity.
    """
    channels = block.shape[1]
    keep = min(keep, channels)
    flat = block.transpose(0, 2, 1).reshape(-1, channels)
    covariance = flat.T @ flat / len(flat)
    scale = np.sqrt(np.maximum(np.diag(covariance), np.finfo(float).tiny))
    covariance = covariance / np.outer(scale, scale)
    chosen = np.zeros((channels, 0))
    if target is not None and keep:
        cross = (flat / scale).T @ target.reshape(-1) / len(flat)
        first = np.linalg.solve(covariance + _STRENGTH * np.eye(channels), cross)
        power = float(first @ covariance @ first)
        if power > 0.0:
            chosen = (first / np.sqrt(power))[:, None]
    left = covariance - covariance @ chosen @ chosen.T @ covariance
    values, vectors = np.linalg.eigh(left)
    for k in range(channels - 1, -1, -1):
        if chosen.shape[1] == keep:
            break
        vector = vectors[:, k] - chosen @ (chosen.T @ covariance @ vectors[:, k])
        power = float(vector @ covariance @ vector)
        if values[k] > 1e-12 * channels and power > 0.0:
            chosen = np.concatenate([chosen, (vector / np.sqrt(power))[:, None]], axis=1)
    return np.asarray(chosen / scale[:, None])


@dataclass(frozen=True)
class Reduction:
    """Channel combinations of some irreps, fitted on training frames and applied to any frames."""

    mixes: Mapping[
        tuple[int, int], tuple[NDArray[np.float64], NDArray[np.float64]]
    ]  # (l, p) -> centre, combinations

    @property
    def kinds(self) -> list[tuple[int, int, int]]:
        """``(l, parity, channels)`` of each reduced block."""
        return [(degree, parity, mix.shape[1]) for (degree, parity), (_, mix) in self.mixes.items()]

    def apply(self, blocks: Sequence[Block], atom: int) -> list[NDArray[np.float64]]:
        """Return the reduced features of one atom, one array ``(frames, kept, 2 l + 1)`` for each block kept."""
        by_kind = {(block.l, block.parity): block for block in blocks}
        return [
            np.einsum("ncm,ck->nkm", by_kind[kind].values[:, atom] - centre, mix)
            for kind, (centre, mix) in self.mixes.items()
        ]


def fit_reduction(
    blocks: Sequence[Block],
    atoms: Sequence[int],
    training: NDArray[np.int64],
    keep: Mapping[tuple[int, int], int],
    targets: Mapping[int, NDArray[np.float64]],
) -> Reduction:
    """Choose the channel combinations of each irrep, shared by ``atoms``.

    Parameters
    ----------
    training
        The frames to fit on.
    keep
        How many combinations of each ``(l, parity)``; irreps not named are dropped.
    targets
        For some l, ``(frames, len(atoms), 2 l + 1)``: the signal of natural parity whose linear fit leads.
    """
    mixes = {}
    for block in blocks:
        kind = (block.l, block.parity)
        if keep.get(kind, 0) == 0:
            continue
        values = block.values[training][:, list(atoms)].reshape(-1, block.channels, 2 * block.l + 1)
        centre = values.mean(axis=0) if block.l == 0 else np.zeros((block.channels, 2 * block.l + 1))
        natural = block.l > 0 and block.parity == (-1) ** block.l
        target = targets.get(block.l) if natural else None
        flat = None if target is None else target[training].reshape(-1, 2 * block.l + 1)
        mixes[kind] = (centre, channel_combinations(values - centre, keep[kind], flat))
    return Reduction(mixes)
