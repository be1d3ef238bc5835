r"""From the real basis of :mod:`spectral_ceilings.numerics.wigner` to the complex one of textbooks, polar axis z.

In the complex basis :math:`\langle l m | R | l m' \rangle = D^l_{mm'}(R) = e^{-i m \alpha} d^l_{mm'}(\beta) e^{-i m' \gamma}` for
:math:`R = R_z(\alpha) R_y(\beta) R_z(\gamma)`, with the harmonics of E. U. Condon and G. H. Shortley, so that
:math:`Y_{lm}(R r) = \sum_{m'} D^{l*}_{mm'}(R) Y_{lm'}(r)`; orders run -l..l.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .wigner import wigner_d

#: Carries the polar axis z of textbooks to the polar axis y of the real harmonics: (x, y, z) -> (y, z, x).
_TO_POLAR_Y = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])


@lru_cache(maxsize=64)
def complex_basis(l: int) -> NDArray[np.complex128]:
    r"""Return the unitary matrix A, ``(2l+1, 2l+1)``, with :math:`D^{l*}(R) = A\, D_l(R)\, A^\dagger`.

    Rows are complex orders -l..l about z, columns the real components; :math:`Y^{complex} = A\, Y^{real}`. Coefficients
    :math:`\int V D_l` of the real basis become :math:`\int V D^{l*} = A v A^\dagger`.

    Raises
    ------
    InputError
        If l is not an integer from 0 to 60.
    """
    turned = wigner_d(l, _TO_POLAR_Y)
    matrix = np.zeros((2 * l + 1, 2 * l + 1), dtype=np.complex128)
    matrix[l, l] = 1.0
    for m in range(1, l + 1):
        matrix[l + m, [l + m, l - m]] = (-1) ** m * np.array([1.0, 1.0j]) / np.sqrt(2.0)
        matrix[l - m, [l + m, l - m]] = np.array([1.0, -1.0j]) / np.sqrt(2.0)
    basis: NDArray[np.complex128] = matrix @ turned
    basis.setflags(write=False)
    return basis
