"""Frames of one structure: rattled, strained or moved by dynamics, one row of a journal for each."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.optimize import FIRE
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..frames.frames import Frames
from ..records.progress import Progress
from .dynamics import integrate, one_thread
from .journal import Journal
from .structure_settings import StructureSettings

Array = NDArray[np.float64]
#: ASE's Atoms, which have no types.
Moving = Any
#: Gives a calculator that remembers nothing of earlier structures.
Fresh = Callable[[], Any]
#: Files of a run, numbered by structure.
JOURNALS = ("start", "equilibration", "production")
#: Length of one equilibration segment (fs): what a kill can lose.
_SEGMENT_FS = 100.0
#: Packed molecules are pushed apart until no force is above this (eV/Å), in at most so many steps.
_PACKED_FMAX, _PACKED_STEPS = 1.0, 100
#: First word of the seeds, so that no stream is that of the frames of a molecule.
_STREAM = 17
_STAGES = ("velocities", "equilibration", "production", "displacement", "cell")


def strained_starts(settings: StructureSettings, number: int, start: Moving) -> list[Moving]:
    """Return the start of each cell's trajectory: under its own random strain where there are several."""
    if settings.cells == 1:
        return [start]
    starts = []
    for cell in range(settings.cells):
        atoms: Moving = start.copy()
        rng = np.random.default_rng([_STREAM, settings.seed, number, _STAGES.index("cell"), cell])
        _strain(atoms, settings.strain, rng)
        starts.append(atoms)
    return starts


def _strain(atoms: Moving, size: float, rng: np.random.Generator) -> None:
    """Strain a cell and what is in it at random; each component of the symmetric strain has the standard deviation ``size``."""
    half = size * rng.standard_normal((3, 3))
    deformation = np.eye(3) + np.triu(half) + np.triu(half, 1).T
    atoms.set_cell(atoms.cell.array @ deformation)
    atoms.positions = atoms.positions @ deformation


class StructureRun:
    """The frames of one structure; it goes on where its journals end.

    Parameters
    ----------
    settings
        What to make.
    number
        Which of the structures of the settings.
    start
        That structure.
    fresh
        Gives the calculator, anew for every frame or segment: no density is carried over, so that a run that was killed and
        resumed is bit-identical to one that was not.
    folder
        Of the journals.
    tell
        Called with (stage, done, total) after each frame.
    journal
        Number in the names of the journals and in the seeds; None: ``number``. Trajectories in several cells have one each.
    """

    def __init__(
        self,
        settings: StructureSettings,
        number: int,
        start: Moving,
        fresh: Fresh,
        folder: Path,
        tell: Progress,
        journal: int | None = None,
    ) -> None:
        self.settings, self.start = settings, start
        self.number = number if journal is None else journal
        self.fresh, self.folder, self.tell = fresh, folder, tell
        self.source = settings.structures[number]
        self.size = len(start)

    def frames(self) -> Frames:
        """Make what is missing and return all frames; ``stress`` is None where the calculator gives none.

        Raises
        ------
        InputError
            The calculator fails, lacks energies or forces, or gives numbers that are not finite.
        """
        settings = self.settings
        start, width = self._relaxed(), 9 * self.size + 16
        journal = self._journal("production", width)
        state = self._equilibrated(start, journal) if settings.kind == "md" else None
        for index in range(len(journal), settings.n_frames):
            if state is None:
                atoms = self._displaced(start, index)
                momenta = np.zeros((self.size, 3))
            else:
                atoms = self._moved(state, "production", index, settings.steps(settings.spacing_fs))
                state, momenta = atoms, atoms.get_momenta()
            energy, forces, stress = self._answers(atoms, f"frame {index}")
            parts = [atoms.positions, momenta, forces, atoms.cell.array, [energy], stress]
            journal.append(np.concatenate([np.ravel(part) for part in parts]))
            self.tell("production", index + 1, settings.n_frames)
        return self._assembled(journal.rows[: settings.n_frames])

    def _assembled(self, rows: Array) -> Frames:
        size = 3 * self.size
        vectors = rows[:, : 3 * size].reshape(len(rows), 3, self.size, 3)
        cells = rows[:, 3 * size : 3 * size + 9].reshape(-1, 3, 3)
        stress = rows[:, 3 * size + 10 :]
        pbc = tuple(bool(direction) for direction in self.start.pbc)
        return Frames(
            numbers=np.asarray(self.start.numbers, dtype=np.int64),
            positions=vectors[:, 0],
            forces=vectors[:, 2],
            energies=rows[:, 3 * size + 9],
            source=self.source,
            sha256="0" * 64,
            units="eV and Å",
            cells=cells if any(pbc) else None,
            pbc=pbc,  # type: ignore[arg-type]
            stress=None if not all(pbc) or np.isnan(stress).any() else stress,
        )

    def _journal(self, name: str, width: int) -> Journal:
        return Journal(self.folder / f"{name}-{self.number}.journal", width)

    def _rng(self, stage: str, index: int) -> np.random.Generator:
        seeds = [_STREAM, self.settings.seed, self.number, _STAGES.index(stage), index]
        return np.random.default_rng(seeds)

    @contextmanager
    def _running(self, atoms: Moving, where: str) -> Iterator[None]:
        """Give atoms a fresh calculator; whatever it raises in the context becomes one sentence."""
        try:
            with one_thread():
                atoms.calc = self.fresh()
            with one_thread(), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of the libraries that the calculator is made with
                yield
        except InputError:
            raise
        except Exception as error:  # a calculator can fail in any way
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise InputError(
                f"{self.settings.calculator} failed for {self.source} {where} ({reason}): "
                "check that it knows these elements, or move atoms less far."
            ) from error

    def _relaxed(self) -> Moving:
        """Return the structure, packed molecules pushed apart: placed at random, some lie almost on one another."""
        if not self.source.startswith("box:"):
            return self.start
        journal = self._journal("start", 3 * self.size)
        if not len(journal):
            atoms: Moving = self.start.copy()
            with self._running(atoms, "while its molecules were pushed apart"):
                optimiser: Any = FIRE(atoms, logfile=None)
                optimiser.run(fmax=_PACKED_FMAX, steps=_PACKED_STEPS)
            journal.append(np.asarray(atoms.positions).ravel())
        relaxed: Moving = self.start.copy()
        relaxed.positions = journal.last.reshape(-1, 3)
        return relaxed

    def _displaced(self, start: Moving, index: int) -> Moving:
        rng = self._rng("displacement", index)
        atoms: Moving = start.copy()
        if self.settings.kind == "strain":
            _strain(atoms, self.settings.strain, rng)
        atoms.positions += self.settings.amplitude_of(index) * rng.standard_normal((self.size, 3))
        return atoms

    def _equilibrated(self, start: Moving, production: Journal) -> Moving:
        """Return positions and momenta from which dynamics goes on, after the stretch that is thrown away."""
        settings = self.settings
        if len(production):
            return self._state(start, production.last)
        state: Moving = start.copy()
        scale = np.sqrt(state.get_masses() * units.kB * settings.temperature)
        state.set_momenta(scale[:, None] * self._rng("velocities", 0).standard_normal((self.size, 3)))
        total = int(np.ceil(settings.equilibration_ps * 1000 / _SEGMENT_FS))
        journal = self._journal("equilibration", 6 * self.size)
        if len(journal):
            state = self._state(start, journal.last)
        for index in range(len(journal), total):
            state = self._moved(state, "equilibration", index, settings.steps(_SEGMENT_FS))
            journal.append(np.concatenate([state.positions.ravel(), state.get_momenta().ravel()]))
            self.tell("equilibration", index + 1, total)
        return state

    def _state(self, start: Moving, row: Array) -> Moving:
        flat = row[: 6 * self.size].reshape(2, self.size, 3)
        atoms: Moving = start.copy()
        atoms.positions = flat[0]
        atoms.set_momenta(flat[1])
        return atoms

    def _moved(self, state: Moving, stage: str, index: int, steps: int) -> Moving:
        atoms: Moving = state.copy()
        with self._running(atoms, f"in segment {index} of the {stage} stage"):
            integrate(atoms, self.settings.thermostat, self._rng(stage, index), steps)
        if not np.isfinite(atoms.positions).all() or np.abs(atoms.get_momenta()).max() > 1e4:
            raise InputError(
                f"{self.source} flew apart in segment {index} of the {stage} stage: "
                "give a lower temperature or a shorter time step."
            )
        return atoms

    def _answers(self, atoms: Moving, where: str) -> tuple[float, Array, Array]:
        """Return energy, forces and stress (NaN where there is none) of a calculator without a past."""
        bare: Moving = Atoms(numbers=atoms.numbers, positions=atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
        stress = np.full(6, np.nan)
        with self._running(bare, f"at {where}"):
            energy = float(bare.get_potential_energy())
            forces = np.asarray(bare.get_forces(), dtype=np.float64)
            if all(bare.pbc):
                with suppress(Exception):  # a calculator without stress says so in its own way
                    stress = np.asarray(bare.get_stress(), dtype=np.float64)
        if not np.isfinite(energy) or not np.isfinite(forces).all():
            raise InputError(
                f"{self.settings.calculator} gives numbers that are not finite for {where} of {self.source}."
            )
        return energy, forces, stress
