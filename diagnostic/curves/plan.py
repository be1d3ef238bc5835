"""Which learning curves are drawn: their settings."""

from __future__ import annotations

from dataclasses import dataclass

from ...theory.errors import InputError
from ..measurement.settings import By, DiagnoseSettings

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
        Use at most this many frames (or structures); None: all.
    seed
        Of the split and the rotations.
    by, select, environments
        As for ``diagnose``: measure atom by atom or environments pooled by element, which atoms, and how many of each pool.
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
    by: By | None = None
    select: tuple[str, ...] = ()
    environments: int | None = None

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
        self.sampling()

    def sampling(self) -> DiagnoseSettings:
        """Return the settings that choose and split the data; InputError where they contradict each other."""
        return DiagnoseSettings(
            seed=self.seed, frames=self.limit_frames, by=self.by, select=self.select, environments=self.environments
        )  # fmt: skip
