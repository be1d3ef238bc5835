"""Settings of the four artefacts, and the verdict of a difference with its error."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from ...theory.errors import InputError
from ..records.outcomes import Outcome
from ..records.plain import plain

#: The artefacts, in the order in which they are measured.
ARTEFACTS = ("repulsion", "phonons", "drift", "liquid")
#: Where phonons are taken: at the reference's relaxed geometry, or each calculator at its own.
GEOMETRIES = ("reference", "own")

Verdict = Literal["reproduced", "differs", "undecided", "beyond the data", "not measured"]
#: What each verdict counts as in the verdict of all.
OUTCOMES: dict[Verdict, Outcome] = {
    "reproduced": "held",
    "differs": "falls short",
    "undecided": "undecided",
    "beyond the data": "nothing tested",
    "not measured": "nothing tested",
}


@dataclass(frozen=True)
class ArtefactSettings:
    """Settings of :func:`measure_artefacts`; everything here decides the numbers and is recorded.

    Attributes
    ----------
    only
        Which of repulsion, phonons, drift and liquid.
    repeat
        Unit cells along each cell vector, for phonons, dynamics and the approach of two atoms; molecules have one.
    geometry
        Of the phonons: ``reference`` or ``own``.
    displacement
        Finite displacement of the phonons (Å); twice this gives their error.
    temperature
        Of the run at constant energy (K).
    liquid_temperature
        Of the liquid (K).
    time_step, steps
        Of both runs: fs, and steps after any equilibration.
    repulsion_tolerance, phonon_tolerance
        Relative errors that count as reproduced.
    drift_tolerance
        meV/atom/ns that counts as reproduced.
    liquid_tolerance
        Shift of the first peak and of its onset (Å) that counts as reproduced.
    seed
        Of velocities and thermal noise.
    """

    only: tuple[str, ...] = ARTEFACTS
    repeat: tuple[int, int, int] = (2, 2, 2)
    geometry: str = "reference"
    displacement: float = 0.01
    temperature: float = 300.0
    liquid_temperature: float = 2000.0
    time_step: float = 1.0
    steps: int = 2000
    repulsion_tolerance: float = 0.1
    phonon_tolerance: float = 0.02
    drift_tolerance: float = 20.0
    liquid_tolerance: float = 0.03
    seed: int = 0

    def __post_init__(self) -> None:
        wrong = [name for name in self.only if name not in ARTEFACTS]
        if wrong or not self.only:
            raise InputError(
                f"only has {wrong[0] if wrong else 'nothing'}, expected some of {', '.join(ARTEFACTS)}"
            )
        if self.geometry not in GEOMETRIES:
            raise InputError(f"geometry is {self.geometry!r}, expected {' or '.join(GEOMETRIES)}")
        if len(self.repeat) != 3 or not all(1 <= count <= 10 for count in self.repeat):
            raise InputError(f"repeat is {self.repeat}, expected three numbers from 1 to 10, such as 2x2x2")
        for name, low, high in (
            ("displacement", 1e-4, 0.1), ("temperature", 1.0, 20000.0), ("liquid_temperature", 1.0, 20000.0),
            ("time_step", 0.05, 10.0), ("steps", 100, 10**7), ("repulsion_tolerance", 0.0, 1.0),
            ("phonon_tolerance", 0.0, 1.0), ("drift_tolerance", 0.0, 1e6), ("liquid_tolerance", 0.0, 1.0), ("seed", 0, 2**63),
        ):  # fmt: skip
            value = getattr(self, name)
            if not low <= value <= high:
                raise InputError(f"{name} is {value}, expected {low:g} to {high:g}")

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON-ready data."""
        data: dict[str, Any] = plain(asdict(self), "settings")
        return data


def decided(difference: float, error: float, tolerance: float) -> Verdict:
    """Return the verdict of a difference whose 95 % interval has the half width ``error``.

    It is reproduced where the whole interval lies within the tolerance, it differs where the whole interval lies outside.

    Examples
    --------
    >>> decided(0.0, 0.0, 0.1), decided(-0.5, 0.1, 0.1), decided(0.1, 0.1, 0.1)
    ('reproduced', 'differs', 'undecided')
    """
    if abs(difference) + error <= tolerance:
        return "reproduced"
    if abs(difference) - error > tolerance:
        return "differs"
    return "undecided"
