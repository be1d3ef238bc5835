"""Structures that are in memory as ASE Atoms, with what their calculators say of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import PropertyNotImplementedError
from numpy.typing import NDArray

from ...theory.errors import InputError
from .frames import Frames
from .reading_any import checked_frames
from .structures import Structures, StructuresInMemory

Array = NDArray[np.float64]

_UNITS = "eV, Å and eV/Å, as ASE has them"


def structures_from_ase(images: Sequence[Atoms], *, source: str = "structures") -> StructuresInMemory:
    """Return ASE Atoms of any kind as structures, in their order.

    Parameters
    ----------
    images
        Positions and cells in Å. What their calculators hold or compute is taken: energies (eV), forces (eV/Å, without the
        constraints that the atoms carry) and, of periodic ones, stress (eV/Å³, ASE's sign); NaN where there is none. Numbers,
        texts and truths of their ``info`` are kept for selections such as ``config_type == 'bulk'``.
    source
        What sentences and results call them.

    Returns
    -------
    StructuresInMemory
        ``sha256`` is that of numbers, positions, cells, periodicity, energies, forces and stress.

    Raises
    ------
    InputError
        There are none, one is no Atoms or has no atoms, its positions or cell are not finite, its periodic cell is flat, or a
        calculator gives numbers that are not finite.
    """
    if len(images) == 0:
        raise InputError(f"{source}: there are no structures: expected at least one.")
    members: dict[tuple[bytes, tuple[bool, ...]], list[int]] = {}
    labels = []
    for place, image in enumerate(images):
        where = f"{source}: structure {place}"
        if not isinstance(image, Atoms):
            raise InputError(f"{where} is of the type {type(image).__name__}: expected ASE Atoms.")
        if len(image) == 0:
            raise InputError(f"{where} has no atoms: expected at least one.")
        if not (np.isfinite(image.positions).all() and np.isfinite(image.cell.array).all()):
            raise InputError(f"{where} has positions or a cell that are not finite: leave it out.")
        flags = tuple(bool(direction) for direction in image.pbc)
        members.setdefault((image.numbers.astype(np.int64).tobytes(), flags), []).append(place)
        labels.append(_labels(image, where))
    digest = _digest(images, labels)
    order = np.empty(len(images), dtype=np.int64)
    order[[place for places in members.values() for place in places]] = np.arange(len(images))
    frames = tuple(_frames(images, labels, places, source, digest) for places in members.values())
    return StructuresInMemory(
        frames, source, digest, _UNITS, order=order, said=tuple(_said(image) for image in images)
    )


def data_from_ase(images: Sequence[Atoms], *, keep_info: bool = False) -> Frames | Structures:
    """Return ASE Atoms as ``read_data`` returns those of a file: checked Frames where they are one composition in one order.

    Units are those of ASE: what does not look like them is kept, and named among what the checks found (``Frames.overruled``).

    Parameters
    ----------
    images
        As in ``structures_from_ase``.
    keep_info
        Whether to keep what ``info`` says of each: the answer is always Structures then.

    Raises
    ------
    InputError
        As ``structures_from_ase``; of one composition, a structure without forces, or one that no diagnosis can use.
    """
    structures = structures_from_ase(images)
    if len(structures.frames) > 1 or keep_info:
        return structures
    (frames,) = structures.frames
    silent = np.flatnonzero(~np.isfinite(frames.forces).all(axis=(1, 2)))
    if len(silent):
        raise InputError(
            f"{frames.source}: structure {int(silent[0])} has no forces: attach a calculator that gives them, or leave it out."
        )
    return checked_frames(frames, accept_units=True)


def _labels(image: Atoms, where: str) -> tuple[float, Array, Array]:
    """Return energy, forces and stress of one structure."""
    shapes: dict[str, tuple[int, ...]] = {"energy": (), "forces": (len(image), 3), "stress": (6,)}
    said = []
    for name, shape in shapes.items():
        value = None if name == "stress" and not image.pbc.any() else _asked(image, name)
        given = np.full(shape, np.nan) if value is None else np.asarray(value, dtype=np.float64)
        if given.shape != shape:
            raise InputError(
                f"{where}: its calculator gives {name} of shape {given.shape}: expected {shape}."
            )
        if value is not None and not np.isfinite(given).all():
            raise InputError(f"{where}: its calculator gives {name} that are not finite: leave it out.")
        said.append(given)
    return float(said[0]), said[1], said[2]


def _said(image: Atoms) -> dict[str, Any]:
    """Return the numbers, texts and truths of the atoms' ``info``."""
    return {
        name: value
        for name, value in image.info.items()
        if isinstance(name, str) and isinstance(value, str | bool | int | float | np.generic)
    }


def _asked(image: Atoms, name: str) -> Any:
    """Return what the calculator says of these very atoms; None where it has nothing to say."""
    calculator: Any = image.calc
    if calculator is None:
        return None
    try:
        return calculator.get_property(name, image)
    except (
        PropertyNotImplementedError
    ):  # also what a single-point calculator says of atoms that were moved since
        return None


def _digest(images: Sequence[Atoms], labels: Sequence[tuple[float, Array, Array]]) -> str:
    content = hashlib.sha256()
    for image, (energy, forces, stress) in zip(images, labels, strict=True):
        content.update(np.array([len(image), *image.numbers, *image.pbc], dtype=np.int64).tobytes())
        for values in (image.positions, image.cell.array, energy, forces, stress):
            content.update(np.ascontiguousarray(values, dtype=np.float64).tobytes())
    return content.hexdigest()


def _frames(
    images: Sequence[Atoms],
    labels: Sequence[tuple[float, Array, Array]],
    places: Sequence[int],
    source: str,
    digest: str,
) -> Frames:
    energies = np.array([labels[place][0] for place in places])
    stress = np.stack([labels[place][2] for place in places])
    first = images[places[0]]
    flags = [bool(direction) for direction in first.pbc]
    return Frames(
        first.numbers.astype(np.int64),
        np.stack([images[place].positions for place in places]),
        np.stack([labels[place][1] for place in places]),
        None if np.isnan(energies).all() else energies,
        source,
        digest,
        _UNITS,
        cells=np.stack([images[place].cell.array for place in places]) if any(flags) else None,
        pbc=(flags[0], flags[1], flags[2]),
        stress=None if np.isnan(stress).all() else stress,
    )
