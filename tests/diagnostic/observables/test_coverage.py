"""Reported intervals hold what they promise, on processes whose answers are known in closed form, in short runs and long ones.

Every case makes many runs of a process. Of the intervals that are reported as such (``enough``) 95 % should hold the answer. The
law: those that miss are no more than the 99.9 % point of a binomial of 7 %, counted over all runs, at every length; and counted
over the intervals that are reported, from thirty correlation times on. Below, a run that looks long enough because its
autocorrelation time came out small cannot be told from a long one by its numbers alone.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import get_window, lfilter
from scipy.stats import binom
from scipy.stats import t as student

from spectral_ceilings.diagnostic.observables import ObservableSettings, blocked_columns, measure_observables
from spectral_ceilings.diagnostic.observables.correlations import time_correlation
from spectral_ceilings.diagnostic.observables.spectra import power_spectrum

from made_up_runs import made_up_run

#: Runs of each case at most, and records in a correlation time. Chance fails a case of an honest interval below 1 in 1,000.
RUNS, PER_TIME = 300, 4
LENGTHS = (20, 30, 100, 500)
CONSERVATIVE = 30


def held_law(rows, length):
    """Hold (value, half width, enough, exact) of many runs against the law."""
    value, half, enough, exact = (np.array(column) for column in zip(*rows, strict=True))
    enough = enough.astype(bool)
    miss = (np.abs(value - exact) > half) & enough
    most = binom.ppf(1 - 1e-3, len(rows), 0.07)
    assert miss.sum() <= most, (length, miss.sum(), most)
    if length >= CONSERVATIVE and enough.any():
        assert miss.sum() <= binom.ppf(1 - 1e-3, enough.sum(), 0.07), (length, miss.sum(), enough.sum())
    return enough.mean()


def velocities(records, columns, seed):
    """Ornstein-Uhlenbeck velocities of unit variance, (records, columns), and what they move between records, exactly.

    In a step h, friction 1: v' = a v + noise, x' - x = (1 - a) v + noise, a = exp(-h), with variances 1 - a² and
    2h - 3 + 4a - a² and covariance (1 - a)² (D. T. Gillespie, Phys. Rev. E 54, 2084 (1996)).
    """
    rng = np.random.default_rng(seed)
    h = 1 / PER_TIME
    a = np.exp(-h)
    first, second = rng.standard_normal((2, records, columns))
    noise_v = np.sqrt(1 - a**2) * first
    both = (1 - a) ** 2 / np.sqrt(1 - a**2)
    noise_x = both * first + np.sqrt(2 * h - 3 + 4 * a - a**2 - both**2) * second
    start = rng.standard_normal(columns)
    noise_v[0] = start
    v = lfilter([1.0], [1.0, -a], noise_v, axis=0)
    steps = (1 - a) * v[:-1] + noise_x[1:]
    return v, np.concatenate([np.zeros((1, columns)), steps.cumsum(axis=0)])


@pytest.mark.parametrize("length", LENGTHS)
def test_means_of_correlated_records(length):
    v, _ = velocities(length * PER_TIME, RUNS, seed=length)
    rows = [(e.value, e.half_width(), e.enough, 0.0) for e in blocked_columns(v)]
    share = held_law(rows, length)
    assert share < 0.6 if length == 20 else share > (0.95 if length >= 100 else 0.5)


@pytest.mark.parametrize("length", LENGTHS)
def test_mean_square_displacement_of_brownian_particles(length):
    """msd(t) = 6 (t - 1 + exp(-t)) (n - 1) / n of n particles about their centre, friction and kT / m being 1."""
    records, bodies = length * PER_TIME, 4
    times = np.arange(records) / PER_TIME
    numbers = {"D": [], "anisotropy xx": [], "anisotropy xy": []}
    last = []
    for seed in range(80 if length < 500 else 30):
        _, x = velocities(records, 3 * bodies, seed)
        run = made_up_run([18] * bodies, x.reshape(records, bodies, 3), cell=500.0, step=1e3 / PER_TIME)
        row = measure_observables(run, None, ["msd"])["msd"]
        if row["outcome"] == "nothing tested":
            assert records < 64
            continue
        drawn = row["curves"][0]
        exact = 6 * (times - 1 + np.exp(-times)) * (bodies - 1) / bodies
        lags = np.round(np.array(drawn["x"]) * PER_TIME).astype(int)
        last.append((drawn["y"][-1], drawn["half_width"][-1], drawn["enough"], exact[lags[-1]]))
        half = lags[-1] // 2
        slope = np.polyfit(times[half : lags[-1] + 1], exact[half : lags[-1] + 1], 1)[0]
        answers = {"D": slope / 6, "anisotropy xx": 0.0, "anisotropy xy": 0.0}
        for number in row["numbers"]:
            if number["label"] in answers:
                # of one number: that of six together is wider
                wide = number["half_width"] if number["label"] == "D" else None
                single = wide or number["error"] * student.ppf(0.975, number["blocks"] - 1)
                numbers[number["label"]].append(
                    (number["value"], single, number["enough"], answers[number["label"]])
                )
    for rows in (last, *numbers.values()):
        held_law(rows, length)


@pytest.mark.parametrize("length", LENGTHS)
def test_spectrum_of_brownian_velocities(length):
    """The expected periodogram of a window w of a process with correlation a^|k| is a sum over k, exactly."""
    records, size = length * PER_TIME, 16
    a = np.exp(-1 / PER_TIME)
    window = get_window("hann", size)
    own = np.correlate(window, window, "full") / (window**2).sum()
    lags = np.arange(1 - size, size)
    wave = np.arange(size // 2 + 1) / size
    exact = 2 * (own * a ** np.abs(lags) * np.exp(2j * np.pi * wave[:, None] * lags)).sum(axis=1).real
    exact[[0, -1]] /= 2
    rows = {k: [] for k in (0, 1, 4)}
    for seed in range(RUNS if length < 100 else 60):
        v, _ = velocities(records, 3, 1000 + seed)
        x, parts = power_spectrum(v, np.ones(3), 1.0, size)
        if len(parts) < 2:
            continue
        density = exact * 3 / x[1] / size
        estimates = blocked_columns(np.stack(parts))
        for k, kept in rows.items():
            kept.append((estimates[k].value, estimates[k].half_width(), estimates[k].enough, density[k]))
    for kept in rows.values():
        held_law(kept, length)


def turning(records, bodies, step, seed):
    """Axes (records, bodies, 3) that diffuse with D = step² / 2 in a record: C_l = (mean of P_l(cos angle))^k, exactly.

    Each record turns an axis by a normal angle about a random direction across it, which is isotropic: by the addition theorem
    the mean of Y_lm afterwards is P_l(cos angle) times that before.
    """
    rng = np.random.default_rng(seed)
    u = np.empty((records, bodies, 3))
    u[0] = rng.standard_normal((bodies, 3))
    u[0] /= np.linalg.norm(u[0], axis=1, keepdims=True)
    kicks = step * rng.standard_normal((records, bodies, 3))
    for k in range(1, records):
        across = kicks[k] - (kicks[k] * u[k - 1]).sum(axis=1, keepdims=True) * u[k - 1]
        angle = np.linalg.norm(across, axis=1, keepdims=True)
        u[k] = np.cos(angle) * u[k - 1] + np.sin(angle) * across / angle
    return u


def factor_of(l, step):
    """The mean of P_l(cos a) over angles with density a exp(-a² / 2 step²) / step²: exp(-l(l+1) D) to first order in step²."""
    angle = np.linspace(0, 12 * step, 20001)
    density = angle * np.exp(-(angle**2) / (2 * step**2)) / step**2
    cosine = np.cos(angle)
    return np.trapezoid(density * (cosine if l == 1 else 1.5 * cosine**2 - 0.5), angle)


@pytest.mark.parametrize("length", LENGTHS)
def test_rotational_diffusion(length):
    # exp(-2 D k) of l = 1: a correlation time of 1 / 2D records
    step = np.sqrt(1 / PER_TIME)
    records = length * PER_TIME
    lags = max(1, records // 32)
    runs = RUNS if length < 100 else 80
    # all runs at a time, as bodies that are then measured each alone
    every = turning(records, runs, step, seed=7 + length)
    for l in (1, 2):
        q = factor_of(l, step)
        assert q == pytest.approx(np.exp(-l * (l + 1) * step**2 / 2), rel=0.1 * l * l)
        rows = {1: [], lags: []}
        for run in range(runs):
            estimates = blocked_columns(time_correlation(every[:, run : run + 1], l, lags))
            for k, kept in rows.items():
                kept.append((estimates[k].value, estimates[k].half_width(), estimates[k].enough, q**k))
        for kept in rows.values():
            held_law(kept, length)


@pytest.mark.parametrize("replicas", [4, 12])
def test_free_rotors_are_known_from_many_of_them_only(replicas):
    """C_1(t) of one rotor is cos(omega t) for ever; of a thermal plane rotor <cos(omega t)>, omega^2 exponential of mean 2."""
    records, lags, h = 320, 10, 0.1
    times = h * np.arange(records)
    rng = np.random.default_rng(4)
    omega = np.linspace(0, 12, 20001)
    density = omega * np.exp(-(omega**2) / 2)
    exact = np.trapezoid(density * np.cos(omega * h * lags), omega)
    rows = []
    for _ in range(100):
        parts = []
        for speed in np.sqrt(rng.exponential(2.0, replicas)):
            angle = speed * times + rng.uniform(0, 2 * np.pi)
            axes = np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)[:, None]
            parts.append(time_correlation(axes, 1, lags))
        estimate = blocked_columns([part[:, lags:] for part in parts])[0]
        rows.append((estimate.value, estimate.half_width(), estimate.enough, exact))
    share = held_law(rows, 500)
    assert share == (replicas >= 10)


def test_a_run_that_is_too_short_is_undecided_and_gives_no_small_error():
    _, x = velocities(80, 3 * 8, seed=3)
    run = made_up_run([18] * 8, x.reshape(80, 8, 3), cell=500.0, step=1e3)
    settings = ObservableSettings(tolerances={"msd": 1.0})
    row = measure_observables(run, None, ["msd"], settings)["msd"]
    numbers = {number["label"]: number for number in row["numbers"]}
    for number in numbers.values():
        assert number["enough"] or number["outcome"] in ("undecided", "nothing tested")
        # four or five independent stretches cannot know better than to a tenth of a mean square
        assert number["enough"] or number["error"] > 0.1 * abs(number["value"])
