"""Controls: runs in which something essential is taken away, each with a sentence that says what it shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..backbones.backbone import Backbone
from ..backbones.features import Features, Layer
from ..injection.fields import InjectionName
from ..recovery.bootstrap import Bootstrap
from .control_sentences import unrotated_sentence, untrained_sentence
from .measurement import Measurement
from .rows import molecule_rows, recovery_rows


def run_controls(
    measure: Measurement,
    features: Callable[[], Features],
    layer: Layer,
    injection: InjectionName,
    bootstrap: Bootstrap,
    main: Sequence[dict[str, Any]],
    untrained: Callable[[int], Backbone] | None,
) -> list[dict[str, Any]]:
    """Run every control at the main degree with the free readout and return them in the form of ``result.json``.

    Parameters
    ----------
    main
        Rows of the run itself, for the sentences.
    untrained
        Builds the same architecture with random weights from a seed; None: that control is left out.
    """
    degree = measure.settings.main_degree
    boundary = degree * layer.l_max
    elements = {mark.atom: mark.element for mark in measure.marks}
    found = []

    def rows(values: Callable[[], Features], label: str, rotate: bool) -> list[dict[str, Any]]:
        cells = measure.free(values, label, degree, injection, rotate)
        return recovery_rows(
            cells, elements, bootstrap, injection=injection, readout="free", degree=degree, boundary=boundary
        )

    here = {
        int(row["l"]): row for row in molecule_rows(main, injection=injection, readout="free", degree=degree)
    }
    if untrained is not None:
        other = cache(lambda: untrained(measure.settings.seed + 1).features(measure.frames, layer.name))
        table = rows(other, "untrained", True)
        at = {int(row["l"]): row["r2"] for row in molecule_rows(table)}
        found.append(
            {
                "name": "untrained",
                "title": "Untrained backbone",
                "sentence": untrained_sentence(at, boundary),
                "rows": table,
            }
        )
    table = rows(features, "model", False)
    at = {int(row["l"]): row["r2"] for row in molecule_rows(table)}
    found.append(
        {
            "name": "no random rotations",
            "title": "No random rotations",
            "sentence": unrotated_sentence(at, boundary),
            "rows": table,
        }
    )
    if here:
        found.append(_zero_injection(measure, features, (layer.l_max + 1) ** 2, injection, degree))
    return found


def _zero_injection(
    measure: Measurement,
    features: Callable[[], Features],
    size: int,
    injection: InjectionName,
    degree: int,
) -> dict[str, Any]:
    """Fit the residual alone: what the readout takes of the backbone's own error when nothing is injected."""
    # The channels are chosen as before, which takes the signals up to l_max; no finer ones are needed.
    coarse: dict[str, dict[int, NDArray[np.float64]]] = {
        injection: {i: s[:, :size] for i, s in measure.signal(injection).items()}
    }
    blank = replace(measure, amplitude=0.0, _signals=coarse)
    cells = blank.free(features, "zero", degree, injection)
    before = np.array([sums[0].before.sum() for sums, _ in cells.values() if sums[0] is not None])
    after = np.array([sums[0].after.sum() for sums, _ in cells.values() if sums[0] is not None])
    shares = 1.0 - after / before
    return {
        "name": "zero injection",
        "title": "Zero injection",
        "sentence": "Nothing is injected, and the readout is fitted to the backbone's own force error F - F_backbone: it "
        f"takes {100 * float(np.median(shares)):.1f} % of the error's power on held-out frames in the median atom (from "
        f"{100 * float(shares.min()):.1f} to {100 * float(shares.max()):.1f} %). This is what every raw gain contains "
        "besides the injection.",
        "rows": [],
    }
