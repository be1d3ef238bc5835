"""The files of a diagnosis for programs that show structures: extended XYZ, a table of environments, chemiscope.

Each is made of the content of ``result.json`` alone, so a saved result writes them again.
"""

from __future__ import annotations

import csv
import importlib.util
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols
from numpy.typing import NDArray

from ..records.files import write_whole
from .chemiscope_file import chemiscope_bytes
from .result import Result
from .structure_values import (
    REASONS,
    AtomValues,
    ShownStructure,
    atom_arrays,
    environment_values,
    molecule_values,
    shown_structures,
)

EXTXYZ_FILE, TABLE_FILE, CHEMISCOPE_FILE = "atoms.extxyz", "environments.csv", "chemiscope.json.gz"
_KINDS = {"f": "R", "i": "I", "b": "L", "U": "S"}


def structure_files(result: Result) -> dict[str, bytes]:
    """Return the files by name; the same result gives the same bytes.

    ``atoms.extxyz``
        The structures of the result, each atom with ``r2_l0``, ``r2_l1``, ... (R2 of the leading measurement; NaN where nothing
        was measured), ``ceiling``, ``recovered_up_to`` (-1: no l), ``reason`` and ``reason_code``.
    ``environments.csv``
        The same numbers as a table, a line for each atom of a molecule or each held-out environment.
    ``chemiscope.json.gz``
        The same for chemiscope; left out where the package is not installed.

    Files with geometries are left out where the result keeps none, as those of older versions.
    """
    files = {TABLE_FILE: environments_csv(result).encode("utf-8")}
    shown = shown_structures(result)
    if shown:
        files[EXTXYZ_FILE] = atoms_extxyz(result, shown).encode("utf-8")
    if _common_l(shown) and importlib.util.find_spec("chemiscope"):
        files[CHEMISCOPE_FILE] = chemiscope_bytes(result, shown)
    return files


def write_structure_files(result: Result, folder: str | Path) -> list[Path]:
    """Write the files of :func:`structure_files` into a folder, each whole or not at all; return their paths."""
    return [write_whole(Path(folder) / name, content) for name, content in structure_files(result).items()]


def _common_l(shown: Sequence[ShownStructure]) -> bool:
    """Whether atoms were measured, and all of them at some l."""
    measured = [of.values.r2[of.values.measured] for of in shown]
    return any(map(len, measured)) and bool(np.isfinite(np.concatenate(measured)).all(axis=0).any())


def atoms_extxyz(result: Result, shown: Sequence[ShownStructure]) -> str:
    """Return structures with the values of their atoms as extended XYZ."""
    ceiling, model = result["ceiling"], result["model"]
    legend = ", ".join(f"{code} {reason}" for code, reason in enumerate(REASONS))
    frames = []
    for structure in shown:
        info = {
            "structure": structure.structure,
            "role": structure.role,
            "degree": int(ceiling["degree"]),
            "l_max": int(ceiling["l_max"]),
            "model": f"{model['architecture']}, {model['layer']}",
            "reasons": legend,
        }
        frames.append(extxyz(structure.atoms, atom_arrays(structure.values), info))
    return "".join(frames)


def extxyz(atoms: Atoms, arrays: Mapping[str, NDArray[Any]], info: Mapping[str, str | int]) -> str:
    """Return one frame of extended XYZ whose numbers read back to the last digit.

    Parameters
    ----------
    atoms
        Elements, positions, cell and periodic directions (Å).
    arrays
        A value for each atom by name: floats, integers, or words without spaces.
    info
        Words and integers of the frame.
    """
    columns = "".join(f":{name}:{_KINDS[array.dtype.kind]}:1" for name, array in arrays.items())
    head = [] if not atoms.cell.any() else [f'Lattice="{_row(atoms.cell.array.ravel())}"']
    head += [f"Properties=species:S:1:pos:R:3{columns}", f'pbc="{_row(atoms.pbc)}"']
    for name, value in info.items():
        text = str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
        head.append(f"{name}={value}" if isinstance(value, int) else f'{name}="{text}"')
    lines = [str(len(atoms)), " ".join(head)]
    for i, (symbol, place) in enumerate(zip(atoms.symbols, atoms.positions, strict=True)):
        lines.append(f"{symbol} {_row(place)} {_row([array[i] for array in arrays.values()])}".rstrip())
    return "\n".join(lines) + "\n"


def _row(values: Sequence[Any] | NDArray[Any]) -> str:
    return " ".join(_word(value) for value in values)


def _word(value: Any) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "T" if value else "F"
    return repr(float(value)) if isinstance(value, (float, np.floating)) else str(value)


def environments_csv(result: Result) -> str:
    """Return a table with a line for each held-out environment, or each atom of a molecule; numbers that are missing are empty.

    Columns: ``structure`` (its place in the data; empty for a molecule, whose atoms are measured over all held-out frames),
    ``atom``, ``element``, ``pool`` (the scope of the rows of ``recovery.csv`` that it belongs to), ``r2_l0``, ... , ``ceiling``,
    ``recovered_up_to``, ``reason``.
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    values, places = _table(result)
    arrays = {name: array for name, array in atom_arrays(values).items() if name != "reason_code"}
    writer.writerow(["structure", "atom", "element", "pool", *arrays])
    for i, place in enumerate(places):
        cells = [array[i].item() for array in arrays.values()]
        writer.writerow([*place, *("" if cell != cell else cell for cell in cells)])
    return buffer.getvalue()


def _table(result: Result) -> tuple[AtomValues, list[tuple[Any, ...]]]:
    columns = result.get("environments")
    if columns is None:
        symbols = [chemical_symbols[number] for number in result["data"]["numbers"]]
        return molecule_values(result), [("", i, symbol, f"atom:{i}") for i, symbol in enumerate(symbols)]
    names = (columns["structure"], columns["atom"], columns["element"], columns["pool"])
    return environment_values(result), list(zip(*names, strict=True))
