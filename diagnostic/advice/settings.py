"""What is measured for an advice, and how."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ...theory.errors import InputError

#: The knobs of an architecture, in the order of every table.
KNOBS = ("degree", "radial", "order", "cutoff")
#: How tables, figures and the command name them.
KNOB_NAMES = {
    "degree": "degrees above L",
    "radial": "radial channels",
    "order": "order 3",
    "cutoff": "longer cutoff",
}
#: Columns of the normal equations, all elements and knobs together; more of them cost time that grows with the cube.
MOST_COLUMNS = 2_800
#: Defaults where no model says otherwise.
L_MAX, CUTOFF = 2, 5.0


@dataclass(frozen=True)
class AdviceSettings:
    """How the knobs are measured.

    Parameters
    ----------
    l_max
        Highest degree l of the base, L. None: that of the model's layers; without a model, 2.
    cutoff
        Cutoff of the base (Å). None: that of the model; without a model, 5.
    top
        Highest degree of the knob ``degree``. None: the larger of 6 and L + 3.
    farther
        How much the knob ``cutoff`` adds to the cutoff (Å).
    channels
        Density channels of the base for each element, at most. They are fewer where many elements, or one alone, ask for it.
    radial
        Radial functions of the density for each element of a neighbour.
    accuracy
        Force error (eV/Å, root mean square) below which nothing is missing.
    tolerance
        Choice of l_max from data: no degree above it lowers the RMS force error by more than this part, beside radial channels
        and order 3.
    structures
        Largest number of structures that are used, spread evenly over the file.
    atoms
        Largest number of atoms in these structures together.
    null
        Number of null targets: what the knobs seem to remove where there is nothing to remove.
    seed
        Seed of the split into blocks, of the null targets and of the resampling.
    """

    l_max: int | None = None
    cutoff: float | None = None
    top: int | None = None
    farther: float = 2.0
    channels: int = 8
    radial: int = 10
    accuracy: float = 0.001
    tolerance: float = 0.1
    structures: int = 1_000
    atoms: int = 25_000
    null: int = 19
    seed: int = 0

    def __post_init__(self) -> None:
        whole = {
            "l_max": (self.l_max, 0, 12), "top": (self.top, 1, 15), "channels": (self.channels, 2, 32),
            "radial": (self.radial, 2, 20), "structures": (self.structures, 40, None), "atoms": (self.atoms, 1, None),
            "null": (self.null, 1, 200), "seed": (self.seed, 0, None),
        }  # fmt: skip
        for name, (value, low, high) in whole.items():
            if value is None:
                continue
            limits = f"at least {low}" if high is None else f"{low} to {high}"
            right_kind = isinstance(value, int) and not isinstance(value, bool)
            if not right_kind or value < low or (high is not None and value > high):
                raise InputError(f"{name} is {value!r}, expected an integer, {limits}")
        lengths = {"cutoff": (self.cutoff, 1.0, 15.0, " Å"), "farther": (self.farther, 0.5, 10.0, " Å"),
                   "accuracy": (self.accuracy, 0.0, 100.0, " eV/Å"), "tolerance": (self.tolerance, 0.0, 10.0, "")}  # fmt: skip
        for name, (length, least, most, unit) in lengths.items():
            if length is None:
                continue
            if isinstance(length, bool) or not math.isfinite(length) or not least <= length <= most:
                raise InputError(
                    f"{name} is {length!r}{unit}, expected a number from {least:g} to {most:g}{unit}"
                )
        if self.l_max is not None and self.top is not None and self.top <= self.l_max:
            raise InputError(
                f"top is {self.top} and l_max is {self.l_max}, expected top above l_max: it is the end of the knob degree"
            )


@dataclass(frozen=True)
class Basis:
    """The base and the knobs for one set of data, with every number settled.

    Attributes
    ----------
    species
        Atomic numbers, ascending.
    l_max, top
        Highest degree of the base, and of the knob ``degree``.
    cutoff, farther
        Cutoff of the base and that of the knob ``cutoff`` (Å).
    channels
        Density channels of the base for each element of a centre.
    radial
        Radial functions for each element of a neighbour.
    coefficients
        Coefficients of each knob for each element of a centre.
    """

    species: tuple[int, ...]
    l_max: int
    top: int
    cutoff: float
    farther: float
    channels: int
    radial: int
    coefficients: int

    @property
    def base_coefficients(self) -> int:
        """Coefficients of the base for each element: one of order 1 for each channel, one of order 2 for each pair and l."""
        return self.channels + pairs_of(self.channels) * (self.l_max + 1)

    @property
    def columns(self) -> int:
        """Coefficients of base and knobs for all elements together."""
        return len(self.species) * (self.base_coefficients + len(KNOBS) * self.coefficients)


def pairs_of(channels: int) -> int:
    """Return the number of pairs of channels, equal ones included.

    Examples
    --------
    >>> pairs_of(8)
    36
    """
    return channels * (channels + 1) // 2


def settle(settings: AdviceSettings, species: tuple[int, ...]) -> Basis:
    """Return the basis for data of these elements; ``l_max`` and ``cutoff`` are set by now, or take their defaults.

    The knob ``degree`` has all pairs of the base's channels at l = L + 1..top. The other knobs get as many coefficients.
    Channels: at most ``settings.channels``, at most 2 + 3 for each element of a neighbour (so that a single element leaves
    room above the base's radial resolution), and so few that base and knobs have at most ``MOST_COLUMNS`` columns.

    Raises
    ------
    InputError
        If the elements are so many that no channels are left.
    """
    l_max = L_MAX if settings.l_max is None else settings.l_max
    top = max(6, l_max + 3) if settings.top is None else settings.top
    cutoff = CUTOFF if settings.cutoff is None else settings.cutoff
    largest = min(settings.channels, 2 + 3 * len(species))
    for channels in range(largest, 1, -1):
        basis = Basis(
            species, l_max, top, cutoff, cutoff + settings.farther, channels, settings.radial,
            pairs_of(channels) * (top - l_max),
        )  # fmt: skip
        if basis.columns <= MOST_COLUMNS:
            return basis
    raise InputError(
        f"the data have {len(species)} elements, which leaves less than two density channels for each; choose fewer "
        "structures, such as --select with the elements that matter"
    )


def with_model(settings: AdviceSettings, l_max: int | None, cutoff: float | None) -> AdviceSettings:
    """Return the settings with a model's ``l_max`` and ``cutoff`` (Å) where the user gave none."""
    return replace(
        settings,
        l_max=l_max if settings.l_max is None else settings.l_max,
        cutoff=cutoff if settings.cutoff is None else settings.cutoff,
    )
