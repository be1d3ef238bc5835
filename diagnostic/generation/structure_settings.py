"""Everything that generated frames of structures depend on, and the command line that makes them."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from ...theory.errors import InputError
from .dynamics import Thermostat

#: How structures are moved.
KINDS = ("rattle", "strain", "md")


@dataclass(frozen=True)
class StructureSettings:
    """Everything that a generated file of structures depends on.

    Attributes
    ----------
    structures : tuple of str
        Names or files, see :mod:`.build`.
    calculator : str
        Name of what gives energies, forces and stress.
    kind : str
        ``rattle``: normal displacements of every atom. ``strain``: the same in a cell under a random homogeneous strain.
        ``md``: Langevin dynamics in the cell.
    n_frames : int
        Frames of each structure.
    seed : int
        Seed of displacements, strains, velocities and thermal noise.
    amplitude : float
        Standard deviation of each coordinate of a displacement (Å).
    strain : float
        Standard deviation of each component of the strain.
    temperature : float
        Bath temperature (K).
    timestep_fs, friction_per_fs : float
        Integration step (fs) and Langevin friction (1/fs).
    equilibration_ps : float
        Length of the stretch that is thrown away (ps).
    spacing_fs : float
        Time between frames (fs).
    density : float
        Of a box of molecules (g/cm³).
    """

    structures: tuple[str, ...]
    calculator: str
    kind: str = "rattle"
    n_frames: int = 100
    seed: int = 0
    amplitude: float = 0.1
    strain: float = 0.02
    temperature: float = 500.0
    timestep_fs: float = 0.5
    friction_per_fs: float = 0.02
    equilibration_ps: float = 1.0
    spacing_fs: float = 50.0
    density: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"kind is {self.kind!r}: expected one of {', '.join(KINDS)}.")
        if not self.structures:
            raise InputError("no structure is given: expected at least one --structure.")
        for name, low, high in (
            ("n_frames", 1, 10**6),
            ("seed", 0, 2**63),
            ("amplitude", 0.0, 2.0),
            ("strain", 0.0, 0.5),
            ("temperature", 1, 20000),
            ("timestep_fs", 0.05, 10),
            ("friction_per_fs", 1e-5, 0.5),
            ("equilibration_ps", 0.0, 1e5),
            ("spacing_fs", 0.05, 1e5),
            ("density", 0.001, 30),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise InputError(f"{name} is {value}: expected a value from {low:g} to {high:g}.")
        if self.kind == "rattle" and self.amplitude == 0.0:
            raise InputError(
                "amplitude is 0: expected a displacement (Å) for rattled frames, or kind strain."
            )

    @property
    def thermostat(self) -> Thermostat:
        """The part that dynamics needs."""
        return Thermostat(
            self.temperature, self.timestep_fs, self.friction_per_fs, self.seed, self.calculator
        )

    def steps(self, femtoseconds: float) -> int:
        """Integration steps in a time, at least one."""
        return max(1, round(femtoseconds / self.timestep_fs))

    def command(self, name: str) -> str:
        """The command line that makes this file, every setting that counts spelled out."""
        words = ["ceilings", "data", "generate"]
        for structure in self.structures:
            words += ["--structure", structure]
        options: list[tuple[str, object]] = [
            ("--calculator", self.calculator),
            ("--kind", self.kind),
            ("--frames", self.n_frames),
            ("--seed", self.seed),
        ]
        if self.kind in ("rattle", "strain"):
            options.append(("--amplitude", self.amplitude))
        if self.kind == "strain":
            options.append(("--strain", self.strain))
        if self.kind == "md":
            options += [
                ("--temperature", self.temperature),
                ("--timestep", self.timestep_fs),
                ("--friction", self.friction_per_fs),
                ("--equilibration", self.equilibration_ps),
                ("--spacing", self.spacing_fs),
            ]
        if any(structure.startswith("box:") for structure in self.structures):
            options.append(("--density", self.density))
        for option, value in (*options, ("--out", name)):
            words += [option, f"{value:g}" if isinstance(value, float) else str(value)]
        return shlex.join(words)
