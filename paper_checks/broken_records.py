"""What two models of water without symmetry measured, as it ships with the package: rules, gas, orientations, liquid and ice.

``assets/broken-symmetry.json`` is what ``benchmarks/record_broken_symmetry.py`` writes: numbers, no trajectories; its commands
make them again. An arm is ``plain`` or ``augmented`` (every training structure turned at random whenever it is used); a rule
is ``none``, ``inversion``, ``2`` (18 rotations), ``2i`` (both) or ``3`` (75 rotations).
"""

from __future__ import annotations

from functools import cache
from typing import Any

from ..theory.errors import InputError
from .recorded import read_record

SCHEMA = "spectral-ceilings/broken-symmetry/1"
ARMS, RULES = ("plain", "augmented"), ("none", "inversion", "2", "2i", "3")
Row = dict[str, Any]


@cache
def record() -> Row:
    """Return the whole record.

    Raises
    ------
    InputError
        It does not ship with this package.
    """
    return read_record("broken-symmetry.json", SCHEMA, "make it with benchmarks.record_broken_symmetry")


def rows(part: str, **which: Any) -> list[Row]:
    """Return the rows of ``rules``, ``gas``, ``orientation``, ``liquid``, ``ice`` or ``training`` that have these values.

    Raises
    ------
    InputError
        That part was not measured.
    """
    if part not in record():
        raise InputError(
            f"{part} is not in the record; make it with benchmarks.record_broken_symmetry SETS OUT {part}"
        )
    return [row for row in record()[part] if all(row.get(key) == value for key, value in which.items())]


def source(part: str) -> dict[str, Any]:
    """Return what a claim was measured on, and the commands that make it again."""
    return {f"recorded {part}": f"{len(rows(part))} rows; again with: {'; '.join(record()['commands'])}"}
