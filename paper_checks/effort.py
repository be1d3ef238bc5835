"""What a diagnosis behind a claim is asked to do, for the full run and for the quick one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from ..diagnostic.backbones.backbone import Backbone
from ..diagnostic.frames.frames import Frames
from ..diagnostic.measurement.settings import DiagnoseSettings
from .context import Context

#: Atoms and frames of the quick run.
QUICK_ATOMS, QUICK_FRAMES = 6, 300
#: The backbone that claims about one trained backbone use; trained on the embedded frames.
MAIN = "aspirin-xtb-l2"
#: Backbones trained on rMD17 aspirin with the same data, optimiser and number of steps: four seeds, three depths.
BASE = "aspirin-rmd17-l2"
SEEDS = (BASE, f"{BASE}-seed1", f"{BASE}-seed2", f"{BASE}-seed3")
CUBIC = (*SEEDS, f"{BASE}-depth2", f"{BASE}-depth4")


def few_atoms(frames: Frames, count: int) -> tuple[int, ...]:
    """Return ``count`` atoms that have a distinguishable neighbour, spread over the molecule's list."""
    from ..diagnostic.frames.marks import marked_neighbours

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


def main_run(context: Context) -> dict[str, Any]:
    """Return the diagnosis of the main backbone on aspirin: degrees 1, 2 and 3, both readouts and injections, and controls."""
    more: dict[str, Any] = {
        "l_top": 8,
        "readouts": ("free", "equivariant"),
        "injections": ("marked", "density"),
    }
    return run(context, MAIN, degrees=(1, 2) if context.quick else (1, 2, 3), controls=True, **more)


def standard_folder(context: Context, name: str) -> Path:
    """Return the run directory of the diagnosis that all claims about a shipped backbone share: l up to 8.

    The cubic readout is fitted too where the depth is varied; runs that are compared have the same degrees.
    """
    cubic = not context.quick and name in CUBIC
    return run_folder(context, name, degrees=(2, 3) if cubic else (2,), l_top=8)


def standard(context: Context, name: str) -> dict[str, Any]:
    """Return the result of the diagnosis in ``standard_folder``; that of the main backbone is ``main_run``."""
    if name == MAIN:
        return main_run(context)
    text = (standard_folder(context, name) / "result.json").read_text(encoding="utf-8")
    return dict(json.loads(text))
