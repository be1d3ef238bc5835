"""Frames of liquid water where models without symmetry go wrong, labelled by GFN1-xTB: what a training set lacks.

python -m benchmarks.water_liquid OUT.extxyz MODEL ... [--temperature 300 450] [--starts 8] [--seed 0]

Models trained on displaced boxes break molecules of the liquid within a picosecond. Here every MODEL runs from boxes of
``water-box-xtb`` until it breaks a molecule or 2 ps have passed; frames on the way, closer together towards the end, get
energies and forces of GFN1-xTB through tblite. Those with a force above 15 eV/Å are left out. Training on them beside
``water.extxyz`` of ``benchmarks.water_sets``, once or twice in turn, gives a model that lasts.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write
from numpy.typing import NDArray

from spectral_ceilings.diagnostic.dynamics.run import run_dynamics
from spectral_ceilings.diagnostic.dynamics.settings import DynamicsSettings
from spectral_ceilings.diagnostic.frames.reading import read_frames
from spectral_ceilings.diagnostic.symmetry.breaking import evaluate
from spectral_ceilings.diagnostic.symmetry.calculators import load_calculator

Array = NDArray[np.float64]
#: eV/Å; forces of a broken molecule teach nothing about a liquid.
LARGEST = 15.0


def chosen(records: int, ended: bool) -> list[int]:
    """Return which records to label: twelve over the run, and every second of the last twelve of one that ended early."""
    spread = np.linspace(0, records - 1, 13)[1:].astype(int).tolist()
    return sorted({*spread, *(range(max(0, records - 12), records, 2) if ended else ())})


def visited(model: Any, start: Atoms, temperature: float, seed: int) -> list[Atoms]:
    """Return structures on the way of a run at ``temperature`` (K)."""
    settings = DynamicsSettings(
        steps=4000, equilibration=0, sample_every=4, temperature=temperature, friction=0.02, seed=seed
    )
    run = run_dynamics(start, model, settings)
    print(
        f"{temperature:g} K, seed {seed}: {len(run.times)} records, {run.ended or 'to the end'}", flush=True
    )
    return [
        Atoms(numbers=run.numbers, positions=run.positions[k], cell=run.cell, pbc=True)
        for k in chosen(len(run.times), bool(run.ended))
    ]


def labelled(atoms: Atoms, calculator: Any) -> Atoms | None:
    """Return the structure with energy and forces of a calculator; None where a force is above ``LARGEST``."""
    energy, forces = evaluate(calculator, atoms)
    if np.linalg.norm(forces, axis=1).max() > LARGEST:
        return None
    atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=forces)
    return atoms


def main() -> None:
    """Run, label, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--temperature", type=float, nargs="+", default=[300.0, 450.0])
    parser.add_argument("--starts", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    boxes, teacher = read_frames("water-box-xtb").to_ase(), load_calculator("tblite:GFN1-xTB").calculator
    rng = np.random.default_rng(asked.seed)
    kept: list[Atoms] = []
    for name in asked.models:
        model = load_calculator(name).calculator
        for number, k in enumerate(rng.choice(len(boxes), asked.starts, replace=False)):
            box = Atoms(numbers=boxes[k].numbers, positions=boxes[k].positions, cell=boxes[k].cell, pbc=True)
            temperature = asked.temperature[number % len(asked.temperature)]
            frames = visited(model, box, temperature, asked.seed + number)
            kept += [atoms for atoms in (labelled(each, teacher) for each in frames) if atoms is not None]
            write(asked.out, kept)
    print(len(kept), "structures")


if __name__ == "__main__":
    main()
