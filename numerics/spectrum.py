r"""Rotation spectrum: power at every l of a function of a configuration under global rotations.

For g on SO(3) (Haar measure of total weight 1),

.. math::
    P_l = (2l+1) \sum_{m m'} \left| \int g(R)\, D^l_{m m'}(R)\, dR \right|^2, \qquad
    \sum_l P_l = \int |g|^2 .

By a quadrature exact to degree q the power is exact (to rounding) at every l <= l_max for functions of band B when
B + l_max <= q. For any other function let t = g - (its part at l <= q - l_max). Then, whenever 2 l_max <= q,

.. math:: \left|\sqrt{\hat P_l} - \sqrt{P_l}\right| \le \|t\|_q \le \sup |t|

with the discrete norm of the quadrature (the matrix elements sqrt(2l+1) D are orthonormal in it, so Bessel's
inequality holds): what is aliased is never more than what lies above l = q - l_max. With 2 l_max > q they are not, one
function is counted at several l and the powers can add up to more than the total: such a spectrum is refused,
unless the band of the functions is known and given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..theory.errors import InputError
from ._checks import at_least, integer
from .rotations import SO3Quadrature
from .wigner import L_MAX_TESTED, wigner_d_all

if TYPE_CHECKING:
    import torch

#: Rotations whose Wigner matrices are held at a time.
_BLOCK = 512


def rotation_spectrum(
    values: NDArray[Any] | torch.Tensor, quadrature: SO3Quadrature, l_max: int, *, band: int | None = None
) -> NDArray[np.float64]:
    r"""Power by l of functions sampled at all rotations of a quadrature.

    Parameters
    ----------
    values
        Shape (n_rot, ...), real or complex: g at quadrature.rotations, in order, for any number of functions.
    quadrature
        Its degree minus l_max is the highest band for which the result is exact.
    l_max
        Highest degree reported, 2 l_max <= quadrature.degree.
    band
        Degree above which the functions are known to have nothing; then band + l_max <= quadrature.degree is enough.

    Returns
    -------
    ndarray, shape (l_max+1, ...)
        P_l in the squared unit of the values.

    Raises
    ------
    InputError
        If the number of values is not the number of rotations, a value is no finite number, or l_max is beyond the
        quadrature.
    """
    spectrum = RotationSpectrum(quadrature, l_max, band=band)
    values = sampled_numbers(values, spectrum.next_rotation)
    if values.shape[0] != len(quadrature):
        raise InputError(
            f"{values.shape[0]} values were given for {len(quadrature)} rotations: give one for each"
        )
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

    def __init__(self, quadrature: SO3Quadrature, l_max: int, *, band: int | None = None) -> None:
        l_max = spectrum_degree(quadrature, l_max, band)
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
            If there are more values than rotations left, the trailing shape changes between batches, or a value is no finite
            number.
        """
        values = sampled_numbers(values, self._done)
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
        if is_tensor(values):
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

    def coefficients(self) -> list[NDArray[Any]]:
        r"""Return the signed coefficients :math:`v^l = \int g(R) D_l(R) dR` for l = 0..l_max, ``(2l+1, 2l+1, ...)`` each.

        D_l are the real matrices of :func:`~spectral_ceilings.numerics.wigner.wigner_d`, so that
        :math:`g = \sum_l (2l+1) \sum_{mm'} v^l_{mm'} D^l_{mm'}` and :math:`P_l = (2l+1) \sum |v^l_{mm'}|^2`, which is
        :meth:`power`; ``complex_basis`` turns them into those of the complex matrices.

        Raises
        ------
        InputError
            If some rotations are still missing.
        """
        coefficients, _ = self._complete()
        ends = np.cumsum(self._sizes)
        return [
            coefficients[end - size : end].reshape(2 * l + 1, 2 * l + 1, *self._shape)
            for l, (end, size) in enumerate(zip(ends, self._sizes, strict=True))
        ]

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


def spectrum_degree(quadrature: SO3Quadrature, l_max: int, band: int | None) -> int:
    """Return l_max as an int, or raise InputError where the quadrature is too coarse for a spectrum to l_max."""
    if not isinstance(quadrature, SO3Quadrature):
        raise InputError(f"quadrature is {quadrature!r}: give what so3_quadrature returns")
    top, degree = integer("l_max", l_max), quadrature.degree
    highest = degree // 2
    needed = f"2 l_max = {2 * top}"
    if band is not None:
        highest = max(highest, degree - at_least("band", band, 0))
        needed = f"band + l_max = {band} + {top}"
    highest = min(highest, L_MAX_TESTED)
    if 0 <= top <= highest:
        return top
    if 0 <= top <= L_MAX_TESTED:
        reason = f"{needed} is above it, so that power would be counted at several l; "
    else:
        reason = f"Wigner matrices are tested to l = {L_MAX_TESTED}; "
    raise InputError(
        f"l_max is {top} for a quadrature exact to degree {degree}: {reason}give 0 to {highest}, or a quadrature exact to a "
        "higher degree"
    )


def is_tensor(values: object) -> bool:
    """Whether values are a tensor of torch or of a subclass; torch is not imported to find out."""
    return any(kind.__module__.partition(".")[0] == "torch" for kind in type(values).__mro__)


def sampled_numbers(values: Any, first: int) -> Any:
    """Return sampled values as an array or tensor of finite real or complex numbers; `first` is their first rotation."""
    if is_tensor(values):
        finite = values.detach().isfinite()
        if not bool(finite.all()):
            bad = int((~finite).nonzero()[0, 0]) if finite.ndim else 0
            raise InputError(f"the values at rotation {first + bad} are not finite: give finite numbers only")
        return values if values.ndim else values[None]
    try:
        array = np.asarray(values)
    except (TypeError, ValueError):
        raise InputError("values are not numbers: give an array of shape (rotations, ...)") from None
    if array.dtype.kind not in "biufc":
        kind = "text" if array.dtype.kind in "US" else f"of type {array.dtype}"
        raise InputError(
            f"values are {kind}: give real or complex numbers, an array of shape (rotations, ...)"
        )
    array = np.atleast_1d(array)
    finite = np.isfinite(array)
    if not finite.all():
        bad = int(np.argwhere(~finite)[0, 0])
        raise InputError(f"the values at rotation {first + bad} are not finite: give finite numbers only")
    return array


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
