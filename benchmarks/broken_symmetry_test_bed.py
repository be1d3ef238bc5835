"""The exact test bed of broken symmetry: closed forms against what the dynamics and the observables give.

``python -m benchmarks.broken_symmetry_test_bed`` prints a table: observable, closed form, measured value, the error that the
measurement itself reports, their ratio z. Hundreds of flexible molecules that do not interact move in one `Atoms`: springs inside
`FieldCalculator`, moved by `run_dynamics` under every cure and measured by `measure_observables`. A field that depends on the axis
u alone keeps its closed forms for flexible molecules.

`by_molecule` cuts a run into those of its molecules, which are independent replicas of one molecule.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.build import molecule
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import eval_legendre, roots_legendre
from scipy.stats import norm
from scipy.stats import t as student

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
from spectral_ceilings.diagnostic.observables import ObservableSettings, measure_observables
from spectral_ceilings.theory import dipole_mean, exponential_grades

Array = NDArray[np.float64]
TEMPERATURE = 300.0
KT = units.kB * TEMPERATURE
#: Springs of water for a step of 1 fs: a quarter of the stiffness, so that vibrations take twice as long.
SOFT = tuple((i, j, k / 4) for i, j, k in WATER)
#: The chance that a table in which everything is right has a row beyond the bound.
FALSE_ALARM = 1e-3


@dataclass(frozen=True)
class Row:
    """One number: its closed form, what was measured, the error that was reported with its degrees of freedom."""

    name: str
    exact: float
    measured: float
    error: float
    freedom: float = np.inf

    @property
    def z(self) -> float:
        """The miss in standard errors."""
        return (self.measured - self.exact) / self.error if self.error else float(self.measured != self.exact)

    @property
    def chance(self) -> float:
        """The chance of a miss of this size or more, by Student's t."""
        return float(2 * student.sf(abs(self.z), self.freedom))

    @property
    def score(self) -> float:
        """The miss as a standard normal number, of the same chance."""
        return float(np.sign(self.z) * norm.isf(self.chance / 2))


def missed(table: Sequence[Row], false_alarm: float = FALSE_ALARM) -> list[Row]:
    """Return the rows beyond the bound that a table where all is right keeps but for ``false_alarm`` (Bonferroni)."""
    return [row for row in table if not row.chance * len(table) >= false_alarm]


def freedom_of(number: dict[str, Any], judged: int) -> float:
    """Return the degrees of freedom behind a half width, simultaneous over ``judged`` numbers."""
    if not number["error"]:
        return np.inf
    level, ratio = 1 - 0.05 / (2 * max(1, judged)), number["half_width"] / number["error"]
    if ratio <= 1.0001 * norm.ppf(level):
        return np.inf
    return float(brentq(lambda freedom: student.ppf(level, freedom) - ratio, 1.0, 1e7))


class Measured:
    """Observables of runs, by their labels."""

    def __init__(self, runs: Any, molecules: Any, names: Sequence[str], **how: Any) -> None:
        self.rows = measure_observables(runs, molecules, names, ObservableSettings(**how))

    def number(self, observable: str, label: str, exact: float, name: str) -> Row:
        """Return the row of a number."""
        numbers = self.rows[observable]["numbers"]
        judged = sum(number["tolerance"] is not None and number["expected"] is not None for number in numbers)
        number = next(number for number in numbers if number["label"] == label)
        return Row(name, exact, number["value"], number["error"], freedom_of(number, judged))

    def curve(self, observable: str, label: str, exact: Callable[[Array], Array], name: str, at: Sequence[int], freedom: float
              ) -> list[Row]:  # fmt: skip
        """Return rows at some points of a curve."""
        curve = next(curve for curve in self.rows[observable]["curves"] if curve["label"] == label)
        x = np.array(curve["x"])
        told = exact(x)
        return [
            Row(f"{name} at {x[k]:.3g}", float(told[k]), curve["y"][k], curve["error"][k], freedom)
            for k in at
        ]


def by_molecule(run: Trajectory, size: int) -> list[Trajectory]:
    """Return the run of every molecule of ``size`` atoms; energies are an equal share of those of all."""
    count = len(run.numbers) // size
    shared = {name: getattr(run, name) / count for name in ("potential", "kinetic", "conserved")}
    return [
        replace(
            run,
            numbers=run.numbers[part],
            masses=run.masses[part],
            positions=run.positions[:, part],
            velocities=run.velocities[:, part],
            forces=run.forces[:, part],
            **shared,
        )  # fmt: skip
        for part in (slice(k * size, (k + 1) * size) for k in range(count))
    ]


class Several:
    """A sum of fields."""

    def __init__(self, *fields: Any) -> None:
        self.fields = fields

    def energies(self, axes: Array) -> Array:
        """Return V(u)."""
        return np.sum([field.energies(axes) for field in self.fields], axis=0)

    def gradients(self, axes: Array) -> Array:
        """Return the gradient."""
        return np.sum([field.gradients(axes) for field in self.fields], axis=0)


class Averaged:
    r"""What a cure leaves of a field, in closed form: :math:`\sum_q w_q V(R_q u)`, over inversion too where the cure has it."""

    def __init__(self, field: Any, cure: str) -> None:
        known = parse_cure(cure).outer
        made = known.calculator(None) if known.kind in ("grid", "inversion") else None
        self.field = field
        self.rotations = np.eye(3)[None] if made is None else np.asarray(made.rotations)
        self.weights = np.ones(1) if made is None else np.asarray(made.weights)
        self.signs = (1.0, -1.0) if known.inversion else (1.0,)
        if known.kind == "random":
            self.weights = np.zeros(1)

    def energies(self, axes: Array) -> Array:
        """Return the averaged V(u)."""
        total = np.zeros(axes.shape[:-1])
        for rotation, weight in zip(self.rotations, self.weights, strict=True):
            for sign in self.signs:
                total += weight * self.field.energies(sign * axes @ rotation.T) / len(self.signs)
        return total

    def gradients(self, axes: Array) -> Array:
        """Return its gradient."""
        total = np.zeros(axes.shape)
        for rotation, weight in zip(self.rotations, self.weights, strict=True):
            for sign in self.signs:
                pulled = self.field.gradients(sign * axes @ rotation.T) @ rotation
                total += weight * sign * pulled / len(self.signs)
        return total


def sphere(order: int = 64) -> tuple[Array, Array]:
    """Return directions and weights of a quadrature of the sphere, Gauss in cos theta and even in phi; weights sum to 1."""
    t, weights = roots_legendre(order)
    phi = np.arange(2 * order) * np.pi / order
    s = np.sqrt(1 - t**2)
    axes = np.stack(
        np.broadcast_arrays(s[:, None] * np.cos(phi), s[:, None] * np.sin(phi), t[:, None]), axis=-1
    )
    return axes.reshape(-1, 3), np.repeat(weights / (4 * order), 2 * order)


def canonical(field: Any, l_max: int) -> tuple[list[float], float, float]:
    """Return <P_l>, l = 1 to ``l_max``, and the mean square torque (eV^2) under exp(-V / kT) and over all directions alike."""
    axes, weights = sphere()
    boltzmann = weights * np.exp(-field.energies(axes) / KT)
    boltzmann /= boltzmann.sum()
    squares = (np.cross(axes, field.gradients(axes)) ** 2).sum(axis=1)
    legendre = [float(boltzmann @ eval_legendre(l, axes[:, 2])) for l in range(1, l_max + 1)]
    return legendre, float(boltzmann @ squares), float(weights @ squares)


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


def kinetic_temperature(springs: Any, step: float) -> float:
    r"""Return the temperature that BAOAB shows at whole steps: :math:`\langle p^2 \rangle / m = kT (1 - (\omega h)^2 / 4)` of a
    harmonic oscillator, averaged over the nine directions, six of which do not vibrate.
    """
    return TEMPERATURE * (1 - (step * units.fs) ** 2 * Springs(molecule("H2O"), springs).squared_rates / 36)


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
        rows += [
            of_one.number(
                "torque", f"mean torque about {axis}", 0.0, f"{label}: mean torque about {axis}, eV"
            )
            for axis in "xyz"
        ]
    return rows


def free_energy(label: str, run: Trajectory, field: Any, bins: int = 6) -> list[Row]:
    """Return the rows of -ln p in bins of cos theta, by SciPy's quadrature."""
    measured = Measured(run, perceive_molecules_of(run), ["orientation"], cos_bins=bins, phi_bins=1, l_max=1)
    drawn = measured.rows["orientation"]["maps"][0]
    edges = np.linspace(-1, 1, bins + 1)

    def weight(t: float) -> float:
        return float(np.exp(-field.energies(np.array([np.sqrt(1 - t * t), 0.0, t])) / KT))

    shares = np.array(
        [quad(weight, a, b, epsabs=1e-12)[0] for a, b in zip(edges[:-1], edges[1:], strict=True)]
    )
    exact = -np.log(shares / shares.mean())
    return [
        Row(f"{label}: -ln p, cos theta near {drawn['cos_theta'][k]:.2f}", exact[k], drawn["values"][k][0], drawn["error"][k][0])
        for k in range(bins)
    ]  # fmt: skip


def perceive_molecules_of(run: Trajectory) -> Any:
    """Return the molecules at the start of a run."""
    return perceive_molecules(Atoms(run.numbers, run.positions[0], cell=run.cell, pbc=run.pbc))


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
    "grid-2-inversion": ((0.05, 0.05, 0.05, 0.08), 0.4),
    "grid-3": ((0.05, 0.05, 0.05, 0.08), 0.4),
    "grid-3-inversion": ((0.05, 0.05, 0.05, 0.08), 0.3),
    "random": ((0.03, 0.03), 1.0),
    "random-inversion": ((0.03, 0.03), 1.0),
    "mts-2:inversion": ((0.05, 0.02, 0.03, 0.02), 1.0),
    "mts-4:grid-1": ((0.05, 0.03, 0.03), 1.0),
    "mts-4:grid-2": ((0.05, 0.05, 0.06, 0.03), 1.0),
    "mts-4:grid-2-inversion": ((0.05, 0.05, 0.05, 0.08), 0.6),
    "mts-4:random": ((0.03, 0.03), 1.0),
}


def cured(cure: str, count: int, steps: int, seed: int) -> list[Row]:
    """A cure: orientations and torque of what it leaves of the field, temperature, drift."""
    coefficients, share = CURES[cure]
    field = Several(*(PlField(l, c) for l, c in enumerate(coefficients, start=1)))
    run, _ = moved(field, count, int(share * steps) // 20 * 20, seed, cure=cure, springs=SOFT, step=1.0)
    means, square, _ = canonical(Averaged(field, cure), 4)
    rows = orientations(cure, run, means, square)
    random = parse_cure(cure).kind == "random"
    whole = Measured(run, None, ["temperature", "drift"], temperature=TEMPERATURE)
    heat = heating(field, cure, 1.0) if random else 0.0  # eV/fs of a molecule
    # a bath of friction g takes away what the rotations bring when 2 g (K - K_0) is as much: 9 kT / 2 each molecule
    kelvin = kinetic_temperature(SOFT, 1.0) + heat / (2 * 0.02) / (4.5 * units.kB)
    rows.append(whole.number("temperature", "temperature", kelvin, f"{cure}: temperature, K"))
    rows.append(whole.number("drift", "drift", heat * 1e9 / 3, f"{cure}: drift, meV/atom/ns"))
    return rows


def heating(field: Any, cure: str, step: float) -> float:
    r"""Return the heating of a molecule by random rotations (eV/fs), :math:`(h/2) \sum_i \langle |\delta F_i|^2 \rangle / m_i`.

    The average over rotations leaves no force of the field, so that all of it is :math:`\delta F`. With a force of every K steps
    h is the outer step. In the frame (normal of the plane, y, bisector) the forces on the hydrogens of an equilibrium molecule
    follow from the gradient g of V: each is half of what turns the axis.
    """
    known = parse_cure(cure)
    field = Averaged(field, "inversion" if known.inversion else "none")
    water = molecule("H2O")
    frame = perceive_molecules(water).frames(water.positions)[0, 0]
    axes, weights = sphere(24)
    # molecules in all orientations: a rotation that takes the body's z to each axis, and turns about it
    total = 0.0
    calculator = FieldCalculator(None, field, molecules=perceive_molecules(water))
    masses = water.get_masses()
    for turn in np.arange(4) * np.pi / 2:
        for axis, weight in zip(axes, weights, strict=True):
            made = _frame(axis, turn)
            turned = water.copy()
            turned.positions = water.positions @ frame.T @ made
            forces = calculator.field_energy_and_forces(turned)[1]
            total += weight / 4 * float(((forces**2).sum(axis=1) / masses).sum())
    return 0.5 * step * known.stride * units.fs * total * units.fs


def _frame(axis: Array, turn: float) -> Array:
    """Return a right-handed frame whose third row is an axis, turned about it."""
    x = np.cross(axis, np.eye(3)[int(np.argmin(np.abs(axis)))])
    x /= np.linalg.norm(x)
    y = np.cross(axis, x)
    return np.stack([np.cos(turn) * x + np.sin(turn) * y, np.cos(turn) * y - np.sin(turn) * x, axis])


def displacement(count: int, mass: float, friction: float, step: float, records: Array) -> Array:
    r"""Return the mean square displacement (Å²) after so many steps of free particles under BAOAB, against their common centre.

    The momentum is an autoregression, :math:`\langle p_j p_k \rangle = M kT e^{-\gamma h |j - k|}`, and a step moves by
    :math:`h (p_k + p_{k+1}) / 2M`, so that displacements have covariances known for every lag.
    """
    keep, h = np.exp(-friction * step), step * units.fs
    most = int(round(records.max()))
    lags = np.arange(most + 1)
    # of v_k = (p_k + p_{k+1}) / 2
    covariance = (
        KT / mass * np.where(lags == 0, (1 + keep) / 2, keep ** np.maximum(lags - 1, 0) * (1 + keep) ** 2 / 4)
    )
    cumulated = np.concatenate(
        [[0.0], np.cumsum(covariance[0] + 2 * np.cumsum(np.where(lags > 0, covariance, 0.0)))]
    )
    told = 3 * h**2 * (1 - 1 / count) * cumulated
    return np.asarray(told[np.rint(records).astype(int)])


def free_motion(count: int, steps: int, seed: int) -> list[Row]:
    """Molecules without a field: displacements, angular momentum, the orientational correlation, an ideal gas."""
    rows: list[Row] = []
    run, molecules = moved(None, count, steps, seed, pbc=True)
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
    r"""Nitrogen in a bath of high friction g: :math:`C_l(t) = \exp(-l(l+1) (kT/I g^2) (g t - 1 + e^{-g t}))`.

    The second cumulant of the turns of a rotor whose angular rates decay by g; the next is smaller by :math:`kT / I g^2`, 0.3 %.
    """
    friction = 0.1
    run, molecules = moved(None, count, steps, seed, springs=NITROGEN, base="N2", friction=friction)
    measured = Measured(run, molecules, ["orientational-correlation"], bin_width=10.0, reach=20.0)
    dimer = molecule("N2")
    inertia = float(dimer.get_masses()[0]) / 2 * float(dimer.get_distance(0, 1)) ** 2
    ratio = KT / inertia / (friction / units.fs) ** 2
    rows = []
    for l in (1, 2):

        def decay(ps: Array, l: int = l) -> Array:
            t = friction * ps * 1e3
            return np.asarray(np.exp(-l * (l + 1) * ratio * (t - 1 + np.exp(-t))))

        lags = len(measured.rows["orientational-correlation"]["curves"][-1]["x"]) - 1
        rows += measured.curve(
            "orientational-correlation",
            f"C_{l}(t)",
            decay,
            f"nitrogen: C_{l}, ps",
            (lags // 4, lags // 2, lags),
            7,
        )
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
        ("none", ()), ("inversion", (0.05, 0.0, 0.05)), ("grid-1", (0.05,)), ("grid-2", (0.05, 0.05)), ("grid-3", (0.05, 0.05, 0.05)),
        ("grid-2-inversion", (0.05, 0.05, 0.05)),
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
    *, count: int = 300, steps: int = 4000, seed: int = 0, cures: Sequence[str] = tuple(CURES)
) -> list[Row]:
    """Return the table; `count` molecules without a cure, half of them with one."""
    table = fields(count, steps, seed) + free_motion(count, steps, seed + 100)
    for index, cure in enumerate(cures):
        table += cured(cure, max(2, count // 2), steps // 2, seed + 200 + index)
    return table


def summary(table: Sequence[Row]) -> str:
    """Return what the misses say of the reported errors, in a sentence."""
    scores = np.array([row.score for row in table])
    return (
        f"{len(table)} numbers: {np.mean(np.abs(scores) < 1):.0%} within one reported error (68 % expected), "
        f"{np.mean(np.abs(scores) < 1.96):.0%} within 95 % intervals, root mean square {np.sqrt(np.mean(scores**2)):.2f}, largest "
        f"{np.abs(scores).max():.2f}; bound for a false alarm of {FALSE_ALARM:g}: {norm.isf(FALSE_ALARM / len(table) / 2):.2f}"
    )


def main() -> int:
    """Print the table; exit status 1 where a number is beyond the bound, or what is kept exactly is not."""
    table, constants = rows(), kept(20, 7)
    print(f"{'observable':58s} {'closed form':>12s} {'measured':>12s} {'error':>10s} {'z':>6s}")
    for row in table:
        print(f"{row.name:58s} {row.exact:12.5g} {row.measured:12.5g} {row.error:10.2g} {row.z:6.2f}")
    print(summary(table))
    for name, change in constants:
        print(f"change of the angular momentum of each molecule, {name}: {change:.1e} hbar")
    return int(bool(missed(table)) or max(change for _, change in constants) > 1e-9)


if __name__ == "__main__":
    sys.exit(main())
