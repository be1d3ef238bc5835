r"""Bases of the irreps of rotations: the orders and signs that packages use, found and named.

A basis of degree l is a unitary matrix B: component i of the package is :math:`\sum_m B_{im} Y_{lm}` in e3nn's real harmonics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import permutations, product

import numpy as np
from numpy.typing import NDArray

from ...numerics import wigner_d

Matrix = NDArray[np.complex128]


def _alternating(l: int, first: int) -> list[int]:
    return [0, *(sign * m for m in range(1, l + 1) for sign in (first, -first))]


def _from_the_top(l: int, first: int) -> list[int]:
    return [*(sign * m for m in range(l, 0, -1) for sign in (first, -first)), 0]


#: Orders of the components of degree l in use: name -> the m of each component.
ORDERS: dict[str, Callable[[int], list[int]]] = {
    "m = -l..l": lambda l: list(range(-l, l + 1)),
    "m = l..-l": lambda l: list(range(l, -l - 1, -1)),
    "m = l, -l, l-1, ..., 0": lambda l: _from_the_top(l, 1),
    "m = -l, l, 1-l, ..., 0": lambda l: _from_the_top(l, -1),
    "m = 0, 1, -1, ..., -l": lambda l: _alternating(l, 1),
    "m = 0, -1, 1, ..., l": lambda l: _alternating(l, -1),
    "m = 0..l, -1..-l": lambda l: [*range(l + 1), *range(-1, -l - 1, -1)],
}


def order_matrix(name: str, l: int) -> NDArray[np.float64]:
    """Return the permutation B of an order: component i is the harmonic of order ``ORDERS[name](l)[i]``."""
    matrix = np.zeros((2 * l + 1, 2 * l + 1))
    for row, m in enumerate(ORDERS[name](l)):
        matrix[row, l + m] = 1
    return matrix


def e3x_basis(l_max: int) -> NDArray[np.float64]:
    """Return B of e3x's order (x, y, z for l = 1, its polar axis z) for all l up to `l_max`."""
    size = (l_max + 1) ** 2
    basis = np.zeros((size, size))
    for l in range(l_max + 1):
        basis[l * l : (l + 1) ** 2, l * l : (l + 1) ** 2] = order_matrix("m = l, -l, l-1, ..., 0", l)
    return basis


@cache
def complex_to_real(l: int) -> Matrix:
    r"""Return U with :math:`Y^{real} = U Y` (`theory.real_couplings`), Y with Condon and Shortley's phase."""
    matrix = np.zeros((2 * l + 1, 2 * l + 1), dtype=complex)
    matrix[l, l] = 1
    for mu in range(1, l + 1):
        sign, root = (-1) ** mu, np.sqrt(0.5)
        matrix[l + mu, l - mu], matrix[l + mu, l + mu] = root, sign * root
        matrix[l - mu, l - mu], matrix[l - mu, l + mu] = 1j * root, -1j * sign * root
    return matrix


@cache
def cube_rotations() -> tuple[NDArray[np.float64], ...]:
    """Return the 24 rotations that permute the axes up to sign, the cyclic ones without signs first."""
    made = []
    for order in permutations(range(3)):
        for signs in product((1, -1), repeat=3):
            matrix = np.zeros((3, 3))
            matrix[range(3), order] = signs
            if np.linalg.det(matrix) > 0:
                made.append(matrix)
    return tuple(sorted(made, key=lambda matrix: (float((matrix < 0).sum()), -float(np.trace(matrix)))))


@dataclass(frozen=True)
class Basis:
    """What the basis of a table is called.

    Attributes
    ----------
    kind
        "real", "complex", or "other" for one that is no reordering of harmonics.
    order
        A name of `ORDERS`, or "other".
    signs
        "" where all signs are those of the harmonics; otherwise which differ.
    axes
        Of e3nn's (x, y, z), which axis of the package each is, with sign: ("y", "z", "x") says that the polar axis,
        e3nn's y, is z. For couplings alone a rotation of everything is invisible.
    """

    kind: str
    order: str
    signs: str
    axes: tuple[str, ...]


def name_bases(bases: Sequence[Matrix], tolerance: float) -> Basis:
    """Name the bases of degrees 1, 2, ...: one kind, order and choice of axes for all of them.

    Parameters
    ----------
    bases
        B of degrees 1, 2, ..., unitary.
    tolerance
        What counts as zero.
    """
    best: Basis | None = None
    # first one order for all degrees, then one for l >= 2 and any for l = 1, which is often Cartesian
    for skipped in range(min(2, len(bases))):
        for kind, rotation, order in product(("real", "complex"), cube_rotations(), ORDERS):
            signs = _signs(bases[skipped:], kind, rotation, order, tolerance, 1 + skipped)
            vector = _vector_order(bases[0], kind, rotation, tolerance) if skipped else ""
            if signs is None or vector is None:
                continue
            named = Basis(kind, order + vector, _sign_rule(signs, order, 1 + skipped), _axis_names(rotation))
            if not named.signs:
                return named
            if best is None or len(named.signs) < len(best.signs):
                best = named
        if best is not None:
            return best
    return Basis("other", "other", "", ())


def _vector_order(basis: Matrix, kind: str, rotation: NDArray[np.float64], tolerance: float) -> str | None:
    """Return the order of m for l = 1, None where it is no order."""
    turned = basis @ wigner_d(1, rotation).T
    if kind == "complex":
        turned = turned @ complex_to_real(1)
    places = np.abs(turned).argmax(axis=1)
    if sorted(places) != [0, 1, 2] or np.abs(np.sort(np.abs(turned), axis=1) - [0, 0, 1]).max() > tolerance:
        return None
    return f" for l >= 2, and m = {', '.join(str(place - 1) for place in places)} for l = 1"


def _signs(
    bases: Sequence[Matrix],
    kind: str,
    rotation: NDArray[np.float64],
    order: str,
    tolerance: float,
    start: int,
) -> list[Matrix] | None:
    """Return the phase of each component, None where a basis is no reordering of that kind."""
    phases = []
    for l, basis in enumerate(bases, start=start):
        # Y(R x) = D(R) Y(x): in harmonics of the turned axes the basis is B D(R)^T
        turned = basis @ wigner_d(l, rotation).T
        if kind == "complex":
            turned = turned @ complex_to_real(l)
        reordered = turned @ order_matrix(order, l).T
        phase = np.diag(reordered)
        if (
            np.abs(reordered - np.diag(phase)).max() > tolerance
            or np.abs(np.abs(phase) - 1).max() > tolerance
        ):
            return None
        phases.append(phase)
    return phases


def _sign_rule(phases: list[Matrix], order: str, start: int) -> str:
    """Describe phases relative to the first component's, by the rules that are in use."""
    rules: dict[str, Callable[[int], int]] = {
        "": lambda m: 1,
        "times (-1)^m": lambda m: (-1) ** m,
        "times (-1)^m for m > 0": lambda m: (-1) ** m if m > 0 else 1,
        "times (-1)^m for m < 0": lambda m: (-1) ** m if m < 0 else 1,
        "minus for m < 0": lambda m: -1 if m < 0 else 1,
    }
    for name, rule in rules.items():
        if all(
            np.allclose(phase / phase[0], np.array(wanted) / wanted[0], atol=1e-3)
            for l, phase in enumerate(phases, start=start)
            for wanted in [[rule(m) for m in ORDERS[order](l)]]
        ):
            return name
    differing = [
        f"l = {l}, m = {m}"
        for l, phase in enumerate(phases, start=start)
        for m, value in zip(ORDERS[order](l), phase / phase[ORDERS[order](l).index(0)], strict=True)
        if abs(value - 1) > 1e-3
    ]
    return "minus at " + "; ".join(differing)


def _axis_names(rotation: NDArray[np.float64]) -> tuple[str, ...]:
    names = []
    for row in rotation:
        axis = int(np.abs(row).argmax())
        names.append(("" if row[axis] > 0 else "-") + "xyz"[axis])
    return tuple(names)


def sentence(basis: Basis, axes_known: bool) -> str:
    """Say in words which basis it is."""
    if basis.kind == "other":
        return "a basis of its own, no reordering of real or complex harmonics"
    text = f"{basis.kind} harmonics, {basis.order}" + (f", {basis.signs}" if basis.signs else "")
    if axes_known:
        text += f", polar axis {basis.axes[1]}, m = 1 along {basis.axes[2]}"
    return text


def triples(l_max: int) -> Iterator[tuple[int, int, int]]:
    """Yield every (l1, l2, l3) up to `l_max` that obeys the triangle rule."""
    for l1, l2, l3 in product(range(l_max + 1), repeat=3):
        if abs(l1 - l2) <= l3 <= l1 + l2:
            yield l1, l2, l3
