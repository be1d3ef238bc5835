"""Read frames from files of every kind that people have, in one pair of units, and check them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..records.assets import assets
from ..records.files import sha256_of
from . import rmd17
from .ase_reading import read_ase
from .checks import check_distances, check_finite, check_frames
from .copies import without_copies
from .elements import Elements
from .frames import Frames
from .raw import Raw
from .stiffness import bond_stiffness
from .unit_search import suggest
from .units import Units, parse_units

#: Name of the embedded default: aspirin at GFN2-xTB, made by this package.
EMBEDDED = "aspirin-xtb"

#: Keys of numbers, positions, forces, energies in the npz layouts, and the units each implies (None: not
#: fixed).
_LAYOUTS: dict[str, tuple[str, str, str, str, Units | None]] = {
    "this package": ("numbers", "positions", "forces", "energies", Units("eV")),
    "rMD17": ("nuclear_charges", "coords", "forces", "energies", Units("kcal/mol")),
    "sGDML": ("z", "R", "F", "E", None),
}


def embedded_frames() -> tuple[str, ...]:
    """Return the names of the frames that ship with the package, the default first."""
    names = sorted(path.stem for path in embedded_path().parent.glob("*-xtb.npz"))
    return (EMBEDDED, *(name for name in names if name != EMBEDDED))


def embedded_path(name: str = EMBEDDED) -> Path:
    """Return the path of embedded frames."""
    return assets() / f"{name}.npz"


def read_frames(
    source: str | Path,
    *,
    units: str | None = None,
    force_units: str | None = None,
    length_units: str | None = None,
    elements: str | None = None,
    accept_units: bool = False,
) -> Frames:
    """Read the frames of one molecule, convert them to Å, eV and eV/Å, leave copies out, and check what is left.

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

    Returns
    -------
    Frames
        With ``checks``, ``left_out`` and ``notes``: what was measured, left out and decided.

    Raises
    ------
    InputError
        If the file cannot be read, lacks something, holds pickled objects, several compositions or a
        periodic cell, or fails a check of `spectral_ceilings.diagnostic.frames.checks`.
    """
    declared = None if units is None else parse_units(units, force_units, length_units)
    kinds = Elements.parse(elements)
    path, name = _locate(source)
    if path.stat().st_size == 0:
        raise InputError(f"{name}: the file is empty: expected frames, so check how it was written.")
    digest = sha256_of(path)
    if path.suffix.lower() == ".npz":
        raw = _read_npz(path, name)
        raw = replace(raw, numbers=kinds.numbers(raw.numbers, name))
    else:
        raw = read_ase(path, name, kinds)
        # types that a dump or labels had are elements by now
        raw = raw if kinds.by_type else replace(raw, numbers=kinds.numbers(raw.numbers, name))
    raw = _without_empty_energies(raw)
    if declared is None and raw.implied is not None and (force_units or length_units):
        declared = parse_units(raw.implied.energy, force_units, length_units or raw.implied.length)
    if declared is not None:
        return _checked(_convert(raw, declared, f"{declared}, declared", name, digest), accept_units)
    if raw.implied is not None:
        return _checked(
            _convert(raw, raw.implied, f"{raw.implied}, {raw.reason}", name, digest), accept_units
        )
    return _recognise(raw, name, digest, accept_units)


def _without_empty_energies(raw: Raw) -> Raw:
    """Take energies that are all 0.0 or all NaN as missing: that is what programs write that have none."""
    if raw.energies is None or len(raw.energies) == 0:
        return raw
    if np.isnan(raw.energies).all() or not raw.energies.any():
        note = f"all its energies are {raw.energies.flat[0]:.1f} and were taken as missing"
        return replace(raw, energies=None, notes=(*raw.notes, note))
    return raw


def _checked(frames: Frames, accept_units: bool) -> Frames:
    """Leave copies out and check what is left."""
    check_finite(frames)
    few, left_out = without_copies(frames)
    said = check_frames(few, accept_units=accept_units)
    count = f"{left_out} of the {len(frames)} frames are copies of others and are left out"
    said["copies"] = f"{count}; {len(few)} are used" if left_out else "no frame is a copy of another"
    return replace(few, checks=said, notes=(*few.notes, count) if left_out else few.notes)


def _locate(source: str | Path) -> tuple[Path, str]:
    """Return the file and the name by which reports call it."""
    if isinstance(source, str) and source in embedded_frames():
        return embedded_path(source), source
    if isinstance(source, str) and source.startswith(rmd17.PREFIX):
        return rmd17.fetch(source), source
    path = Path(source)
    if path.is_dir():
        raise InputError(f"{path.name} is a folder: expected a file of frames.")
    if not path.is_file():
        raise InputError(
            f"there is no file {str(source)!r}: expected a file, {', '.join(embedded_frames())}, or a name such as "
            "'rmd17:aspirin:train:01'."
        )
    return path, path.name


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
            return _checked(_convert(raw, units, words, name, digest), accept_units)
    likely = suggest(frames)
    advice = "units='kcal/mol'" if likely is None else f"{likely.declaration}, which fit best"
    raise InputError(
        f"{name}: the file does not say its units and they cannot be recognised: declare them, for example "
        f"{advice}."
    )


def _read_npz(path: Path, name: str) -> Raw:
    arrays = _load_npz(path, name)
    for layout, (numbers, positions, forces, energies, implied) in _LAYOUTS.items():
        if not {numbers, positions, forces} <= arrays.keys():
            continue
        reason = f"as in every file of {layout}"
        if implied is None and "e_unit" in arrays:
            said = f"{_word(arrays['e_unit'])},{_word(arrays['r_unit']) if 'r_unit' in arrays else 'Å'}"
            try:
                implied, reason = parse_units(said), "as the file says"
            except InputError as error:
                raise InputError(f"{name}: in the file {error}") from error
        energy = arrays.get(energies)
        return Raw(
            numbers=_composition(arrays[numbers], name, numbers),
            positions=_real(arrays[positions], name, positions),
            forces=_real(arrays[forces], name, forces),
            energies=None if energy is None else _column(_real(energy, name, energies)),
            implied=implied,
            reason=reason,
        )
    known = "; ".join(f"{layout}: {', '.join(keys[:4])}" for layout, keys in _LAYOUTS.items())
    raise InputError(
        f"{name}: it has the keys {', '.join(sorted(arrays)) or '(none)'}: expected those of {known}."
    )


def _load_npz(path: Path, name: str) -> dict[str, NDArray[Any]]:
    """Read every array that a layout needs, never unpickling."""
    wanted = {key for layout in _LAYOUTS.values() for key in layout[:4]} | {"e_unit", "r_unit"}
    try:
        with path.open("rb") as stream:
            loaded = np.load(stream, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                raise InputError(f"{name}: it holds one bare array: expected an npz archive of named arrays.")
            with loaded as archive:
                unread = {key: np.empty(0) for key in archive.files if key not in wanted}
                arrays = unread | {key: archive[key] for key in archive.files if key in wanted}
    except InputError:
        raise
    except Exception as error:  # a damaged zip or header raises almost anything; all of it means the same
        start = _start(path)
        if "pickle" in str(error).lower() and not start.startswith(b"PK"):
            raise InputError(f"{name}: it is not an npz archive: expected a zip of arrays.") from error
        whole = start in (
            b"PK\x03\x04",
            b"PK\x05\x06",
        )  # NumPy takes anything else for a pickle, a cut zip too
        if whole and ("pickle" in str(error).lower() or "object arrays" in str(error).lower()):
            raise InputError(
                f"{name}: it holds pickled Python objects, which can run code when they are read, so "
                "they are never loaded: save plain numeric arrays with numpy.savez."
            ) from error
        raise InputError(
            f"{name}: the npz is damaged or cut short ({type(error).__name__}): download or write it again."
        ) from error
    for key, values in arrays.items():
        if not isinstance(values, np.ndarray):  # numpy hands out the bytes of a member that is no array
            raise InputError(f"{name}: its member {key!r} is no array: download or write the npz again.")
    return arrays


def _word(value: NDArray[Any]) -> str:
    """Text of a 0-d string array."""
    item = value.reshape(-1)[0] if value.size == 1 else ""
    return item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item)


def _start(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(4)


def _real(values: NDArray[Any], name: str, key: str) -> NDArray[np.float64]:
    if values.dtype.kind not in "fiu":
        raise InputError(f"{name}: {key!r} holds {values.dtype} values: expected real numbers.")
    return np.ascontiguousarray(values, dtype=np.float64)


def _column(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values


def _composition(values: NDArray[Any], name: str, key: str) -> NDArray[np.int64]:
    """Atomic numbers (A,), also from (N, A) if all frames agree."""
    real = _real(values, name, key)
    whole = np.where(np.isfinite(real), real, -1.0)
    numbers: NDArray[np.int64] = np.rint(np.clip(whole, -1, 10_000)).astype(np.int64)
    if not np.array_equal(numbers, real):
        raise InputError(f"{name}: {key!r} holds values that are no whole numbers: expected atomic numbers.")
    if numbers.ndim == 2 and len(numbers):
        if (numbers != numbers[0]).any():
            raise InputError(
                f"{name}: frame {int(np.flatnonzero((numbers != numbers[0]).any(axis=1))[0])} has other "
                "atoms than frame 0: expected one composition and one atom order, so split the file by molecule."
            )
        return np.asarray(numbers[0])
    return numbers
