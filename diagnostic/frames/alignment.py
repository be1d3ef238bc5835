"""The reference orientation: centre of mass at the origin, mass-weighted best rotation onto a reference."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def centred(positions: NDArray[np.float64], masses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move the centre of mass of every frame to the origin; positions (..., A, 3), masses (A,)."""
    weights = masses / masses.sum()
    return np.asarray(positions - np.einsum("...ai,a->...i", positions, weights)[..., None, :])


def kabsch_rotations(
    positions: NDArray[np.float64], reference: NDArray[np.float64], masses: NDArray[np.float64]
) -> NDArray[np.float64]:
    r"""Return the proper rotations that bring frames closest to a reference.

    Minimises :math:`\sum_a m_a |R x_a - y_a|^2` over rotations R with det R = 1
    (W. Kabsch, Acta Cryst. A 32, 922 (1976)).

    Parameters
    ----------
    positions : (N, A, 3) float array
        Frames, each with its centre of mass at the origin.
    reference : (A, 3) float array
        Reference geometry with its centre of mass at the origin.
    masses : (A,) float array
        Atomic masses.

    Returns
    -------
    (N, 3, 3) float array
        Apply with ``np.einsum("nij,naj->nai", rotations, positions)``; vectors such as forces rotate alike.
    """
    covariance = np.einsum("a,ai,naj->nij", masses, reference, positions)
    left, _, right = np.linalg.svd(covariance)
    signs = np.ones((len(positions), 3))
    signs[:, 2] = np.sign(np.linalg.det(left) * np.linalg.det(right))
    return np.asarray(np.einsum("nij,nj,njk->nik", left, signs, right))


def into_reference_orientation(
    positions: NDArray[np.float64],
    vectors: NDArray[np.float64],
    reference: NDArray[np.float64],
    masses: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Turn frames (N, A, 3) and their vectors (N, A, 3), e.g. forces, into the orientation of a reference."""
    inside = centred(positions, masses)
    rotations = kabsch_rotations(inside, centred(reference, masses), masses)
    return (
        np.asarray(np.einsum("nij,naj->nai", rotations, inside)),
        np.asarray(np.einsum("nij,naj->nai", rotations, vectors)),
    )
