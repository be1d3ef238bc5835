"""Geometries that stand for what is measured: a molecule, or one environment as a molecule of its own."""

from __future__ import annotations

from dataclasses import dataclass

from ..frames.frames import Frames
from ..frames.marks import Mark
from ..injection.fields import DENSITY_CUTOFF


@dataclass(frozen=True)
class Example:
    """A geometry at which the purity of a field is measured, the atoms with their marks, and the reach of the density (Å)."""

    frames: Frames
    marks: tuple[Mark, ...]
    cutoff: float = DENSITY_CUTOFF
