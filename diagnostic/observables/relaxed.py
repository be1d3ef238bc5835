"""Relaxed energies: differences between structures, and of one structure that starts from several orientations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from ase import Atoms
from ase.optimize import BFGS, FIRE
from scipy.spatial.transform import Rotation

from .measured import TITLES, Number, curve, measured, nothing
from .settings import ObservableSettings
from .statistics import Estimate, exact

#: The force at which a closer relaxation ends, as a share of the one before: its gain is the error of the energy. Relaxations are
#: repeated until the gain is this share of the tolerance, two of which with their 95 % make a spread, but only so many times.
_CLOSER, _SMALL, _ROUNDS = 0.3, 0.2, 6


def relax(atoms: Atoms, calculator: Any, settings: ObservableSettings) -> tuple[float, float, bool]:
    """Return the relaxed energy (eV), how much a closer relaxation lowered it, and whether the forces came down.

    Positions relax, cells do not. BFGS up to 100 atoms, FIRE above. Closer relaxations follow each other until one gains little
    against the tolerance, or does not end in ``relax_steps``.
    """
    copied: Any = atoms
    moving = copied.copy()
    moving.calc = calculator
    method: Any = BFGS if len(moving) <= 100 else FIRE
    optimizer = method(moving, logfile=None)
    first = bool(optimizer.run(fmax=settings.force, steps=settings.relax_steps))
    force, small = settings.force, _SMALL * settings.tolerance("relaxation") * len(moving) / 1e3
    closer, gain = float(moving.get_potential_energy()), float("inf")
    for _ in range(_ROUNDS):
        force *= _CLOSER
        ended = bool(optimizer.run(fmax=force, steps=settings.relax_steps))
        rough, closer = closer, float(moving.get_potential_energy())
        gain = abs(closer - rough)
        if gain <= small or not ended:
            break
    return closer, gain, first


def turned_copy(atoms: Atoms, rotation: Rotation) -> Atoms:
    """Return a structure that is turned as a whole, its cell too."""
    matrix = rotation.as_matrix()
    copied: Any = atoms
    new = copied.copy()
    new.set_cell(np.asarray(atoms.cell.array) @ matrix.T, scale_atoms=False)
    new.positions = atoms.positions @ matrix.T
    return cast(Atoms, new)


def relaxed_energies(
    structures: Mapping[str, Atoms], calculator: Any, settings: ObservableSettings | None = None
) -> dict[str, Any]:
    r"""Relax structures, each from several random orientations of the whole, and return their energies as an observable.

    An isotropic model relaxes to one energy whatever the start's orientation: the spread, largest minus smallest in meV/atom, is
    what the broken symmetry makes of a relaxed energy; a relaxation may turn the body to where the model likes it best.
    Differences between structures are of the first orientation, the one given, against the first structure.

    Parameters
    ----------
    structures
        Name to structure.
    calculator
        Of all of them. It is not copied: one structure after another is put on it.
    settings
        ``force``, ``relax_steps``, ``turns``, ``seed``, the tolerance of ``relaxation``.

    Returns
    -------
    dict
        The row of the observable ``relaxation``.
    """
    settings = settings or ObservableSettings()
    name, title = "relaxation", TITLES["relaxation"]
    if not structures:
        return nothing(name, title, "no structure was given to relax")
    rng = np.random.default_rng([settings.seed, 17])
    turns = [Rotation.identity(), *Rotation.random(settings.turns - 1, rng=rng)]
    numbers, curves, unfinished = [], [], []
    reference: tuple[float, float] | None = None
    for label, atoms in structures.items():
        rows = [relax(turned_copy(atoms, turn), calculator, settings) for turn in turns]
        scale = 1e3 / len(atoms)
        energies = scale * np.array([row[0] for row in rows])
        errors = scale * np.array([row[1] for row in rows])
        if not all(row[2] for row in rows):
            unfinished.append(label)
        spread = float(np.ptp(energies))
        ends = float(errors[energies.argmax()] + errors[energies.argmin()])
        done = label not in unfinished
        numbers.append(
            Number(
                f"spread of {label}", _bounded(spread, ends, done), 0.0, settings.tolerance(name), "meV/atom"
            )
        )
        if reference is None:
            reference = float(energies[0]), float(errors[0])
        else:
            error = float(np.hypot(errors[0], reference[1]))
            numbers.append(
                Number(
                    f"{label} less {next(iter(structures))}",
                    _bounded(float(energies[0]) - reference[0], error, done),
                    unit="meV/atom",
                )
            )
        curves.append(
            curve(f"relaxed energy of {label}", ("start", "energy less the first, meV/atom"), np.arange(len(rows)),
                  energies - energies[0], errors, np.zeros(len(rows)))
        )  # fmt: skip
    say = f"{len(structures)} structures from {settings.turns} orientations each"
    if unfinished:
        say += f"; {', '.join(unfinished)} did not relax to {settings.force:g} eV/Å in {settings.relax_steps} steps"
    return measured(name, title, numbers, curves=curves, say=say)


def _bounded(value: float, error: float, done: bool) -> Estimate:
    """Return a number whose error is that of the relaxation, no statistics."""
    sharp = exact(value, 10**6)
    return Estimate(sharp.value, error, sharp.independent, sharp.tau, sharp.blocks, done)
