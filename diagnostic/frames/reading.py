"""Read frames from files of every kind that people have, in one pair of units, and check them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ...theory.errors import InputError
from ..records.files import sha256_of
from .ase_reading import read_ase
from .checks import check_distances, check_finite, check_frames
from .copies import without_copies
from .elements import Elements
from .frames import Frames
from .locating import EMBEDDED as EMBEDDED
from .locating import embedded_frames as embedded_frames
from .locating import embedded_path as embedded_path
from .locating import locate
from .npz_reading import read_npz
from .raw import Raw
from .stiffness import bond_stiffness
from .structure_checks import check_periodic
from .unit_search import suggest
from .units import Units, parse_units


def read_frames(
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
) -> Frames:
    """Read frames of one molecule or one periodic cell of atoms in Å, eV and eV/Å, leave copies out, check what is left.

    Parameters
    ----------
    source : str or Path
        a name of ``embedded_frames()`` (``aspirin-xtb`` is the default), a registry name such as ``rmd17:aspirin:train:01``
        (downloaded once and verified), or a file: an npz of this package (``numbers, positions, forces,
        energies``; eV), of rMD17 (``nuclear_charges, coords, forces, energies``; kcal/mol) or of sGDML
        (``z, R, F, E``; its ``e_unit`` and ``r_unit``, or recognised by the stiffness of the bonds), an
        extended XYZ, or anything else that ASE reads (eV).
    units : str, optional
        Declares the units of the file, ``ENERGY`` or ``ENERGY,LENGTH``, for example ``kcal/mol``.
    force_units : str, optional
        Declares the unit of the forces, for example ``hartree/bohr``, where it is not energy over length.
    length_units : str, optional
        Declares the unit of the positions, for example ``bohr``.
    elements : str, optional
        Elements of the types 1, 2, 3 of a file that names none, for example ``C,H,O``; or of labels, ``CA=C,HW=H``.
    accept_units : bool
        Overrule the checks of units; what they say is kept in ``checks`` and ``overruled`` of the frames.
    forces_key, energy_key, stress_key : str, optional
        Names under which a file that ASE reads keeps them; the usual ones, such as ``REF_forces``, are recognised.

    Returns
    -------
    Frames
        With ``checks``, ``left_out`` and ``notes``: what was measured, left out and decided.

    Raises
    ------
    InputError
        If the file cannot be read, lacks something, holds pickled objects or several compositions, or fails a
        check of `spectral_ceilings.diagnostic.frames.checks`.
    """
    declared = None if units is None else parse_units(units, force_units, length_units)
    kinds = Elements.parse(elements)
    path, name = locate(source)
    if path.stat().st_size == 0:
        raise InputError(f"{name}: the file is empty: expected frames, so check how it was written.")
    digest = sha256_of(path)
    if path.suffix.lower() == ".npz":
        raw = read_npz(path, name)
        raw = replace(raw, numbers=kinds.numbers(raw.numbers, name))
    else:
        raw = read_ase(path, name, kinds, forces=forces_key, energy=energy_key, stress=stress_key)
        # types that a dump or labels had are elements by now
        raw = raw if kinds.by_type else replace(raw, numbers=kinds.numbers(raw.numbers, name))
    raw = _without_empty_energies(raw)
    if declared is None and raw.implied is not None and (force_units or length_units):
        declared = parse_units(raw.implied.energy, force_units, length_units or raw.implied.length)
    if declared is not None:
        return checked(_convert(raw, declared, f"{declared}, declared", name, digest), accept_units)
    if raw.implied is not None:
        return checked(_convert(raw, raw.implied, f"{raw.implied}, {raw.reason}", name, digest), accept_units)
    return _recognise(raw, name, digest, accept_units)


def _without_empty_energies(raw: Raw) -> Raw:
    """Take energies that are all 0.0 or all NaN as missing: that is what programs write that have none."""
    if raw.energies is None or len(raw.energies) == 0:
        return raw
    if np.isnan(raw.energies).all() or not raw.energies.any():
        note = f"all its energies are {raw.energies.flat[0]:.1f} and were taken as missing"
        return replace(raw, energies=None, notes=(*raw.notes, note))
    return raw


def checked(frames: Frames, accept_units: bool) -> Frames:
    """Leave copies out and check what is left."""
    check_finite(frames)
    few, left_out = without_copies(frames)
    check = check_periodic if few.periodic else check_frames
    said = check(few, accept_units=accept_units)
    count = f"{left_out} of the {len(frames)} frames are copies of others and are left out"
    said["copies"] = f"{count}; {len(few)} are used" if left_out else "no frame is a copy of another"
    return replace(few, checks=said, notes=(*few.notes, count) if left_out else few.notes)


def _convert(raw: Raw, units: Units, words: str, name: str, digest: str) -> Frames:
    return Frames(
        numbers=raw.numbers,
        positions=raw.positions * units.length_factor,
        forces=raw.forces * units.force_factor,
        energies=None if raw.energies is None else raw.energies * units.energy_factor,
        source=name,
        sha256=digest,
        units=words,
        read_as=units,
        notes=raw.notes,
        cells=None if raw.cells is None else raw.cells * units.length_factor,
        pbc=raw.pbc,
        stress=None if raw.stress is None else raw.stress * (units.energy_factor / units.length_factor**3),
    )


def _recognise(raw: Raw, name: str, digest: str, accept_units: bool) -> Frames:
    """Take kcal/mol or eV, whichever gives the bonds a physical stiffness."""
    frames = _convert(raw, Units("eV"), "eV and Å, assumed", name, digest)
    check_finite(frames)
    check_distances(frames)
    for units in (Units("kcal/mol"), Units("eV")):
        frames = _convert(raw, units, str(units), name, digest)
        stiffness = bond_stiffness(frames)
        if stiffness is not None and stiffness.low <= abs(stiffness.ratio) <= stiffness.high:
            words = f"{units}, recognised by the stiffness of the bonds ({stiffness.value:.0f} eV/Å²)"
            return checked(_convert(raw, units, words, name, digest), accept_units)
    likely = suggest(frames)
    advice = "units='kcal/mol'" if likely is None else f"{likely.declaration}, which fit best"
    raise InputError(
        f"{name}: the file does not say its units and they cannot be recognised: declare them, for example "
        f"{advice}."
    )
