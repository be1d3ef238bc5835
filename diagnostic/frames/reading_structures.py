"""Read structures of any kind from files of every kind that people have: crystals, boxes and molecules, mixed in one file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..records.files import sha256_of
from .ase_reading import is_dump, read_images
from .cp2k import UNITS as CP2K_UNITS
from .cp2k import cp2k_images, forces_beside, is_cp2k
from .elements import Elements
from .extxyz import ExtxyzImages
from .file_structures import (
    COPY,
    FLAT,
    NOT_FINITE,
    WITHOUT_FORCES,
    FileStructures,
    copies,
    groups_of,
    said_of,
    unusable,
)
from .hdf5 import hdf5_images
from .images import AseImages, Images
from .keys import Keys
from .lazy_ase import lazy_images
from .locating import locate
from .npz_reading import read_npz
from .raw import Raw
from .selection import Selection
from .structure_checks import check_structures
from .units import EV_AND_ANGSTROM, Units, parse_units

_HDF5 = {".h5", ".hdf5", ".hdf"}
#: The structures of a file, the units of such files (None: not fixed), and why these.
Opened = tuple[Images, Units | None, str]


def read_structures(
    source: str | Path,
    *,
    units: str | None = None,
    force_units: str | None = None,
    length_units: str | None = None,
    elements: str | None = None,
    accept_units: bool = False,
    forces_key: str | None = None,
    energy_key: str | None = None,
    stress_key: str | None = None,
    select: str | None = None,
    isolated: bool = False,
    group_key: str | None = None,
    everything: bool = False,
) -> FileStructures:
    """Read structures in Å, eV and eV/Å; those of an extended XYZ, ``.traj``, ``.db`` or HDF5 file only when they are taken.

    Parameters
    ----------
    source : str or Path
        A file: an extended XYZ, or anything else that ASE reads (``.traj``, ``.db``, ``vasprun.xml``, ``OUTCAR``, LAMMPS dumps,
        CP2K's trajectories), an HDF5 file of a known layout, an npz; or a name that ``read_frames`` knows.
    units, force_units, length_units : str, optional
        Units of the file where they are not eV, Å and eV/Å (stress: energy / length³), as in ``read_frames``.
    elements : str, optional
        Elements of types or labels, as in ``read_frames``.
    accept_units : bool
        Overrule the checks of units.
    forces_key, energy_key, stress_key : str, optional
        Names under which the file keeps them; the usual ones, such as ``REF_forces``, are recognised.
    select : str, optional
        Which structures: those in which a condition holds for any atom, see `Selection`.
    isolated : bool
        Take molecules out of their boxes; refused where an image comes near.
    group_key : str, optional
        Name of a value, such as ``config_type``: structures that agree in it are one group, and stay in one part of a split.
    everything : bool
        Keep what no diagnosis can use too: isolated atoms, copies, structures without forces or with numbers that are not
        finite; nothing is checked then.

    Returns
    -------
    FileStructures
        With ``left_out``, ``places`` and ``notes``: what was left out, where structures stand in the file, what was decided.

    Raises
    ------
    InputError
        The file cannot be read, has no structure that can be used, or fails a check.
    """
    return read_opened(
        None, source, units=units, force_units=force_units, length_units=length_units, elements=elements,
        accept_units=accept_units, forces_key=forces_key, energy_key=energy_key, stress_key=stress_key, select=select,
        isolated=isolated, group_key=group_key, everything=everything,
    )  # fmt: skip


def read_opened(
    opened: Opened | None,
    source: str | Path,
    *,
    units: str | None = None,
    force_units: str | None = None,
    length_units: str | None = None,
    elements: str | None = None,
    accept_units: bool = False,
    forces_key: str | None = None,
    energy_key: str | None = None,
    stress_key: str | None = None,
    select: str | None = None,
    isolated: bool = False,
    group_key: str | None = None,
    everything: bool = False,
) -> FileStructures:
    """Read structures as ``read_structures`` does; a file that is open already (None: it is not) is not looked through again."""
    declared = None if units is None else parse_units(units, force_units, length_units)
    chosen = None if select is None else Selection.parse(select)
    kinds = Elements.parse(elements)
    path, name = locate(source)
    images, implied, reason = opened or open_images(path, name, kinds)
    if declared is None and implied is None:
        raise InputError(
            f"{name}: the file does not say its units: declare them, for example units='kcal/mol'."
        )
    if declared is None and implied is not None and (force_units or length_units):
        declared = parse_units(implied.energy, force_units, length_units or implied.length)
    read_as = declared or implied or EV_AND_ANGSTROM
    words = f"{read_as}, declared" if declared is not None else f"{read_as}, {reason}"
    keys, notes = Keys.choose(
        images.table, name, forces=forces_key, energy=energy_key, stress=stress_key, needed=not everything
    )
    places, bad, said = _usable(images, keys, read_as, name, chosen, everything)
    notes += [*said, *(["cells are dropped: its structures are isolated"] if isolated else [])]
    structures = FileStructures(
        images, keys, read_as, places, bad, name, getattr(images, "sha256", "") or sha256_of(path), words,
        (*images.notes, *notes), groups_of(images, places, group_key, name), {}, isolated,
    )  # fmt: skip
    return structures if everything else check_structures(structures, accept_units=accept_units)


def _usable(
    images: Images, keys: Keys, units: Units, name: str, chosen: Selection | None, everything: bool
) -> tuple[NDArray[np.int64], dict[str, NDArray[np.int64]], list[str]]:
    """Places of the structures that are kept, those left out by reason, and notes."""
    bad = unusable(images, keys, units, name)
    kept = np.ones(len(images.table), dtype=bool)
    for places in bad.values():
        kept[places] = False
    first, whole = copies(images, keys, kept)
    copied = np.flatnonzero(first != np.arange(len(first)))
    if len(copied):
        bad[COPY] = copied
        kept[copied] = False
    kept |= everything
    notes = [] if everything else _said_of_left_out(bad, len(kept))
    if not whole:
        notes.append(
            "too many structures have equal energies to hold all of them against each other: copies may be left"
        )
    if chosen is not None:
        kept[_unselected(chosen, images, keys, units, kept)] = False
        notes.append(f"select={chosen.text!r} holds for {int(kept.sum())} of the {len(kept)} structures")
    places = np.flatnonzero(kept)
    if len(places) == 0:
        raise _nothing_left(name, None if chosen is None else chosen.text, bad, len(kept))
    return places, bad, notes


def _unselected(
    selection: Selection, images: Images, keys: Keys, units: Units, kept: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Places of structures that are kept so far and not selected."""
    table = images.table
    names = {*table.names(of_atoms=False), *({"energy"} if keys.energy else set())}
    selection.check_names(names)
    places = np.flatnonzero(kept)
    wanted = selection.names & names
    said = [said_of(images, int(place), wanted, keys, units) if wanted else {} for place in places]
    selected = selection.structures(
        [table.compositions[which] for which in table.which[places]],
        [dict.fromkeys(wanted) | some for some in said],
        periodic=table.periodic[places],
        indices=places,
    )
    return places[~selected]


def _said_of_left_out(bad: dict[str, NDArray[np.int64]], total: int) -> list[str]:
    return [
        f"{len(places)} of the {total} structures are left out: {why} (the first is structure {places[0]})"
        for why, places in bad.items()
    ]


def _nothing_left(name: str, select: str | None, bad: dict[str, NDArray[np.int64]], total: int) -> InputError:
    why = ", ".join(f"{len(places)} {why}" for why, places in bad.items())
    if select is not None:
        others = f" (and it has {why}, which cannot be used)" if why else ""
        return InputError(
            f"{name}: select={select!r} holds for none of its {total} structures{others}: expected at least one."
        )
    do = (
        "name the array that holds forces with forces_key"
        if WITHOUT_FORCES in bad
        else "check the unit of length, and how the cell was written"
        if FLAT in bad
        else "check how it was written"
        if NOT_FINITE in bad
        else "give a file with structures of more than one atom"
    )
    return InputError(f"{name}: it holds no structure that can be used, only {why}: {do}.")


def read_by_ase(path: Path) -> bool:
    """Whether ASE alone reads a file: it is no npz or HDF5, and has no file of CP2K's forces beside it."""
    return path.suffix.lower() not in {".npz", *_HDF5} and not (
        is_cp2k(path) and forces_beside(path).is_file()
    )


def open_images(path: Path, name: str, elements: Elements) -> Opened:
    """Open a file of structures; return them with the units of such files (None: not fixed) and why.

    Raises
    ------
    InputError
        Nothing reads the file.
    """
    if path.stat().st_size == 0:
        raise InputError(f"{name}: the file is empty: expected structures, so check how it was written.")
    suffix = path.suffix.lower()
    if suffix in _HDF5:
        return hdf5_images(path, name)
    if suffix == ".npz":
        raw = read_npz(path, name)
        return _of_arrays(replace(raw, numbers=elements.numbers(raw.numbers, name))), raw.implied, raw.reason
    if is_cp2k(path):
        steps = cp2k_images(path, name, elements)
        if steps is not None:
            return steps, CP2K_UNITS, "as CP2K writes them"
    lazy = lazy_images(path, name)
    if lazy is None and suffix in {".xyz", ".extxyz"}:
        return ExtxyzImages(path, name, elements), EV_AND_ANGSTROM, "as ASE has them"
    return lazy or _read_whole(path, name, elements), EV_AND_ANGSTROM, "as ASE has them"


def _read_whole(path: Path, name: str, elements: Elements) -> Images:
    notes: dict[str, None] = {}
    images = read_images(path, name, elements, notes)
    if not images:
        raise InputError(f"{name}: it holds no structures: expected at least one.")
    if is_dump(path):  # a dump has no energies: ASE fills in 0.0
        for image in images:
            if image.calc is not None:
                image.calc.results.pop("energy", None)
                image.calc.results.pop("free_energy", None)
    return AseImages(len(images), images.__getitem__, list(notes))


def _of_arrays(raw: Raw) -> Images:
    def read(index: int) -> Atoms:
        cell = None if raw.cells is None else raw.cells[index]
        atoms = Atoms(numbers=raw.numbers, positions=raw.positions[index], cell=cell, pbc=raw.pbc)
        results: dict[str, Any] = {"forces": raw.forces[index]}
        if raw.energies is not None:
            results["energy"] = float(raw.energies[index])
        if raw.stress is not None:
            results["stress"] = raw.stress[index]
        calculator: Any = SinglePointCalculator
        atoms.calc = calculator(atoms, **results)
        return atoms

    return AseImages(len(raw.positions), read, raw.notes)
