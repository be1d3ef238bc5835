"""What a diagnosis is asked to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, get_args

from ...theory.errors import InputError
from ...theory.plateaus import DIRECTIONS, Direction
from ..injection.fields import InjectionName

By = Literal["atom", "element"]
ClosedForm = Literal["free", "equivariant"]
#: Readouts of a default run.
READOUTS: tuple[ClosedForm, ...] = ("free", "equivariant")
NETWORK: Final = "network"
#: Highest degree of a readout, and of the equivariant one, whose products are listed up to there.
HIGHEST_DEGREE, HIGHEST_EQUIVARIANT = 12, 3
#: Uses of each training frame where nothing else is asked for: features are turned, or the network is run for each.
ROTATIONS, TURNED_ROTATIONS = 20, 8


@dataclass(frozen=True)
class DiagnoseSettings:
    """Settings of ``diagnose``; everything here decides the numbers and is recorded.

    Attributes
    ----------
    degrees
        Polynomial degrees of the readouts, from 1 to 12; the equivariant readout goes up to degree 3.
    l_top
        Highest injected degree.
    injections
        ``marked`` and ``density``; the free readout is fitted to the first one.
    readouts
        ``free`` and ``equivariant``; ``network`` also trains small networks by Adam at the main degree, and needs one of
        the two.
    directions
        ``fixed``, of one pure l, is required; ``radial``, ``gradient`` and ``solid``, whose partial recovery theory
        predicts, can be added (marked injection, free readout of the main degree).
    layer
        Name of the layer to tap; None: the last one with l > 0.
    atoms
        Atoms to diagnose; None: all of them.
    strength
        Root mean square of the injected field per component of T, as a fraction of the force RMS.
    rotations
        Uses of each training frame, each with its own Haar-random rotation; 0: 20, or 8 where ``turned``.
    frames
        Use at most this many frames (or structures), spread evenly; None: all.
    bootstrap
        Number of resamples behind each interval.
    controls
        Whether to run the controls (untrained backbone, no random rotations, zero injection).
    full_controls
        Whether to run the slower controls too (shuffled targets, other seeds, other widths, other activations).
    network_atoms
        Atoms to train networks for; None: the first marked atom of each element, three at most.
    coefficients
        Largest number of coefficients of a readout; fewer channels are kept where there would be more. None: chosen by
        degree.
    seed
        Seed of the split, the rotations, the untrained weights and the resamples.
    by
        ``atom``: every atom of one molecule by itself; ``element``: environments of all structures, pooled by element. None: by
        atom for frames of one molecule, by element for everything else.
    select
        Conditions on atoms, such as ``"element == 'O' and structure < 100"``. One leaves all other atoms out; of several, each is
        a pool of its own. They imply ``element``.
    environments
        Largest number of environments of each pool; None: 2,000.
    turned
        Run the network on every turned frame instead of turning its features: for models that do not turn exactly, or of which
        no symmetry is declared. The equivariant readout needs features that turn, and is left out of the default readouts.
    """

    degrees: tuple[int, ...] = (1, 2, 3)
    l_top: int = 8
    injections: tuple[InjectionName, ...] = ("marked", "density")
    readouts: tuple[str, ...] = READOUTS
    directions: tuple[Direction, ...] = ("fixed",)
    layer: str | None = None
    atoms: tuple[int, ...] | None = None
    strength: float = 0.5
    rotations: int = 0
    frames: int | None = None
    bootstrap: int = 1000
    controls: bool = True
    full_controls: bool = False
    network_atoms: tuple[int, ...] | None = None
    coefficients: int | None = None
    seed: int = 0
    by: By | None = None
    select: tuple[str, ...] = ()
    environments: int | None = None
    turned: bool = False

    def __post_init__(self) -> None:
        if self.rotations == 0 and not isinstance(self.rotations, bool):
            object.__setattr__(self, "rotations", TURNED_ROTATIONS if self.turned else ROTATIONS)
        if self.turned and self.readouts == READOUTS:
            object.__setattr__(self, "readouts", ("free",))
        self._choice("degree", self.degrees, range(1, HIGHEST_DEGREE + 1))
        self._choice("injection", self.injections, get_args(InjectionName))
        self._choice("readout", self.readouts, (*READOUTS, NETWORK))
        self._choice("direction", self.directions, DIRECTIONS)
        self._check_combinations()
        for name, low, high in (
            ("l_top", 0, 40),
            ("rotations", 1, 1000),
            ("bootstrap", 100, 1_000_000),
            ("seed", 0, 2**63),
        ):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
                raise InputError(f"{name} is {value!r}, expected an integer from {low} to {high}")
        if self.coefficients is not None and not 1 <= self.coefficients <= 1_000_000:
            raise InputError(f"coefficients is {self.coefficients}, expected an integer from 1 to 1000000")
        if self.by is not None:
            self._choice("by", (self.by,), get_args(By))
        if self.by == "atom" and self.select:
            raise InputError("select pools environments by element, and by is atom: leave one of them out")
        if self.environments is not None and not 100 <= self.environments <= 1_000_000:
            raise InputError(f"environments is {self.environments}, expected an integer from 100 to 1000000")
        if not 0.0 < self.strength <= 100.0:
            raise InputError(
                f"strength is {self.strength}, expected a positive fraction of the force RMS, such as 0.5"
            )

    def _check_combinations(self) -> None:
        if self.turned and "equivariant" in self.readouts:
            raise InputError(
                "readout equivariant needs features that turn by Wigner matrices, and with turned the network is run on turned "
                "frames instead; leave equivariant out"
            )
        if self.turned and self.injections[0] != "marked" and len(self.directions) > 1:
            raise InputError(
                f"direction {self.directions[1]} needs the injection marked, and with turned the first injection alone is "
                "measured; name marked first"
            )
        if self.readouts == (NETWORK,):
            raise InputError(
                "readout is network alone, but network also needs free or equivariant: only they separate poor training from "
                "the ceiling; add one of them"
            )
        if "free" not in self.readouts and max(self.degrees) > HIGHEST_EQUIVARIANT:
            raise InputError(
                f"degree {max(self.degrees)} needs the readout free: the equivariant one goes up to degree {HIGHEST_EQUIVARIANT}"
            )
        others = [direction for direction in self.directions if direction != "fixed"]
        if "fixed" not in self.directions:
            raise InputError(
                f"directions are {', '.join(others)}, but directions must include fixed: predictions use its measured "
                "recovery; add fixed"
            )
        missing = [
            what
            for what, there in (
                ("readout free", "free" in self.readouts),
                ("injection marked", "marked" in self.injections),
            )
            if not there
        ]
        if others and missing:
            raise InputError(
                f"direction {others[0]} needs {' and '.join(missing)}; add it, or leave the direction out"
            )

    @staticmethod
    def _choice(name: str, given: Sequence[Any], known: Sequence[Any]) -> None:
        if not given:
            raise InputError(f"no {name} was given, expected at least one of {', '.join(map(str, known))}")
        for value in given:
            if value not in known or isinstance(value, bool):
                raise InputError(f"{name} is {value!r}, expected one of {', '.join(map(str, known))}")
        if len(set(given)) != len(given):
            raise InputError(f"{name}s are {', '.join(map(str, given))}, expected each at most once")

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON-ready data."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    def closed_forms(self, degree: int) -> list[ClosedForm]:
        """Return the readouts in closed form of this degree: above degree 3 the equivariant one is left out."""
        return [
            name
            for readout in self.readouts
            for name in READOUTS
            if name == readout and (name == "free" or degree <= HIGHEST_EQUIVARIANT)
        ]

    @property
    def main_degree(self) -> int:
        """The degree of the headline and of the controls: 2 where it is asked for, else the highest."""
        return 2 if 2 in self.degrees else max(self.degrees)
