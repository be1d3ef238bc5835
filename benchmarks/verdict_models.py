"""Models of which the right verdict is known by how they are made: neighbour densities, pair potentials, and one fault in each.

Densities of real harmonics turn exactly; blocks of the unnatural parity are those of the natural one times the triple product
of three vectors, which is odd. Where the geometry is exactly symmetric, blocks vanish that the group of the site forbids.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import molecule
from ase.calculators.calculator import Calculator, all_changes
from numpy.typing import NDArray

from spectral_ceilings.diagnostic import Frames, from_callable
from spectral_ceilings.numerics import haar_rotations, real_harmonics

Array = NDArray[np.float64]
#: A general direction: no axis of any geometry here.
AXIS = np.array([0.36, 0.48, 0.80])

#: Exact geometries and the atoms that are read: their sites are Td, C3v, Oh, C4v, C2v, D∞h, C∞v and C1.
GEOMETRIES: dict[str, tuple[int, ...]] = {
    "CH3CH2OH": (0, 2, 3), "CH4": (0, 1), "NH3": (0, 1), "C6H6": (0, 6), "SF6": (0, 1), "BF3": (0, 1), "CO2": (0, 1),
    "H2O": (0, 1), "HCN": (0, 1),
}  # fmt: skip


def geometry(name: str) -> tuple[NDArray[np.int64], Array]:
    """Return atomic numbers and exact positions (Å), in a general orientation, the centre at the origin."""
    if name == "SF6":
        axes = 1.56 * np.array(
            [[0, 0, 0], [1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]]
        )
        numbers, positions = np.array([16, 9, 9, 9, 9, 9, 9]), axes
    elif name in ("C6H6", "BF3", "CH4"):  # tables round these; here they are exact
        numbers, positions = _exact(name)
    else:
        atoms: Atoms = molecule(name)
        numbers, positions = atoms.numbers, atoms.positions
    turn = haar_rotations(1, np.random.default_rng(5))[0]
    return np.asarray(numbers), (positions - positions.mean(axis=0)) @ turn.T


def _exact(name: str) -> tuple[NDArray[np.int64], Array]:
    if name == "CH4":
        corners = np.array([[0, 0, 0], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) * 0.629
        return np.array([6, 1, 1, 1, 1]), corners
    count, radii = (6, (1.395, 2.482)) if name == "C6H6" else (3, (1.313,))
    angles = 2 * np.pi * np.arange(count) / count
    ring = np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)
    if name == "C6H6":
        return np.repeat([6, 1], 6), np.concatenate([r * ring for r in radii])
    return np.array([5, 9, 9, 9]), np.concatenate([np.zeros((1, 3)), radii[0] * ring])


def frames_of(name: str, count: int, motion: str, seed: int) -> Frames:
    """Return frames, eV and eV/Å: ``still`` ones breathe and keep their symmetry, others vibrate by .06 Å; each is turned."""
    rng = np.random.default_rng(seed)
    numbers, exact = geometry(name)
    turns = haar_rotations(count, rng)
    if motion == "still":
        positions = (1 + 0.03 * rng.standard_normal((count, 1, 1))) * exact
    else:
        positions = exact + 0.06 * rng.standard_normal((count, *exact.shape))
    pull = -30.0 * (positions - exact)
    positions, pull = (np.einsum("nij,naj->nai", turns, array) for array in (positions, pull))
    return Frames(numbers, positions, pull, None, name, "0" * 64, "eV")


@dataclass(frozen=True)
class Block:
    """One entry of irreps as it is made: ``channels`` of degree ``l`` and parity ``parity``, or all ``zero``."""

    channels: int
    l: int
    parity: int
    zero: bool = False

    def entry(self, parity: int) -> str:
        """Return e3nn's notation, with this parity."""
        return f"{self.channels}x{self.l}{'e' if parity > 0 else 'o'}"


#: What can be wrong with features; each breaks one thing by a relative amount.
FAULTS = ("none", "rotation", "componentwise", "translation", "inversion", "axes")
#: How the irreps are declared: as made, all even as SO(3) models do, or of the other parity.
DECLARED = ("true", "even", "other")


@dataclass(frozen=True)
class Densities:
    """Features of neighbour densities.

    Attributes
    ----------
    blocks
        Entries in order.
    declared
        One of :data:`DECLARED`.
    fault, amount
        One of :data:`FAULTS`, and its size relative to the block.
    dtype
        ``float64`` or ``float32``.
    """

    blocks: tuple[Block, ...]
    declared: str = "true"
    fault: str = "none"
    amount: float = 0.0
    dtype: str = "float64"

    @property
    def irreps(self) -> str:
        """What is declared."""
        return "+".join(block.entry(self.parity_of(block)) for block in self.blocks)

    def parity_of(self, block: Block) -> int:
        """Return the parity that is declared."""
        return {"true": block.parity, "even": 1, "other": -block.parity}[self.declared]

    def backbone(self) -> Any:
        """Return the adapter that users would write."""
        return from_callable(self, self.irreps, source="densities")

    def __call__(self, frames: Frames) -> NDArray[Any]:
        """Return ``(frames, atoms, dim)``."""
        x = frames.positions.astype(self.dtype)
        d = (x[:, None] - x[:, :, None]).astype(np.float64)
        r = np.linalg.norm(d, axis=-1)
        near = r > 1e-6
        d = np.where(near[..., None], d, AXIS)
        if self.fault == "axes":
            d = d[..., [1, 2, 0]]
        top = max((block.l for block in self.blocks), default=0)
        harmonics = real_harmonics(max(top, 1), d.reshape(-1, 3)).reshape(*r.shape, -1)
        odd = self._triple(d, r, near)
        parts = []
        for index, block in enumerate(self.blocks):
            y = harmonics[..., block.l**2 : (block.l + 1) ** 2]
            weights = _weights(r, near, frames.numbers, block.channels, index)
            values = np.einsum("nijc,nijm->nicm", weights, y)
            if block.parity != (-1) ** block.l:
                values = values * odd[..., None, None]
            if block.channels and not block.zero:
                values = self._spoiled(values, block, x, odd)
            parts.append(0 * values if block.zero else values)
        return np.concatenate([part.reshape(*part.shape[:2], -1) for part in parts], axis=-1).astype(
            self.dtype
        )

    @staticmethod
    def _triple(d: Array, r: Array, near: NDArray[np.bool_]) -> Array:
        """Return the triple product of three vectors of each atom, ``(frames, atoms)``: odd under inversion."""
        unit = d / np.linalg.norm(d, axis=-1, keepdims=True)
        vectors = [
            np.einsum("nij,nijk->nik", near * np.exp(-r * scale) * r, unit) for scale in (0.4, 1.0, 2.2)
        ]
        volume: Array = np.einsum("nik,nik->ni", np.cross(vectors[0], vectors[1]), vectors[2])
        return 30.0 * volume

    def _spoiled(self, values: Array, block: Block, x: Array, odd: Array) -> Array:
        size = float(np.sqrt(np.mean(values**2))) or 1.0
        if self.fault == "rotation":  # a fixed direction of the laboratory
            shape = values.shape[3]
            if block.l:
                return values + self.amount * size * np.linspace(1.0, -0.5, shape)
            tilt = np.tanh(x @ AXIS)
            return values + self.amount * size * tilt[..., None, None]
        if self.fault == "componentwise" and block.l:  # as a nonlinearity of single components
            return values + self.amount * size * np.tanh(values / size) ** 3
        if self.fault == "translation":
            return (
                values * (1 + self.amount * np.tanh((x.mean(axis=1) ** 2).sum(axis=-1)))[:, None, None, None]
            )
        if self.fault == "inversion":
            return values * (1 + self.amount * np.tanh(odd))[..., None, None]
        return values


def _weights(
    r: Array, near: NDArray[np.bool_], numbers: NDArray[np.int64], channels: int, index: int
) -> Array:
    rng = np.random.default_rng([7, index])
    scales, powers = rng.uniform(0.5, 1.5, channels), rng.uniform(0.2, 0.8, channels)
    each = [np.exp(-r / scale) * near * numbers**power for scale, power in zip(scales, powers, strict=True)]
    return np.stack(each, axis=-1) if each else np.zeros((*r.shape, 0))


class Potential(Calculator):  # type: ignore[misc]
    """Sum of 1/r² over pairs, eV, plus one term that breaks one symmetry, plus an offset; results in a number format.

    Parameters
    ----------
    fault
        ``none``, ``rotation`` (``size`` eV times P_l of the angle between a bond and an axis of the laboratory),
        ``inversion`` (``size`` eV times a triple product of the first four atoms) or ``translation`` (``size`` eV/Å² times the
        square of the mean position).
    """

    implemented_properties = ["energy", "forces"]  # noqa: RUF012

    def __init__(
        self, fault: str = "none", size: float = 0.0, l: int = 1, dtype: str = "float64", offset: float = 0.0
    ) -> None:
        super().__init__()
        self.fault, self.size, self.l, self.dtype, self.offset = fault, size, l, dtype, offset

    def calculate(
        self, atoms: Any = None, properties: Sequence[str] = ("energy",), system_changes: Any = all_changes
    ) -> None:
        """Evaluate."""
        super().calculate(atoms, properties, system_changes)
        x = self.atoms.positions.astype(self.dtype)
        d = x[:, None] - x[None]
        r2 = (d**2).sum(-1) + np.eye(len(x), dtype=x.dtype)
        off = 1 - np.eye(len(x), dtype=x.dtype)
        energy, forces = 0.5 * (off / r2).sum(), (2 / r2**2 * off)[..., None].__mul__(d).sum(1)
        more, pull = _TERMS[self.fault](x, self.size, self.l)
        dtype = np.dtype(self.dtype).type
        self.results = {
            "energy": float(dtype(energy + more) + dtype(self.offset)),
            "forces": np.asarray(forces + pull, dtype=self.dtype),
        }


def _nothing(x: Array, size: float, l: int) -> tuple[float, Array]:
    return 0.0, 0 * x


def _legendre(x: Array, size: float, l: int) -> tuple[float, Array]:
    polynomial = np.polynomial.Legendre.basis(l)
    bond = x[1] - x[0]
    length = np.linalg.norm(bond)
    unit = bond / length
    c = float(unit @ AXIS)
    pull = np.zeros_like(x)
    pull[1] = -size * polynomial.deriv()(c) * (AXIS - c * unit) / length
    pull[0] = -pull[1]
    return size * float(polynomial(c)), pull


def _triple_product(x: Array, size: float, l: int) -> tuple[float, Array]:
    u, v, w = x[1] - x[0], x[2] - x[0], x[3] - x[0]
    pull = np.zeros_like(x)
    pull[1], pull[2], pull[3] = -np.cross(v, w), -np.cross(w, u), -np.cross(u, v)
    pull[0] = -pull.sum(0)
    return size * float(np.dot(np.cross(u, v), w)), size * pull


def _place(x: Array, size: float, l: int) -> tuple[float, Array]:
    centre = x.mean(axis=0)
    return size * float(centre @ centre), np.broadcast_to(-2 * size * centre / len(x), x.shape).copy()


_TERMS: dict[str, Callable[[Array, float, int], tuple[float, Array]]] = {
    "none": _nothing, "rotation": _legendre, "inversion": _triple_product, "translation": _place,
}  # fmt: skip


def rotation_deviation(size: float, l: int, bond: float, atoms: int) -> tuple[float, float]:
    """Return E_rot (meV/atom) and F_rot (meV/Å) that the Legendre term makes, from the mean square of P_l, 1/(2l+1).

    Its gradient has the mean square l(l+1)/(2l+1)/r², on two atoms; F_rot is over 3 N components.
    """
    energy = 1e3 * size / np.sqrt(2 * l + 1) / atoms
    force = 1e3 * size / bond * np.sqrt(2 * l * (l + 1) / (2 * l + 1) / (3 * atoms))
    return float(energy), float(force)
