"""Everything that generated frames depend on, and the command line that makes them."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from ...theory.errors import InputError
from .dynamics import Thermostat

#: The pilot keeps forces at this interval (fs), a fifth of the period of the fastest vibration (O-H, 9 fs).
_SAMPLE_FS = 2.0


@dataclass(frozen=True)
class GenerateSettings:
    r"""Everything that a generated file depends on.

    Attributes
    ----------
    smiles : str
        The molecule.
    temperature : float
        Bath temperature (K).
    n_frames : int
        Frames to store.
    seed : int
        Seed of the embedding, the velocities and the thermal noise.
    timestep_fs : float
        Integration step (fs).
    friction_per_fs : float
        Langevin friction (1/fs).
    equilibration_ps : float
        Length of the stretch that is thrown away (ps).
    pilot_ps : float
        Length of the stretch on which the force autocorrelation is measured (ps).
    threshold : float
        The spacing is the shortest lag from which \|C(t)\| of the forces stays at or below this.
    longest_lag_fs : float
        C(t) is measured up to this lag (fs).
    longest_spacing_fs : float
        Largest spacing allowed (fs); the record says whether it was reached.
    """

    smiles: str
    temperature: float = 500.0
    n_frames: int = 1000
    seed: int = 0
    timestep_fs: float = 0.5
    friction_per_fs: float = 0.02
    equilibration_ps: float = 5.0
    pilot_ps: float = 5.0
    threshold: float = 0.1
    longest_lag_fs: float = 250.0
    longest_spacing_fs: float = 60.0

    def __post_init__(self) -> None:
        for name, low, high in (
            ("temperature", 1, 5000),
            ("n_frames", 1, 10**7),
            ("seed", 0, 2**63),
            ("timestep_fs", 0.05, 2),
            ("friction_per_fs", 1e-5, 0.5),
            ("equilibration_ps", 0.0, 1e5),
            ("pilot_ps", 0.01, 1e5),
            ("threshold", 0.001, 1),
            ("longest_lag_fs", 2, 1e5),
            ("longest_spacing_fs", 1, 1e5),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise InputError(f"{name} is {value}: expected a value from {low:g} to {high:g}.")
        if self.pilot_ps * 1000 < 2 * self.longest_lag_fs:
            raise InputError(
                f"pilot_ps is {self.pilot_ps:g}: expected at least twice longest_lag_fs "
                f"({self.longest_lag_fs:g} fs), so lengthen the pilot or shorten the lag."
            )

    @property
    def thermostat(self) -> Thermostat:
        """The part that the dynamics needs."""
        return Thermostat(self.temperature, self.timestep_fs, self.friction_per_fs, self.seed)

    @property
    def sample_steps(self) -> int:
        """Integration steps between the pilot's samples."""
        return self.steps(_SAMPLE_FS)

    def steps(self, femtoseconds: float) -> int:
        """Integration steps in a time, at least one."""
        return max(1, round(femtoseconds / self.timestep_fs))

    def command(self, name: str) -> str:
        """The command line that makes this file, every setting spelled out."""
        words = ["ceilings", "data", "generate", "--smiles", self.smiles]
        for option, value in (
            ("--temperature", self.temperature),
            ("--frames", self.n_frames),
            ("--seed", self.seed),
            ("--timestep", self.timestep_fs),
            ("--friction", self.friction_per_fs),
            ("--equilibration", self.equilibration_ps),
            ("--pilot", self.pilot_ps),
            ("--threshold", self.threshold),
            ("--longest-lag", self.longest_lag_fs),
            ("--longest-spacing", self.longest_spacing_fs),
            ("--out", name),
        ):
            words += [option, f"{value:g}" if isinstance(value, float) else str(value)]
        return shlex.join(words)
