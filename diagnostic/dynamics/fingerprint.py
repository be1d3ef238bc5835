"""Whether a run that goes on is that in its folder: the same settings, structure, and calculator by its answer at the start."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.errors import InputError
from .settings import DynamicsSettings

Array = NDArray[np.float64]
#: What rounding may change: of the energy and of the largest force, for single precision on other hardware; and eV, eV/Å.
_ENERGY, _FORCE, _LEAST = 1e-6, 1e-4, 1e-6


def answer_of(calculator: Any, atoms: Any) -> dict[str, Array]:
    """Return energy (eV) and forces (eV/Å) of a calculator for a structure, as arrays for a state."""
    asked = atoms.copy()
    asked.calc = calculator
    return {
        "first_energy": np.array(float(asked.get_potential_energy())),
        "first_forces": np.array(asked.get_forces()),
    }


def check_same_answer(state: Mapping[str, Any], calculator: Any, atoms: Any, folder: Path | None) -> None:
    """Raise InputError where a calculator answers otherwise than the one that began a run, beyond rounding.

    Single precision on another machine moves an energy by 1e-7 of its size and a force by 1e-5 of the largest: 1e-6 and 1e-4 are
    let pass, and 1e-6 eV or eV/Å. A run that was begun before answers were kept is not checked.
    """
    if "first_energy" not in state:
        return
    answer = answer_of(calculator, atoms)
    energy, forces = float(state["first_energy"]), np.asarray(state["first_forces"])
    by = abs(float(answer["first_energy"]) - energy)
    apart = float(np.abs(np.asarray(answer["first_forces"]) - forces).max(initial=0.0))
    if by <= max(_ENERGY * abs(energy), _LEAST) and apart <= max(
        _FORCE * float(np.abs(forces).max(initial=0.0)), _LEAST
    ):
        return
    raise InputError(
        f"{str(folder)!r} holds a run of another calculator: at its first structure this one differs by {by:.2g} eV and up to "
        f"{apart:.2g} eV/Å; give the calculator that began the run, or another folder"
    )


def check_same_run(
    state: Mapping[str, Any], settings: DynamicsSettings, origin: str, folder: Path | None
) -> None:
    """Raise InputError where a folder's run is not the one that is to go on."""
    earlier, now = json.loads(str(state["settings"])), asdict(settings)
    for name, value in now.items():
        if name != "steps" and earlier.get(name) != value:
            raise InputError(
                f"{str(folder)!r} holds a run with {name} {earlier.get(name)!r}, not {value!r}: give the same settings or "
                "another folder"
            )
    if settings.steps < earlier["steps"]:
        raise InputError(
            f"{str(folder)!r} holds a run of {earlier['steps']} steps, more than {settings.steps}: give at least as many"
        )
    if str(state["origin"]) != origin:
        raise InputError(
            f"{str(folder)!r} holds a run of another structure: give the same one or another folder"
        )
