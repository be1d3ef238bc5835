"""What limits the height below the ceiling: a learning curve in features, in coefficients, and in frames and rotations.

The ceiling says which l can be given back at all; how much of it comes back depends on the features. For a few atoms
(one that is given back well, a median one and a bad one) the same marked signal of degree l is fitted with more and
more of one thing, everything else as it is:

- features: channels of the tapped layer, its irreps of unnatural parity (a product of two is natural), the features
  of the backbone's other layers, and those of the marked neighbour. The degree stays, so the ceiling stays;
- coefficients of the free readout, against the equivariant readout of the same features, which is what the free one
  becomes with all of them;
- training frames, and Haar-random rotations of each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from ..backbones.backbone import Backbone
from ..backbones.features import Block
from ..frames.frames import Frames
from ..frames.marks import Mark
from ..records.parts import Parts
from ..records.plain import plain
from .plan import BOTH, LAYERS, NEIGHBOUR, LearningCurveSettings, Plan, check
from .points import Curves

SCHEMA = "spectral-ceilings/learning-curves/1"


def learning_curves(
    frames: Frames,
    backbone: Backbone,
    settings: LearningCurveSettings | None = None,
    *,
    held_out: Frames | None = None,
    out: Path | None = None,
    resume: bool = False,
    progress: Callable[[str, int], None] | None = None,
) -> dict[str, Any]:
    """Measure R2 on held-out frames along each curve and say what limits each atom.

    Parameters
    ----------
    frames, backbone, held_out
        As for ``diagnose``.
    out
        Run directory: finished points are kept in it; None: nothing is written.
    resume
        Take up ``out`` where an earlier run of the same settings stopped.
    progress
        Called with (what, points done).

    Returns
    -------
    ``{schema, model, data, settings, l, atoms, points}``: a point is ``{atom, panel, series, step, label, coefficients,
    frames, rotations, r2, r2_low, r2_high, r2_training}``, an atom ``{index, element, neighbour, role, heights,
    limited_by, sentence}``.

    Raises
    ------
    InputError
        Unknown elements, a layer of scalars, too few frames, no marked atom, an l above the ceiling.
    """
    settings = settings or LearningCurveSettings()
    plan = check(frames, backbone, settings, held_out)
    asked = {
        **plain(asdict(settings)), "job": SCHEMA, "layer": plan.layer.name, "l": plan.l,
        "backbone_sha256": backbone.info.sha256, "data_sha256": frames.sha256,
        "held_out_sha256": held_out.sha256 if held_out else None,
    }  # fmt: skip
    parts = Parts.open(out, asked, resume)

    @cache
    def blocks(name: str) -> list[Block]:
        if progress is not None:
            progress(f"features of {name}", 0)
        return list(backbone.features(plan.data.frames, name).blocks())

    curves = Curves(plan, blocks, parts, progress)
    roles = curves.roles()
    atoms = []
    for mark in plan.marks:
        role = roles.get(mark.atom)
        if role is not None:
            curves.draw(mark)
        elif settings.every_atom:
            curves.features(mark, (BOTH, LAYERS, NEIGHBOUR))
        atoms.append(_atom(mark, role, [point for point in curves.points if point["atom"] == mark.atom]))
    return _assemble(frames, backbone, plan, atoms, curves.points)


def _assemble(
    frames: Frames, backbone: Backbone, plan: Plan, atoms: list[dict[str, Any]], points: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "model": {"source": backbone.info.source, "sha256": backbone.info.sha256, "layer": plan.layer.name,
                  "irreps": plan.layer.irreps, "layers": plan.layers},
        "data": {"source": frames.source, "sha256": frames.sha256, "formula": frames.formula,
                 "splits": plan.data.split.counts(), "note": plan.data.note},
        "settings": plain(asdict(plan.settings)),
        "degree": plan.settings.degree,
        "boundary": plan.ceiling,
        "l": plan.l,
        "atoms": atoms,
        "points": sorted(points, key=lambda p: (p["atom"], p["panel"], p["series"], p["step"])),
    }  # fmt: skip


def _atom(mark: Mark, role: str | None, points: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Say what limits an atom: what each curve still gains at its end."""
    at = {(p["panel"], p["series"], p["label"]): p["r2"] for p in points}
    heights = {p["label"]: p["r2"] for p in points if p["panel"] == "features"}
    row: dict[str, Any] = {
        "index": mark.atom, "element": mark.element, "neighbour": mark.neighbour, "role": role, "heights": heights,
        "limited_by": None, "sentence": None,
    }  # fmt: skip
    if role is None:
        return row
    name = f"{mark.element}{mark.atom}"
    tapped, everything = heights[BOTH], heights[NEIGHBOUR]
    last = {
        series: [p for p in sorted(points, key=lambda p: p["step"]) if p["series"] == series][-2:]
        for series in ("equivariant, frames", "free, frames", "free, rotations")
    }
    frames = last["equivariant, frames"][-1]["r2"] - last["equivariant, frames"][0]["r2"]
    free = max(r2 for (panel, _, _), r2 in at.items() if panel == "coefficients")
    gains = {"features": everything - tapped, "coefficients": tapped - free, "frames": frames}
    limited = max(gains, key=lambda key: gains[key])
    row["limited_by"] = limited
    row["gains"] = gains
    row["sentence"] = (
        f"{name} ({role}) is limited by its {limited}: the equivariant readout of its own features gives back {tapped:.3f}; "
        f"with all layers and the neighbour's features {everything:.3f}; the free readout with its most coefficients "
        f"{free:.3f}; the last doubling of the training frames changed it by {frames:+.3f}."
    )
    return row
