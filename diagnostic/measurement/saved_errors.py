"""Errors that a run keeps: sums of every held-out frame, from which each of its intervals can be computed again.

A finished part of a run is a JSON file and, beside it, a ``.safetensors`` file with the sums of squares frame by frame. When a
run ends, ``errors.json`` says which of them every table of rows was made of.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ...theory.ceiling import Ceiling
from ...theory.errors import InputError
from ..records.files import write_whole
from ..records.plain import to_json
from ..records.run_directory import RunDirectory
from ..recovery.error_sums import Cell, ErrorSums
from ..recovery.hierarchy import Bootstrap
from .result_types import DiagnosisResult, RecoveryRow
from .saved_cells import load_cell
from .tables import RecoveryTable, recovery_table

#: The value of the field ``"schema"`` of ``errors.json``.
ERRORS_SCHEMA = "spectral-ceilings/errors/1"
ERRORS_FILE = "errors.json"


def write_errors(
    run: RunDirectory,
    tables: Mapping[str, Sequence[RecoveryTable]],
    bootstrap: Bootstrap,
    bootstrap_seed: Sequence[int],
    elements: Mapping[int, str],
    held_out: NDArray[np.float64],
    scopes: Mapping[int, str] | None = None,
) -> Path:
    """Write ``errors.json``: which saved sums every table of rows of the result was made of.

    Parameters
    ----------
    tables
        By place in the result (``recovery``, ``controls[0].rows``), the tables whose rows stand there, in order.
    bootstrap
        The resamples.
    bootstrap_seed
        What the generator of the resamples was made from.
    elements
        Element of every atom.
    held_out
        Positions of the held-out frames, Å: their hash tells whether two runs were measured on the same ones.
    scopes
        Where pools of environments stand in the place of atoms, the scope of each.
    """
    entries = []
    for place, of_place in tables.items():
        start = 0
        for table in of_place:
            entries.append(
                {
                    "place": place,
                    "start": start,
                    "injection": table.injection,
                    "direction": table.direction,
                    "readout": table.readout,
                    "degree": table.ceiling.degree,
                    "boundary": table.ceiling.boundary,
                    "cells": _index(table.cells),
                    "shared": None if table.shared is None else _index(table.shared),
                    "nothing_to_hold": {str(atom): list(degrees) for atom, degrees in table.nothing.items()},
                }
            )
            start += len(table.rows)
    content: dict[str, Any] = {
        "schema": ERRORS_SCHEMA,
        "frames": bootstrap.frames,
        "held_out_sha256": hashlib.sha256(np.ascontiguousarray(held_out).tobytes()).hexdigest(),
        "bootstrap": {"draws": bootstrap.draws, "seed": list(bootstrap_seed)},
        "elements": {str(atom): element for atom, element in elements.items()},
        "tables": entries,
    }
    if scopes is not None:
        content["scopes"] = {str(pool): name for pool, name in scopes.items()}
    if bootstrap.clusters:
        content["clusters"] = True
    return write_whole(run.path / ERRORS_FILE, to_json(content, "errors", indent=None))


def _index(cells: Mapping[int, Cell]) -> dict[str, Any]:
    return {
        str(atom): {
            "sums": [None if part is None or part.origin is None else list(part.origin) for part in sums],
            "coefficients": counts,
        }
        for atom, (sums, counts) in cells.items()
    }


@dataclass
class SavedRun:
    """A finished run: its result and the errors that it kept.

    Attributes
    ----------
    path
        The run directory.
    result
        The content of ``result.json``.
    errors
        The content of ``errors.json``.
    """

    path: Path
    result: DiagnosisResult
    errors: dict[str, Any]

    def __post_init__(self) -> None:
        self._run = RunDirectory(self.path, {}, resumed=True)
        self._cells: dict[str, list[ErrorSums | None]] = {}

    @classmethod
    def read(cls, path: str | Path) -> SavedRun:
        """Read a run directory; InputError where it is none, is not finished, or was made by another version."""
        folder = Path(path)
        if not folder.is_dir():
            raise InputError(
                f"{str(folder)!r} is not a run directory; give one that 'ceilings diagnose' wrote"
            )
        result = _json(folder / "result.json", "spectral-ceilings/diagnose/1")
        if not (folder / ERRORS_FILE).exists():
            raise InputError(
                f"{str(folder)!r} kept no errors frame by frame ({ERRORS_FILE} is missing); run 'ceilings diagnose' again "
                "into a new directory"
            )
        return cls(folder, cast(DiagnosisResult, result), _json(folder / ERRORS_FILE, ERRORS_SCHEMA))

    def _sums(self, origin: Sequence[Any] | None) -> ErrorSums | None:
        if origin is None:
            return None
        key, number = str(origin[0]), int(origin[1])
        if key not in self._cells:
            cell = load_cell(self._run, key)
            if cell is None:
                raise InputError(f"{str(self.path)!r} lacks its finished part {key!r}; run it again")
            self._cells[key] = cell[0]
        return self._cells[key][number]

    def cells(self, index: Mapping[str, Any]) -> dict[int, Cell]:
        """Return the cells of an entry of ``errors["tables"]``."""
        return {
            int(atom): (
                [self._sums(origin) for origin in places["sums"]],
                [int(c) for c in places["coefficients"]],
            )
            for atom, places in index.items()
        }

    def bootstrap(self) -> Bootstrap:
        """Return the resamples of the run, made again."""
        how = self.errors["bootstrap"]
        return Bootstrap(
            int(self.errors["frames"]),
            int(how["draws"]),
            np.random.default_rng(how["seed"]),
            clusters=bool(self.errors.get("clusters", False)),
        )

    @property
    def scopes(self) -> dict[int, str] | None:
        """Scope of every pool of environments; None where the run measured the atoms of a molecule."""
        scopes = self.errors.get("scopes")
        return None if scopes is None else {int(pool): str(name) for pool, name in scopes.items()}

    @property
    def elements(self) -> dict[int, str]:
        """Element of every atom."""
        return {int(atom): str(element) for atom, element in self.errors["elements"].items()}


def intervals(path: str | Path) -> dict[str, list[RecoveryRow]]:
    """Compute every row of a finished run again, with its interval, from the errors that it kept.

    Returns
    -------
    ``{"recovery": rows, "controls[0].rows": rows, ...}``: equal to the rows in ``result.json``, to the last digit. Rows that
    are not made of errors frame by frame are not among them.

    Raises
    ------
    InputError
        Not a finished run directory, or one with a damaged part.
    """
    run = SavedRun.read(path)
    bootstrap = run.bootstrap()
    rows_of: dict[str, list[RecoveryRow]] = {}
    for table in sorted(run.errors["tables"], key=lambda entry: (entry["place"], entry["start"])):
        shared = None if table["shared"] is None else run.cells(table["shared"])
        again = recovery_table(
            run.cells(table["cells"]), run.elements, bootstrap, injection=table["injection"], readout=table["readout"],
            ceiling=Ceiling(table["degree"], int(run.result["ceiling"]["l_max"])), shared=shared,
            direction=table["direction"], scopes=run.scopes,
            nothing={int(atom): degrees for atom, degrees in table.get("nothing_to_hold", {}).items()},
        )  # fmt: skip
        rows_of.setdefault(table["place"], []).extend(again.rows)
    return rows_of


def _json(path: Path, schema: str) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(
            f"{str(path.parent)!r} is not a finished run directory ({path.name} is missing); give one that "
            "'ceilings diagnose' finished"
        ) from error
    except (OSError, ValueError) as error:
        raise InputError(
            f"{str(path)!r} cannot be read ({type(error).__name__}); run 'ceilings diagnose' again"
        ) from error
    if not isinstance(content, dict) or content.get("schema") != schema:
        given = content.get("schema") if isinstance(content, dict) else type(content).__name__
        raise InputError(f"{str(path)!r} has the schema {given!r}, expected {schema!r}")
    return content
