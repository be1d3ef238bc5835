"""The matrices of point groups, by their definitions: products of rotations, mirrors and inversion."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation


def _turn(n: int) -> np.ndarray:
    return Rotation.from_rotvec([0, 0, 2 * np.pi / n]).as_matrix()


_ACROSS, _ABOVE, _BESIDE = np.diag([1.0, -1.0, -1.0]), np.diag([1.0, 1.0, -1.0]), np.diag([-1.0, 1.0, 1.0])


def elements(symbol: str) -> np.ndarray:
    """All matrices of a group, as products of the generators that define it (Schoenflies)."""
    if symbol[0] in "TOI":
        rotations = Rotation.create_group(symbol[0]).as_matrix()
        if symbol == "Td":  # the rotations of O that are none of T, times inversion
            octahedral = Rotation.create_group("O").as_matrix()
            rest = [m for m in octahedral if np.abs(rotations - m).max(axis=(1, 2)).min() > 0.1]
            return np.concatenate([rotations, [-m for m in rest]])
        return np.concatenate([rotations, -rotations]) if symbol[1:] == "h" else rotations
    if symbol in ("Cs", "Ci"):
        return np.array([np.eye(3), _ABOVE if symbol == "Cs" else -np.eye(3)])
    kind, n, suffix = symbol[0], int(symbol.strip("CDSvhd")), symbol[-1] if symbol[-1] in "vhd" else ""
    generators = [_ABOVE @ _turn(n)] if kind == "S" else [_turn(n)]
    if kind == "D":
        generators.append(_ACROSS)
    if suffix == "h":
        generators.append(_ABOVE)
    if suffix == "v":
        generators.append(_BESIDE)
    if suffix == "d":  # S_2n beside the two-fold axes
        generators.append(_ABOVE @ _turn(2 * n))
    products = [np.eye(3)]
    for element in products:
        for generator in generators:
            product = element @ generator
            # Different elements of these groups differ by more than 0.1 in some entry, equal ones by 1e-14.
            if min(np.abs(product - other).max() for other in products) > 0.1:
                products.append(product)
    return np.array(products)


SYMBOLS = [
    *(f"C{n}{s}" for n in range(1, 8) for s in ("", "v", "h")),
    *(f"D{n}{s}" for n in range(2, 8) for s in ("", "h", "d")),
    *(f"S{n}" for n in range(2, 15, 2)),
    *("Cs", "Ci", "T", "Td", "Th", "O", "Oh", "I", "Ih"),
]
