r"""Which convention do features follow, where they do not turn as e3nn's do?

e3nn orders the components of l by m = -l, ..., l with y as the polar axis (so that l = 1 is x, y, z), without the
Condon-Shortley sign, and puts channels outside m ("mul_ir"). Features in another convention are as equivariant as any: with
:math:`h = Q e`, e in e3nn's convention and Q a matrix of each degree,

.. math:: h(Rx) = Q \, D_l(R) \, Q^{-1} \, h(x).

The usual Q are permutations with signs, and turned axes. All of them are tried on features of rotated frames, for each l,
for each layout of the channels. A factor for a whole degree (orthonormal, "component", Racah's) drops out.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ...numerics.wigner import wigner_d
from ...theory.errors import InputError
from .irreps import o3

Array = NDArray[np.float64]
Layout = Literal["mul_ir", "ir_mul", "channels outermost"]

#: Orders of m within a degree, in words, the first e3nn's.
ORDERS = (
    "-l ... l",
    "l ... -l",
    "0, 1, -1, 2, -2, ...",
    "0, -1, 1, -2, 2, ...",
    "l, -l, ..., 1, -1, 0",
    "-l, l, ..., -1, 1, 0",
    "0, 1, ..., l, -1, ..., -l",
    "0, -1, ..., -l, 1, ..., l",
)
#: Signs of components, in words, the first e3nn's. Condon and Shortley's is (-1)^m.
SIGNS = ("none", "odd m", "negative m", "odd positive m", "odd negative m", "even negative m", "odd positive and all negative m",
         "odd positive and even negative m")  # fmt: skip
#: Factors of the components with m != 0 relative to m = 0.
NORMS = (1.0, 2.0**0.5, 0.5**0.5)
#: A convention fits where it leaves at most this part of what is missed without it, and at most this much at all.
_FITS = 0.1
#: Relative misses below this are rounding of float32 and better.
_ROUNDING = 1e-5
#: Orders of so many entries are tried: 120.
_MOST_ENTRIES = 5


@dataclass(frozen=True)
class Convention:
    """How the components of a degree are defined, relative to e3nn's.

    Attributes
    ----------
    axes
        Component m is e3nn's harmonic of the vector with its coordinates in this order: ``(1, 2, 0)`` is Y(y, z, x), which
        has z as the polar axis.
    order
        Order of m, one of :data:`ORDERS`.
    sign
        Which components have the opposite sign, one of :data:`SIGNS`.
    norm
        Factor of the components with m != 0, one of :data:`NORMS`.
    """

    axes: tuple[int, int, int] = (0, 1, 2)
    order: str = ORDERS[0]
    sign: str = SIGNS[0]
    norm: float = 1.0

    @property
    def complexity(self) -> int:
        """In how many ways it differs from e3nn's."""
        return sum((self.axes != (0, 1, 2), self.order != ORDERS[0], self.sign != SIGNS[0], self.norm != 1.0))

    def matrix(self, l: int) -> Array:
        """Return Q ``(2l+1, 2l+1)``: components in this convention are Q times e3nn's."""
        permutation = np.eye(3)[list(self.axes)]
        proper = permutation * np.linalg.det(permutation).round()
        # An inversion beside the rotation gives (-1)^l, a factor of the whole degree, which drops out.
        turned = np.eye(2 * l + 1) if self.axes == (0, 1, 2) else wigner_d(l, proper)
        ms = _order(l, self.order)
        factors = np.array([_sign(m, self.sign) * (self.norm if m else 1.0) for m in ms])
        return factors[:, None] * turned[[m + l for m in ms]]

    @property
    def words(self) -> str:
        """What is different from e3nn's convention, and what to do; empty for e3nn's own."""
        names = "".join("xyz"[k] for k in self.axes)
        parts = []
        if self.axes == (1, 2, 0):
            parts.append(
                "harmonics are Y(y, z, x), with z as the polar axis as in SciPy and most textbooks, where e3nn's is y: compute "
                "them of (z, x, y)"
            )
        elif self.axes != (0, 1, 2):
            back = "".join("xyz"[self.axes.index(k)] for k in range(3))
            parts.append(
                f"harmonics are Y({', '.join(names)}), where e3nn's are Y(x, y, z): compute them of ({', '.join(back)})"
            )
        if self.order != ORDERS[0]:
            parts.append(f"components come in the order m = {self.order}: bring them into -l ... l")
        if self.sign == "odd m":
            parts.append("components carry the Condon-Shortley sign (-1)^m: multiply those of odd m by -1")
        elif self.sign != SIGNS[0]:
            parts.append(f"components of {self.sign} have the opposite sign: multiply them by -1")
        if self.norm != 1.0:
            parts.append(
                f"components of m != 0 are {self.norm:.3f} times too large against m = 0: divide them"
            )
        return "; ".join(parts)


@dataclass(frozen=True)
class ConventionFit:
    """The convention that features follow.

    Attributes
    ----------
    irreps
        As declared, or the same entries in the order that the features have.
    layout
        Where the channels stand: outside m as e3nn has it, inside m, or outside all degrees together.
    by_degree
        The convention of each degree.
    transposed
        Whether they turn with the transposed rotation instead.
    error
        Relative miss of equivariance in this convention, of the worst irrep.
    reordered
        Whether `irreps` are not in the order that was declared.
    """

    irreps: str
    layout: Layout
    by_degree: dict[int, Convention]
    transposed: bool
    error: float
    reordered: bool = False

    @property
    def words(self) -> str:
        """What is different from e3nn's convention, and what to do."""
        parts = []
        if self.reordered:
            parts.append(f"the irreps are in another order: declare {self.irreps}")
        if self.layout == "ir_mul":
            parts.append(
                "channels stand inside m (ir_mul), where e3nn has them outside (mul_ir): swap the two axes of each irrep"
            )
        elif self.layout != "mul_ir":
            parts.append(
                "each channel holds every l, while e3nn goes irrep by irrep: put the channels of one l together"
            )
        if self.transposed:
            parts.append(
                "they rotate with the transposed rotation: a rotation matrix is used where its inverse belongs"
            )
        kinds = set(self._above_zero().values())
        if len(kinds) == 1:
            parts += [words for kind in kinds if (words := kind.words)]
        else:
            parts += [f"l = {l}: {kind.words or 'as e3nn has it'}" for l, kind in self._above_zero().items()]
        return "; ".join(parts)

    def _above_zero(self) -> dict[int, Convention]:
        return {l: kind for l, kind in sorted(self.by_degree.items()) if l > 0}

    def to_e3nn(self, values: Array) -> Array:
        """Return features ``(..., dim)`` in e3nn's convention and layout.

        Raises
        ------
        InputError
            They turn with the transposed rotation, which no change of basis mends.
        """
        if self.transposed:
            raise InputError(
                "features that rotate with the transposed rotation cannot be converted; correct the rotation in the model"
            )
        parts = []
        for l, part in _entries(values, self.irreps, self.layout):
            turned = part @ np.linalg.inv(self.by_degree[l].matrix(l)).T
            parts.append(turned.reshape(*values.shape[:-1], -1))
        return np.concatenate(parts, axis=-1)


def fitting_convention(values: Array, turned: Array, rotations: Array, irreps: str) -> ConventionFit | None:
    """Return the convention in which features turn with the frames, or None where none of the known ones fits.

    Parameters
    ----------
    values
        Features h(x), ``(frames, atoms, dim)``.
    turned
        Features h(R x) of the turned frames, of the same shape.
    rotations
        ``(frames, 3, 3)``, one proper rotation for each frame, none near the identity.
    irreps
        As declared; the dimensions have to be right.

    Returns
    -------
    The simplest convention (fewest differences from e3nn's, one for all degrees before one for each) that leaves less than a
    tenth of the miss, and less than 10 %. e3nn's own where the features turn as declared.
    """
    plain = ConventionFit(irreps, "mul_ir", {l: Convention() for l in _degrees(irreps)}, False, 0.0)
    declared = _miss(values, turned, rotations, plain)
    if declared <= _ROUNDING:
        return ConventionFit(irreps, "mul_ir", plain.by_degree, False, declared)
    fits: list[ConventionFit] = []
    for layout in _layouts(irreps):
        for transposed in (False, True):
            fits += _fits_of(values, turned, rotations, irreps, layout, transposed)
    fits += _in_another_order(values, turned, rotations, irreps)
    if not fits:
        return None
    best = min(fit.error for fit in fits)
    if best > min(_FITS, _FITS * declared):
        return None
    return next(fit for fit in fits if fit.error <= max(_ROUNDING, 2.0 * best))


def _fits_of(
    values: Array, turned: Array, rotations: Array, irreps: str, layout: Layout, transposed: bool
) -> Iterator[ConventionFit]:
    """Yield the best convention for all degrees alike, and the best for each degree, in one layout."""
    kinds = _conventions()
    misses = {
        l: _misses(values, turned, rotations, irreps, layout, l, transposed)
        for l in _degrees(irreps)
        if l > 0
    }
    if not misses:
        return
    together = np.max(list(misses.values()), axis=0)
    choices = [dict.fromkeys(misses, _first(together)), {l: _first(errors) for l, errors in misses.items()}]
    for chosen in choices:
        by_degree = {0: Convention(), **{l: kinds[k] for l, k in chosen.items()}}
        fit = ConventionFit(irreps, layout, by_degree, transposed, 0.0)
        yield replace(fit, error=_miss(values, turned, rotations, fit))


def _in_another_order(values: Array, turned: Array, rotations: Array, irreps: str) -> Iterator[ConventionFit]:
    """Yield the fit of every other order of the declared entries, in e3nn's convention."""
    entries = [str(entry) for entry in o3.Irreps(irreps)]
    if len(entries) > _MOST_ENTRIES:
        return
    for order in dict.fromkeys(itertools.permutations(entries)):
        written = "+".join(order)
        by_degree = {l: Convention() for l in _degrees(written)}
        fit = ConventionFit(written, "mul_ir", by_degree, False, 0.0, reordered=True)
        yield replace(fit, error=_miss(values, turned, rotations, fit))


def _first(errors: Array) -> int:
    """Return the first, and so the simplest, that is as good as the best but for rounding."""
    return int(np.flatnonzero(errors <= max(_ROUNDING, 2.0 * float(errors.min())))[0])


@lru_cache(maxsize=1)
def _conventions() -> tuple[Convention, ...]:
    """Return every convention, the simplest first."""
    every = [
        Convention(axes, order, sign, norm)
        for norm in NORMS
        for axes in ((0, 1, 2), (1, 2, 0), (2, 0, 1), (0, 2, 1), (1, 0, 2), (2, 1, 0))
        for order in ORDERS
        for sign in SIGNS
    ]
    return tuple(sorted(every, key=lambda kind: kind.complexity))


@lru_cache(maxsize=16)
def _matrices(l: int) -> tuple[Array, Array]:
    """Return Q and its inverse of every convention, ``(conventions, 2l+1, 2l+1)`` each."""
    matrices = np.array([kind.matrix(l) for kind in _conventions()])
    return matrices, np.linalg.inv(matrices)


def _misses(
    values: Array, turned: Array, rotations: Array, irreps: str, layout: Layout, l: int, transposed: bool
) -> Array:
    """Return the relative miss of all features with l in every convention, from their covariances (to 1e-8)."""
    before = _of_degree(values, irreps, layout, l)
    after = _of_degree(turned, irreps, layout, l)
    cross = np.einsum("fmn,fkn->fmk", before, after)  # X X_R^T of every frame
    same = np.einsum("fmn,fkn->fmk", before, before)
    size = float((after**2).sum())
    if size == 0.0:
        return np.zeros(len(_conventions()))
    d = wigner_d(l, rotations)
    q, inverse = _matrices(l)
    m = np.einsum("cij,fjk,ckl->cfil", q, np.swapaxes(d, 1, 2) if transposed else d, inverse, optimize=True)
    projected = np.einsum("cfij,fji->c", m, cross, optimize=True)
    norm = np.einsum("cfij,fjk,cfik->c", m, same, m, optimize=True)
    squares: Array = (size - 2.0 * projected + norm) / size
    return np.sqrt(np.maximum(squares, 0.0))


def _miss(values: Array, turned: Array, rotations: Array, fit: ConventionFit) -> float:
    """Return the relative miss of the worst entry, computed directly."""
    worst = 0.0
    whole = float(np.linalg.norm(values))
    for (l, before), (_, after) in zip(
        _entries(values, fit.irreps, fit.layout), _entries(turned, fit.irreps, fit.layout), strict=True
    ):
        q, d = fit.by_degree[l].matrix(l), wigner_d(l, rotations)
        m = q @ (np.swapaxes(d, 1, 2) if fit.transposed else d) @ np.linalg.inv(q)
        size = float(np.linalg.norm(before))
        if size > 1e-13 * whole:
            worst = max(worst, float(np.linalg.norm(after - np.einsum("fij,facj->faci", m, before))) / size)
    return worst


def _of_degree(values: Array, irreps: str, layout: Layout, l: int) -> Array:
    """Return all features of one degree, ``(frames, 2l+1, atoms and channels)``."""
    parts = [
        np.moveaxis(part, -1, 1).reshape(len(values), 2 * l + 1, -1)
        for degree, part in _entries(values, irreps, layout)
        if degree == l
    ]
    return np.concatenate(parts, axis=2)


def _degrees(irreps: str) -> list[int]:
    return sorted({int(ir.l) for _, ir in o3.Irreps(irreps)})


def _layouts(irreps: str) -> Iterator[Layout]:
    """Yield the layouts that differ for these irreps."""
    yield "mul_ir"
    parsed = o3.Irreps(irreps)
    counts = {int(mul) for mul, _ in parsed}
    if any(mul > 1 and ir.l > 0 for mul, ir in parsed):
        yield "ir_mul"
        if len(counts) == 1 and len(parsed) > 1:
            yield "channels outermost"


def _entries(values: Array, irreps: str, layout: Layout) -> Iterator[tuple[int, Array]]:
    """Yield (l, ``(..., mul, 2l+1)``) of every entry of the irreps, read in a layout."""
    parsed = o3.Irreps(irreps)
    shape = values.shape[:-1]
    if layout == "channels outermost":
        joined = values.reshape(*shape, parsed[0].mul, -1)
        start = 0
        for _, ir in parsed:
            yield int(ir.l), joined[..., start : start + ir.dim]
            start += ir.dim
        return
    for (mul, ir), where in zip(parsed, parsed.slices(), strict=True):
        part = values[..., where]
        if layout == "ir_mul":
            yield int(ir.l), np.swapaxes(part.reshape(*shape, ir.dim, mul), -1, -2)
        else:
            yield int(ir.l), part.reshape(*shape, mul, ir.dim)


def _order(l: int, order: str) -> list[int]:
    up, pairs = list(range(1, l + 1)), [(m, -m) for m in range(1, l + 1)]
    orders = {
        ORDERS[0]: list(range(-l, l + 1)),
        ORDERS[1]: list(range(l, -l - 1, -1)),
        ORDERS[2]: [0, *itertools.chain(*pairs)],
        ORDERS[3]: [0, *itertools.chain(*((b, a) for a, b in pairs))],
        ORDERS[4]: [*itertools.chain(*reversed(pairs)), 0],
        ORDERS[5]: [*itertools.chain(*((b, a) for a, b in reversed(pairs))), 0],
        ORDERS[6]: [0, *up, *(-m for m in up)],
        ORDERS[7]: [0, *(-m for m in up), *up],
    }
    return orders[order]


def _sign(m: int, sign: str) -> float:
    odd, negative = m % 2 == 1, m < 0
    opposite = {
        SIGNS[0]: False,
        SIGNS[1]: odd,
        SIGNS[2]: negative,
        SIGNS[3]: odd and not negative,
        SIGNS[4]: odd and negative,
        SIGNS[5]: negative and not odd,
        SIGNS[6]: (odd and not negative) or negative,
        SIGNS[7]: (odd and not negative) or (negative and not odd),
    }
    return -1.0 if opposite[sign] else 1.0
