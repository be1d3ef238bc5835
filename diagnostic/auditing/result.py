"""The result of an audit: its settings, its JSON Schema, its CSV."""

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
AUDIT_SCHEMA = "spectral-ceilings/audit/1"

#: Columns of ``spectra.csv``, which holds every power of every spectrum.
SPECTRA_COLUMNS = ("part", "model", "quantity", "irrep", "graph", "route", "readout", "frame", "atom",
                   "bound", "l", "power")  # fmt: skip

#: Parts that an audit of a backbone can have, in order.
PARTS = ("features", "readouts", "directions")


@dataclass(frozen=True)
class AuditSettings:
    """Settings of ``audit``; everything here decides the numbers and is recorded.

    Attributes
    ----------
    parts
        ``features`` (what each layer carries), ``readouts`` (rotation spectra, which also measure the equivariance error) and
        ``directions`` (the spectrum in one neighbour's direction).
    layer
        Name of a layer; ``all``: every one.
    degrees
        Degrees of the random polynomials.
    activations
        Networks that are no polynomials: ``silu``, ``tanh``.
    frames
        Frames turned; ``features`` uses up to twenty.
    atoms
        Atoms whose features are read; None: one of each element.
    l_top
        Highest degree of the directional spectrum.
    centre, neighbour
        The moving neighbour; None: chosen from the geometry.
    untrained
        Whether to measure the same architecture with random weights too.
    seed
        Seed of the readouts, the checks and the untrained weights.
    """

    parts: tuple[str, ...] = PARTS
    layer: str = "all"
    degrees: tuple[int, ...] = (1, 2, 3)
    activations: tuple[str, ...] = ("silu", "tanh")
    frames: int = 1
    atoms: tuple[int, ...] | None = None
    l_top: int = 12
    centre: int | None = None
    neighbour: int | None = None
    untrained: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        for name, values, known in (
            ("parts", self.parts, PARTS),
            ("activations", self.activations, ("silu", "tanh")),
        ):
            wrong = [value for value in values if value not in known]
            if wrong or len(set(values)) < len(values) or (name == "parts" and not values):
                what = repr(wrong[0]) if wrong else "nothing" if not values else "a name twice"
                raise InputError(
                    f"{name} has {what}, expected different ones of {', '.join(known)}, such as {known[0]}"
                )
        if not self.degrees or any(not 1 <= d <= 6 for d in self.degrees):
            raise InputError(
                f"degrees are {list(self.degrees)}, expected some between 1 and 6, such as 1,2,3"
            )
        if self.frames < 1:
            raise InputError(f"frames is {self.frames}, expected at least 1")
        if not 2 <= self.l_top <= 40:
            raise InputError(f"l_top is {self.l_top}, expected 2 to 40")

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON-ready data."""
        data: dict[str, Any] = plain(asdict(self), "settings")
        return data


def audit_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of an audit's ``result.json``."""
    return shipped_schema("audit")


def irrep(row: Mapping[str, Any]) -> str:
    """Return an irrep in e3nn's notation, ``2e``; empty where a row has none."""
    l = row.get("l_out")
    return "" if l is None else f"{l}{'e' if row['parity'] > 0 else 'o'}"


def spectra_rows(result: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield one row of ``spectra.csv`` for each l of each spectrum."""
    for row in result["readouts"]:
        name = row["readout"] if row["degree"] is None else f"{row['readout']} {row['degree']}"
        head = {"part": "readouts", "model": row["model"], "quantity": row["layer"], "route": row["route"],
                "readout": name, "frame": row["frame"], "atom": row["atom"], "bound": row["ceiling"]}  # fmt: skip
        yield from ({**head, "l": l, "power": power} for l, power in enumerate(row["power"]))
    for row in result["equivariance"]:
        head = {"part": "equivariance", "model": row["model"], "quantity": row["layer"], "irrep": irrep(row),
                "frame": row["frame"]}  # fmt: skip
        yield from ({**head, "l": l, "power": power} for l, power in enumerate(row["by_degree"]))
    for row in result["directions"]:
        head = {"part": "directions", "model": row["model"], "quantity": row["quantity"], "irrep": irrep(row),
                "graph": row["graph"], "atom": row["centre"], "bound": row["predicted"]}  # fmt: skip
        yield from ({**head, "l": l, "power": power} for l, power in enumerate(row["power"]))
    for row in result["features"]:
        yield {"part": "features", "model": row["model"], "quantity": row["layer"], "irrep": irrep(row),
               "l": row["l_out"], "power": row["share"]}  # fmt: skip


def write_spectra(result: Mapping[str, Any], path: Path) -> Path:
    """Write ``spectra.csv`` (UTF-8, comma, one header line); what a row does not have is an empty field."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(SPECTRA_COLUMNS)
    for row in spectra_rows(result):
        writer.writerow(["" if row.get(name) is None else row[name] for name in SPECTRA_COLUMNS])
    return write_whole(path, buffer.getvalue())
