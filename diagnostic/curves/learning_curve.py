"""What limits the height below the ceiling: a learning curve in features, in coefficients, and in frames and rotations.

The ceiling says which l can be recovered at all; how much of it is recovered depends on the features. For a few atoms
(a well recovered, a median and a poorly recovered one), or for the environments of a few elements, the same signal at l is
fitted with more and more of one thing, everything else as it is:

- features: channels of the tapped layer, its irreps of unnatural parity (a product of two is natural), the features
  of the backbone's other layers, and those of the marked neighbour where there is one. The degree stays, so the ceiling stays;
- coefficients of the free readout, against the equivariant readout of the same features, which is what the free one
  becomes with all of them;
- training frames (of pooled environments: training structures), and Haar-random rotations of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np
from ase import Atoms

from ..backbones.backbone import Backbone
from ..backbones.equivariance import check_equivariance, measured_layer
from ..backbones.features import Block, Layer
from ..frames.ase_structures import data_from_ase
from ..frames.frames import Frames
from ..frames.marks import Mark
from ..frames.selection import asks_more
from ..frames.structures import Structures
from ..records.devices import choose_device
from ..records.parts import Parts
from ..records.plain import plain
from ..records.progress import Progress, silent
from .checking import Plan, check
from .plan import BOTH, LearningCurveSettings
from .points import Curves
from .result_object import CURVES_SCHEMA, LearningCurves
from .result_types import CurveAtom, CurveData, CurveGains, CurvePoint, LearningCurvesResult, Limit, Role
from .wording import most_features, words_of

#: Where less than this is missing of R2 = 1, and no gain is larger, there is nothing to improve.
WORTH = 0.02
#: What limits an atom that leaves nothing to improve.
NOTHING: Limit = "nothing"


def learning_curves(
    frames: Frames | Structures | Sequence[Atoms],
    backbone: Backbone,
    settings: LearningCurveSettings | None = None,
    *,
    held_out: Frames | Structures | Sequence[Atoms] | None = None,
    out: Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    device: str = "cpu",
) -> LearningCurves:
    """Measure R2 on held-out frames along each curve and say what limits each atom.

    Parameters
    ----------
    frames, backbone, held_out
        As for ``diagnose``: the atoms of one molecule, or environments of structures of any kind, pooled by element.
    out
        Run directory: finished points are kept in it; None: nothing is written.
    resume
        Take up ``out`` where an earlier run of the same settings stopped.
    progress
        Called with (what, points done, 0): the number of points is not known before.
    device
        Where features, Gram matrices and solves are computed: ``cpu``, ``cuda``, ``cuda:1``, or ``auto``.

    Returns
    -------
    LearningCurves
        A mapping ``{schema, model, data, settings, degree, boundary, l, atoms, points}``, the content of ``curves.json``. A
        point is ``{atom, panel, series, step, label, coefficients, frames, rotations, r2, r2_low, r2_high, r2_training}``, an
        atom ``{index, element, neighbour, role, heights, limited_by, sentence}``. Of pools, an atom has a ``scope`` too and a
        point the number of ``structures`` that its training ``frames``, environments then, come from.

    Raises
    ------
    InputError
        Unknown elements, a layer of scalars, features that are not equivariant, too few frames, no marked atom, an l above
        the ceiling or at which the pools' densities have nothing.
    """
    settings = settings or LearningCurveSettings()
    keep = asks_more(settings.select)
    frames = data_from_ase(frames, keep_info=keep) if isinstance(frames, Sequence) else frames
    held_out = data_from_ase(held_out, keep_info=keep) if isinstance(held_out, Sequence) else held_out
    device = str(choose_device(device))
    backbone.to(device)
    plan = check(frames, backbone, settings, held_out)
    asked = {
        **plain(asdict(settings)), "job": CURVES_SCHEMA, "layer": plan.layer.name, "l": plan.l,
        "backbone_sha256": backbone.info.sha256, "data_sha256": frames.sha256,
        "held_out_sha256": held_out.sha256 if held_out else None,
    }  # fmt: skip
    parts = Parts.open(out, asked, resume)
    tell = progress or silent
    parity = parts.get("parity", lambda: _parity(frames, backbone, plan))
    layers = {name: Layer(name, irreps) for name, irreps in parity["irreps"].items()}
    plan = replace(plan, layer=layers[plan.layer.name])

    @cache
    def blocks(name: str) -> list[Block]:
        tell(f"features of {name}", 0, 0)
        return plan.sample.blocks(backbone, layers[name])

    curves = Curves(plan, blocks, parts, tell, device)
    roles = curves.roles()
    atoms = []
    for mark in plan.marks:
        role = roles.get(mark.atom)
        if role is not None:
            curves.draw(mark)
        elif settings.every_atom:
            curves.features(mark, curves.steps)
        points = [point for point in curves.points if point["atom"] == mark.atom]
        atoms.append(_atom(plan, mark, role, points))
    return LearningCurves(_assemble(frames, backbone, plan, parity["sentence"], atoms, curves.points))


def _parity(frames: Frames | Structures, backbone: Backbone, plan: Plan) -> dict[str, Any]:
    """Return the irreps of each layer with the parities that its features have, and a sentence on those of the tapped one.

    InputError where a layer is not equivariant.
    """
    if isinstance(frames, Frames) and not plan.pooled:
        few, rng = frames.select(slice(0, 3)), np.random.default_rng([plan.settings.seed, 11])
        measured = check_equivariance(backbone, few, plan.layers, rng)
    else:
        measured = {
            name: plan.sample.equivariance(backbone, name, plan.settings.seed) for name in plan.layers
        }
    known = {layer.name: layer for layer in backbone.layers()}
    return {
        "irreps": {name: measured_layer(known[name], measured[name]).irreps for name in plan.layers},
        "sentence": measured[plan.layer.name].parity_words,
    }


def _assemble(
    frames: Frames | Structures,
    backbone: Backbone,
    plan: Plan,
    parity: str,
    atoms: list[CurveAtom],
    points: list[CurvePoint],
) -> LearningCurvesResult:
    return {
        "schema": CURVES_SCHEMA,
        "model": {"source": backbone.info.source, "sha256": backbone.info.sha256, "layer": plan.layer.name,
                  "irreps": plan.layer.irreps, "layers": plan.layers, "parity_sentence": parity},
        "data": _data(frames, plan),
        "settings": plain(asdict(plan.settings)),
        "degree": plan.settings.degree,
        "boundary": plan.ceiling,
        "l": plan.l,
        "injection": plan.injection,
        "atoms": atoms,
        "points": sorted(points, key=lambda p: (p["atom"], p["panel"], p["series"], p["step"])),
    }  # fmt: skip


def _data(frames: Frames | Structures, plan: Plan) -> CurveData:
    entry = plan.sample.data_entry()
    names = ("formula", "splits", "note", "by", "structures", "environments")
    known = {"source": frames.source, "sha256": frames.sha256} | {
        name: entry[name] for name in names if name in entry
    }
    return cast(CurveData, known)


def limit_of(gains: CurveGains, reached: float) -> Limit:
    """Return what limits an atom: what still gains most; where no gain is worth it, ``nothing`` if R2 is near one, else features.

    More coefficients and more frames then give nothing, and what is missing is in none of the features that were read.

    Parameters
    ----------
    gains
        What R2 gains by more features, coefficients, frames.
    reached
        The R2 that is reached with what there is.
    """
    by_limit: dict[Limit, float] = {
        "features": gains["features"], "coefficients": gains["coefficients"], "frames": gains["frames"],
    }  # fmt: skip
    limited = max(by_limit, key=lambda key: by_limit[key])
    if by_limit[limited] >= WORTH:
        return limited
    return NOTHING if reached >= 1.0 - WORTH else "features"


def _atom(plan: Plan, mark: Mark, role: Role | None, points: Sequence[CurvePoint]) -> CurveAtom:
    """Say what limits an atom or a pool: what each curve still gains at its end."""
    at = {(p["panel"], p["series"], p["label"]): p["r2"] for p in points}
    heights = {p["label"]: p["r2"] for p in points if p["panel"] == "features"}
    row: CurveAtom = {
        "index": mark.atom, "element": mark.element, "neighbour": mark.neighbour, "role": role, "heights": heights,
        "limited_by": None, "sentence": None,
    }  # fmt: skip
    if plan.pooled:
        row["scope"] = plan.sample.scope(mark.atom)
    if role is None:
        return row
    tapped, everything = heights[BOTH], heights[most_features(heights)]
    last = {
        series: [p for p in sorted(points, key=lambda p: p["step"]) if p["series"] == series][-2:]
        for series in ("equivariant, frames", "free, frames", "free, rotations")
    }
    frames = last["equivariant, frames"][-1]["r2"] - last["equivariant, frames"][0]["r2"]
    free = max(r2 for (panel, _, _), r2 in at.items() if panel == "coefficients")
    gains: CurveGains = {"features": everything - tapped, "coefficients": tapped - free, "frames": frames}
    row["limited_by"] = limited = limit_of(gains, min(tapped, free))
    row["gains"] = gains
    word = words_of(plan.pooled)[limited]
    verdict = "has nothing left to improve" if limited == NOTHING else f"is limited by its {word}"
    more = "all layers" if plan.pooled else "all layers and the neighbour's features"
    row["sentence"] = (
        f"{plan.sample.label(mark.atom)} ({role}) {verdict}: the equivariant readout of its own features recovers "
        f"{tapped:.3f}; with {more} {everything:.3f}; the free readout with the most coefficients "
        f"{free:.3f}; the last doubling of the training {words_of(plan.pooled)['frames']} changed R² by {frames:+.3f}."
    )
    return row
