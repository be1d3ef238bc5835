"""Frames that were moved: turned, displaced, strained, repeated; cells, forces and stress move along."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .frames import Frames

Array = NDArray[np.float64]
#: Rows and columns of the six components of a stress: xx, yy, zz, yz, xz, xy.
VOIGT = ([0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1])


def matrices(stress: Array) -> Array:
    """Return stress ``(..., 6)`` in Voigt order as symmetric matrices ``(..., 3, 3)``."""
    rows, columns = VOIGT
    full = np.empty((*stress.shape[:-1], 3, 3))
    full[..., rows, columns] = stress
    full[..., columns, rows] = stress
    return full


def voigt(stress: Array) -> Array:
    """Return symmetric matrices ``(..., 3, 3)`` as ``(..., 6)`` in Voigt order."""
    rows, columns = VOIGT
    return np.asarray(stress[..., rows, columns])


def at_positions(frames: Frames, positions: Array) -> Frames:
    """Return frames with other positions ``(M, A, 3)``, Å, and the cells of before; without energies and stress.

    One frame, and M positions: its cell is that of all of them. Otherwise M is the number of frames. Forces are those of
    before where M is, and zero otherwise.
    """
    count = len(positions)
    cells = frames.cells
    if cells is not None and len(cells) != count:
        cells = np.repeat(cells[:1], count, axis=0)
    forces = frames.forces if len(frames) == count else np.zeros_like(positions)
    return replace(frames, positions=positions, forces=forces, energies=None, cells=cells, stress=None)


def turned(frames: Frames, rotations: Array) -> Frames:
    r"""Return frames that are turned as wholes: :math:`R r`, :math:`R F`, cell vectors :math:`R a`, stress :math:`R S R^T`.

    Parameters
    ----------
    frames
        N frames, or one frame that is turned by every rotation.
    rotations
        ``(N, 3, 3)``, one for each frame, or any number for one frame.
    """
    if len(frames) == 1 and len(rotations) != 1:
        frames = frames.select(np.zeros(len(rotations), dtype=np.int64))

    def vectors(values: Array) -> Array:
        return np.asarray(np.einsum("nij,naj->nai", rotations, values))

    stress = frames.stress
    if stress is not None:
        stress = voigt(rotations @ matrices(stress) @ rotations.transpose(0, 2, 1))
    return replace(
        frames,
        positions=vectors(frames.positions),
        forces=vectors(frames.forces),
        cells=None if frames.cells is None else vectors(frames.cells),
        stress=stress,
    )


def inverted(frames: Frames) -> Frames:
    """Return frames at -r; a lattice is its own inverse, so that the cells stay."""
    return at_positions(frames, -frames.positions)


def by_lattice_vectors(frames: Frames, rng: np.random.Generator) -> Frames:
    """Return frames whose atoms stand in other cells, each moved by -1, 0 or 1 of every periodic cell vector.

    These are the same crystals: nothing that a model says of them may change.
    """
    if not frames.periodic or frames.cells is None:
        return frames
    steps = rng.integers(-1, 2, size=(len(frames), len(frames.numbers), 3)) * np.asarray(frames.pbc)
    return replace(frames, positions=frames.positions + steps @ frames.cells)


def supercell(frames: Frames, counts: tuple[int, int, int]) -> Frames:
    """Return frames repeated along the periodic cell vectors: the atoms of each image after those of the one before.

    Atom ``k`` of the frames is atom ``k + m A`` of the result, for every m. Energies grow with the number of images.

    Parameters
    ----------
    counts
        How often along each cell vector; 1 is taken where a direction is not periodic.
    """
    if not frames.periodic or frames.cells is None:
        return frames
    times = [count if periodic else 1 for count, periodic in zip(counts, frames.pbc, strict=True)]
    steps = np.stack(np.meshgrid(*(np.arange(count) for count in times), indexing="ij"), axis=-1).reshape(
        -1, 3
    )
    images = len(steps)
    shifts = steps @ frames.cells  # (frames, images, 3)
    positions = frames.positions[:, None] + shifts[:, :, None]
    return replace(
        frames,
        numbers=np.tile(frames.numbers, images),
        positions=positions.reshape(len(frames), -1, 3),
        forces=np.tile(frames.forces, (1, images, 1)),
        energies=None if frames.energies is None else images * frames.energies,
        cells=frames.cells * np.array(times)[:, None],
    )


def strained(frames: Frames, strains: Array) -> Frames:
    r"""Return frames under homogeneous strain: :math:`r \to r (1 + \varepsilon)`, cell vectors alike; no energies and stress.

    Parameters
    ----------
    strains
        ``(M, 3, 3)`` symmetric; M frames, or one frame and any M.
    """
    if len(frames) == 1:
        frames = frames.select(np.zeros(len(strains), dtype=np.int64))
    deformations = np.eye(3) + strains
    return replace(
        frames,
        positions=frames.positions @ deformations,
        cells=None if frames.cells is None else frames.cells @ deformations,
        energies=None,
        stress=None,
    )
