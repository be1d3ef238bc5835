"""The result of a symmetry audit: its settings, its JSON Schema, its CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...theory.errors import InputError
from ..records.assets import shipped_schema
from ..records.files import write_whole
from ..records.plain import plain

#: The value of the field ``"schema"``; a change of meaning changes the last number.
SYMMETRY_SCHEMA = "spectral-ceilings/symmetry/1"
#: Columns of ``symmetry.csv``: one row for each structure and l.
SYMMETRY_COLUMNS = ("structure", "formula", "quantity", "l", "power", "rms", "error")
#: Parts that an audit of a calculator can have.
SYMMETRY_PARTS = ("symmetry", "remedies")
#: Highest degree that is chosen automatically: 1,183 rotations.
L_LARGEST = 6


@dataclass(frozen=True)
class SymmetrySettings:
    """Settings of ``symmetry_audit``; everything here decides the numbers and is recorded.

    Attributes
    ----------
    parts
        ``symmetry``, and ``remedies`` where averages over rotations are to be measured too.
    l_top
        Highest degree of the spectra; None: raised from 2 until at most ``unresolved`` is left, on the first structure.
    unresolved
        Share of the variance over orientations that may lie in no degree up to ``l_top``.
    structures
        Structures measured, spread evenly over those given.
    inversion
        Whether to evaluate inverted structures too.
    checks
        Independent random rotations by which the spectra are held against the function itself.
    tolerance
        E_rot (meV/atom) and F_rot (meV/Å) up to which the symmetry counts as kept.
    benchmark
        Whether to repeat the fixed benchmark too: 115 orientations of ten structures.
    steps, timestep, temperature
        Of the trajectories of the remedies: steps, fs, K.
    seed
        Seed of random rotations, velocities and bootstrap.
    """

    parts: tuple[str, ...] = ("symmetry",)
    l_top: int | None = None
    unresolved: float = 1e-3
    structures: int = 5
    inversion: bool = True
    checks: int = 16
    tolerance: float = 0.1
    benchmark: bool = False
    steps: int = 200
    timestep: float = 0.5
    temperature: float = 300.0
    seed: int = 0

    def __post_init__(self) -> None:
        wrong = [part for part in self.parts if part not in SYMMETRY_PARTS]
        if wrong or not self.parts:
            raise InputError(
                f"parts has {wrong[0] if wrong else 'nothing'}, expected {' or '.join(SYMMETRY_PARTS)} for a calculator"
            )
        if self.l_top is not None and not 1 <= self.l_top <= 10:
            raise InputError(f"l_top is {self.l_top}, expected 1 to 10: l = 10 takes 4,851 rotations")
        for name, least in (("structures", 1), ("checks", 2), ("steps", 8)):
            if getattr(self, name) < least:
                raise InputError(f"{name} is {getattr(self, name)}, expected at least {least}")
        for name in ("unresolved", "tolerance", "timestep", "temperature"):
            if not getattr(self, name) > 0.0:
                raise InputError(f"{name} is {getattr(self, name)}, expected a positive number")

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON-ready data."""
        data: dict[str, Any] = plain(asdict(self), "settings")
        return data


def calculator_title(kind: str) -> str:
    """Return how a calculator is called in a sentence: an architecture as its authors write it, a class by its name."""
    from ..backbones.backbone import ARCHITECTURES  # brings PyTorch, which reading a result does not need

    titles = {
        "unconstrained": "a model without symmetry",
        "metatomic": "a metatomic model",
        "compiled nequip": "a compiled NequIP model",
    }
    return titles.get(kind) or ARCHITECTURES.get(kind, kind)


def symmetry_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a symmetry audit's ``result.json``."""
    return shipped_schema("symmetry")


def symmetry_rows(result: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield one row of ``symmetry.csv`` for each structure, quantity and degree.

    ``power`` is in eV^2 or (eV/Å)^2; ``rms`` is its root in meV/atom or meV/Å, which is off by at most ``error``.
    """
    for structure in result["structures"]:
        for quantity, scale in (("energy", 1e3 / structure["atoms"]), ("force", 1e3)):
            for l, power in enumerate(structure[f"{quantity}_power"]):
                yield {"structure": structure["structure"], "formula": structure["formula"], "quantity": quantity, "l": l,
                       "power": power, "rms": scale * power**0.5, "error": structure[f"{quantity}_error"]}  # fmt: skip


def write_symmetry(result: Mapping[str, Any], path: Path) -> Path:
    """Write ``symmetry.csv`` (UTF-8, comma, one header line)."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(SYMMETRY_COLUMNS)
    writer.writerows([row[name] for name in SYMMETRY_COLUMNS] for row in symmetry_rows(result))
    return write_whole(path, buffer.getvalue())
