"""Crystals and molecules with forces that are known in closed form, and an equivariant model of their neighbour densities."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from ase import Atoms
from ase.build import bulk, molecule
from numpy.typing import NDArray

from spectral_ceilings.diagnostic import from_callable
from spectral_ceilings.diagnostic.backbones.hooked import HookedBackbone
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.frames.neighbours import neighbours_of
from spectral_ceilings.diagnostic.frames.structures import StructuresInMemory
from spectral_ceilings.numerics.harmonics import real_harmonics

#: Spring constant of the harmonic forces, eV/Å².
SPRING = 5.0


def rattled(atoms: Atoms, count: int, size: float, seed: int = 0, *, source: str = "made.xyz") -> Frames:
    """Return frames in which every atom is displaced by normal deviates; harmonic forces pull it back."""
    rng = np.random.default_rng(seed)
    moved = size * rng.normal(size=(count, len(atoms), 3))
    periodic = bool(atoms.pbc.any())
    return Frames(
        atoms.numbers.astype(np.int64), atoms.positions + moved, -SPRING * moved, None, source,
        f"{zlib.crc32(f'{source}{seed}'.encode()):064x}", "eV and Å",
        cells=np.tile(atoms.cell.array, (count, 1, 1)) if periodic else None, pbc=tuple(atoms.pbc),
    )  # fmt: skip


def silicon(repeat: int = 2) -> Atoms:
    """Return a cubic supercell of silicon."""
    return bulk("Si", cubic=True) * (repeat, repeat, repeat)


def lithium_fluoride(repeat: int = 2) -> Atoms:
    """Return a cubic supercell of LiF."""
    return bulk("LiF", "rocksalt", a=4.03, cubic=True) * (repeat, repeat, repeat)


def ethanol() -> Atoms:
    """Return one molecule of ethanol."""
    return molecule("CH3CH2OH")


def mixed(*frames: Frames, groups: NDArray[np.int64] | None = None) -> StructuresInMemory:
    """Return several sets of frames as one sequence of structures."""
    none = np.empty(0, dtype=np.int64)
    return StructuresInMemory(
        frames, "mixed.xyz", "ab" * 32, "eV and Å", groups=none if groups is None else groups
    )


def density_backbone(
    channels: int = 6,
    cutoff: float = 5.0,
    l_max: int = 2,
    *,
    seed: int = 0,
    elements: Sequence[str] | None = None,
) -> HookedBackbone:
    """Return a model whose features of l are sums over neighbours of radial functions times Y_l, weighted by species."""

    def of_seed(number: int):  # type: ignore[no-untyped-def]
        def features(frames: Frames) -> NDArray[np.float64]:
            species = np.random.default_rng([number, 1]).normal(size=(120, channels)) ** 2 + 0.3
            centres = np.random.default_rng([number, 2]).uniform(1.5, 0.8 * cutoff, size=channels)
            out = np.zeros((len(frames), len(frames.numbers), channels * (l_max + 1) ** 2))
            for k, near in enumerate(neighbours_of(frames, cutoff)):
                r = near.distances
                smooth = 0.5 * (1.0 + np.cos(np.pi * r / cutoff))
                radial = (
                    np.exp(-((r[:, None] - centres) ** 2))
                    * smooth[:, None]
                    * species[frames.numbers[near.second]]
                )
                harmonics = real_harmonics(l_max, near.vectors)
                columns = [
                    (radial[:, :, None] * harmonics[:, None, l * l : (l + 1) ** 2]).reshape(len(r), -1)
                    for l in range(l_max + 1)
                ]
                np.add.at(out[k], near.first, np.concatenate(columns, axis=1))
            return out

        return features

    irreps = "+".join(f"{channels}x{l}{'e' if l % 2 == 0 else 'o'}" for l in range(l_max + 1))
    return from_callable(
        of_seed(seed), irreps, untrained=of_seed, cutoff=cutoff, elements=elements, source="densities"
    )
