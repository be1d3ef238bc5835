"""What learning curves are drawn of: settings checked against the model and the data."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..backbones.backbone import Backbone
from ..backbones.features import Layer
from ..frames.frames import Frames
from ..frames.marks import Mark, marked_neighbours
from ..frames.structures import Structures
from ..injection.fields import InjectionName, l_slice
from ..measurement.arrange import arrange
from ..measurement.arrange_structures import arrange_structures
from ..measurement.checking import as_structures, by_element, selectors
from ..measurement.sample import FrameSample, Sample
from ..measurement.signals import Signals
from .plan import LearningCurveSettings

#: Pools of which less than this share of the signal's power is at l: its sites are too symmetric for that l, up to rounding.
_NOTHING = 1e-20


@dataclass(frozen=True)
class Plan:
    """What learning curves are drawn of, once the settings are checked against model and data.

    Attributes
    ----------
    layer
        The layer whose features are read first.
    layers
        Names of all layers with l > 0 that leave its ceiling as it is.
    l
        Degree of the signal.
    sample
        Rows and their split: frames of one molecule by its atoms, or environments by pools.
    injection
        Of frames of one molecule the marked neighbour; of pools the density of neighbours.
    marks
        The atoms with a marked neighbour, or the pools.
    """

    settings: LearningCurveSettings
    layer: Layer
    layers: list[str]
    l: int
    sample: Sample
    injection: InjectionName
    marks: list[Mark]

    @property
    def ceiling(self) -> int:
        """Highest l that a readout of the layer can recover."""
        return self.settings.degree * self.layer.l_max

    @property
    def pooled(self) -> bool:
        """Whether environments are pooled, by element or by selection."""
        return self.sample.names is not None


def check(
    data: Frames | Structures,
    backbone: Backbone,
    settings: LearningCurveSettings,
    held_out: Frames | Structures | None,
) -> Plan:
    """Check everything that can be wrong before any long work; InputError as for ``learning_curves``."""
    layer = backbone.choose_layer(settings.layer)
    ceiling = settings.degree * layer.l_max
    l = ceiling if settings.l is None else settings.l
    if not 0 < l <= ceiling:
        raise InputError(
            f"l is {l}, expected 1 to {ceiling}, the ceiling of degree {settings.degree} at {layer.name}"
        )
    injection: InjectionName
    if by_element(data, settings.sampling()):
        injection, (sample, marks) = "density", _pools(data, backbone, settings, held_out, l)
    else:
        injection, (sample, marks) = "marked", _atoms(data, backbone, settings, held_out)
    layers = [other.name for other in backbone.layers() if other.usable and other.l_max <= layer.l_max]
    return Plan(settings, layer, layers, l, sample, injection, marks)


def _atoms(
    frames: Frames | Structures,
    backbone: Backbone,
    settings: LearningCurveSettings,
    held_out: Frames | Structures | None,
) -> tuple[Sample, list[Mark]]:
    """Return the frames of one molecule with their split, and its atoms that have a marked neighbour."""
    assert isinstance(frames, Frames)
    if held_out is not None and not isinstance(held_out, Frames):
        raise InputError(
            f"{held_out.source} holds structures of several kinds and {frames.source} one molecule: give held-out frames of it"
        )
    backbone.check_elements(frames)
    data = arrange(frames, backbone, settings.sampling(), held_out)
    marks = tuple(mark for mark in marked_neighbours(frames) if mark.neighbour is not None)
    known = {mark.atom for mark in marks}
    for atom in settings.atoms or ():
        if atom not in known:
            raise InputError(f"atom {atom} has no marked neighbour, expected some of {sorted(known)}")
    if not marks:
        raise InputError(
            "no atom has a bonded neighbour that chemistry distinguishes from its others, so there is no marked field; "
            "choose another molecule, or measure by element (--by element)"
        )
    return FrameSample(data, marks, frames.positions[0]), list(marks)


def _pools(
    data: Frames | Structures,
    backbone: Backbone,
    settings: LearningCurveSettings,
    held_out: Frames | Structures | None,
    l: int,
) -> tuple[Sample, list[Mark]]:
    """Return sampled environments, and the pools whose density of neighbours has something at l."""
    structures, others = as_structures(data), None if held_out is None else as_structures(held_out)
    sampling = replace(settings.sampling(), atoms=settings.atoms)
    sample = arrange_structures(
        structures, backbone, sampling, others, selectors(structures, others, settings.select)
    )
    there = sample.injectable("density")
    power = sample.power(sample.signals(l, "density", there), slice(None), "density", there)[:, 0]
    at_l = sample.power(sample.signals(l, "density", there), l_slice(l), "density", there)[:, 0]
    seen = {pool for pool, some, whole in zip(there, at_l, power, strict=True) if some > _NOTHING * whole}
    marks = [mark for mark in sample.marks if mark.atom in seen]
    if not marks:
        raise InputError(
            f"{structures.source}: the density of neighbours has nothing at l = {l} where these atoms sit, they have too few "
            "neighbours or their sites are too symmetric; choose another --l, or give structures that are displaced"
        )
    return sample, marks


def signal_of(plan: Plan, mark: Mark) -> NDArray[np.float64]:
    """Return T of an atom or a pool in every row, ``(rows, (l + 1)^2)``; that of a pool has unit mean square at each l."""
    if plan.pooled:
        return Signals.of(plan.sample, plan.l, [plan.injection]).tables[plan.injection][mark.atom]
    return plan.sample.signals(plan.l, plan.injection, [mark.atom])[:, 0]
