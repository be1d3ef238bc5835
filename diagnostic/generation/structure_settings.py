"""Everything that generated frames of structures depend on, and the command line that makes them."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace

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
    cells : int
        Of ``md``: trajectories of each structure, each in the cell under its own random strain; 1: one, in the cell as it is.
    temperatures : tuple of float
        Of ``md`` in several cells: bath temperatures (K) that the cells take in turn; empty: ``temperature`` for all.
    amplitudes : tuple of float
        Of displacements: standard deviations (Å) that the frames take in turn; empty: ``amplitude`` for all.
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
    cells: int = 1
    temperatures: tuple[float, ...] = ()
    amplitudes: tuple[float, ...] = ()

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
            ("cells", 1, 1000),
        ):
            given = getattr(self, name)
            for value in (given, *getattr(self, f"{name}s", ())):
                if not low <= value <= high:
                    raise InputError(f"{name} is {value}: expected a value from {low:g} to {high:g}.")
        self._check_turns()
        if self.kind == "rattle" and 0.0 in (self.amplitudes or (self.amplitude,)):
            raise InputError(
                "amplitude is 0: expected a displacement (Å) for rattled frames, or kind strain."
            )

    def _check_turns(self) -> None:
        if self.cells > 1 and self.kind != "md":
            raise InputError(
                f"cells is {self.cells} for kind {self.kind}: several cells belong to kind md; strained frames have one each."
            )
        if self.cells > self.n_frames:
            raise InputError(
                f"cells is {self.cells} for {self.n_frames} frames: expected at least one frame of each cell."
            )
        if len(self.temperatures) > self.cells:
            raise InputError(
                f"{len(self.temperatures)} temperatures are given for cells = {self.cells}: expected at least one cell for each."
            )

    def amplitude_of(self, index: int) -> float:
        """Standard deviation of the displacements (Å) of a frame."""
        return self.amplitudes[index % len(self.amplitudes)] if self.amplitudes else self.amplitude

    def of_cell(self, cell: int) -> StructureSettings:
        """Settings of one trajectory: its temperature and its share of the frames, which the first cells have one more of."""
        temperature = (
            self.temperatures[cell % len(self.temperatures)] if self.temperatures else self.temperature
        )
        share = len(range(cell, self.n_frames, self.cells))
        return replace(self, temperature=temperature, temperatures=(), cells=1, n_frames=share)

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
            options += [("--amplitude", amplitude) for amplitude in self.amplitudes or (self.amplitude,)]
        if self.kind == "strain":
            options.append(("--strain", self.strain))
        if self.kind == "md":
            options += [("--temperature", value) for value in self.temperatures or (self.temperature,)]
            if self.cells > 1:
                options += [("--cells", self.cells), ("--strain", self.strain)]
            options += [
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
