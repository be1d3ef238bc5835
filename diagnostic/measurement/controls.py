"""Controls: runs in which something essential is taken away, each with a sentence that says what it shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ..backbones.backbone import Backbone
from ..frames.frames import Frames
from .measurement import Measurement
from .sources import FeatureSource
from .tables import Control


def untrained_features(
    build: Callable[[int], Backbone], frames: Frames, layer: str, seed: int
) -> FeatureSource:
    """Return the features of the same architecture with random weights."""
    return FeatureSource("untrained", lambda: list(build(seed + 1).features(frames, layer).blocks()))


def run_controls(
    measure: Measurement, source: FeatureSource, untrained: FeatureSource | None
) -> list[Control]:
    """Run every control at the main degree with the free readout.

    Parameters
    ----------
    source
        Features of the backbone.
    untrained
        Features of the same architecture with random weights; None: that control is left out.
    """
    degree = measure.settings.main_degree
    boundary = measure.ceiling(degree).boundary
    controls = []
    if untrained is not None:
        table = measure.table(measure.free(untrained, degree), degree)
        controls.append(
            Control(
                "untrained",
                "Untrained backbone",
                "The same architecture with random weights, the same frames, targets and readout: "
                + _cliff(table.heights(), boundary)
                + ". The ceiling is a property of the irreps, not of training: training moves the height below the ceiling, "
                "not its place.",
                table,
            )
        )
    table = measure.table(measure.free(source, degree, rotate=False), degree)
    controls.append(
        Control(
            "no random rotations",
            "No random rotations",
            "The same fit on frames as they are stored, none of them turned: "
            + _cliff(table.heights(), boundary)
            + ". The frames of a trajectory hardly rotate, so a polynomial of low degree can imitate a high angular frequency "
            "on the few directions that occur, and the cliff vanishes. A test without random rotations says nothing about "
            "the ceiling.",
            table,
        )
    )
    if "free" in measure.settings.readouts:
        controls.append(_zero_injection(measure, source, degree))
    return controls


def _cliff(at: Mapping[int, float], boundary: int) -> str:
    inside, outside = at.get(boundary), at.get(boundary + 1)
    parts = [] if inside is None else [f"R² = {inside:.3f} at l = {boundary}"]
    parts += [] if outside is None else [f"{outside:.3f} at l = {boundary + 1}"]
    return " and ".join(parts) or "every l asked for lies below the ceiling"


def _zero_injection(measure: Measurement, source: FeatureSource, degree: int) -> Control:
    """Fit the residual alone: what the readout takes of the backbone's own error when nothing is injected."""
    cells = measure.uninjected().free(source.named("zero"), degree)
    before = np.array([sums[0].before.sum() for sums, _ in cells.values() if sums[0] is not None])
    after = np.array([sums[0].after.sum() for sums, _ in cells.values() if sums[0] is not None])
    shares = 1.0 - after / before
    return Control(
        "zero injection",
        "Zero injection",
        "Nothing is injected, and the readout is fitted to the backbone's own force error F - F_backbone: it "
        f"takes {100 * float(np.median(shares)):.1f} % of the error's power on held-out frames in the median atom (from "
        f"{100 * float(shares.min()):.1f} to {100 * float(shares.max()):.1f} %). This is what every raw gain contains "
        "besides the injection.",
        None,
    )
