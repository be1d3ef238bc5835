r"""Frames that are copies of one another: the same geometry up to rotation, reflection, translation and like atoms' order.

Every frame gets four numbers that none of these changes, :math:`\phi_k = \sum_p w_{k,p} \cos(\omega_k r_p)` over pairs
of atoms (over distances to the centroid for large molecules), with weights by element drawn once from a fixed seed.
Sorting by one number after the other and cutting where neighbours differ leaves the candidates, N log N in all; the
candidates' distances are then compared one by one, so no two frames that differ are ever called copies.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from ase.geometry import complete_cell
from numpy.typing import NDArray

from ...theory.errors import InputError
from .frames import Frames
from .stiffness import CHUNK_BYTES

#: Distances of copies differ by at most this (Å): the eighth digit of a position, turned and printed again. Diatomics
#: have one distance only, of which two independent frames may well agree so far: there it must be nearer.
NEAR, NEAR_DIATOMIC = 1e-6, 3e-8
#: Molecules with more atoms get fingerprints of distances to the centroid instead of all pairs.
_ALL_PAIRS = 40
#: Larger molecules are compared by the distances to this many atoms.
_REFERENCES = 12
_WAVES = (1.0, 1.7, 2.3, 3.1)


def copy_groups(numbers: NDArray[np.int64], positions: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return for every frame the index of the first frame that it is a copy of; its own where there is none.

    Parameters
    ----------
    numbers : (A,) int array
        Atomic numbers.
    positions : (N, A, 3) float array
        Positions (Å).
    """
    if len(numbers) < 2:
        return np.arange(len(positions))
    near = NEAR_DIATOMIC if len(numbers) == 2 else NEAR
    marks, slopes = _fingerprints(numbers, positions)
    groups = np.zeros(len(positions), dtype=np.int64)
    count = 0
    while len(np.unique(groups)) > count:
        count = len(np.unique(groups))
        for mark, slope in zip(marks, slopes, strict=True):
            order = np.lexsort((mark, groups))
            cut = (np.diff(groups[order]) != 0) | (np.diff(mark[order]) > slope * near)
            groups[order] = np.concatenate([[0], np.cumsum(cut)])
    first = np.arange(len(positions))
    order = np.argsort(groups, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
        left = np.sort(rows)
        while len(left) > 1:
            same = _same(numbers, positions, left, near)
            first[left[same]] = left[0]
            left = left[~same]
    return first


def _fingerprints(
    numbers: NDArray[np.int64], positions: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Four invariants of every frame, (4, N), and by how much 1 Å in all distances can change each."""
    generator = np.random.default_rng(20)
    kinds, which = np.unique(numbers, return_inverse=True)
    by_pair = len(numbers) <= _ALL_PAIRS
    table = 1.0 + generator.random((len(_WAVES), len(kinds), len(kinds)))
    table = table + table.transpose(0, 2, 1)
    i, j = np.triu_indices(len(numbers), 1)
    weights = table[:, which[i], which[j]] if by_pair else table[:, which, which]
    marks = np.empty((len(_WAVES), len(positions)))
    step = max(1, int(CHUNK_BYTES // (8 * 4 * weights.shape[1])))
    for start in range(0, len(positions), step):
        part = positions[start : start + step]
        apart = part[:, i] - part[:, j] if by_pair else part - part.mean(axis=1, keepdims=True)
        distances = np.sqrt(np.einsum("npi,npi->np", apart, apart))
        for k, wave in enumerate(_WAVES):
            marks[k, start : start + step] = np.cos(wave * distances) @ weights[k]
    return marks, np.abs(weights).sum(axis=1) * np.array(_WAVES)


def _same(
    numbers: NDArray[np.int64], positions: NDArray[np.float64], rows: NDArray[np.int64], near: float
) -> NDArray[np.bool_]:
    """Whether each of the frames ``rows`` has the distances of the first of them."""
    everyone = np.arange(len(numbers))
    if len(numbers) > _ALL_PAIRS:
        everyone = np.unique(np.linspace(0, len(numbers) - 1, _REFERENCES).round().astype(np.int64))

    def table(frames: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(
            np.linalg.norm(frames[:, :, None] - frames[:, None, everyone], axis=3).reshape(len(frames), -1)
        )

    step = max(1, int(CHUNK_BYTES // (8 * 3 * len(numbers) * len(everyone))))
    labelled = table(positions[rows[:1]])[0]
    same = np.zeros(len(rows), dtype=bool)
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        same[start : start + step] = np.abs(table(positions[part]) - labelled).max(axis=1) <= near
    if len(numbers) > _ALL_PAIRS:
        return same
    # the same distances in another order of like atoms
    kinds = [
        np.flatnonzero(pairs)
        for pairs in {
            key.tobytes(): key
            for a in np.unique(numbers)
            for b in np.unique(numbers)
            for key in [((numbers[:, None] == a) & (numbers[None, :] == b)).ravel()]
        }.values()
    ]
    for row in np.flatnonzero(~same):
        other = table(positions[rows[row : row + 1]])[0]
        same[row] = all(
            np.abs(np.sort(other[kind]) - np.sort(labelled[kind])).max() <= near
            for kind in kinds
            if len(kind)
        )
    return same


def periodic_copies(
    positions: NDArray[np.float64], cells: NDArray[np.float64], pbc: tuple[bool, ...]
) -> NDArray[np.int64]:
    r"""Return for every structure the first that it is a copy of: the same cell, and the same atoms moved together and wrapped.

    Candidates agree in :math:`|\sum_a w_a e^{2 \pi i m \cdot s_a}|^2` of a few integer vectors m, s the fractional positions,
    which neither moving nor wrapping changes; they are then compared atom by atom.

    Parameters
    ----------
    positions : (N, A, 3) float array
        Positions, in the order of the atoms.
    cells : (N, 3, 3) float array
        Cell vectors as rows.
    pbc
        Periodic directions.
    """
    count = len(positions)
    whole = np.array([complete_cell(np.where(np.asarray(pbc)[:, None], cell, 0.0)) for cell in cells])  # type: ignore[no-untyped-call]
    apart = np.einsum("nai,nij->naj", positions - positions[:, :1], np.linalg.inv(whole))
    weights: NDArray[np.float64] = 1.0 + np.random.default_rng(20).random((positions.shape[1],))
    waves = np.array([(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1), (2, -1, 1)]) * np.asarray(pbc)
    groups = np.zeros(count, dtype=np.int64)
    for wave in waves:
        marks = np.abs(np.exp(2j * np.pi * (apart @ wave)) @ weights) ** 2
        # a step of NEAR in every atom and cell vector moves a mark by this much at most
        shortest = np.linalg.norm(whole, axis=2).min()
        slope = 8 * np.pi * np.abs(wave).sum() * weights.sum() ** 2 / shortest
        order = np.lexsort((marks, groups))
        cut = (np.diff(groups[order]) != 0) | (np.diff(marks[order]) > slope * NEAR)
        groups[order] = np.concatenate([[0], np.cumsum(cut)])
    first = np.arange(count)
    order = np.argsort(groups, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
        left = np.sort(rows)
        while len(left) > 1:
            k = left[0]
            steps = apart[left] - apart[k]
            steps -= np.where(pbc, np.round(steps), 0.0)
            moved = np.linalg.norm(steps @ whole[k], axis=2).max(axis=1)
            same = (moved <= NEAR) & (np.abs(whole[left] - whole[k]).max(axis=(1, 2)) <= NEAR)
            first[left[same]] = k
            left = left[~same]
    return first


def without_copies(frames: Frames) -> tuple[Frames, int]:
    """Return the frames without copies of earlier ones, and how many were left out."""
    if frames.cells is not None and frames.periodic:
        first = periodic_copies(frames.positions, frames.cells, frames.pbc)
    else:
        first = copy_groups(frames.numbers, frames.positions)
    kept = first == np.arange(len(frames))
    left_out = len(frames) - int(kept.sum())
    if not left_out:
        return frames, 0
    return replace(frames.select(kept), left_out=frames.left_out + left_out), left_out


def check_apart(frames: Frames, held_out: Frames) -> None:
    """Raise InputError where a held-out configuration is among ``frames`` too: it would be trained on.

    Copies count that were moved, turned, relabelled or printed with eight digits.
    """
    joined = np.concatenate([frames.positions, held_out.positions])
    if frames.cells is not None and held_out.cells is not None and frames.periodic:
        groups = periodic_copies(joined, np.concatenate([frames.cells, held_out.cells]), frames.pbc)
    else:
        groups = copy_groups(frames.numbers, joined)
    known = np.zeros(len(joined), dtype=bool)
    known[groups[: len(frames)]] = True
    shared = int(known[groups[len(frames) :]].sum())
    if shared:
        raise InputError(
            f"{shared} of the {len(held_out)} held-out frames of {held_out.source} are in {frames.source} too and would be "
            "trained on; give other frames with --held-out, or leave it out"
        )
