"""What a diagnosis behind a claim is asked to do, for the full run and for the quick one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from ..diagnostic.backbone import Backbone
from ..diagnostic.frames import Frames
from ..diagnostic.settings import DiagnoseSettings
from .context import Context

#: Atoms and frames of the quick run.
QUICK_ATOMS, QUICK_FRAMES = 6, 300
#: The backbone that claims about one trained backbone use; trained on the embedded frames.
MAIN = "aspirin-xtb-l2"


def few_atoms(frames: Frames, count: int) -> tuple[int, ...]:
    """Return ``count`` atoms that have a distinguishable neighbour, spread over the molecule's list."""
    from ..diagnostic.marks import marked_neighbours

    marked = [mark.atom for mark in marked_neighbours(frames) if mark.neighbour is not None]
    if len(marked) <= count:
        return tuple(marked)
    return tuple(marked[i] for i in np.linspace(0, len(marked) - 1, count).round().astype(int))


def settings(
    context: Context, table: Frames, *, degrees: tuple[int, ...] = (2,), **more: Any
) -> DiagnoseSettings:
    """Return the settings of a diagnosis with the free readout of the marked injection."""
    asked: dict[str, Any] = {
        "degrees": degrees,
        "injections": ("marked",),
        "readouts": ("free",),
        "controls": False,
        "l_top": max(degrees) * 2 + 2,
        "bootstrap": 1000 if context.quick else 2000,
        "seed": context.seed,
    }
    if context.quick:
        asked |= {"atoms": few_atoms(table, QUICK_ATOMS), "frames": QUICK_FRAMES}
    return DiagnoseSettings(**{**asked, **more})


def run_folder(
    context: Context,
    backbone: str,
    *,
    molecule: str = "aspirin",
    degrees: tuple[int, ...] = (2,),
    untrained: int | None = None,
    model: Backbone | None = None,
    **more: Any,
) -> Path:
    """Return the run directory of the diagnosis of a backbone on a molecule of the context's data."""
    data, held_out = context.source(molecule)
    asked = settings(context, context.frames(data), degrees=degrees, **more)
    return context.diagnose(backbone, data, asked, held_out=held_out, untrained=untrained, model=model)


def run(context: Context, backbone: str, **more: Any) -> dict[str, Any]:
    """Return the result of the diagnosis in ``run_folder``."""
    folder = run_folder(context, backbone, **more)
    return dict(json.loads((folder / "result.json").read_text(encoding="utf-8")))
