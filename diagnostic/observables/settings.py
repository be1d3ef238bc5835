"""Settings of the observables, with the tolerance of each: what still counts as the isotropic answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ...theory.errors import InputError
from ..records.plain import plain

#: Tolerance and unit of each observable that has an exact answer. orientation: of every <P_l> (0.05 at l = 1 is a free energy of
#: 0.15 kT); angular-momentum: of the change of L; torque: thermal torques are of the order of kT = 0.026 eV at 300 K; drift: what
#: passes unseen in a run of a nanosecond; msd: relative difference of two directions; temperature: 3 % of 300 K.
TOLERANCES: Mapping[str, tuple[float, str]] = {
    "orientation": (0.05, ""),
    "angular-momentum": (0.1, "ħ"),
    "torque": (0.001, "eV"),
    "drift": (20.0, "meV/atom/ns"),
    "msd": (0.1, ""),
    "temperature": (10.0, "K"),
    "relaxation": (0.1, "meV/atom"),
}


@dataclass(frozen=True)
class ObservableSettings:
    """How observables are measured and judged; everything here decides numbers and is recorded.

    Attributes
    ----------
    l_max
        Highest l of <P_l> and of the orientations' spectrum.
    cos_bins, phi_bins
        Bins of the map of orientations: of equal solid angle, since cos theta and phi are divided evenly.
    pairs
        Pairs of elements for g(r), such as ``O-H``; empty: every pair that occurs.
    reach
        Longest distance of g(r) and of orientational correlations (Å); None: as far as the cell lets spheres fit.
    bin_width
        Of distances (Å).
    longest_lag
        Of correlations and displacements in time (fs); None or more than a thirty-second of the run: that.
    resolution
        Width of a line of the power spectra (1/cm).
    temperature
        Of the thermostat (K); None: the temperature is not judged.
    tolerances
        Name of an observable to its tolerance, in the unit of ``TOLERANCES``, in place of the default there.
    force, relax_steps, turns
        Relaxation: largest force left (eV/Å), steps at most, and random orientations that one structure starts from.
    seed
        Of those orientations.
    """

    l_max: int = 6
    cos_bins: int = 8
    phi_bins: int = 12
    pairs: tuple[str, ...] = ()
    reach: float | None = None
    bin_width: float = 0.1
    longest_lag: float | None = None
    resolution: float = 20.0
    temperature: float | None = None
    tolerances: Mapping[str, float] = field(default_factory=dict)
    force: float = 0.01
    relax_steps: int = 500
    turns: int = 4
    seed: int = 0

    def __post_init__(self) -> None:
        for name, low, high in (
            ("l_max", 1, 20), ("cos_bins", 1, 100), ("phi_bins", 1, 200), ("reach", 0.1, 1000.0), ("bin_width", 1e-3, 10.0),
            ("longest_lag", 1e-3, 1e12), ("resolution", 0.01, 1e4), ("temperature", 1e-3, 1e5), ("force", 1e-6, 10.0),
            ("relax_steps", 1, 10**6), ("turns", 2, 1000), ("seed", 0, 2**63),
        ):  # fmt: skip
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise InputError(f"{name} is {value}, expected {low:g} to {high:g}")
        for name, tolerance in self.tolerances.items():
            if name not in TOLERANCES:
                raise InputError(
                    f"a tolerance of {name!r} was given, expected one of {', '.join(TOLERANCES)}"
                )
            if not 0 <= tolerance < float("inf"):
                raise InputError(f"the tolerance of {name} is {tolerance}, expected zero or more")

    def tolerance(self, name: str) -> float:
        """Return the tolerance of an observable."""
        return float(self.tolerances.get(name, TOLERANCES[name][0]))

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON-ready data, every tolerance with its value."""
        data: dict[str, Any] = plain(
            {**asdict(self), "tolerances": {name: self.tolerance(name) for name in TOLERANCES}}, "settings"
        )
        return data
