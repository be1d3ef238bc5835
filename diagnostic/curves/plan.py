"""Which learning curves are drawn: their settings, checked against the model and the frames."""

from __future__ import annotations

from dataclasses import dataclass

from ...theory.errors import InputError
from ..backbones.backbone import Backbone
from ..backbones.features import Layer
from ..frames.frames import Frames
from ..frames.marks import Mark, marked_neighbours
from ..measurement.arrange import Data, arrange
from ..measurement.settings import DiagnoseSettings

#: Names of the steps of the features, after the numbers of channels.
BOTH, LAYERS, NEIGHBOUR = "both parities", "all layers", "and the neighbour's"


@dataclass(frozen=True)
class LearningCurveSettings:
    """Settings of ``learning_curves``.

    Attributes
    ----------
    degree
        Degree of the readouts, 1 or 2: the equivariant polynomials of degree 3 of all features are too many.
    l
        Degree of the signal; None: the ceiling, the hardest that can be recovered.
    layer
        Name of the layer; None: the last one with l > 0.
    atoms
        Atoms whose curves are drawn; None: the best, the median and the worst of all marked atoms.
    channels, coefficients, frames, rotations
        The steps of each curve; frames are fractions of the training frames.
    every_atom
        Fit all features, the neighbour's too, for every atom (seconds for each) and not for the drawn ones only.
    limit_frames
        Use at most this many frames; None: all.
    seed
        Of the split and the rotations.
    """

    degree: int = 2
    l: int | None = None
    layer: str | None = None
    atoms: tuple[int, ...] | None = None
    channels: tuple[int, ...] = (1, 2, 4, 8)
    coefficients: tuple[int, ...] = (60, 200, 420, 1100, 2300)
    frames: tuple[float, ...] = (0.05, 0.1, 0.25, 0.5)
    rotations: tuple[int, ...] = (1, 2, 5, 10)
    most_rotations: int = 20
    every_atom: bool = False
    limit_frames: int | None = None
    bootstrap: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        if self.degree not in (1, 2):
            raise InputError(f"degree is {self.degree!r}, expected 1 or 2")
        for name in ("channels", "coefficients", "rotations"):
            values = getattr(self, name)
            if not values or any(isinstance(v, bool) or not isinstance(v, int) or v < 1 for v in values):
                raise InputError(f"{name} are {values!r}, expected integers of at least 1")
        if not self.frames or not all(0.0 < v < 1.0 for v in self.frames):
            raise InputError(
                f"frames are {self.frames!r}, expected fractions of the training frames between 0 and 1"
            )


@dataclass(frozen=True)
class Plan:
    """What learning curves are drawn of, once the settings are checked against model and frames.

    Attributes
    ----------
    layer
        The layer whose features are read first.
    layers
        Names of all layers with l > 0 that leave its ceiling as it is.
    l
        Degree of the signal.
    data
        Frames and splits.
    marks
        Atoms with a marked neighbour.
    """

    settings: LearningCurveSettings
    layer: Layer
    layers: list[str]
    l: int
    data: Data
    marks: list[Mark]

    @property
    def ceiling(self) -> int:
        """Highest l that a readout of the layer can recover."""
        return self.settings.degree * self.layer.l_max


def check(
    frames: Frames, backbone: Backbone, settings: LearningCurveSettings, held_out: Frames | None
) -> Plan:
    """Check everything that can be wrong before any long work; InputError as for ``learning_curves``."""
    if frames.periodic:
        raise InputError(
            f"{frames.source} is periodic: learning curves are of the marked neighbours of one molecule's atoms; diagnose it by "
            "element instead, with other --coefficients and --environments"
        )
    backbone.check_elements(frames)
    layer = backbone.choose_layer(settings.layer)
    ceiling = settings.degree * layer.l_max
    l = ceiling if settings.l is None else settings.l
    if not 0 < l <= ceiling:
        raise InputError(
            f"l is {l}, expected 1 to {ceiling}, the ceiling of degree {settings.degree} at {layer.name}"
        )
    data = arrange(
        frames, backbone, DiagnoseSettings(seed=settings.seed, frames=settings.limit_frames), held_out
    )
    marks = [mark for mark in marked_neighbours(frames) if mark.neighbour is not None]
    known = {mark.atom for mark in marks}
    for atom in settings.atoms or ():
        if atom not in known:
            raise InputError(f"atom {atom} has no marked neighbour, expected some of {sorted(known)}")
    if not marks:
        raise InputError(
            "no atom has a bonded neighbour that chemistry distinguishes from its others, so there is no marked field; "
            "choose another molecule"
        )
    layers = [other.name for other in backbone.layers() if other.usable and other.l_max <= layer.l_max]
    return Plan(settings, layer, layers, l, data, marks)
