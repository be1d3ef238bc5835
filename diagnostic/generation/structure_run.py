"""Make frames of structures with a calculator, resumable, and store them with a record that says how."""

from __future__ import annotations

import json
import platform
import shutil
import warnings
from dataclasses import asdict, replace
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from ase import Atoms

from ...theory.errors import InputError
from ..frames.frames import Frames
from ..records.files import sha256_of, write_atomically, write_json
from ..records.locks import held
from ..records.progress import Progress, silent
from .build import build_structure
from .files import sidecar_of
from .generate import Generated
from .structure_frames import JOURNALS, Fresh, StructureRun, strained_starts
from .structure_settings import StructureSettings

SCHEMA = "spectral-ceilings/generated-structures/1"
#: Endings of an extended XYZ file.
_XYZ = (".extxyz", ".xyz")
#: What a force may be at most (eV/Å): beyond that two nuclei have met, and no model learns from it.
_LARGEST_FORCE = 1000.0


def generate_structures(
    settings: StructureSettings,
    out: str | Path,
    fresh: Fresh,
    *,
    package: str = "ase",
    resume: bool = True,
    progress: Progress | None = None,
) -> Generated:
    """Generate frames of structures, with energies, forces and stress, and store them with a record that says how.

    An npz holds ``numbers`` (A,), ``positions`` and ``forces`` (N, A, 3) float32 in Å and eV/Å, ``energies`` (N,) float64 in eV,
    and of a periodic structure ``cells`` (N, 3, 3) float64 in Å, ``pbc`` (3,) and, where the calculator gives it, ``stress``
    (N, 6) float64 in eV/Å³ (Voigt order, ASE's sign). An extended XYZ file holds the same of any number of structures.

    Parameters
    ----------
    settings
        What to make.
    out
        The ``.npz``, ``.extxyz`` or ``.xyz`` to write; with the suffix ``.json`` it is the record, with ``.partial`` added the
        folder of an unfinished run.
    fresh
        Gives an ASE calculator that remembers nothing of earlier structures.
    package
        Distribution that the calculator comes from: its version goes into the record.
    resume
        Go on from an unfinished run with the same settings; False refuses to touch one.
    progress
        Called with (stage, done, total) after every frame.

    Raises
    ------
    InputError
        ``out`` exists and was made otherwise, an unfinished run has other settings, another process is making it, several
        compositions are to go into an npz, or a structure or its calculator fails.
    """
    path = Path(out)
    if path.suffix not in (".npz", *_XYZ):
        raise InputError(f"--out is {path.name!r}: expected a file name that ends in .npz, .extxyz or .xyz.")
    wanted = {
        "settings": _plain(settings),
        "versions": _versions(package, settings),
        "inputs": _inputs(settings),
    }
    finished = _finished(wanted, path)
    if finished is not None:
        return finished
    starts = [
        build_structure(name, density=settings.density, seed=settings.seed) for name in settings.structures
    ]
    if path.suffix == ".npz" and not _alike(starts):
        raise InputError(
            f"{', '.join(settings.structures)} differ in composition or periodicity and do not fit into one npz: "
            "give --out a name that ends in .extxyz."
        )
    fresh()  # an absent package is said before a folder is made
    folder = path.with_name(path.name + ".partial")
    with held(folder) as hold:
        _begin(folder, wanted, resume)
        runs = len(starts) * settings.cells
        journals = (f"{name}-{k}.journal" for name in JOURNALS for k in range(runs))
        hold.disposable.update({"settings.json": (folder / "settings.json").read_bytes()})
        hold.disposable.update(dict.fromkeys(journals, b""))
        parts = [
            _frames_of(settings, number, start, fresh, folder, progress or silent)
            for number, start in enumerate(starts)
        ]
        record = _store(settings, wanted, parts, path)
    shutil.rmtree(folder)
    return Generated(path, sidecar_of(path), record)


def _frames_of(
    settings: StructureSettings, number: int, start: Atoms, fresh: Fresh, folder: Path, tell: Progress
) -> Frames:
    """Return the frames of one structure; those of several cells in turn, so that every stretch of them has all cells."""
    total, cells = settings.n_frames * len(settings.structures), settings.cells
    parts: list[Frames] = []
    for cell, moved in enumerate(strained_starts(settings, number, start)):
        done = number * settings.n_frames + sum(len(part) for part in parts)

        def further(stage: str, count: int, of: int, done: int = done) -> None:
            tell(stage, done + count, total) if stage == "production" else tell(stage, count, of)

        run = StructureRun(
            settings.of_cell(cell), number, moved, fresh, folder, further, number * cells + cell
        )
        parts.append(run.frames())
    if len(parts) == 1:
        return parts[0]
    order = np.argsort(np.concatenate([np.arange(len(part)) for part in parts]), kind="stable")
    joined: dict[str, Any] = {
        name: None if values is None else np.concatenate(values)[order]
        for name in ("positions", "forces", "energies", "cells", "stress")
        for values in [_all_or_none([getattr(part, name) for part in parts])]
    }
    return replace(parts[0], **joined)


def _all_or_none(values: list[Any]) -> list[Any] | None:
    return None if any(value is None for value in values) else values


def _plain(settings: StructureSettings) -> dict[str, Any]:
    """Return the settings as JSON gives them back; what was added later only where it is used, so that old records match."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(settings)))
    unused = {"cells": 1, "temperatures": [], "amplitudes": []}
    return {key: value for key, value in plain.items() if key not in unused or value != unused[key]}


def _inputs(settings: StructureSettings) -> dict[str, str]:
    """Return the SHA-256 of every file that the settings name, by file name."""
    names = [Path(name) for name in settings.structures]
    names += [Path(settings.calculator.rsplit(":", 1)[0]), Path(settings.calculator.rpartition(":")[2])]
    return {path.name: sha256_of(path) for path in names if path.is_file()}


def _versions(package: str, settings: StructureSettings) -> dict[str, str]:
    built = ("rdkit",) if any(name.startswith("smiles:") for name in settings.structures) else ()
    names = dict.fromkeys(("numpy", "ase", package, *built))
    versions = {"python": platform.python_version()}
    for name in names:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def _finished(wanted: dict[str, Any], path: Path) -> Generated | None:
    """Return a finished file made with the same settings, None if there is none; refuse a different one."""
    if not path.exists():
        return None
    sidecar = sidecar_of(path)
    if not sidecar.exists():
        if path.with_name(path.name + ".partial").is_dir():
            return None  # killed between the file and its record: both are written again, the same bytes
        raise InputError(
            f"{path.name} exists already and has no record (.json): choose another name for --out."
        )
    record: dict[str, Any] = json.loads(sidecar.read_text(encoding="utf-8"))
    same = all(record.get(key) == wanted[key] for key in ("settings", "inputs"))
    if not same or record.get("sha256") != sha256_of(path):
        raise InputError(
            f"{path.name} exists already and was made with other settings: choose another name for --out."
        )
    return Generated(path, sidecar, record)


def _begin(folder: Path, wanted: dict[str, Any], resume: bool) -> None:
    started = folder / "settings.json"
    if not started.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_json(started, wanted)
        return
    if not resume:
        raise InputError(f"{folder.name} holds an unfinished run: resume it or choose another --out.")
    if json.loads(started.read_text(encoding="utf-8")) != wanted:
        raise InputError(
            f"{folder.name} holds an unfinished run with other settings or package versions: "
            "finish it with the settings it was started with, or choose another --out."
        )


def _alike(starts: list[Atoms]) -> bool:
    first = starts[0]
    return all(
        np.array_equal(atoms.numbers, first.numbers) and np.array_equal(atoms.pbc, first.pbc)
        for atoms in starts
    )


def _store(
    settings: StructureSettings, wanted: dict[str, Any], parts: list[Frames], path: Path
) -> dict[str, Any]:
    for frames in parts:
        largest = float(np.abs(frames.forces).max())
        if largest > _LARGEST_FORCE:
            raise InputError(
                f"a force of {largest:.3g} eV/Å acts in {frames.source}: atoms have met; move them less far "
                "(--amplitude, --strain, --temperature)."
            )
    write_atomically(path, partial(_write_npz if path.suffix == ".npz" else _write_xyz, parts))
    every = np.concatenate([frames.forces.ravel() for frames in parts])
    record: dict[str, Any] = {
        "schema": SCHEMA,
        "command": settings.command(path.name),
        **wanted,
        "sha256": sha256_of(path),
        "bytes": path.stat().st_size,
        "frames": sum(len(frames) for frames in parts),
        "structures": [_described(frames) for frames in parts],
        "units": {"positions": "Å", "forces": "eV/Å", "energies": "eV", "cells": "Å", "stress": "eV/Å³"},
        "forces_rms": round(float(np.sqrt((every**2).mean())), 4),
        "machine": platform.machine(),
    }
    write_json(sidecar_of(path), record)
    return record


def _described(frames: Frames) -> dict[str, Any]:
    assert frames.energies is not None
    per_atom = frames.energies / len(frames.numbers)
    return {
        "name": frames.source,
        "formula": frames.formula,
        "atoms": len(frames.numbers),
        "frames": len(frames),
        "pbc": list(frames.pbc),
        "stress": frames.stress is not None,
        "forces_rms": round(float(np.sqrt((frames.forces**2).mean())), 4),
        "energy_per_atom_mean_eV": round(float(per_atom.mean()), 4),
        "energy_per_atom_sd_eV": round(float(per_atom.std()), 5),
    }


def _write_npz(parts: list[Frames], stream: BinaryIO) -> None:
    first = parts[0]
    arrays: dict[str, Any] = {
        "numbers": first.numbers.astype(np.uint8),
        "positions": np.concatenate([frames.positions for frames in parts]).astype(np.float32),
        "forces": np.concatenate([frames.forces for frames in parts]).astype(np.float32),
        "energies": np.concatenate([frames.energies for frames in parts if frames.energies is not None]),
    }
    cells = [frames.cells for frames in parts if frames.cells is not None]
    if first.periodic and len(cells) == len(parts):
        arrays |= {"cells": np.concatenate(cells), "pbc": np.array(first.pbc)}
    stress = [frames.stress for frames in parts if frames.stress is not None]
    if len(stress) == len(parts):
        arrays["stress"] = np.concatenate(stress)
    np.savez_compressed(stream, **arrays)


def _write_xyz(parts: list[Frames], stream: BinaryIO) -> None:
    from io import StringIO

    from ase.io import write

    text = StringIO()
    images = [atoms for frames in parts for atoms in frames.to_ase()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        write(text, images, format="extxyz")
    stream.write(text.getvalue().encode())
