"""Make training frames of a molecule from nothing but its SMILES: GFN2-xTB Langevin dynamics, resumable."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase.data import atomic_masses
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..frames.alignment import into_reference_orientation
from ..records.files import sha256_of, write_json
from ..records.locks import held
from ..records.progress import Progress, silent
from .autocorrelation import Spacing, autocorrelation, choose_spacing
from .dynamics import State, run_segment, starting_state, xtb_calculator
from .files import package_versions, sidecar_of, store_frames
from .journal import Journal
from .molecule import Molecule, broken_topology, molecule_from_smiles
from .settings import GenerateSettings

#: Length of one equilibration or pilot segment (fs): what a kill can lose.
_SEGMENT_FS = 100.0


@dataclass(frozen=True)
class Generated:
    """Where a generated file lies and what its sidecar says."""

    path: Path
    sidecar: Path
    record: dict[str, Any]


def generate(
    settings: GenerateSettings, out: str | Path, *, resume: bool = True, progress: Progress | None = None
) -> Generated:
    r"""Generate frames of one molecule and store them with a sidecar that says how.

    RDKit makes the starting geometry, GFN2-xTB gives energies and forces (tblite), ASE's Langevin integrator
    runs an equilibration, then a pilot stretch on which the autocorrelation C(t) of the forces (in the
    reference orientation) is measured, then the production. Frames are stored at the shortest lag from which
    \|C(t)\| stays at or below ``settings.threshold``, or at ``settings.longest_spacing_fs`` if that is
    shorter.

    The npz holds ``numbers`` (A,), ``positions`` (N, A, 3) float32 in Å and ``forces`` (N, A, 3) float32
    in eV/Å in the reference orientation (mass-weighted Kabsch onto the starting geometry, centre of mass
    at the origin), and ``energies`` (N,) float64 in eV.

    Parameters
    ----------
    settings : GenerateSettings
        What to make.
    out : str or Path
        The npz to write; ``out`` with the suffix ``.json`` is the sidecar, ``out`` + ``.partial`` the
        folder of an unfinished run.
    resume : bool
        Go on from an unfinished run with the same settings; False refuses to touch one.
    progress : callable, optional
        Called with (stage, done, total) after every segment.

    Returns
    -------
    Generated

    Raises
    ------
    InputError
        If ``out`` exists and was made otherwise, an unfinished run has other settings, another process is making
        it, an extra is missing, or the molecule comes apart.
    """
    path = Path(out)
    if path.suffix != ".npz":
        raise InputError(f"--out is {path.name!r}: expected a file name that ends in .npz.")
    tell = progress or silent
    finished = _finished(settings, path)
    if finished is not None:
        return finished
    molecule = molecule_from_smiles(settings.smiles, seed=settings.seed)
    xtb_calculator(molecule)  # a missing extra or an element it does not know is told before a folder is made
    with held(_partial(path)) as hold:
        run = _Run(settings, molecule, path, resume=resume, tell=tell)
        started = (run.folder / "settings.json").read_bytes()
        hold.disposable.update({"settings.json": started, "equilibration.journal": b""})
        state = run.equilibrate()
        state, spacing, pilot = run.pilot(state)
        rows = run.produce(state, spacing)
        record = store_frames(settings, molecule, spacing, pilot, rows, path)
    shutil.rmtree(run.folder)
    return Generated(path, sidecar_of(path), record)


def _finished(settings: GenerateSettings, path: Path) -> Generated | None:
    """Return a finished file made with the same settings, None if there is none; refuse a different one."""
    if not path.exists():
        return None
    sidecar = sidecar_of(path)
    if not sidecar.exists():
        if _partial(path).is_dir():
            return None  # killed between the npz and its sidecar: both are written again, the same bytes
        raise InputError(
            f"{path.name} exists already and has no record (.json): choose another name for --out."
        )
    record: dict[str, Any] = json.loads(sidecar.read_text(encoding="utf-8"))
    if record.get("settings") != asdict(settings) or record.get("sha256") != sha256_of(path):
        raise InputError(
            f"{path.name} exists already and was made with other settings: choose another name for --out."
        )
    return Generated(path, sidecar, record)


def _partial(path: Path) -> Path:
    return path.with_name(path.name + ".partial")


class _Run:
    """One run with its folder of journals; every stage continues where its journal ends."""

    def __init__(
        self, settings: GenerateSettings, molecule: Molecule, path: Path, *, resume: bool, tell: Progress
    ) -> None:
        self.settings = settings
        self.molecule = molecule
        self.tell = tell
        self.folder = _partial(path)
        self.size = len(molecule.numbers)
        started = self.folder / "settings.json"
        wanted = {"settings": asdict(settings), "versions": package_versions()}
        if started.exists():
            if not resume:
                raise InputError(
                    f"{self.folder.name} holds an unfinished run: resume it or choose another --out."
                )
            recorded = json.loads(started.read_text(encoding="utf-8"))
            if recorded != wanted:
                raise InputError(
                    f"{self.folder.name} holds an unfinished run with other settings or package versions: "
                    "finish it with the settings it was started with, or choose another --out."
                )
        else:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_json(started, wanted)

    def _journal(self, name: str, width: int) -> Journal:
        return Journal(self.folder / f"{name}.journal", width)

    def _state(self, row: NDArray[np.float64]) -> State:
        flat = row[: 6 * self.size].reshape(2, self.size, 3)
        return State(flat[0].copy(), flat[1].copy())

    def _check(self, state: State, stage: str, index: int) -> None:
        broken = broken_topology(self.molecule.numbers, self.molecule.bonds, state.positions)
        if broken is not None:
            raise InputError(
                f"the molecule reacted in segment {index} of the {stage} stage at "
                f"{self.settings.temperature:g} K: {broken}; lower the temperature or take another seed."
            )

    def equilibrate(self) -> State:
        """Run the stretch that is thrown away."""
        settings = self.settings
        total = int(np.ceil(settings.equilibration_ps * 1000 / _SEGMENT_FS))
        journal = self._journal("equilibration", 6 * self.size)
        state = (
            self._state(journal.last) if len(journal) else starting_state(self.molecule, settings.thermostat)
        )
        for index in range(len(journal), total):
            segment = run_segment(
                self.molecule,
                state,
                settings.thermostat,
                stage="equilibration",
                index=index,
                steps=settings.steps(_SEGMENT_FS),
            )
            state = segment.state
            self._check(state, "equilibration", index)
            journal.append(np.concatenate([state.positions.ravel(), state.momenta.ravel()]))
            self.tell("equilibration", index + 1, total)
        return state

    def pilot(self, state: State) -> tuple[State, Spacing, NDArray[np.float64]]:
        """Run the stretch that chooses the spacing; return the state, the spacing and C(t)."""
        settings = self.settings
        every = settings.sample_steps
        steps = settings.steps(_SEGMENT_FS) // every * every
        total = int(np.ceil(settings.pilot_ps * 1000 / (steps * settings.timestep_fs)))
        journal = self._journal("pilot", 6 * self.size * (1 + steps // every))
        if len(journal):
            state = self._state(journal.last)
        for index in range(len(journal), total):
            segment = run_segment(
                self.molecule,
                state,
                settings.thermostat,
                stage="pilot",
                index=index,
                steps=steps,
                sample_every=every,
            )
            state = segment.state
            self._check(state, "pilot", index)
            parts = [state.positions.ravel(), state.momenta.ravel(), segment.samples.ravel()]
            journal.append(np.concatenate(parts))
            self.tell("pilot", index + 1, total)
        samples = journal.rows[:, 6 * self.size :].reshape(-1, 2, self.size, 3)
        _, forces = into_reference_orientation(
            samples[:, 0], samples[:, 1], self.molecule.positions, atomic_masses[self.molecule.numbers]
        )
        longest = int(settings.longest_lag_fs / (every * settings.timestep_fs) + 1e-9)
        correlation = autocorrelation(forces, longest)
        spacing = choose_spacing(
            correlation,
            steps_per_lag=every,
            timestep_fs=settings.timestep_fs,
            threshold=settings.threshold,
            longest_fs=settings.longest_spacing_fs,
        )
        return state, spacing, correlation

    def produce(self, state: State, spacing: Spacing) -> NDArray[np.float64]:
        """Run one segment per frame; rows are positions, momenta, forces, energy, temperature, seconds."""
        settings = self.settings
        journal = self._journal("production", 9 * self.size + 3)
        if len(journal):
            state = self._state(journal.last)
        for index in range(len(journal), settings.n_frames):
            start = time.perf_counter()
            segment = run_segment(
                self.molecule,
                state,
                settings.thermostat,
                stage="production",
                index=index,
                steps=spacing.steps,
            )
            state = segment.state
            self._check(state, "production", index)
            journal.append(
                np.concatenate(
                    [
                        state.positions.ravel(),
                        state.momenta.ravel(),
                        segment.forces.ravel(),
                        [segment.energy, segment.temperature, time.perf_counter() - start],
                    ]
                )
            )
            self.tell("production", index + 1, settings.n_frames)
        return journal.rows[: settings.n_frames]
