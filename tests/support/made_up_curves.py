"""Learning curves made up for tests of their page: three atoms, each limited by something else."""

from __future__ import annotations

from typing import Any

from spectral_ceilings.diagnostic.curves.plan import BOTH, LAYERS, NEIGHBOUR

#: R2 with the layer's features, with everything, of the free readout; gain of the last doubling of the frames; what limits.
_ATOMS = (
    (0, "C", "worst", 0.71, 0.99, 0.70, 0.01, "features"),
    (4, "C", "best", 0.985, 0.99, 0.70, 0.004, "coefficients"),
    (7, "O", "median", 0.993, 0.996, 0.99, 0.0, "nothing"),
    (9, "N", None, 0.9, 0.95, 0.8, 0.0, None),
)


def made_up_curves() -> dict[str, Any]:
    """Return the content of a ``curves.json``."""
    atoms, points = [], []
    for index, element, role, own, everything, free, frames, limit in _ATOMS:
        heights = {"1": own / 2, "8": own * 0.8, "all": own * 0.95, BOTH: own, LAYERS: (own + everything) / 2,
                   NEIGHBOUR: everything}  # fmt: skip
        if role is None:
            heights = {key: heights[key] for key in (BOTH, LAYERS, NEIGHBOUR)}
        gains = {"features": everything - own, "coefficients": own - free, "frames": frames}
        atoms.append({
            "index": index, "element": element, "neighbour": index + 1, "role": role, "heights": heights, "limited_by": limit,
            "sentence": None if role is None else f"{element}{index} <is> limited", **({} if role is None else {"gains": gains}),
        })  # fmt: skip

        def add(
            panel: str, series: str, step: float, label: str, r2: float, *, at: int = index, **counts: int
        ) -> None:
            sizes = {"coefficients": 200, "frames": 86, "rotations": 5, **counts}
            points.append({"key": f"{at}", "atom": at, "panel": panel, "series": series, "step": step, "label": label,
                           "r2": r2, "r2_low": r2 - 0.02, "r2_high": r2 + 0.004, "r2_training": r2 + 0.005, **sizes})  # fmt: skip

        for k, (label, r2) in enumerate(heights.items()):
            add("features", "equivariant", float(k), label, r2, rotations=0)
        for size in (60, 200, 1100) if role else ():
            add("coefficients", "free", size, f"up to {size}", free * (1 - 10 / size), coefficients=size)
        for count in (20, 43, 86) if role else ():
            add("frames", "free, frames", count, f"{count} frames", free - 0.5 / count, frames=count)
            add("frames", "equivariant, frames", count, f"{count} frames", own - 0.5 / count, frames=count)
        for turns in (1, 5) if role else ():
            add("frames", "free, rotations", turns, f"{turns} rotations", free - 0.1 / turns, rotations=turns)
    return {
        "schema": "spectral-ceilings/learning-curves/1",
        "model": {"source": "a-backbone-<with>-a-name-as-people-give-them.safetensors", "sha256": "1" * 64, "layer": "layer1",
                  "irreps": "8x0e+8x1o+8x2e", "layers": ["layer0", "layer1"]},
        "data": {"source": "frames", "sha256": "2" * 64, "formula": "C9H8O4", "note": "",
                 "splits": {"training": 86, "validation": 20, "held out": 50}},
        "settings": {"degree": 2, "l": None, "channels": [1, 8], "seed": 3},
        "degree": 2, "boundary": 4, "l": 4, "atoms": atoms, "points": points,
    }  # fmt: skip
