"""Models with the properties and mistakes that people's have, for `FILE.py:FUNCTION`; neighbour densities, l <= 2."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from ase.calculators.calculator import Calculator, all_changes
from numpy.typing import NDArray

from spectral_ceilings.diagnostic import Backbone, Frames, from_callable
from spectral_ceilings.numerics import gauss_product_directions, real_harmonics

CHANNELS, IRREPS = 4, "4x0e+4x1o+4x2e"


def parts(frames: Frames, dtype: Any = np.float64, axes: tuple[int, ...] = (0, 1, 2)) -> list[NDArray[Any]]:
    """Return the densities of l = 0, 1, 2, each ``(frames, atoms, channels, 2l + 1)``."""
    x = np.asarray(frames.positions, dtype=dtype)
    d = x[:, None] - x[:, :, None]
    r = np.linalg.norm(d, axis=-1)
    near = r > 1e-6
    d = np.where(near[..., None], d, np.array([0, 1.0, 0]))[..., list(axes)]
    y = real_harmonics(2, d.reshape(-1, 3)).reshape(*r.shape, -1).astype(dtype)
    z = frames.numbers.astype(dtype)
    w = np.stack([np.exp(-r / (0.6 + 0.4 * k)) * near * z ** (k % 2) for k in range(CHANNELS)], axis=-1)
    return [np.einsum("nijc,nijm->nicm", w.astype(dtype), y[..., l * l : (l + 1) ** 2]) for l in range(3)]


def flat(blocks: list[NDArray[Any]]) -> NDArray[Any]:
    """Return the layout of e3nn, ``(frames, atoms, dim)``."""
    return np.concatenate([block.reshape(*block.shape[:2], -1) for block in blocks], axis=-1)


def made(
    change: Callable[[list[NDArray[Any]]], Any] = flat, irreps: str = IRREPS, **options: Any
) -> Backbone:
    """Return the adapter of densities with something done to their blocks."""
    return from_callable(lambda frames: change(parts(frames, **options)), irreps, source="densities")


def condon_shortley_of(blocks: list[NDArray[Any]]) -> NDArray[Any]:
    """Multiply components of odd m by -1."""
    return flat([block * (-1.0) ** np.arange(-l, l + 1) for l, block in enumerate(blocks)])


def right() -> Backbone: return made()  # fmt: skip


def as_so3() -> Backbone: return made(irreps="4x0e+4x1e+4x2e")  # fmt: skip


def other_parity() -> Backbone: return made(irreps="4x0e+4x1e+4x2o")  # fmt: skip


def several_blocks() -> Backbone:
    """Two entries of l = 1 and one without channels."""
    return made(lambda b: flat([b[0], b[1][:, :, :3], b[1][:, :, 3:], b[2]]), "4x0e+3x1o+0x3o+1x1e+4x2e")


def single() -> Backbone: return made(dtype=np.float32)  # fmt: skip


def half() -> Backbone: return made(lambda b: flat(b).astype(np.float16))  # fmt: skip


def brain() -> Backbone: return made(lambda b: torch.tensor(flat(b)).to(torch.bfloat16))  # fmt: skip


def zeros() -> Backbone: return made(lambda b: 0 * flat(b))  # fmt: skip


def no_vectors() -> Backbone: return made(lambda b: flat([b[0], 0 * b[1], b[2]]))  # fmt: skip


def no_top() -> Backbone: return made(lambda b: flat([b[0], b[1], 0 * b[2]]))  # fmt: skip


def z_polar() -> Backbone: return made(axes=(1, 2, 0))  # fmt: skip


def x_polar() -> Backbone: return made(axes=(2, 0, 1))  # fmt: skip


def condon_shortley() -> Backbone: return made(condon_shortley_of)  # fmt: skip


def ir_mul() -> Backbone: return made(lambda b: flat([np.swapaxes(block, 2, 3) for block in b]))  # fmt: skip


def other_order() -> Backbone: return made(lambda b: flat(b[::-1]))  # fmt: skip


def norm_normalised() -> Backbone:
    """Harmonics of norm 1 instead of component 1: equivariant all the same."""
    return made(lambda b: flat([block / np.sqrt(2 * l + 1) for l, block in enumerate(b)]))


def not_finite() -> Backbone: return made(lambda b: flat(b) * np.nan)  # fmt: skip


def complex_numbers() -> Backbone: return made(lambda b: flat(b) + 0j)  # fmt: skip


def raises() -> Backbone: raise RuntimeError("weights missing")  # fmt: skip


def raises_when_evaluated() -> Backbone: return made(lambda b: {}["oxygen"])  # fmt: skip


def grid() -> Backbone:
    """SiLU on a grid of the sphere, as eSCN and Equiformer V2 have it: equivariant up to aliasing."""
    directions = gauss_product_directions(10)
    y = real_harmonics(2, directions.directions)

    def features(blocks: list[NDArray[Any]]) -> NDArray[Any]:
        s = np.einsum("nack,gk->nacg", np.concatenate(blocks, axis=-1), y)
        s = s / (1 + np.exp(-s / np.abs(s).mean()))
        b = np.einsum("nacg,g,gk->nack", s, directions.weights, y)
        return flat([b[..., l * l : (l + 1) ** 2] for l in range(3)])

    return made(features)


class Repulsive(Calculator):  # type: ignore[misc]
    """Sum of 1/r² over pairs, eV: exact under every rotation, reflection and translation."""

    implemented_properties = ["energy", "forces"]  # noqa: RUF012
    dtype: Any = np.float64
    handed = 0.0

    def calculate(
        self, atoms: Any = None, properties: Any = ("energy",), system_changes: Any = all_changes
    ) -> None:
        """Evaluate; ``handed`` times the triple product of four atoms is odd under inversion."""
        super().calculate(atoms, properties, system_changes)
        x = self.atoms.positions.astype(self.dtype)
        d = x[:, None] - x[None]
        r2, off = (d**2).sum(-1) + np.eye(len(x), dtype=x.dtype), 1 - np.eye(len(x), dtype=x.dtype)
        forces = (2 * off / r2**2)[..., None] * d
        u, v, w = x[1] - x[0], x[2] - x[0], x[3] - x[0]
        pull = np.zeros_like(x)
        pull[1], pull[2], pull[3] = -np.cross(v, w), -np.cross(w, u), -np.cross(u, v)
        pull[0] = -pull.sum(0)
        energy = 0.5 * (off / r2).sum() + self.handed * np.dot(np.cross(u, v), w)
        self.results = {"energy": float(energy), "forces": forces.sum(1) + self.handed * pull}


def calculator() -> Calculator: return Repulsive()  # fmt: skip


def calculator_single() -> Calculator: return _with(dtype=np.float32)  # fmt: skip


def calculator_mirrored() -> Calculator: return _with(handed=1.0)  # fmt: skip


def _with(**properties: Any) -> Calculator:
    made_calculator = Repulsive()
    for name, value in properties.items():
        setattr(made_calculator, name, value)
    return made_calculator
