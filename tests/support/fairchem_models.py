"""Small fairchem models with random weights for tests, and frames for them."""

from importlib.util import find_spec
from typing import Any

import numpy as np
from ase.build import bulk, molecule

from spectral_ceilings.diagnostic.frames.frames import Frames

#: Few channels: a model is built in a tenth of a second.
SMALL = "sphere_channels=4,hidden_channels=4,edge_channels=4,num_distance_basis=8"
WHY = "the extra 'fairchem' is not installed (it takes 2.4 GB, in an environment of its own)"


def absent() -> bool:
    """Whether fairchem is absent and may be: where it has to be there, its absence fails in the tests themselves."""
    import os

    return find_spec("fairchem") is None and "SPECTRAL_CEILINGS_REQUIRE_FAIRCHEM" not in os.environ


def named(options: str = "", name: str = "escn-md") -> str:
    """Return the name of a small model."""
    return f"fairchem:{name}:{SMALL}" + (f",{options}" if options else "")


def ethanol(frames: int = 2, seed: int = 0) -> Frames:
    """Return distorted ethanol."""
    return of(molecule("CH3CH2OH"), frames, seed, 0.05)


def lithium_fluoride(frames: int = 2, seed: int = 0) -> Frames:
    """Return a distorted crystal whose cell (4 Å) is shorter than the cutoff."""
    return of(bulk("LiF", "rocksalt", a=4.0, cubic=True), frames, seed, 0.1)


def of(atoms: Any, frames: int, seed: int, width: float) -> Frames:
    rng = np.random.default_rng(seed)
    positions = atoms.get_positions() + width * rng.normal(size=(frames, len(atoms), 3))
    cells = np.tile(np.asarray(atoms.cell), (frames, 1, 1)) if atoms.pbc.any() else None
    return Frames(
        np.array(atoms.numbers), positions, rng.normal(size=positions.shape), rng.normal(size=frames), "made up", "0" * 64,
        "eV", cells=cells, pbc=tuple(bool(direction) for direction in atoms.pbc),
    )  # fmt: skip
