"""Power spectra of velocities and of the molecules' axes, in 1/cm."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import periodogram

from .energies import centre_at_rest
from .fields import (
    BOLTZMANN,
    ENERGY,
    WAVENUMBER,
    Molecules,
    Replicas,
    axes_of,
    spacing,
    suffix,
    thermostatted,
    turnable,
)  # fmt: skip
from .measured import TITLES, Number, curve_of, measured, nothing
from .settings import ObservableSettings
from .statistics import ENOUGH, blocked, blocked_columns

Array = NDArray[np.float64]
#: Records of a stretch and stretches of a run at least; width of a line of a Hann window in bins.
_SHORTEST, _STRETCHES, _LINE = 16, 4, 1.5
#: Stretches of all runs together that an error takes: with fewer of them lines are wider than was asked.
_WANTED = 2 * ENOUGH
#: Lines so many times as wide as was asked show no peak.
_COARSE = 5.0
#: Columns that are transformed at a time.
_CHUNK = 512


def power_spectrum(signal: Array, weights: Array, step: float, length: int) -> tuple[Array, list[Array]]:
    r"""Return wave numbers (1/cm) and the one-sided spectra of stretches of ``length`` records of a signal (records, columns).

    Each is :math:`S(\nu)` with :math:`\int_0^\infty S\, d\nu = \sum_c w_c \langle x_c^2 \rangle`: a periodogram with a Hann
    window, whose density is divided by the mean square of the window, so that a stationary signal keeps its mean square on
    average. The window gives a sharp line the width of 1.5 bins.
    """
    count = len(signal) // length
    spectra = []
    for index in range(count):
        stretch = signal[index * length : (index + 1) * length]
        total: Array | float = 0.0
        for start in range(0, stretch.shape[1], _CHUNK):
            part = slice(start, start + _CHUNK)
            wave, density = periodogram(stretch[:, part], 1 / step, window="hann", detrend=False, axis=0)
            total = total + density @ weights[part]
        spectra.append(np.asarray(total) / WAVENUMBER)
    return np.asarray(wave * WAVENUMBER), spectra


def spectrum(runs: Replicas, molecules: Molecules | None, settings: ObservableSettings) -> dict[str, Any]:
    r"""Measure the power spectra of the atoms' velocities and of the molecules' axes.

    Velocities: :math:`S(\nu)` in K cm with :math:`\int S\, d\nu = \sum_i m_i \langle v_i^2 \rangle / 3 N k_B`, by equipartition
    the temperature (less the share 1/N of a centre of mass at rest). Axes, as of a dipole of fixed size on each: the spectrum of
    :math:`\dot M`, :math:`M = \sum u`, with :math:`\int S\, d\nu = \langle \dot M^2 \rangle / N` in 1/ps². Isotropy says nothing
    exact of either; equipartition says the integral of the first where a thermostat is known. Errors are those of the mean over
    stretches as long as a line is wide, with their own autocorrelation time: of twenty at least, or lines are wider than asked.
    """
    name, title = "spectrum", TITLES["spectrum"]
    step = spacing(runs[0])
    shortest = min(len(run.times) for run in runs)
    if shortest < _SHORTEST * _STRETCHES:
        return nothing(name, title, f"spectra need {_SHORTEST * _STRETCHES} records of every run")
    wanted = round(_LINE * WAVENUMBER / (settings.resolution * step))
    records = sum(len(run.times) for run in runs)
    most = min(shortest // _STRETCHES, max(_SHORTEST, int(records // _WANTED)))
    length = int(np.clip(wanted, _SHORTEST, most))
    atoms = len(runs[0].numbers)
    weights = np.repeat(runs[0].masses, 3) * ENERGY / (3 * atoms * BOLTZMANN)
    spectra = []
    for run in runs:
        wave, of_run = power_spectrum(run.velocities.reshape(len(run.times), -1), weights, step, length)
        spectra.append(np.stack(of_run))
    estimates = blocked_columns(spectra)
    curves = [curve_of("velocities", ("wave number, 1/cm", "power, K cm"), wave, estimates)]
    total = blocked([run.velocities.reshape(len(run.times), -1) ** 2 @ weights for run in runs])
    canonical = settings.temperature is not None and all(thermostatted(run) for run in runs)
    expected = None
    if canonical and settings.temperature is not None:
        at_rest = all(centre_at_rest(run) for run in runs)
        expected = settings.temperature * (1 - at_rest / atoms)
    peak = float(wave[int(np.argmax([e.value for e in estimates]))])
    numbers = [Number("integral of the velocities' spectrum", total, expected, unit="K")]
    curves += _of_axes(runs, molecules, step, length, numbers)
    fastest = WAVENUMBER / (2 * step)
    wide = _LINE * WAVENUMBER / (length * step)
    say = f"lines are {wide:.4g} 1/cm wide, up to {fastest:.4g} 1/cm"
    if wide > _COARSE * settings.resolution:
        times = wide / settings.resolution
        say += f"; the run is too short for peaks, {settings.resolution:g} 1/cm take one {times:.0f} times as long"
    else:
        say += f", the highest at {peak:.4g} 1/cm"
    if fastest < 4500:
        say += f"; vibrations above {fastest:.4g} 1/cm are folded below it: record more often"
    return measured(name, title, numbers, curves=curves, say=say)


def _of_axes(
    runs: Replicas, molecules: Molecules | None, step: float, length: int, numbers: list[Number]
) -> list[dict[str, Any]]:
    curves = []
    kinds = turnable(molecules)
    for kind, formula in kinds if molecules is not None else ():
        assert molecules is not None
        of = suffix(kinds, formula)
        spectra: list[Array] = []
        rates: list[Array] = []
        for run in runs:
            turned = axes_of(run, molecules, kind)
            # differences whiten the signal before the window could leak; what they lose is known
            rate = np.diff(turned.sum(axis=1), axis=0) * (1e3 / step)
            wave, of_run = power_spectrum(rate, np.full(3, 1 / turned.shape[1]), step, length)
            loss = np.sinc(wave / WAVENUMBER * step) ** 2
            spectra.append(np.stack(of_run) / loss)
            rates.append((rate**2).sum(axis=1) / turned.shape[1])
        label = f"axes{of}"
        curves.append(curve_of(label, ("wave number, 1/cm", "power, cm/ps²"), wave, blocked_columns(spectra)))
        numbers.append(Number(f"mean square rate of the {label}", blocked(rates), unit="1/ps²"))
    return curves
