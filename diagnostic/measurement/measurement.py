"""The measurement behind a diagnosis: signals, residuals and fits, cell by cell, each cell computed once."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..backbones.features import Features
from ..frames.frames import Frames
from ..frames.marks import Mark
from ..frames.splits import Split
from ..injection.fields import DENSITY_CUTOFF, InjectionName, l_slice, signals
from ..injection.orientations import LabTargets, Orientations
from ..readouts.compute import Compute
from ..readouts.equivariant import EquivariantFit, equivariant_tasks
from ..readouts.free import fit_free, fit_free_targets
from ..records.run_directory import RunDirectory
from ..recovery.error_sums import Cell as Cell
from .limits import equivariant_limit, free_limit
from .saved_cells import load_cell, save_cell
from .settings import DiagnoseSettings


@dataclass
class Measurement:
    """Frames, features and targets of one diagnosis, with the cells computed so far.

    Attributes
    ----------
    residual
        Gives F - F_backbone, ``(frames, atoms, 3)``, eV/Å, when a fit first needs it.
    amplitude
        Root mean square of the injected field per component, eV/Å.
    l_max
        Highest degree of the features.
    run
        Where finished cells are kept, or None.
    tick
        Called with the name of each finished cell.
    compute
        The device, and the workers that share the atoms.
    """

    frames: Frames
    split: Split
    residual: Callable[[], NDArray[np.float64]]
    marks: Sequence[Mark]
    settings: DiagnoseSettings
    amplitude: float
    l_max: int
    run: RunDirectory | None = None
    tick: Callable[[str], None] = lambda _name: None
    compute: Compute = field(default_factory=Compute)
    _signals: dict[str, dict[int, NDArray[np.float64]]] = field(default_factory=dict)
    _orientations: dict[bool, Orientations] = field(default_factory=dict)
    _surrounded: list[int] | None = None

    def atoms(self, injection: InjectionName) -> list[int]:
        """Return the atoms that the injection can be made at: density needs a neighbour in its cutoff in every frame."""
        if injection == "marked":
            return [m.atom for m in self.marks if m.neighbour is not None]
        if self._surrounded is None:
            self._surrounded = [m.atom for m in self.marks if _nearest(self.frames, m.atom) < DENSITY_CUTOFF]
        return list(self._surrounded)

    def signal(self, injection: InjectionName) -> dict[int, NDArray[np.float64]]:
        """Return T of every such atom, ``(frames, (l_top + 1)^2)``.

        For each l the signals of all atoms are scaled by one number to unit mean square over the training frames, so
        that ``strength`` means the same for every injection and every l.
        """
        if injection not in self._signals:
            atoms = self.atoms(injection)
            if not atoms:
                return {}
            marks = [m for m in self.marks if m.atom in atoms]
            values = signals(
                len(self.frames.numbers), self.frames.positions, self.settings.l_top, injection, marks
            )
            for l in range(self.settings.l_top + 1):
                power = float(np.mean(values[self.split.training][:, :, l_slice(l)] ** 2))
                values[:, :, l_slice(l)] /= np.sqrt(power) if power > 0.0 else 1.0
            self._signals[injection] = {i: values[:, k] for k, i in enumerate(atoms)}
        return self._signals[injection]

    def orientations(self, rotate: bool) -> Orientations:
        """Return the uses of the frames, drawn once: every atom and degree sees the same orientations."""
        if rotate not in self._orientations:
            rng = np.random.default_rng([self.settings.seed, int(rotate)])
            times = (self.settings.rotations, 5, 5)
            top = max(self.settings.l_top, self.l_max)
            self._orientations[rotate] = Orientations.draw(self.split, top, rng, times=times, rotate=rotate)
        return self._orientations[rotate]

    def generator(self, name: str) -> np.random.Generator:
        """Return the generator of a named part: the same whatever was computed before it."""
        return np.random.default_rng(self.seed_of(name))

    def seed_of(self, name: str) -> list[int]:
        """Return the seed of a named part."""
        return [self.settings.seed, zlib.crc32(name.encode())]

    def _cells(self, names: Sequence[str], compute: Callable[[list[int]], Iterator[Cell]]) -> Iterator[Cell]:
        """Yield the named cells in order; ``compute`` gives those that no run holds yet, by their numbers."""
        saved = [load_cell(self.run, name) if self.run else None for name in names]
        missing = [k for k, cell in enumerate(saved) if cell is None]
        computed = compute(missing) if missing else iter(())
        for name, cell in zip(names, saved, strict=True):
            if cell is None:
                cell = next(computed)
                if self.run:
                    cell = save_cell(self.run, name, cell)
            self.tick(name)
            yield cell

    def _cell(self, name: str, compute: Callable[[], Cell]) -> Cell:
        return next(self._cells([name], lambda _missing: iter([compute()])))

    def free(
        self,
        features: Callable[[], Features],
        label: str,
        degree: int,
        injection: InjectionName,
        rotate: bool = True,
        *,
        direction: str = "fixed",
        targets: Callable[[int, Orientations], LabTargets] | None = None,
    ) -> dict[int, Cell]:
        """Fit the free readout of every atom; ``label`` names the backbone in the cells' names.

        ``features`` is called only where a cell is missing: a run that is taken up does not run the network again.

        Parameters
        ----------
        direction
            Name of the direction of the injected field, part of the cells' names.
        targets
            Gives the injected fields of an atom at every use; None: the signal along a fixed direction, of pure grade.
        """
        atoms = self.atoms(injection)

        def compute(missing: list[int]) -> Iterator[Cell]:
            # What the atoms share is made before the workers start.
            blocks, residual = list(features().blocks()), self.residual()
            signal, orientations = self.signal(injection), self.orientations(rotate)
            uses = len(self.split.training) * self.settings.rotations
            limit = free_limit(blocks, degree, self.settings.coefficients, uses)
            device = self.compute.device

            def fit(atom: int) -> Cell:
                here = signal[atom]
                if targets is None:
                    sums, count = fit_free(
                        blocks,
                        atom,
                        here,
                        residual[:, atom],
                        orientations,
                        degree,
                        self.amplitude,
                        limit=limit,
                        device=device,
                    )
                else:
                    sums, count = fit_free_targets(
                        blocks,
                        atom,
                        targets(atom, orientations),
                        residual[:, atom],
                        orientations,
                        degree,
                        self.amplitude,
                        leading={l: here[:, l_slice(l)] for l in range(1, self.settings.l_top + 1)},
                        limit=limit,
                        device=device,
                    )
                return list(sums), [count] * len(sums)

            return self.compute.map(fit, [atoms[k] for k in missing])

        kind = "free" if rotate else "free-unrotated"
        what = injection if direction == "fixed" else f"{injection}-{direction}"
        names = [f"{label}/{kind}/degree={degree}/{what}/atom={i}" for i in atoms]
        return dict(zip(atoms, self._cells(names, compute), strict=True))

    def equivariant(
        self, features: Callable[[], Features], label: str, degree: int
    ) -> dict[str, dict[str, dict[int, Cell]]]:
        """Fit the equivariant readouts: ``[own | shared][injection][atom]``."""
        out: dict[str, dict[str, dict[int, Cell]]] = {
            kind: {name: {} for name in self.settings.injections} for kind in ("own", "shared")
        }
        parts: list[tuple[str, list[int], dict[str, dict[int, NDArray[np.float64]]]]] = []
        for element in dict.fromkeys(m.element for m in self.marks):
            atoms = [m.atom for m in self.marks if m.element == element]
            tables: dict[str, dict[int, NDArray[np.float64]]] = {
                name: {i: s for i, s in self.signal(name).items() if i in atoms}
                for name in self.settings.injections
            }
            tables = {name: table for name, table in tables.items() if table}
            if tables:
                parts.append((element, atoms, tables))
        orders = [
            [(kind, name, i) for kind in ("own", "shared") for name in tables for i in tables[name]]
            for _, _, tables in parts
        ]
        size = self.settings.l_top + 1

        def compute(missing: list[int]) -> Iterator[Cell]:
            blocks = list(features().blocks())
            limit = equivariant_limit(blocks, degree, self.settings, len(self.split.training))
            tasks: list[Callable[[], EquivariantFit]] = []
            for k in missing:
                _, atoms, tables = parts[k]
                tasks += equivariant_tasks(
                    blocks, atoms, tables, self.split, degree, self.amplitude, limit, self.compute.device
                )
            found = self.compute.map(lambda task: task(), tasks)
            for k in missing:
                fits = [next(found) for _ in range(size)]
                flat = [
                    getattr(fit, kind).get(name, {}).get(i) for kind, name, i in orders[k] for fit in fits
                ]
                yield flat, [fit.coefficients for _ in orders[k] for fit in fits]

        names = [f"{label}/equivariant/degree={degree}/element={element}" for element, _, _ in parts]
        for order, (sums, counts) in zip(orders, self._cells(names, compute), strict=True):
            for k, (kind, name, i) in enumerate(order):
                part = slice(k * size, (k + 1) * size)
                out[kind][name][i] = (sums[part], counts[part])
        return out


def _nearest(frames: Frames, atom: int) -> float:
    """Return how far the nearest neighbour of an atom is where it is farthest, Å."""
    vectors = np.delete(frames.positions, atom, axis=1) - frames.positions[:, atom : atom + 1]
    return float(np.linalg.norm(vectors, axis=2).min(axis=1).max())
