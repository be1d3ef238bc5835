"""Frames out of whatever ASE reads: extended XYZ, LAMMPS dumps, trajectories; labels, types and energies made sure of."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols

from ...theory.errors import InputError
from .elements import Elements, no_elements
from .file_ends import said_of_end
from .images import table_of
from .keys import Keys, Labels, labels_of
from .raw import Raw
from .units import Units
from .xyz_labels import label_column, symbol_of

#: Files of which the reader itself tells where they end.
_BY_IMAGE = {".traj", ".db", ".json"}


def read_ase(
    path: Path,
    name: str,
    elements: Elements,
    *,
    forces: str | None = None,
    energy: str | None = None,
    stress: str | None = None,
) -> Raw:
    """Read every frame of a file.

    Parameters
    ----------
    path, name, elements
        The file, what reports call it, and the elements of its types or labels.
    forces, energy, stress
        Names of the labels that the caller declares, see `Keys.choose`.

    Raises
    ------
    InputError
        ASE cannot read it, it is cut short, has no forces, several compositions, or atoms without elements.
    """
    notes: dict[str, None] = {}
    dump = is_dump(path)
    images = read_images(path, name, elements, notes)
    if not images:
        raise InputError(f"{name}: it holds no frames: expected at least one.")
    first = images[0]
    for index in range(len(images)):
        _same_molecule(images, index, name)
    keys, decided = Keys.choose(table_of(images), name, forces=forces, energy=energy, stress=stress)
    notes |= dict.fromkeys(decided)
    labels = [_labels(image, keys, name, index) for index, image in enumerate(images)]
    # a dump has no energies: ASE fills in 0.0
    energies = [None if dump else label.energy for label in labels]
    if first.constraints:
        notes["it declares constraints; its forces are read as they are, without applying them"] = None
    missing = [index for index, energy in enumerate(energies) if energy is None]
    if missing and len(missing) < len(images):
        raise InputError(
            f"{name}: frame {missing[0]} has no energy and others have: expected all or none, "
            "so complete the file."
        )
    steps = (
        _dump_steps(path)
        if dump
        else [image.info.get("step", image.info.get("timestep")) for image in images]
    )
    notes.update(
        dict.fromkeys([*_gaps(steps), *([] if path.suffix.lower() in _BY_IMAGE else said_of_end(path))])
    )
    periodic = bool(first.pbc.any())
    stresses = [label.stress for label in labels if label.stress is not None]
    return Raw(
        numbers=np.asarray(first.numbers, dtype=np.int64),
        positions=np.asarray([image.positions for image in images], dtype=np.float64),
        forces=np.asarray([label.forces for label in labels], dtype=np.float64),
        energies=None if missing else np.asarray(energies, dtype=np.float64),
        implied=Units("eV"),
        reason="as ASE has them",
        notes=tuple(notes),
        cells=np.asarray([image.cell.array for image in images]) if periodic else None,
        pbc=tuple(first.pbc.tolist()),
        stress=np.asarray(stresses) if periodic and len(stresses) == len(images) else None,
    )


def _labels(image: Atoms, keys: Keys, name: str, index: int) -> Labels:
    labels = labels_of(image, keys, f"{name}: frame {index}")
    if labels.forces is None:
        has = sorted(set(image.arrays) - {"numbers", "positions"}) + sorted(image.info)
        raise InputError(
            f"{name}: frame {index} has no forces (it has {', '.join(has) or 'positions alone'}): "
            f"expected an array named {keys.forces!r}."
        )
    return labels


def _same_molecule(images: Any, index: int, name: str) -> None:
    image, first = images[index], images[0]
    if np.array_equal(image.numbers, first.numbers):
        if (image.pbc != first.pbc).any():
            raise InputError(
                f"{name}: frame {index} has pbc='{_flags(image.pbc)}' and frame 0 '{_flags(first.pbc)}': expected the same "
                "periodic directions in all frames, so split the file."
            )
        return
    if index == len(images) - 1 and len(image) < len(first):
        raise InputError(
            f"{name}: its last frame, {index}, has {len(image)} atoms and the others {len(first)}: the file is cut short, so "
            "remove that frame or copy the file again."
        )
    raise InputError(
        f"{name}: frame {index} is {image.get_chemical_formula()} and frame 0 is "
        f"{first.get_chemical_formula()} or orders its atoms otherwise: expected one composition "
        "and one atom order, so split the file by molecule."
    )


def _flags(pbc: Any) -> str:
    return " ".join("T" if direction else "F" for direction in pbc)


def read_images(path: Path, name: str, elements: Elements, notes: dict[str, None]) -> Any:
    """Return ASE Atoms of every frame, with elements for types and labels, adding to ``notes`` what was decided.

    Raises
    ------
    InputError
        ASE cannot read the file, or an atom's element is not known.
    """
    from ase.io import read

    dump = is_dump(path)
    more: dict[str, Any] = {}
    source: Any = str(path)
    if dump:
        kinds = _types_without_elements(path)
        if kinds and not elements.by_type:
            raise no_elements(kinds, name, "its atoms have the types")
        if kinds:
            elements.of_types(kinds, name)
            more = {"specorder": list(elements.by_type)}
        elif elements.by_type:
            raise InputError(
                f"{name}: it names its elements: leave elements='{','.join(elements.by_type)}' out."
            )
        more["format"] = "lammps-dump-text"
    elif path.suffix.lower() in {".xyz", ".extxyz"}:
        text = _with_symbols(path, name, elements, notes)
        source = str(path) if text is None else io.StringIO(text)
        more = {} if text is None else {"format": "extxyz"}
    try:
        return read(source, index=":", do_not_split_by_at_sign=True, **more)
    except Exception as error:  # ASE's many readers raise anything on a malformed file
        reason = " ".join(str(error).split())[:120] or "no reason given"
        if isinstance(error, KeyError):
            reason = f"{reason} is no element; declare labels with elements='LABEL=ELEMENT'"
        raise InputError(
            f"{name}: ASE cannot read it ({type(error).__name__}: {reason}): expected an npz, an extended XYZ or another "
            "format of ASE, and no frame that is cut short."
        ) from error


# ---------------------------------------------------------------------------------------------- LAMMPS dumps


def is_dump(path: Path) -> bool:
    """Whether a file is a text dump of LAMMPS."""
    with path.open("rb") as stream:
        return stream.read(14) == b"ITEM: TIMESTEP"


def _types_without_elements(path: Path) -> list[int]:
    """Types of the first frame of a dump, if it has neither elements nor masses."""
    kinds: set[int] = set()
    columns: list[str] = []
    with path.open(encoding="utf-8", errors="replace") as stream:
        for line in stream:
            if line.startswith("ITEM: ATOMS"):
                if columns:
                    break
                columns = line.split()[2:]
                if {"element", "mass"} & set(columns) or "type" not in columns:
                    return []
            elif line.startswith("ITEM:") and columns:
                break
            elif columns:
                words = line.split()
                kind = words[columns.index("type")] if len(words) == len(columns) else ""
                if kind.isdigit():
                    kinds.add(int(kind))
    return sorted(kinds)


def _dump_steps(path: Path) -> list[int]:
    steps = []
    with path.open(encoding="utf-8", errors="replace") as stream:
        for line in stream:
            if line.startswith("ITEM: TIMESTEP"):
                word = next(stream, "").strip()
                steps.append(int(word) if word.lstrip("-").isdigit() else -1)
    return steps


def _gaps(steps: list[Any]) -> list[str]:
    """Say where steps do not follow each other at one spacing."""
    if len(steps) < 3 or any(not isinstance(step, int | np.integer) for step in steps):
        return []
    spacing = np.diff(np.asarray(steps, dtype=np.int64))
    usual = int(np.median(spacing))
    odd = np.flatnonzero(spacing != usual)
    if not len(odd):
        return []
    at = int(odd[0])
    return [
        f"its steps are {usual} apart except in {len(odd)} places, the first between {steps[at]} and {steps[at + 1]}: "
        "frames beside a gap are not neighbours in time"
    ]


# ----------------------------------------------------------------------------------------- labels in XYZ files


def _with_symbols(path: Path, name: str, elements: Elements, notes: dict[str, None]) -> str | None:
    """Return the text of an XYZ file with labels replaced by symbols; None where it has symbols already."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None  # ASE says what it makes of it
    lines = text.split("\n")
    start, labels = 0, dict[str, str]()
    while start < len(lines) and lines[start].strip().isdecimal():
        count = int(lines[start].strip())
        column = label_column(lines[start + 1] if start + 1 < len(lines) else "")
        if column is None:
            return None
        rows = range(start + 2, min(start + 2 + count, len(lines)))
        present = {words[column] for k in rows if len(words := lines[k].split()) > column}
        if (
            start == 0
            and not elements.by_type
            and not elements.by_label
            and present <= set(chemical_symbols[1:])
        ):
            return None
        for label in sorted(present - set(labels)):
            labels[label] = symbol_of(label, sorted(present), name, elements, notes)
        for k in rows:
            words = lines[k].split()
            if len(words) > column:
                words[column] = labels[words[column]]
                lines[k] = " ".join(words)
        start += 2 + count
    return "\n".join(lines)
