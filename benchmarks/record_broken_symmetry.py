"""Measure two models of water without symmetry, and write the record that ships with the claims on broken symmetry.

python -m benchmarks.record_broken_symmetry SETS OUT PART ...      PART: rules exact gas orientation liquid ice
python -m benchmarks.record_broken_symmetry SETS OUT gather        -> OUT/broken-symmetry.json

SETS is what ``benchmarks.water_sets`` made. Every part is a file in OUT, so that each can be made again by itself.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ase import units
from ase.build import molecule
from ase.optimize import FIRE
from numpy.typing import NDArray

from benchmarks.record_broken_gas import gas, orientation
from benchmarks.water_record import L_TOP, MODELS, RULES, each_model, plain_atoms, rounded, water
from benchmarks.water_sets import ice
from spectral_ceilings.diagnostic.dynamics.cures import parse_cure
from spectral_ceilings.diagnostic.dynamics.storage import read_trajectory
from spectral_ceilings.diagnostic.frames.reading import read_frames
from spectral_ceilings.diagnostic.observing.job import observe
from spectral_ceilings.diagnostic.observing.runs import folder_of
from spectral_ceilings.diagnostic.observing.settings import ObserveSettings
from spectral_ceilings.diagnostic.records.versions import installed_versions
from spectral_ceilings.diagnostic.symmetry.breaking import evaluate, symmetry_breaking, turned
from spectral_ceilings.diagnostic.symmetry.calculators import load_calculator
from spectral_ceilings.numerics.rotations import haar_rotations, so3_quadrature
from spectral_ceilings.numerics.spectrum import rotation_spectrum
from spectral_ceilings.paper_checks.broken_records import SCHEMA

Array = NDArray[np.float64]
LIQUIDS = {"plain": "water-liquid-unconstrained", "augmented": "water-liquid-unconstrained-augmented"}
LIQUID_STEPS = 6000


def rules(sets: Path) -> list[dict[str, Any]]:
    """Mean |rule - reference| of energies (meV) and force components (meV/Å) over structures turned at random."""
    frames = read_frames("water-box-xtb").to_ase()
    cases = {
        "molecule": (water(sets)[::10], "grid-8-inversion"),
        "box": ([plain_atoms(frames[k]) for k in range(4, 100, 12)], "grid-6-inversion"),
        "ice": ([ice((2, 1, 1), k) for k in range(6)], "grid-6-inversion"),
    }
    rows = []
    for arm, model in each_model():
        for case, (structures, reference) in cases.items():
            turns = haar_rotations(len(structures), np.random.default_rng(11))
            moved = [turned(atoms, turn) for atoms, turn in zip(structures, turns, strict=True)]
            best = [evaluate(parse_cure(reference).calculator(model), atoms) for atoms in moved]
            for rule, cure in RULES.items():
                averaged = parse_cure(cure)
                calculator = averaged.calculator(model)
                off = [evaluate(calculator, atoms) for atoms in moved]
                energy = np.array([1e3 * abs(a[0] - b[0]) for a, b in zip(off, best, strict=True)])
                force = np.array([1e3 * np.abs(a[1] - b[1]).mean() for a, b in zip(off, best, strict=True)])
                root = np.sqrt(len(moved))
                rows.append({
                    "arm": arm, "case": case, "rule": rule, "evaluations": averaged.rotations, "structures": len(moved),
                    "atoms": len(moved[0]), "energy": energy.mean(), "energy_error": energy.std(ddof=1) / root,
                    "force": force.mean(), "force_error": force.std(ddof=1) / root, "reference": reference,
                })  # fmt: skip
            some = moved[:4] if case == "molecule" else moved[:2]
            powers = [
                symmetry_breaking(model, atoms, l_top=L_TOP, inversion=False).energy_power for atoms in some
            ]
            rows.append({"arm": arm, "case": case, "rule": "by l", "structures": len(some), "atoms": len(moved[0]),
                         "energy_by_l": 1e3 * np.sqrt(np.mean(powers, axis=0)[1:])})  # fmt: skip
    return rows


def exactness(sets: Path) -> list[dict[str, Any]]:
    """Amplitudes by l of one molecule's energy averaged by a rule, itself projected by grids exact to ever higher l.

    A grid exact to l = Q counts what the energy has beyond l = Q - 4 at some l up to 4: that part falls with Q, and what a
    rule removes exactly falls with it.
    """
    del sets
    model, atoms = load_calculator(MODELS["plain"]).calculator, molecule("H2O")
    place = atoms.positions - atoms.positions.mean(axis=0)
    rows = []
    for rule, degree in (("2", 2), ("3", 4)):
        inner = so3_quadrature(degree)
        for projected in (8, 12, 16, 20):
            outer = so3_quadrature(projected)
            energies = np.zeros(len(outer))
            for turn, weight in zip(inner.rotations, inner.weights, strict=True):
                for start in range(0, len(outer), 64):
                    moved = np.einsum(
                        "ij,qjk,ak->qai", turn, outer.rotations[start : start + 64], place, optimize=True
                    )
                    energies[start : start + 64] += (
                        weight * model.evaluate(atoms.numbers, np.ascontiguousarray(moved))[0]
                    )
            powers = rotation_spectrum(energies - energies.mean(), outer, L_TOP)
            rows.append({"arm": "plain", "rule": rule, "exact_to": degree, "projected_to": projected,
                         "evaluations": len(inner) * len(outer), "amplitudes": np.sqrt(powers[1:])})  # fmt: skip
    return rows


def liquid(sets: Path) -> list[dict[str, Any]]:
    """Sixteen molecules at 300 K by ``observe``: axes in the laboratory, g(r) of oxygens, displacement, drift.

    Of models that were trained on frames of the liquid too (``benchmarks.water_liquid``): those of the other parts break
    molecules of the liquid within two picoseconds. Runs are kept in SETS and taken up where they are.
    """
    frame = plain_atoms(read_frames("water-box-xtb").to_ase()[60])
    settings = ObserveSettings(
        cures=("none", "random", "mts-5:grid-2"), steps=LIQUID_STEPS, equilibration=1000, predict=False
    )
    rows = []
    for arm, name in LIQUIDS.items():
        out = sets / f"liquid-{arm}"
        result = observe(load_calculator(name), frame, settings, out=out, resume=out.is_dir())
        for cure in settings.cures:
            run = read_trajectory(out / folder_of(cure, 0))
            observed = {
                key: by_cure[cure] for key, by_cure in result["observables"].items() if cure in by_cure
            }
            row = {"arm": arm, "cure": cure, "model": name, "ps": run.times[-1] * 1e-3, "ended": run.ended,
                   "evaluations": parse_cure(cure).evaluations,
                   "numbers": {each["label"]: [each["value"], each["error"]] for key in ("drift", "msd")
                               for each in observed[key]["numbers"]},
                   "outcomes": {key: [each["outcome"], each["sentence"]] for key, each in observed.items()}}  # fmt: skip
            if len(run.times) > 20:
                row |= axes_of_box(run, np.flatnonzero(run.numbers == 8))
                row["temperature"] = 2 * run.kinetic.mean() / (3 * len(run.numbers) * units.kB)
            rows.append(row)
    return rows


def axes_of_box(run: Any, oxygen: NDArray[np.int64]) -> dict[str, Any]:
    """Return the mean harmonics of the molecules' axes with errors over molecules, and the first maximum of g(r)."""
    from spectral_ceilings.numerics.harmonics import real_harmonics

    edge = run.cell[0, 0]
    hydrogens = np.flatnonzero(run.numbers == 1)
    away = run.positions[0][hydrogens][None] - run.positions[0][oxygen][:, None]
    away -= edge * np.round(away / edge)
    nearest = np.argsort(np.linalg.norm(away, axis=2), axis=1)[:, :2]
    each = []
    for o, two in zip(oxygen, nearest, strict=True):
        bond = run.positions[:, hydrogens[two]] - run.positions[:, o][:, None]
        bond -= edge * np.round(bond / edge)
        axis = bond.mean(axis=1)
        each.append(real_harmonics(L_TOP, axis).mean(axis=0))
    values = np.array(each)
    between = run.positions[:, oxygen][:, :, None] - run.positions[:, oxygen][:, None]
    between -= edge * np.round(between / edge)
    lengths = np.linalg.norm(between, axis=-1)[:, *np.triu_indices(len(oxygen), 1)]
    edges = np.linspace(2.0, edge / 2, 39)
    counts = np.histogram(lengths, bins=edges)[0]
    shells = 4 / 3 * np.pi * (edges[1:] ** 3 - edges[:-1] ** 3)
    g = counts / len(run.times) / (len(oxygen) * (len(oxygen) - 1) / 2) / shells * edge**3
    return {
        "measured": values.mean(axis=0)[1:], "error": (values.std(axis=0, ddof=1) / np.sqrt(len(values)))[1:],
        "g_peak": float(g.max()), "g_position": float((edges[g.argmax()] + edges[g.argmax() + 1]) / 2),
    }  # fmt: skip


def ices(sets: Path) -> list[dict[str, Any]]:
    """Six cells of 16 molecules, relaxed without a cure, and nine of 96 as built: energies without a cure and with rule 2i.

    Energies are less that of the first cell of a size without a cure: the record keeps six digits.
    """
    del sets
    rows: list[dict[str, Any]] = []
    for arm, model in each_model():
        rules = {"none": model, "2i": parse_cure("grid-2-inversion").calculator(model)}
        small, large = [ice((2, 1, 1), k) for k in range(6)], [ice((3, 2, 2), 100 + k) for k in range(9)]
        for atoms in small:
            atoms.calc = model
            FIRE(atoms, logfile=None).run(fmax=0.05, steps=200)
        for cells, relaxed in ((small, True), (large, False)):
            zero: float | None = None
            for k, atoms in enumerate(cells):
                for name, calculator in rules.items():
                    energy, force = evaluate(calculator, plain_atoms(atoms))
                    zero = energy if zero is None else zero
                    rows.append({"arm": arm, "molecules": len(atoms) // 3, "cell": k, "rule": name, "relaxed": relaxed,
                                 "energy": 1e3 * (energy - zero) / len(atoms),
                                 "fmax": np.linalg.norm(force, axis=1).max()})  # fmt: skip
    return rows


PARTS: dict[str, Callable[[Path], list[dict[str, Any]]]] = {
    "rules": rules, "exact": exactness, "gas": gas, "orientation": orientation, "liquid": liquid, "ice": ices,
}  # fmt: skip


def training(arm: str, name: str) -> dict[str, Any]:
    """Return what a model's record says of its training."""
    from spectral_ceilings.diagnostic.backbones.unconstrained_files import load_unconstrained

    record = load_unconstrained(name)[1]
    return {"arm": arm, "model": name, "sha256": record["weights_sha256"],
            **{key: record["training"][key] for key in ("command", "seconds", "held_out_errors")}}  # fmt: skip


def main() -> None:
    """Make parts, or gather them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("parts", nargs="+", choices=[*PARTS, "gather"])
    asked = parser.parse_args()
    torch.set_num_threads(1)
    asked.out.mkdir(parents=True, exist_ok=True)
    for part in asked.parts:
        if part == "gather":
            taken = {name: asked.out / f"{name}.json" for name in PARTS}
            made = {name: json.loads(path.read_text()) for name, path in taken.items() if path.is_file()}
            record = {
                "schema": SCHEMA,
                "commands": ["python -m benchmarks.water_sets SETS", "python -m benchmarks.record_broken_symmetry SETS OUT "
                             + " ".join(made) + " gather"],
                "versions": installed_versions("spectral-ceilings", "torch", "numpy", "ase", "tblite"),
                "training": [rounded(training(arm, name)) for models in (MODELS, LIQUIDS) for arm, name in models.items()],
                **made,
            }  # fmt: skip
            lines = []
            for key, value in record.items():
                many = isinstance(value, list) and value and isinstance(value[0], dict)
                body = (
                    "[\n  " + ",\n  ".join(json.dumps(row) for row in value) + "\n ]"
                    if many
                    else json.dumps(value)
                )
                lines.append(f" {json.dumps(key)}: {body}")
            (asked.out / "broken-symmetry.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
            continue
        start = time.perf_counter()
        made = rounded(PARTS[part](asked.sets))
        (asked.out / f"{part}.json").write_text(json.dumps(made))
        print(part, len(made), "rows,", round(time.perf_counter() - start), "s", flush=True)


if __name__ == "__main__":
    main()
