"""The exact test bed of broken symmetry: closed forms against what the dynamics and the observables give.

``python -m benchmarks.broken_symmetry_test_bed`` prints tables: observable, closed form, measured value with the error that the
measurement itself reports, the miss in such errors, z. Hundreds of flexible molecules that do not interact move in one
structure: springs inside `FieldCalculator`, moved by `run_dynamics` under every cure and measured by `measure_observables`. A
field that depends on the axis u alone keeps its closed forms for flexible molecules.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.build import molecule
from numpy.typing import NDArray

from benchmarks.bed_closed_forms import (
    KT,
    TEMPERATURE,
    Averaged,
    Several,
    canonical,
    displacement,
    free_energies,
    heating,
    kinetic_temperature,
    rotor_correlation,
)
from benchmarks.bed_rows import Measured, Row, by_molecule, missed, print_cures, print_rows, summary
from benchmarks.springs import NITROGEN, WATER, Springs, copies
from spectral_ceilings.diagnostic import (
    DynamicsSettings,
    ExponentialField,
    FieldCalculator,
    PlField,
    ToyField,
    Trajectory,
    energy_coefficients,
    parse_cure,
    perceive_molecules,
    predict_orientations,
    run_dynamics,
)
from spectral_ceilings.theory import dipole_mean, exponential_grades

Array = NDArray[np.float64]
#: Springs of water for a step of 1 fs: a quarter of the stiffness, so that vibrations take twice as long.
SOFT = tuple((i, j, k / 4) for i, j, k in WATER)


def moved(
    field: Any, count: int, steps: int, seed: int, *, cure: str = "none", springs: Any = WATER, step: float = 0.5,
    ensemble: str = "nvt", every: int = 10, friction: float = 0.02, base: str = "H2O", pbc: bool = False,
    start: Atoms | None = None,
) -> tuple[Trajectory, Any]:  # fmt: skip
    """Move molecules by `run_dynamics`; return the run and the molecules."""
    reference = molecule(base)
    atoms: Any = copies(reference, count, np.random.default_rng([seed, 1])) if start is None else start
    molecules = perceive_molecules(atoms)
    if pbc:
        atoms.set_cell(np.full(3, 12.0 * np.ceil(count ** (1 / 3))))
        atoms.pbc = True
    calculator: Any = Springs(reference, springs)
    if field is not None:
        calculator = FieldCalculator(calculator, field, molecules=molecules)
    outer = parse_cure(cure).stride
    settings = DynamicsSettings(
        ensemble=ensemble, temperature=TEMPERATURE, time_step=step, steps=steps, friction=friction,
        equilibration=int(400 / step) // outer * outer, sample_every=-(-every // outer) * outer, seed=seed, cure=cure,
    )  # fmt: skip
    return run_dynamics(atoms, calculator, settings), molecules


def one_molecule(base: str = "H2O") -> Any:
    """Return the molecules of a structure of one."""
    return perceive_molecules(molecule(base))


def fields(count: int, steps: int, seed: int) -> list[Row]:
    """Without a cure: four fields, each with its orientations, free energy, torque, temperature and drift."""
    cases: list[tuple[str, Any, list[float] | None]] = [
        ("c P_1", PlField(1, 0.03), [float(dipole_mean(l, 0.03 / KT)) for l in (1, 2)]),
        ("c P_2", PlField(2, 0.02), None),
        ("c exp u_z", ExponentialField(1.0, 0.02), None),
    ]
    rows: list[Row] = []
    for index, (label, field, known) in enumerate(cases):
        run, _ = moved(field, count, steps, seed + index)
        means, square, _ = canonical(field, 4)
        if known is not None:  # the mean of a dipole in a field, from theory
            means[: len(known)] = known
            assert abs(square + KT * 0.03 * 2 * known[0]) < 1e-12
        rows += orientations(label, run, means, square)
        rows += free_energy(label, run, field)
        whole = Measured(run, None, ["temperature", "drift", "spectrum"], temperature=TEMPERATURE)
        kelvin = kinetic_temperature(WATER, 0.5)
        rows.append(whole.number("temperature", "temperature", kelvin, f"{label}: temperature, K"))
        rows += [
            whole.number(
                "temperature", f"temperature along {axis}", kelvin, f"{label}: temperature along {axis}, K"
            )
            for axis in "xyz"
        ]
        rows.append(whole.number("drift", "drift", 0.0, f"{label}: drift, meV/atom/ns"))
    return rows + toy(count, steps, seed + 10)


def orientations(label: str, run: Trajectory, means: Sequence[float], square: float) -> list[Row]:
    """Return the rows of <P_l> and of the torque, measured over molecules as replicas."""
    of_one = Measured(
        by_molecule(run, 3), one_molecule(), ["orientation", "torque"], l_max=max(2, len(means))
    )
    rows = [
        of_one.number("orientation", f"<P_{l}>", mean, f"{label}: <P_{l}>")
        for l, mean in enumerate(means, start=1)
    ]
    if square > 1e-16:
        name = f"{label}: rms torque, eV"
        rows.append(of_one.number("torque", "rms torque", float(np.sqrt(square)), name))
        means_of_torque = [
            of_one.number(
                "torque", f"mean torque about {axis}", 0.0, f"{label}: mean torque about {axis}, eV"
            )
            for axis in "xyz"
        ]
        # about an axis of the field there is none but for rounding
        rows += [row for row in means_of_torque if row.error > 1e-12]
    return rows


def free_energy(label: str, run: Trajectory, field: Any, bins: int = 6) -> list[Row]:
    """Return the rows of -ln p in bins of cos theta, by SciPy's quadrature."""
    measured = Measured(
        by_molecule(run, 3), one_molecule(), ["orientation"], cos_bins=bins, phi_bins=1, l_max=1
    )
    drawn = measured.rows["orientation"]["maps"][0]
    exact = free_energies(field, bins)
    return [
        Row(f"{label}: -ln p, cos theta near {drawn['cos_theta'][k]:.2f}", exact[k], drawn["values"][k][0], drawn["error"][k][0],
            len(run.numbers) // 3 - 1)
        for k in range(bins)
    ]  # fmt: skip


def toy(count: int, steps: int, seed: int) -> list[Row]:
    """i-PI's field: measured beside the prediction from the energy of one molecule, and the torque of all orientations."""
    field, water = ToyField(0.008), molecule("H2O")
    run, _ = moved(field, count, steps, seed)
    calculator = FieldCalculator(None, field)
    predicted = predict_orientations(
        energy_coefficients(calculator, water, 6, molecules=perceive_molecules(water)), TEMPERATURE
    )
    rows = orientations("toy field, predicted", run, predicted.legendre[:4], predicted.canonical_torque)
    start = copies(water, 10 * count, np.random.default_rng([seed, 2]))
    start.calc = FieldCalculator(None, field, molecules=perceive_molecules(start))
    forces = start.get_forces().reshape(-1, 3, 3)
    places = start.positions.reshape(-1, 3, 3)
    squares = (np.cross(places - places[:, :1], forces).sum(axis=1) ** 2).sum(axis=1)
    haar = sum(l * (l + 1) * float(exponential_grades(l, [1, 0.5, 2], 0.008).evalf(30)) for l in range(1, 12))
    error = float(squares.std(ddof=1) / np.sqrt(len(squares)))
    rows.append(
        Row("toy field: mean square torque over all orientations, eV^2", haar, float(squares.mean()), error)
    )
    return rows


#: Each cure with a field of which it leaves something (coefficients of P_1 to P_5, eV), and the steps of its run, relative.
CURES: dict[str, tuple[tuple[float, ...], float]] = {
    "inversion": ((0.05, 0.02, 0.03, 0.02), 1.0),
    "grid-1": ((0.05, 0.03, 0.03), 1.0),
    "grid-1-inversion": ((0.05, 0.03, 0.03, 0.03), 1.0),
    "grid-2": ((0.05, 0.05, 0.06, 0.03), 0.6),
    "grid-2-inversion": ((0.05, 0.05, 0.05, 0.08), 0.6),
    "grid-3": ((0.05, 0.05, 0.05, 0.08), 0.6),
    "grid-3-inversion": ((0.05, 0.05, 0.05, 0.08), 0.6),
    "random": ((0.03, 0.03), 1.0),
    "random-inversion": ((0.03, 0.03), 1.0),
    "mts-2:inversion": ((0.05, 0.02, 0.03, 0.02), 1.0),
    "mts-4:grid-1": ((0.05, 0.03, 0.03), 1.0),
    "mts-4:grid-2": ((0.05, 0.05, 0.06, 0.03), 1.0),
    "mts-4:grid-2-inversion": ((0.05, 0.05, 0.05, 0.08), 0.6),
    "mts-4:random": ((0.03, 0.03), 1.0),
}


def cured(cure: str, count: int, steps: int, seed: int) -> list[Row]:
    """A cure: orientations and torque of what it leaves of the field, temperature, drift.

    The drift of a multiple time step is that at constant energy: in a bath its pulses do work that the bath takes away.
    """
    coefficients, share = CURES[cure]
    field = Several(*(PlField(l, c) for l, c in enumerate(coefficients, start=1)))
    steps = int(share * steps) // 20 * 20
    run, _ = moved(field, count, steps, seed, cure=cure, springs=SOFT, step=1.0)
    means, square, _ = canonical(Averaged(field, cure), 4)
    random = parse_cure(cure).kind == "random"
    if random:  # the torque of a molecule in a random orientation, at every record
        square = canonical(Averaged(field, "inversion" if parse_cure(cure).inversion else "none"), 1)[2]
    rows = orientations(cure, run, means, square)
    whole = Measured(run, None, ["temperature", "drift"], temperature=TEMPERATURE)
    heat = heating(field, cure, 1.0) if random else 0.0  # eV/fs of a molecule
    # a bath of friction g takes away what the rotations bring when 2 g (K - K_0) is as much: 9 kT / 2 each molecule
    kelvin = kinetic_temperature(SOFT, 1.0) + heat / (2 * 0.02) / (4.5 * units.kB)
    rows.append(whole.number("temperature", "temperature", kelvin, f"{cure}: temperature, K"))
    if parse_cure(cure).multiple and not random:
        run, _ = moved(field, count, steps, seed, cure=cure, springs=SOFT, step=1.0, ensemble="nve")
        whole = Measured(run, None, ["drift"])
    rows.append(whole.number("drift", "drift", heat * 1e9 / 3, f"{cure}: drift, meV/atom/ns"))
    return rows


def free_motion(count: int, steps: int, seed: int) -> list[Row]:
    """Molecules without a field: displacements, angular momentum, the orientational correlation, an ideal gas."""
    rows: list[Row] = []
    run, molecules = moved(None, count, 3 * steps, seed, pbc=True)
    measured = Measured(run, molecules, ["msd"])
    mass = float(molecule("H2O").get_masses().sum())

    def squares(ps: Array) -> Array:
        return displacement(count, mass, 0.02, 0.5, ps * 1e3 / 0.5)

    lags = len(measured.rows["msd"]["curves"][0]["x"]) - 1
    at = np.unique(np.array([1, lags // 4, lags // 2, lags]))
    rows += measured.curve("msd", "all directions", squares, "free water: square displacement, Å², ps", at, 7)
    times = np.array(measured.rows["msd"]["curves"][0]["x"])
    half = int(0.5 * lags)
    slope = float(np.polyfit(times[half:], squares(times[half:]), 1)[0] / 6)
    rows.append(replace(measured.number("msd", "D", slope, "free water: D, Å²/ps"), freedom=7))
    rows += [
        replace(
            measured.number("msd", f"anisotropy {k}", 0.0, f"free water: anisotropy of displacement {k}"),
            freedom=7,
        )
        for k in ("xx", "yy", "zz", "xy", "yz", "xz")
    ]
    return rows + turning(count, steps, seed + 1) + gas(seed + 2)


def turning(count: int, steps: int, seed: int) -> list[Row]:
    """Nitrogen in a bath of high friction: the orientational correlation of a rotor."""
    friction = 0.1
    run, molecules = moved(None, count, steps, seed, springs=NITROGEN, base="N2", friction=friction)
    measured = Measured(run, molecules, ["orientational-correlation"], bin_width=10.0, reach=20.0)
    lags = len(measured.rows["orientational-correlation"]["curves"][-1]["x"]) - 1
    rows = []
    for l in (1, 2):
        rows += measured.curve(
            "orientational-correlation", f"C_{l}(t)", rotor_correlation(l, friction), f"nitrogen: C_{l}, ps",
            (lags // 4, lags // 2, lags), 7,
        )  # fmt: skip
    return rows


def gas(seed: int, count: int = 100, steps: int = 4000) -> list[Row]:
    """An ideal gas of helium in a cell: g(r) is 1 everywhere, whatever the cure of a model that gives no force."""
    rng = np.random.default_rng([seed, 3])
    side = 20.0
    start: Any = Atoms(f"He{count}", rng.random((count, 3)) * side, cell=np.full(3, side), pbc=True)
    settings = DynamicsSettings(
        steps=steps, equilibration=400, sample_every=20, time_step=2.0, friction=0.002, seed=seed
    )
    run = run_dynamics(start, Springs(Atoms("He"), ()), settings)
    measured = Measured(run, None, ["rdf", "temperature", "drift"], bin_width=1.0, temperature=TEMPERATURE)
    rows = measured.curve("rdf", "g He-He", np.ones_like, "ideal gas: g(r), Å", range(1, 9), np.inf)
    rows.append(measured.number("temperature", "temperature", TEMPERATURE, "ideal gas: temperature, K"))
    return rows


def kept(count: int, seed: int) -> list[tuple[str, float]]:
    """Return what is kept exactly at constant energy: the rms change of angular momentum (hbar), of every molecule by itself.

    Free, and in fields that the cure removes.
    """
    out = []
    for cure, coefficients in (
        ("none", ()), ("inversion", (0.05, 0.0, 0.05)), ("grid-1", (0.05,)), ("grid-2", (0.05, 0.05)),
        ("grid-3", (0.05, 0.05, 0.05)), ("grid-2-inversion", (0.05, 0.05, 0.05)),
    ):  # fmt: skip
        field = (
            Several(*(PlField(l, c) for l, c in enumerate(coefficients, start=1))) if coefficients else None
        )
        run, _ = moved(field, count, 200, seed, cure=cure, ensemble="nve")
        measured = Measured(by_molecule(run, 3), one_molecule(), ["angular-momentum"])
        number = measured.rows["angular-momentum"]["numbers"][0]
        out.append((f"{cure}, {'free' if field is None else 'a field that it removes'}", number["value"]))
    return out


def rows(
    *, count: int = 200, steps: int = 2400, seed: int = 0, cures: Sequence[str] = tuple(CURES)
) -> list[Row]:
    """Return the table; `count` molecules without a cure, half of them with one."""
    table = fields(count, steps, seed) + free_motion(count, steps, seed + 100)
    for index, cure in enumerate(cures):
        table += cured(cure, max(2, count // 2), steps // 2, seed + 200 + index)
    return table


def main() -> int:
    """Print the tables; exit status 1 where a number is beyond the bound, or what is kept exactly is not."""
    table, constants = rows(), kept(20, 7)
    print_rows(table)
    print_cures(table, tuple(CURES))
    print(summary(table))
    for row in missed(table):
        print(f"missed: {row.name}")
    for name, change in constants:
        print(f"change of the angular momentum of each molecule, {name}: {change:.1e} hbar")
    return int(bool(missed(table)) or max(change for _, change in constants) > 1e-9)


if __name__ == "__main__":
    sys.exit(main())
