"""The movers of many copies of one molecule, in lock-step: a step of all of them is arithmetic on stacked arrays."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from ase import units
from numpy.typing import NDArray

from ...numerics.rotations import rotations_from_normals
from ..records.machine_errors import of_the_machine
from ..symmetry.averaged_calculator import average
from ..symmetry.batches import evaluate_together, turned_positions
from .movers import Mover, langevin_step

Array = NDArray[np.float64]
Rows = NDArray[np.int64]


class CopyMovers:
    """Movers whose forces come from one evaluation of all copies.

    What a mover knows is copied into stacked arrays by :meth:`gather` and back by :meth:`scatter`; in between the movers are
    behind. Every evaluation is of all copies in their order, so that a copy's place in the batch and the size of the batch
    never change; one that does not move keeps its place with the positions that it has here.

    Parameters
    ----------
    movers
        Of copies of one structure without a cell, with settings that differ by their seed alone.
    calculator
        One that evaluates molecules together; see :func:`batched`.

    Attributes
    ----------
    positions, momenta, forces
        ``(copies, atoms, 3)``; the forces as the inner steps of a multiple time step have them.
    potential, heat
        ``(copies,)``, eV: that of these forces; given by the bath.
    """

    def __init__(self, movers: Sequence[Mover], calculator: Any) -> None:
        self.movers, self.calculator = list(movers), calculator
        first = self.movers[0]
        self.cure, self.outer = first.cure, first.cure.outer
        self.numbers = np.asarray(first.atoms.numbers, dtype=np.int64)
        self.masses = np.asarray(first.atoms.get_masses())[:, None]
        self.step_length = first.settings.time_step * units.fs
        shape = (len(self.movers), len(self.numbers), 3)
        self.positions, self.momenta, self.forces = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        self.correction = np.zeros(shape)
        self.potential, self.heat, self.outer_energy = (np.zeros(len(self.movers)) for _ in range(3))
        self.gather(range(len(self.movers)))

    def gather(self, rows: Sequence[int] | Rows) -> None:
        """Take what movers know."""
        for k in rows:
            mover = self.movers[k]
            self.positions[k], self.momenta[k] = mover.atoms.get_positions(), mover.atoms.get_momenta()
            self.forces[k], self.potential[k] = mover.inner_forces, mover.inner_potential
            self.heat[k] = mover.heat
            if mover.split is not None and mover.split.correction is not None:
                self.correction[k], self.outer_energy[k] = mover.split.correction, mover.split.outer_energy

    def scatter(self, rows: Sequence[int] | Rows) -> None:
        """Give movers what they should know; a multiple time step has completed a step."""
        for k in rows:
            mover = self.movers[k]
            mover.atoms.set_positions(self.positions[k])
            mover.atoms.set_momenta(self.momenta[k])
            mover.inner_forces, mover.inner_potential = self.forces[k].copy(), float(self.potential[k])
            if mover.bath is not None:
                mover.bath.heat = float(self.heat[k])
            if mover.split is not None:
                mover.split.correction = self.correction[k].copy()
                mover.split.outer_energy = float(self.outer_energy[k])

    def start(self, rows: Rows) -> None:
        """Compute the first forces of these copies; what the calculator raises is raised."""
        self._take(rows, self._answers(self.positions, self._turns(rows), self.cure.multiple))
        self.scatter(rows)

    def kinetic(self) -> Array:
        """Return kinetic energies ``(copies,)``, eV."""
        return np.asarray(0.5 * (self.momenta**2 / self.masses).sum(axis=(1, 2)))

    def step(self, rows: Rows, count: int) -> dict[int, Exception]:
        """Make one step of these copies.

        Parameters
        ----------
        rows
            The copies that move.
        count
            Steps that they have made before.

        Returns
        -------
        What the calculator raised, by the copies that it failed on; they stay where they were.
        """
        step, stride = self.step_length, self.cure.stride
        momenta = self.momenta[rows]
        if self.cure.multiple and count % stride == 0:
            momenta = momenta + 0.5 * step * stride * self.correction[rows]
        baths = [self.movers[k].bath for k in rows]
        heat: Array | float = 0.0
        if baths and baths[0] is not None:
            noise = np.stack(
                [bath.rng.standard_normal(momenta.shape[1:]) for bath in baths if bath is not None]
            )
            positions, momenta, heat = langevin_step(
                self.positions[rows], momenta, self.forces[rows], self.masses, step, baths[0].keep, baths[0].spread, noise
            )  # fmt: skip
        else:  # velocity Verlet, as ASE writes it
            momenta = momenta + 0.5 * step * self.forces[rows]
            positions = self.positions[rows] + step * momenta / self.masses
        moved = self.positions.copy()
        moved[rows] = positions
        complete = self.cure.multiple and (count + 1) % stride == 0
        failed = self._forces_at(moved, rows, complete)
        self.heat[rows] += heat
        momenta = momenta + 0.5 * step * self.forces[rows]
        if complete:
            momenta = momenta + 0.5 * step * stride * self.correction[rows]
        self.momenta[rows], self.positions = momenta, moved
        return failed

    def _forces_at(self, moved: Array, rows: Rows, complete: bool) -> dict[int, Exception]:
        """Compute forces at new positions, in which copies that the calculator fails on are put back."""
        turns = self._turns(rows) if complete or not self.cure.multiple else None
        failed: dict[int, Exception] = {}
        try:
            answers = self._answers(moved, turns, complete)
        except Exception as whole:
            if of_the_machine(whole):
                raise
            # Which of them it was: each at its new positions among the old ones of the others.
            for k in map(int, rows):
                trial = self.positions.copy()
                trial[k] = moved[k]
                try:
                    self._answers(trial, turns, complete)
                except Exception as error:
                    failed[k] = error
                    moved[k] = self.positions[k]
            try:
                answers = self._answers(moved, turns, complete)
            except Exception:
                moved[rows] = self.positions[rows]
                return {k: failed.get(k, whole) for k in map(int, rows)}
        self._take(rows, answers)
        return failed

    def _take(self, rows: Rows, answers: list[tuple[Array, Array]]) -> None:
        energies, forces = answers[0]
        self.potential[rows], self.forces[rows] = energies[rows], forces[rows]
        if len(answers) > 1:
            energies, outer = answers[1]
            self.outer_energy[rows], self.correction[rows] = energies[rows], outer[rows] - forces[rows]

    def _answers(self, positions: Array, turns: Array | None, complete: bool) -> list[tuple[Array, Array]]:
        """Return energies ``(copies,)`` and forces of all copies; with a multiple time step the bare ones, then the outer."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the libraries that a calculator is made with
            if not self.cure.multiple:
                return [self._averaged(positions, turns)]
            bare = self._bare(positions)
            return [bare, self._averaged(positions, turns)] if complete else [bare]

    def _bare(self, positions: Array) -> tuple[Array, Array]:
        return evaluate_together(self.calculator, self.numbers, positions, finite=False)

    def _turns(self, rows: Rows) -> Array | None:
        """Return the rotations of every copy's next average, ``(copies, rotations, 3, 3)``; None: the positions as they are."""
        if self.outer.kind == "none":
            return None
        if self.outer.kind != "random":
            every: Array = self.movers[0].averaged.rotations
            return np.broadcast_to(every, (len(self.movers), *every.shape))
        turns = np.tile(np.eye(3), (len(self.movers), 1, 1, 1))
        normals = [self.movers[k].averaged.rng.standard_normal((1, 4)) for k in rows]
        turns[rows, 0] = rotations_from_normals(np.concatenate(normals))
        return turns

    def _averaged(self, positions: Array, turns: Array | None) -> tuple[Array, Array]:
        """Return energies and forces of every copy under the cure of the outer force."""
        if turns is None:
            return self._bare(positions)
        weights: Array = self.movers[0].averaged.weights
        answers = []
        for matrices in (turns, -turns) if self.outer.inversion else (turns,):
            turned = turned_positions(positions[:, None], matrices)
            energies, forces = self._bare(turned.reshape(-1, *turned.shape[2:]))
            answers.append(
                (energies.reshape(turned.shape[:2]), np.matmul(forces.reshape(turned.shape), matrices))
            )
        if len(weights) == 1:  # weight 1
            energies, forces = (sum(parts) / len(answers) for parts in zip(*answers, strict=True))
            return np.asarray(energies)[:, 0], np.asarray(forces)[:, 0]
        means = [average(weights, [(e[k], f[k]) for e, f in answers]) for k in range(len(positions))]
        return np.array([energy for energy, _ in means]), np.array([force for _, force in means])
