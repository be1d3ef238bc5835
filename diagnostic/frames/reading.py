"""Read frames from files of every kind that people have, in one pair of units, and check them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..records.assets import assets
from ..records.files import sha256_of
from . import rmd17
from .checks import check_distances, check_finite, check_frames
from .frames import Frames
from .stiffness import bond_stiffness
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


@dataclass(frozen=True)
class _Raw:
    """Arrays as the file has them, with the units it implies and why."""

    numbers: NDArray[np.int64]
    positions: NDArray[np.float64]
    forces: NDArray[np.float64]
    energies: NDArray[np.float64] | None
    implied: Units | None
    reason: str


def embedded_frames() -> tuple[str, ...]:
    """Return the names of the frames that ship with the package, the default first."""
    names = sorted(path.stem for path in embedded_path().parent.glob("*-xtb.npz"))
    return (EMBEDDED, *(name for name in names if name != EMBEDDED))


def embedded_path(name: str = EMBEDDED) -> Path:
    """Return the path of embedded frames."""
    return assets() / f"{name}.npz"


def read_frames(source: str | Path, *, units: str | None = None) -> Frames:
    """Read the frames of one molecule, convert them to Å, eV and eV/Å, and check them.

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

    Returns
    -------
    Frames

    Raises
    ------
    InputError
        If the file cannot be read, lacks something, holds pickled objects, several compositions or a
        periodic cell, or fails a check of `spectral_ceilings.diagnostic.frames.checks`.
    """
    declared = None if units is None else parse_units(units)
    path, name = _locate(source)
    if path.stat().st_size == 0:
        raise InputError(f"{name}: the file is empty: expected frames, so check how it was written.")
    digest = sha256_of(path)
    raw = _read_npz(path, name) if path.suffix.lower() == ".npz" else _read_ase(path, name)
    if declared is not None:
        return _convert(raw, declared, f"{declared}, declared", name, digest, check=True)
    if raw.implied is not None:
        return _convert(raw, raw.implied, f"{raw.implied}, {raw.reason}", name, digest, check=True)
    return _recognise(raw, name, digest)


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


def _convert(raw: _Raw, units: Units, words: str, name: str, digest: str, *, check: bool) -> Frames:
    frames = Frames(
        numbers=raw.numbers,
        positions=raw.positions * units.length_factor,
        forces=raw.forces * units.force_factor,
        energies=None if raw.energies is None else raw.energies * units.energy_factor,
        source=name,
        sha256=digest,
        units=words,
    )
    if check:
        check_frames(frames)
    return frames


def _recognise(raw: _Raw, name: str, digest: str) -> Frames:
    """Take kcal/mol or eV, whichever gives the bonds a physical stiffness."""
    frames = _convert(raw, Units("eV"), "eV and Å, assumed", name, digest, check=False)
    check_finite(frames)
    check_distances(frames)
    for units in (Units("kcal/mol"), Units("eV")):
        frames = _convert(raw, units, str(units), name, digest, check=False)
        stiffness = bond_stiffness(frames)
        if stiffness is not None and stiffness.low <= abs(stiffness.value) <= stiffness.high:
            words = f"{units}, recognised by the stiffness of the bonds ({stiffness.value:.0f} eV/Å²)"
            return _convert(raw, units, words, name, digest, check=True)
    raise InputError(
        f"{name}: the file does not say its units and they cannot be recognised: declare them, for example "
        "units='kcal/mol'."
    )


def _read_npz(path: Path, name: str) -> _Raw:
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
        return _Raw(
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
        if "pickle" in str(error).lower() and not _is_zip(path):
            raise InputError(f"{name}: it is not an npz archive: expected a zip of arrays.") from error
        if "pickle" in str(error).lower() or "object arrays" in str(error).lower():
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


def _is_zip(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(2) == b"PK"


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


def _read_ase(path: Path, name: str) -> _Raw:
    from ase.io import read

    try:
        images: Any = read(str(path), index=":", do_not_split_by_at_sign=True)
    except Exception as error:  # ASE's many readers raise anything on a malformed file
        reason = " ".join(str(error).split())[:120] or "no reason given"
        raise InputError(
            f"{name}: ASE cannot read it ({type(error).__name__}: {reason}): expected an npz, "
            "an extended XYZ or another format of ASE."
        ) from error
    if not images:
        raise InputError(f"{name}: it holds no frames: expected at least one.")
    first = images[0].numbers
    positions, forces, energies = [], [], []
    for index, image in enumerate(images):
        if image.pbc.any():
            raise InputError(
                f"{name}: frame {index} has a periodic cell, and periodic systems are not supported yet: "
                "expected an isolated molecule (pbc='F F F')."
            )
        if not np.array_equal(image.numbers, first):
            raise InputError(
                f"{name}: frame {index} is {image.get_chemical_formula()} and frame 0 is "
                f"{images[0].get_chemical_formula()} or orders its atoms otherwise: expected one composition "
                "and one atom order, so split the file by molecule."
            )
        results = {} if image.calc is None else image.calc.results
        force = results.get("forces", image.arrays.get("forces"))
        if force is None:
            has = sorted(set(image.arrays) - {"numbers", "positions"}) + sorted(image.info)
            raise InputError(
                f"{name}: frame {index} has no forces (it has {', '.join(has) or 'positions alone'}): "
                "expected an array named 'forces'."
            )
        positions.append(image.positions)
        forces.append(force)
        energies.append(results.get("energy", image.info.get("energy")))
    missing = [index for index, energy in enumerate(energies) if energy is None]
    if missing and len(missing) < len(images):
        raise InputError(
            f"{name}: frame {missing[0]} has no energy and others have: expected all or none, "
            "so complete the file."
        )
    return _Raw(
        numbers=np.asarray(first, dtype=np.int64),
        positions=np.asarray(positions, dtype=np.float64),
        forces=_stack(forces, name),
        energies=None if missing else np.asarray(energies, dtype=np.float64),
        implied=Units("eV"),
        reason="as ASE has them",
    )


def _stack(forces: list[Any], name: str) -> NDArray[np.float64]:
    try:
        return np.asarray(forces, dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{name}: its forces are not one (atoms, 3) array per frame: check the file."
        ) from error
