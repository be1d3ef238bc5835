r"""Rotation spectrum: power by degree l of a function of a configuration under global rotations.

For g on SO(3) (Haar measure of total weight 1),

.. math::
    P_l = (2l+1) \sum_{m m'} \left| \int g(R)\, D^l_{m m'}(R)\, dR \right|^2, \qquad
    \sum_l P_l = \int |g|^2 .

By quadrature of degree q the power is exact (to rounding) at every l <= l_max for functions of band B when B
+ l_max <= q. For any other function let t = g - (its part of grades <= q - l_max). Then, whenever 2 l_max <=
q,

.. math:: \left|\sqrt{\hat P_l} - \sqrt{P_l}\right| \le \|t\|_q \le \sup |t|

with the discrete norm of the quadrature (the matrix elements sqrt(2l+1) D are orthonormal in it, so Bessel's
inequality holds): what is aliased is never more than what lies above grade q - l_max.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..theory.errors import InputError
from .rotations import SO3Quadrature
from .wigner import L_MAX_TESTED, wigner_d_all

if TYPE_CHECKING:
    import torch

#: Rotations whose Wigner matrices are held at a time.
_BLOCK = 512


def rotation_spectrum(
    values: NDArray[Any] | torch.Tensor, quadrature: SO3Quadrature, l_max: int
) -> NDArray[np.float64]:
    r"""Power by l of functions sampled at all rotations of a quadrature.

    Parameters
    ----------
    values
        Shape (n_rot, ...), real or complex: g at quadrature.rotations, in order, for any number of functions.
    quadrature
        Its degree minus l_max is the highest band for which the result is exact.
    l_max
        Highest degree reported, l_max <= quadrature.degree.

    Returns
    -------
    ndarray, shape (l_max+1, ...)
        P_l in the squared unit of the values.

    Raises
    ------
    InputError
        If the number of values is not the number of rotations, or l_max is beyond the quadrature.
    """
    if values.shape[0] != len(quadrature):
        raise InputError(
            f"{values.shape[0]} values were given for {len(quadrature)} rotations: give one for each"
        )
    spectrum = RotationSpectrum(quadrature, l_max)
    spectrum.add(values)
    return spectrum.power()


class RotationSpectrum:
    """The same, fed batch by batch in the order of the quadrature's rotations, so that nothing large is held.

    Examples
    --------
    >>> from spectral_ceilings.numerics import RotationSpectrum, so3_quadrature
    >>> quadrature = so3_quadrature(4)
    >>> spectrum = RotationSpectrum(quadrature, l_max=2)
    >>> for start in range(0, len(quadrature), 32):
    ...     rotations = quadrature.rotations[start : start + 32]
    ...     spectrum.add(rotations[:, 0, 0])  # one matrix element: degree 1 only
    >>> spectrum.power().round(12).tolist()
    [0.0, 0.333333333333, 0.0]
    """

    def __init__(self, quadrature: SO3Quadrature, l_max: int) -> None:
        if not 0 <= l_max <= min(quadrature.degree, L_MAX_TESTED):
            raise InputError(
                f"l_max is {l_max} for a quadrature of degree {quadrature.degree}: "
                f"give 0 to {min(quadrature.degree, L_MAX_TESTED)}, or a quadrature of higher degree"
            )
        self.quadrature = quadrature
        self.l_max = l_max
        self._sizes = [(2 * degree + 1) ** 2 for degree in range(l_max + 1)]
        self._coefficients: NDArray[Any] | None = None
        self._square: NDArray[np.float64] | None = None
        self._shape: tuple[int, ...] = ()
        self._done = 0

    @property
    def next_rotation(self) -> int:
        """Index of the first rotation whose values have not been added yet."""
        return self._done

    def add(self, values: NDArray[Any] | torch.Tensor) -> None:
        """Add the values, shape (batch, ...), of the next rotations; NumPy, or torch on any device.

        Raises
        ------
        InputError
            If there are more values than rotations left, or the trailing shape changes between batches.
        """
        batch, shape = int(values.shape[0]), tuple(values.shape[1:])
        if self._done + batch > len(self.quadrature):
            raise InputError(
                f"{batch} values were added with {len(self.quadrature) - self._done} rotations left: "
                "add the values of the quadrature's rotations once, in order"
            )
        if self._done and shape != self._shape:
            raise InputError(
                f"values of trailing shape {shape} follow values of trailing shape {self._shape}"
            )
        self._shape = shape
        for start in range(0, batch, _BLOCK):
            self._add_block(values[start : start + _BLOCK].reshape(min(_BLOCK, batch - start), -1))

    def _add_block(self, values: Any) -> None:
        rows = slice(self._done, self._done + int(values.shape[0]))
        weights = self.quadrature.weights[rows]
        matrices = wigner_d_all(self.l_max, self.quadrature.rotations[rows])
        elements = np.concatenate([d.reshape(len(weights), -1) for d in matrices], axis=1)
        elements *= weights[:, None]
        if type(values).__module__.partition(".")[0] == "torch":
            part, square = _project_torch(elements, weights, values)
        else:
            array = np.asarray(values)
            array = array.astype(np.result_type(array.dtype, np.float64), copy=False)
            part, square = elements.T @ array, weights @ (array.real**2 + array.imag**2)
        if self._coefficients is None or self._square is None:
            self._coefficients, self._square = part, square
        else:
            self._coefficients, self._square = self._coefficients + part, self._square + square
        self._done = rows.stop

    def power(self) -> NDArray[np.float64]:
        """P_l, shape (l_max+1, ...); InputError if some rotations are still missing."""
        coefficients, _ = self._complete()
        ends = np.cumsum(self._sizes)
        power = np.array(
            [
                (2 * degree + 1) * (np.abs(coefficients[end - size : end]) ** 2).sum(axis=0)
                for degree, (end, size) in enumerate(zip(ends, self._sizes, strict=True))
            ]
        )
        return power.reshape(self.l_max + 1, *self._shape)

    def total(self) -> NDArray[np.float64]:
        """Mean square of g over rotations, shape (...): the sum of P_l over all l, also those above l_max."""
        _, square = self._complete()
        return square.reshape(self._shape)

    def _complete(self) -> tuple[NDArray[Any], NDArray[np.float64]]:
        if self._coefficients is None or self._square is None or self._done < len(self.quadrature):
            raise InputError(
                f"{self._done} of {len(self.quadrature)} rotations have values: add the rest first"
            )
        return self._coefficients, self._square


def _project_torch(
    elements: NDArray[np.float64], weights: NDArray[np.float64], values: torch.Tensor
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Project on the device of the values; only the small coefficients come back."""
    import torch

    with torch.no_grad():
        if values.device.type == "mps":  # has no float64
            values = values.cpu()
        wide = values.detach().to(torch.complex128 if values.is_complex() else torch.float64)
        d = torch.from_numpy(elements).to(wide.device)
        part = d.T.to(wide.dtype) @ wide
        square = torch.from_numpy(weights).to(wide.device) @ (wide.abs() ** 2)
        return part.cpu().numpy(), square.cpu().numpy()
