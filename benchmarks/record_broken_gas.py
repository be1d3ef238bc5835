"""The parts of the record on broken symmetry that one molecule in the gas makes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from benchmarks.broken_symmetry_gas import free_energy, moments, predicted
from benchmarks.water_record import COPIES, L_TOP, RULES, STEPPED, each_model, water
from spectral_ceilings.diagnostic.dynamics.copies import run_copies
from spectral_ceilings.diagnostic.dynamics.cures import parse_cure
from spectral_ceilings.diagnostic.dynamics.settings import DynamicsSettings
from spectral_ceilings.diagnostic.observables.rotation import angular_momenta, torques
from spectral_ceilings.diagnostic.symmetry.breaking import at_rotations

Array = NDArray[np.float64]


def gas(sets: Path) -> list[dict[str, Any]]:
    """Sixteen molecules at constant energy from 300 K: torque, angular momentum, drift, and spectra of V and of V_2i - V."""
    rows = []
    start = water(sets)[0]
    for arm, model in each_model():
        for rule, cure in {**RULES, **STEPPED}.items():
            # a multiple time step has its own forces and energy at whole outer steps only
            every = 20 if cure.startswith("mts") else 4
            settings = [
                DynamicsSettings(
                    ensemble="nve", steps=1000, equilibration=1000, sample_every=every, seed=seed, cure=cure
                )
                for seed in range(COPIES)
            ]  # fmt: skip
            runs = run_copies(start, model, settings)
            ended = [run.ended for run in runs if run.ended]
            each = [_kept(run) for run in runs if not run.ended]
            row = {"arm": arm, "rule": rule, "evaluations": parse_cure(cure).evaluations, "starts": len(each),
                   "ps": settings[0].steps * settings[0].time_step * 1e-3, "ended": ended}  # fmt: skip
            for key in each[0]:
                values = np.array([kept[key] for kept in each])
                row[key] = values.mean()
                row[f"{key}_error"] = values.std(ddof=1) / np.sqrt(len(values))
            if rule == "none":
                row |= spectra(model, start, next(run for run in runs if not run.ended))
            rows.append(row)
            print(arm, rule, flush=True)
    return rows


def _kept(run: Any) -> dict[str, float]:
    """Return what one run at constant energy shows: torque (eV), angular momentum, drift (meV/atom/ns)."""
    moment = angular_momenta(run)
    turn = torques(run)
    return {
        "torque_rms": float(np.sqrt((turn**2).sum(axis=1).mean())),
        "l_start": float(np.linalg.norm(moment[0])),
        "l_change": float(np.linalg.norm(moment - moment[0], axis=1).max()),
        "drift_meV_atom_ns": float(
            np.polyfit(run.times * 1e-6, 1e3 * run.conserved / len(run.numbers), 1)[0]
        ),
        "energy_change": float(1e3 * (run.conserved[-1] - run.conserved[0])),
    }


def spectra(model: Any, atoms: Atoms, run: Any) -> dict[str, Any]:
    """Return where the power of V and of V_2i - V lies: shares below 1000 cm^-1, and mean squares (meV^2)."""
    rule = parse_cure("grid-2-inversion").calculator(model)
    averaged = []
    for positions in run.positions:
        each = atoms.copy()
        each.positions = positions
        energies = [
            at_rotations(model, each, rule.rotations, invert=invert)[0] @ rule.weights
            for invert in (False, True)
        ]
        averaged.append(np.mean(energies))
    step = run.times[1] - run.times[0]
    wave = np.fft.rfftfreq(len(run.times), step) / 2.99792458e-5
    out = {}
    for name, series in (("v", run.potential), ("difference", np.array(averaged) - run.potential)):
        signal = 1e3 * (series - series.mean())
        power = np.abs(np.fft.rfft(signal * np.hanning(len(signal)))) ** 2
        out[f"{name}_low"] = float(power[wave < 1000].sum() / power.sum())
        out[f"{name}_rms"] = float(np.sqrt(np.mean(signal**2)))
    return out


def orientation(sets: Path) -> list[dict[str, Any]]:
    """One molecule at 300 K: the distribution of its axis, measured and predicted, without a cure and with inversion."""
    rows = []
    start = water(sets)[0]
    replicas, steps = 128, 6000
    for arm, model in each_model():
        for rule in ("none", "inversion"):
            settings = [
                DynamicsSettings(
                    steps=steps,
                    equilibration=1000,
                    sample_every=20,
                    friction=0.02,
                    seed=seed,
                    cure=RULES[rule],
                )
                for seed in range(replicas)
            ]
            runs = run_copies(start, model, settings)
            positions = np.stack([run.positions for run in runs if not run.ended], axis=1)
            means, errors = moments(positions, L_TOP)
            rng = np.random.default_rng(6)
            flat = positions.reshape(-1, 3, 3)
            told = predicted(Many(model, rule), flat[rng.integers(len(flat), size=24)], L_TOP, degree=8)
            rows.append({
                "arm": arm, "rule": rule, "replicas": positions.shape[1], "ps": steps * 0.5e-3, "measured": means[1:],
                "error": errors[1:], "predicted": told["exact"][1:], "first": told["first"][1:],
                "beta_rms": told["beta_rms"], "evaluations": told["evaluations"], "free_energy": free_energy(positions),
            })  # fmt: skip
            print(arm, rule, flush=True)
    return rows


class Many:
    """A model averaged by a rule, for many molecules at once."""

    def __init__(self, model: Any, rule: str) -> None:
        averaged = parse_cure(RULES[rule]).calculator(model)
        whole = rule == "none"
        self.model = model
        self.signed = np.eye(3)[None] if whole else averaged.rotations
        self.weights = np.ones(1) if whole else averaged.weights
        if not whole and averaged.inversion:
            self.signed = np.concatenate([self.signed, -self.signed])
            self.weights = np.concatenate([self.weights, self.weights]) / 2

    def evaluate(self, numbers: NDArray[np.int64], positions: Array) -> tuple[Array, Array]:
        """Return averaged energies and forces."""
        energy, force = np.zeros(len(positions)), np.zeros_like(positions)
        for turn, weight in zip(self.signed, self.weights, strict=True):
            each = self.model.evaluate(numbers, np.ascontiguousarray(positions @ turn.T))
            energy += weight * each[0]
            force += weight * each[1] @ turn
        return energy, force
