"""Controls: runs in which something essential is taken away, each with a sentence that says what it shows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..backbones.backbone import Backbone
from ..backbones.features import Layer
from .control_sentences import unrotated_sentence, untrained_sentence
from .measurement import Measurement
from .sample import Sample
from .sources import FeatureSource
from .tables import Control, RecoveryTable
from .turned import TurnedSource
from .turned_sentences import approximate_untrained, exactly_turned, unbounded_unrotated, unbounded_untrained
from .verdict import MINIMUM

#: Name of the control in which features are turned by Wigner matrices.
EXACTLY_TURNED = "turned by Wigner matrices"


def untrained_features(
    build: Callable[[int], Backbone], sample: Sample, layer: Layer, seed: int
) -> FeatureSource:
    """Return the features of the same architecture with random weights."""
    return FeatureSource("untrained", lambda: sample.blocks(build(seed + 1), layer))


def run_controls(
    measure: Measurement,
    source: FeatureSource,
    untrained: FeatureSource | None,
    *,
    orientations: float | None = None,
    has_forces: bool = True,
) -> list[Control]:
    """Run every control at the main degree with the free readout.

    Parameters
    ----------
    source
        Features of the backbone.
    untrained
        Features of the same architecture with random weights; None: that control is left out.
    orientations
        How many independent orientations those of the frames count like; None: not known.
    has_forces
        Whether the residual is the error of forces that the backbone gives; else it is the forces of the frames.
    """
    degree = measure.settings.main_degree
    boundary = measure.ceiling(degree).boundary
    controls = []
    if untrained is not None:
        table = measure.table(measure.free(untrained, degree), degree)
        controls.append(Control("untrained", "Untrained backbone", _untrained_words(measure, table), table))
    table = measure.table(measure.free(source, degree, rotate=False), degree)
    controls.append(
        Control(
            "no random rotations",
            "No random rotations",
            unbounded_unrotated(table.heights())
            if measure.kind == "none"
            else unrotated_sentence(table.heights(), boundary, orientations),
            table,
        )
    )
    if isinstance(source, TurnedSource) and measure.kind != "none":
        controls.append(_exactly_turned(measure, source, degree))
    if "free" in measure.settings.readouts:
        controls.append(_zero_injection(measure, source, degree, has_forces))
    return controls


def _untrained_words(measure: Measurement, table: RecoveryTable) -> str:
    at, boundary = table.heights(), table.ceiling.boundary
    if measure.kind == "none":
        return unbounded_untrained(at)
    if measure.kind == "approximate" and max((at[l] for l in at if l > boundary), default=0.0) > MINIMUM:
        return approximate_untrained(at, boundary)
    return untrained_sentence(at, boundary)


def _exactly_turned(measure: Measurement, source: TurnedSource, degree: int) -> Control:
    """Turn the features of the frames as they are by Wigner matrices: what exact equivariance would give."""
    of_run = measure.table(measure.free(source, degree), degree)
    table = measure.table(measure.free(source.exact(), degree), degree)
    sentence = exactly_turned(table.heights(), of_run.heights(), table.ceiling.boundary)
    return Control(EXACTLY_TURNED, "Features turned by Wigner matrices", sentence, table)


def _zero_injection(measure: Measurement, source: FeatureSource, degree: int, has_forces: bool) -> Control:
    """Fit the residual alone: what the readout takes of the backbone's own error when nothing is injected."""
    cells = measure.uninjected().free(source.named("zero"), degree)
    before = np.array([sums[0].before.sum() for sums, _ in cells.values() if sums[0] is not None])
    after = np.array([sums[0].after.sum() for sums, _ in cells.values() if sums[0] is not None])
    shares = 1.0 - after / before
    fitted = (
        "the backbone's own force error F - F_backbone: it takes {share} of the error's power"
        if has_forces
        else "the forces of the frames, as the backbone gives none: it takes {share} of their power"
    )
    rows = "frames" if measure.sample.names is None else "environments"
    return Control(
        "zero injection",
        "Zero injection",
        f"Nothing is injected, and the readout is fitted to {fitted.format(share=f'{100 * float(np.median(shares)):.1f} %')} "
        f"on held-out {rows} in the median {measure.sample.what[:-1]} (from {100 * float(shares.min()):.1f} to "
        f"{100 * float(shares.max()):.1f} %). "
        "Every raw gain contains this in addition to the injection.",
        None,
    )
