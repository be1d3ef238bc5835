r"""The rotation spectrum of many functions at once, by a Fourier transform along the rings of the quadrature.

The rotations of :func:`~spectral_ceilings.numerics.rotations.so3_quadrature` come in rings R = R_n R_y(gamma) of G
= degree + 1 equal steps of gamma. In the real basis D^l(R_y(gamma)) mixes the orders m' and -m' alone, by cos(m' gamma)
and sin(m' gamma), so that with

.. math::
    C_k(n) = \sum_\gamma g(R_n R_y(\gamma)) \cos k\gamma, \qquad S_k(n) = \sum_\gamma g(R_n R_y(\gamma)) \sin k\gamma

the coefficients of D^l_{m,k} and D^l_{m,-k} are sums over the directions n alone, the real and the imaginary part of

.. math:: \sum_n w_n\, (D^l_{m,k}(R_n) + i D^l_{m,-k}(R_n))\,(C_k(n) - i S_k(n)).

For 25 steps and l <= 12 that is a tenth of the arithmetic of :class:`~spectral_ceilings.numerics.spectrum.RotationSpectrum`,
which gives the same numbers and takes any set of rotations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..theory.errors import InputError
from ._checks import as_real
from .rotations import SO3Quadrature
from .spectrum import is_tensor, sampled_numbers, spectrum_degree
from .wigner import wigner_d_all

if TYPE_CHECKING:
    import torch

#: Numbers of one block of rings and of one run of columns: what fits in a processor's cache beside the product.
_BLOCK_NUMBERS, _COLUMNS = 8_000_000, 2048


class RingSpectrum:
    """Power by l of real functions sampled at the rotations of a quadrature, fed batch by batch in their order.

    Memory does not depend on the number of rotations: the coefficients, about (4/3)(l_max+1)^3 numbers for each function,
    and a block of rings.

    Parameters
    ----------
    quadrature
        Of :func:`~spectral_ceilings.numerics.rotations.so3_quadrature`.
    l_max
        Highest degree reported, 2 l_max <= quadrature.degree; the power is exact for functions of band B when
        B + l_max <= quadrature.degree.
    band
        Degree above which the functions are known to have nothing; then band + l_max <= quadrature.degree is enough.

    Raises
    ------
    InputError
        If l_max is beyond the quadrature (see :mod:`~spectral_ceilings.numerics.spectrum`), or its rotations are not rings
        about y.

    Examples
    --------
    >>> from spectral_ceilings.numerics import RingSpectrum, so3_quadrature
    >>> quadrature = so3_quadrature(4)
    >>> spectrum = RingSpectrum(quadrature, l_max=2)
    >>> spectrum.add(quadrature.rotations[:, 0, 0])  # one matrix element: degree 1 only
    >>> spectrum.power().round(12).tolist()
    [0.0, 0.333333333333, 0.0]
    """

    def __init__(self, quadrature: SO3Quadrature, l_max: int, *, band: int | None = None) -> None:
        l_max = spectrum_degree(quadrature, l_max, band)
        self.quadrature = quadrature
        self.l_max = l_max
        self._steps = quadrature.degree + 1
        self._check_rings()
        angles = 2 * np.pi * np.outer(np.arange(l_max + 1), np.arange(self._steps)) / self._steps
        self._transform = np.concatenate([np.cos(angles), np.sin(angles[1:])])
        self._shape: tuple[int, ...] | None = None
        # Arrays, or tensors where the values lie; only what is asked for comes back from a device.
        self._coefficients: list[Any] = []
        self._square: Any = np.zeros(0)
        self._waiting: list[Any] = []
        self._received = self._done = 0

    def _check_rings(self) -> None:
        rotations = self.quadrature.rotations
        angles = 2 * np.pi * np.arange(self._steps) / self._steps
        turns = np.zeros((self._steps, 3, 3))
        turns[:, 0, 0] = turns[:, 2, 2] = np.cos(angles)
        turns[:, 0, 2], turns[:, 2, 0] = np.sin(angles), -np.sin(angles)
        turns[:, 1, 1] = 1.0
        whole = len(rotations) % self._steps == 0
        # 1e-12: products of two rotation matrices in float64 agree to a few units of 1e-16
        if not whole or np.abs(np.repeat(rotations[:: self._steps], self._steps, axis=0)
                               @ np.tile(turns, (len(rotations) // self._steps, 1, 1)) - rotations).max() > 1e-12:  # fmt: skip
            raise InputError(
                f"the {len(rotations)} rotations are not rings of {self._steps} steps about y: give a quadrature of "
                "so3_quadrature, or use RotationSpectrum"
            )

    @property
    def next_rotation(self) -> int:
        """Index of the first rotation whose values have not been added yet."""
        return self._received

    def add(self, values: NDArray[np.float64] | torch.Tensor) -> None:
        """Add the values, shape (batch, ...), of the next rotations; NumPy, or real numbers of torch on any device.

        Raises
        ------
        InputError
            If there are more values than rotations left, the trailing shape changes between batches, or a value is no finite
            real number.
        """
        values = _real(values, self._received)
        batch, shape = len(values), tuple(values.shape[1:])
        if self._received + batch > len(self.quadrature):
            raise InputError(
                f"{batch} values were added with {len(self.quadrature) - self._received} rotations left: "
                "add the values of the quadrature's rotations once, in order"
            )
        if self._shape is None:
            self._shape = shape
            width = int(np.prod(shape, dtype=np.int64))
            self._square = _like(values, np.zeros(width))
            rows = [
                (self.l_max + 1) ** 2 - order**2 for order in range(self.l_max + 1)
            ]  # (l, m) with l >= order
            self._coefficients = [
                _like(values, np.zeros(((order > 0) + 1, n, width))) for order, n in enumerate(rows)
            ]
        elif shape != self._shape:
            raise InputError(
                f"values of trailing shape {shape} follow values of trailing shape {self._shape}"
            )
        self._received += batch
        self._waiting.append(values.reshape(batch, -1))
        wanted = max(1, _BLOCK_NUMBERS // max(1, self._steps * len(self._square))) * self._steps
        held = sum(map(len, self._waiting))
        if held >= wanted or self._received == len(self.quadrature):
            joined = self._waiting[0] if len(self._waiting) == 1 else _concatenated(self._waiting)
            whole = held - held % self._steps
            for start in range(0, whole, wanted):
                self._add_rings(joined[start : min(start + wanted, whole)])
            self._waiting = [joined[whole:]] if whole < held else []

    def _add_rings(self, values: Any) -> None:
        """Add whole rings: transform along gamma, then project on the directions, order by order."""
        count = len(values) // self._steps
        rows = slice(self._done, self._done + len(values), self._steps)
        weights = self.quadrature.weights[rows]  # equal along a ring
        matrices = wigner_d_all(self.l_max, self.quadrature.rotations[rows])
        tables = []  # by order, columns (l, m) of +order, and below them those of -order
        for order in range(self.l_max + 1):
            degrees = range(order, self.l_max + 1)
            signs = (1, -1) if order else (1,)
            halves = [
                np.concatenate([matrices[l][:, :, l + sign * order] for l in degrees], axis=1)
                for sign in signs
            ]
            tables.append(_like(values, np.concatenate(halves).T))
        transform, weights = _like(values, self._transform), _like(values, weights)
        for start in range(0, values.shape[1], _COLUMNS):
            columns = slice(start, start + _COLUMNS)
            part = values[:, columns].reshape(count, self._steps, -1)
            self._square[columns] += weights @ (part * part).sum(1)
            waves = transform @ part  # (count, 2 l_max + 1, columns)
            waves *= weights[:, None, None]
            self._coefficients[0][0, :, columns] += tables[0] @ waves[:, 0]
            for order in range(1, self.l_max + 1):
                cosine, sine = waves[:, order], waves[:, self.l_max + order]
                self._coefficients[order][0, :, columns] += tables[order] @ _concatenated([cosine, sine])
                self._coefficients[order][1, :, columns] += tables[order] @ _concatenated([-sine, cosine])
        self._done += len(values)

    def power(self) -> NDArray[np.float64]:
        """P_l, shape (l_max+1, ...); InputError if some rotations are still missing."""
        shape = self._complete()
        power = np.zeros((self.l_max + 1, len(self._square)))
        for order, coefficients in enumerate(self._coefficients):
            start, table = 0, _on_host(coefficients)
            for degree in range(order, self.l_max + 1):
                rows = table[:, start : start + 2 * degree + 1]
                power[degree] += (2 * degree + 1) * np.einsum("pmx,pmx->x", rows, rows)
                start += 2 * degree + 1
        return power.reshape(self.l_max + 1, *shape)

    def total(self) -> NDArray[np.float64]:
        """Mean square of g over rotations, shape (...): the sum of P_l over all l, also those above l_max."""
        return np.asarray(_on_host(self._square).reshape(self._complete()))

    def interpolate(self, rotations: NDArray[np.float64]) -> NDArray[np.float64]:
        """The part at l <= l_max at any rotations, shape (n, ...): sum of (2l+1) c_mm' D^l_mm'(R)."""
        shape = self._complete()
        matrices = wigner_d_all(self.l_max, rotations)
        out = np.zeros((len(rotations), len(self._square)))
        for order, table in enumerate(self._coefficients):
            for sign, rows in zip((1, -1), _on_host(table), strict=False):
                columns = [
                    (2 * l + 1) * matrices[l][:, :, l + sign * order] for l in range(order, self.l_max + 1)
                ]
                out += np.concatenate(columns, axis=1) @ rows
        return out.reshape(len(rotations), *shape)

    def _complete(self) -> tuple[int, ...]:
        if self._shape is None or self._done < len(self.quadrature):
            raise InputError(
                f"{self._done} of {len(self.quadrature)} rotations have values: add the rest first"
            )
        return self._shape


def _real(values: Any, first: int) -> Any:
    """Return real numbers in float64, or raise InputError; ``first`` is the first rotation of theirs."""
    if is_tensor(values):
        values = sampled_numbers(values, first)
        if values.is_complex():
            raise InputError("values are complex: give real numbers, or use RotationSpectrum")
        return values.detach().double()
    array = as_real("values", values, "(rotations, ...)")
    if not np.isfinite(array).all():
        bad = first + int(np.argwhere(~np.isfinite(array))[0, 0])
        raise InputError(f"the values at rotation {bad} are not finite: give finite numbers only")
    return np.asarray(array, dtype=np.float64)


def _like(values: Any, array: NDArray[np.float64]) -> Any:
    """Return an array as what the values are: a tensor on their device, or itself."""
    if not is_tensor(values):
        return array
    import torch

    return torch.from_numpy(np.ascontiguousarray(array)).to(values.device)


def _concatenated(parts: list[Any]) -> Any:
    if not is_tensor(parts[0]):
        return np.concatenate(parts)
    import torch

    return torch.cat(parts)


def _on_host(values: Any) -> NDArray[np.float64]:
    return np.asarray(values.cpu().numpy() if is_tensor(values) else values)
