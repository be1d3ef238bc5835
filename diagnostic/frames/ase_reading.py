"""Frames out of whatever ASE reads: extended XYZ, LAMMPS dumps, trajectories; labels, types and energies made sure of."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
from ase.data import chemical_symbols
from numpy.typing import NDArray

from ...theory.errors import InputError
from .elements import Elements, no_elements
from .raw import Raw
from .units import Units


def read_ase(path: Path, name: str, elements: Elements) -> Raw:
    """Read every frame of a file.

    Raises
    ------
    InputError
        ASE cannot read it, it is cut short, has no forces, a periodic cell, several compositions, or atoms without
        elements.
    """
    notes: dict[str, None] = {}
    dump = _is_dump(path)
    images = read_images(path, name, elements, notes)
    if not images:
        raise InputError(f"{name}: it holds no frames: expected at least one.")
    first = images[0].numbers
    positions, forces, energies = [], [], []
    for index, image in enumerate(images):
        _same_molecule(images, index, name)
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
        # a dump has no energies: ASE fills in 0.0
        energies.append(None if dump else results.get("energy", image.info.get("energy")))
    if images[0].constraints:
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
    notes.update(dict.fromkeys(_gaps(steps)))
    return Raw(
        numbers=np.asarray(first, dtype=np.int64),
        positions=np.asarray(positions, dtype=np.float64),
        forces=_stack(forces, name),
        energies=None if missing else np.asarray(energies, dtype=np.float64),
        implied=Units("eV"),
        reason="as ASE has them",
        notes=tuple(notes),
    )


def _same_molecule(images: Any, index: int, name: str) -> None:
    image, first = images[index], images[0]
    if image.pbc.any():
        raise InputError(
            f"{name}: frame {index} has a periodic cell, and periodic systems are not supported yet: "
            "expected an isolated molecule (pbc='F F F')."
        )
    if np.array_equal(image.numbers, first.numbers):
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


def read_images(path: Path, name: str, elements: Elements, notes: dict[str, None]) -> Any:
    """Return ASE Atoms of every frame, with elements for types and labels, adding to ``notes`` what was decided.

    Raises
    ------
    InputError
        ASE cannot read the file, or an atom's element is not known.
    """
    from ase.io import read

    dump = _is_dump(path)
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


def _is_dump(path: Path) -> bool:
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
    while start < len(lines) and lines[start].strip().isdigit():
        count = int(lines[start])
        column = _label_column(lines[start + 1] if start + 1 < len(lines) else "")
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
            labels[label] = _symbol(label, sorted(present), name, elements, notes)
        for k in rows:
            words = lines[k].split()
            if len(words) > column:
                words[column] = labels[words[column]]
                lines[k] = " ".join(words)
        start += 2 + count
    return "\n".join(lines)


def _symbol(label: str, present: list[str], name: str, elements: Elements, notes: dict[str, None]) -> str:
    if label.isdigit() and all(other.isdigit() for other in present):
        kinds = [int(other) for other in present]
        if not elements.by_type:
            raise no_elements(sorted(kinds), name, "its atoms are labelled")
        return chemical_symbols[int(elements.of_types([int(label)], name)[0])]
    if elements.by_type:
        raise InputError(
            f"{name}: its atoms have labels such as {label!r}: expected types 1, 2, 3 for "
            f"elements='{','.join(elements.by_type)}', so leave it out, or name labels with elements='LABEL=ELEMENT'."
        )
    return elements.symbol(label, name, notes)


def _label_column(comment: str) -> int | None:
    """Column of the species in an extended XYZ, 0 in a plain one; None where there are atomic numbers only."""
    properties = re.search(r"Properties=\"?([^\s\"]+)", comment)
    if not properties:
        return 0
    column = 0
    fields = properties.group(1).split(":")
    for key, _, width in zip(fields[::3], fields[1::3], fields[2::3], strict=False):
        if key in {"species", "element", "symbols"}:
            return column
        column += int(width) if width.isdigit() else 1
    return None


def _stack(forces: list[Any], name: str) -> NDArray[np.float64]:
    try:
        return np.asarray(forces, dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{name}: its forces are not one (atoms, 3) array per frame: check the file."
        ) from error
