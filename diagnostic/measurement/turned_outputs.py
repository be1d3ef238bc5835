"""Where features come from in a run that turns frames, and the readouts that such a run fits."""

from __future__ import annotations

from collections.abc import Callable

from ..backbones.backbone import Backbone
from ..readouts.network import COEFFICIENTS as NETWORK_COEFFICIENTS
from ..records.run_directory import RunDirectory
from .checking import Checked
from .full_controls import WIDTHS
from .progress import RunProgress
from .settings import NETWORK
from .sources import BackboneOutputs
from .turned import TurnedSource


def turned_outputs(
    checked: Checked, backbone: Backbone, progress: RunProgress, run: RunDirectory | None
) -> BackboneOutputs:
    """Return what a backbone gives for the frames of a run, its features from running it on turned frames."""
    outputs = BackboneOutputs(backbone, checked.sample, checked.layer, progress)
    outputs.features = _source("model", checked, lambda: backbone, progress, run)
    return outputs


def turned_twin(
    checked: Checked,
    build: Callable[[int], Backbone],
    outputs: BackboneOutputs,
    progress: RunProgress,
    run: RunDirectory | None,
) -> TurnedSource:
    """Return the same of the same architecture with random weights; its targets hold the error of the backbone itself."""
    errors_of = outputs.features
    assert isinstance(errors_of, TurnedSource)
    return _source("untrained", checked, lambda: build(checked.settings.seed + 1), progress, run, errors_of)


def _source(
    label: str,
    checked: Checked,
    backbone: Callable[[], Backbone],
    progress: RunProgress,
    run: RunDirectory | None,
    errors_of: TurnedSource | None = None,
) -> TurnedSource:
    settings, needs = checked.settings, checked.needs
    assert needs is not None
    wanted: list[tuple[int, int | None]] = [(settings.main_degree, None)]
    if label == "model":
        wanted += [(degree, None) for degree in settings.degrees]
        if NETWORK in settings.readouts or settings.full_controls:
            wanted.append((2, NETWORK_COEFFICIENTS))
        if settings.full_controls:
            wanted += [(settings.main_degree, limit) for limit in WIDTHS]
    return TurnedSource(
        label, backbone, checked.data.frames, checked.layer, needs, wanted, progress, run, errors_of
    )
