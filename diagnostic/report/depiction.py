"""A molecule on paper: flat coordinates and bonds, by RDKit where it is installed, else from the geometry itself."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..frames.marks import bonds

#: Length of an average bond of the drawing; coordinates are in this unit.
_BOND = 1.0
#: Atoms that are not bonded stand at least this far apart in a drawing made from the geometry.
_APART = 0.95


def depict(numbers: NDArray[np.int64], positions: NDArray[np.float64]) -> dict[str, Any]:
    """Return a drawing of a molecule in its geometry.

    Parameters
    ----------
    numbers : (A,) int array
        Atomic numbers.
    positions : (A, 3) float array
        The reference geometry (Å), from which the bonds are read.

    Returns
    -------
    dict
        ``positions``: (x, y) of every atom, an average bond having length 1, the longer side along x; ``bonds``:
        ``[i, j, order]`` with order 1, 1.5, 2 or 3; ``made_by``: ``RDKit`` or ``projection``. RDKit is taken where it is
        installed and understands the molecule as a neutral one; otherwise the geometry is projected on its principal
        plane and atoms that fall on each other are moved apart, all bonds having order 1.
    """
    bonded = bonds(numbers, positions)
    pairs = [(i, j) for i, row in enumerate(bonded) for j in row if i < j]
    drawing = _rdkit(numbers, positions, pairs)
    made_by = "RDKit"
    if drawing is None:
        drawing, made_by = (project(positions, pairs), [1.0] * len(pairs)), "projection"
    flat, orders = drawing
    return {
        "positions": _upright(flat, pairs).round(4).tolist(),
        "bonds": [[i, j, order] for (i, j), order in zip(pairs, orders, strict=True)],
        "made_by": made_by,
    }


def _rdkit(
    numbers: NDArray[np.int64], positions: NDArray[np.float64], pairs: Sequence[tuple[int, int]]
) -> tuple[NDArray[np.float64], list[float]] | None:
    """Return flat coordinates and bond orders, or None where RDKit is missing or cannot make sense of the molecule."""
    try:
        Chem: Any = importlib.import_module("rdkit.Chem")
        determine: Any = importlib.import_module("rdkit.Chem.rdDetermineBonds")
        depictor: Any = importlib.import_module("rdkit.Chem.rdDepictor")
        log: Any = importlib.import_module("rdkit.RDLogger")
        points: Any = importlib.import_module("rdkit.Geometry")
    except ImportError:
        return None
    molecule = Chem.RWMol()
    for number in numbers:
        molecule.AddAtom(Chem.Atom(int(number)))
    for i, j in pairs:
        molecule.AddBond(i, j, Chem.BondType.SINGLE)
    conformer = Chem.Conformer(len(numbers))
    for i, place in enumerate(positions):
        conformer.SetAtomPosition(i, points.Point3D(*map(float, place)))
    molecule.AddConformer(conformer)
    log.DisableLog("rdApp.*")
    try:
        determine.DetermineBondOrders(molecule, charge=0, allowChargedFragments=True, embedChiral=False)
        # Before the aromatic bonds are made alike: alternating ones draw better.
        orders = [float(molecule.GetBondBetweenAtoms(i, j).GetBondTypeAsDouble()) for i, j in pairs]
        Chem.SanitizeMol(molecule)
        depictor.Compute2DCoords(molecule, canonOrient=True, clearConfs=True)
        flat = np.array(molecule.GetConformer().GetPositions(), dtype=np.float64)[:, :2]
        # It makes room for heavy atoms only: hydrogens of a crowded chain can fall on others.
        flat = moved_apart(flat, pairs, flat)
    except (ValueError, RuntimeError):
        return None
    finally:
        log.EnableLog("rdApp.*")
    return flat, orders


def project(positions: NDArray[np.float64], pairs: Sequence[tuple[int, int]]) -> NDArray[np.float64]:
    """Return the geometry ``(A, 3)`` projected on its principal plane, ``(A, 2)``, with its atoms moved apart.

    Bonds are springs of their length in space, and atoms two bonds apart keep their distance in space more weakly.
    """
    inside = positions - positions.mean(axis=0)
    axes = np.linalg.svd(inside)[2]
    flat = inside @ axes[:2].T
    # Atoms that stand behind each other have no direction to part in: their depth gives one.
    flat = flat + 0.15 * (inside @ axes[2])[:, None] * np.array([0.6, 0.8])
    return moved_apart(flat, pairs, inside)


def moved_apart(
    flat: NDArray[np.float64], pairs: Sequence[tuple[int, int]], shape: NDArray[np.float64], steps: int = 600
) -> NDArray[np.float64]:
    """Return flat coordinates in which atoms that are not bonded stand apart; deterministic.

    Bonded atoms, and more weakly those two bonds apart, are pulled to their distances in ``shape``; any two others push
    each other away where they are closer than an average bond.
    """
    if not pairs:
        return flat
    first, second = np.array(pairs).T
    count = len(flat)
    adjacency = np.zeros((count, count), dtype=bool)
    adjacency[first, second] = adjacency[second, first] = True
    others = ~adjacency & ~np.eye(count, dtype=bool)
    angles = (adjacency.astype(np.int64) @ adjacency.astype(np.int64) > 0) & others
    lengths = np.linalg.norm(shape[:, None] - shape[None], axis=2)
    apart = _APART * float(lengths[first, second].mean())
    wanted = np.maximum(lengths, np.where(angles, apart, 0.0))
    for step in range(steps):
        gap = flat[:, None] - flat[None]
        distance = np.maximum(np.linalg.norm(gap, axis=2), 1e-9)
        pull = np.where(adjacency, lengths - distance, 0.0)
        pull += np.where(angles, 0.15 * (wanted - distance), 0.0)
        pull += np.where(others, np.maximum(0.0, apart - distance), 0.0)
        move = 0.2 * (1.0 - step / steps) * np.einsum("ij,ijk->ik", pull / distance, gap)
        flat = flat + np.clip(move, -0.3, 0.3)
    return np.asarray(flat)


def _upright(flat: NDArray[np.float64], pairs: Sequence[tuple[int, int]]) -> NDArray[np.float64]:
    """Scale to bonds of length one, the longer side along x, the first atom in the left half."""
    inside = flat - flat.mean(axis=0)
    if pairs:
        first, second = np.array(pairs).T
        inside = (
            inside / max(float(np.linalg.norm(inside[first] - inside[second], axis=1).mean()), 1e-9) * _BOND
        )
    # The narrowest box, over whole degrees: wide pages have less height than width.
    best = min(range(0, 180, 5), key=lambda turn: (round(_height(inside, turn), 6), turn))
    turned = inside @ _turn(best)
    if turned[0, 0] > 0:
        turned = -turned
    return np.asarray(turned - (turned.max(axis=0) + turned.min(axis=0)) / 2)


def _turn(degrees: int) -> NDArray[np.float64]:
    angle = np.deg2rad(degrees)
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def _height(flat: NDArray[np.float64], degrees: int) -> float:
    return float(np.ptp((flat @ _turn(degrees))[:, 1]))
