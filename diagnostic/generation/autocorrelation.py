r"""Autocorrelation of a vector signal along a trajectory, and the frame spacing it asks for.

:math:`C(t) = \langle \delta v(0) \cdot \delta v(t) \rangle / \langle |\delta v|^2 \rangle` with
:math:`\delta v = v - \langle v \rangle`, averaged over atoms and time origins.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...theory.errors import InputError


def lagged_products(
    centred: NDArray[np.float64], *, longest: int | None = None, together: bool = False
) -> NDArray[np.float64]:
    r"""Return :math:`\sum_t x_c(t)\, x_c(t + k)` of a signal (N, columns) at lags k = 0..longest, by a transform.

    Parameters
    ----------
    centred : (N, columns) float array
        The signal, less what is to be taken off.
    longest : int or None
        The longest lag; None: N - 1.
    together : bool
        Sum over the columns.

    Returns
    -------
    (longest + 1, columns) float array, or (longest + 1,) of all columns together.
    """
    samples = len(centred)
    padded = np.fft.rfft(centred, n=2 * samples, axis=0)
    power = padded.real**2 + padded.imag**2
    products = np.fft.irfft(power.sum(axis=1) if together else power, n=2 * samples, axis=0)
    return np.asarray(products[: (samples if longest is None else longest + 1)])


def autocorrelation(signal: NDArray[np.float64], max_lag: int) -> NDArray[np.float64]:
    """Normalised autocorrelation C(k), k = 0..max_lag, of a signal (N, ...) sampled at equal times.

    Every lag is averaged over its own N - k time origins, so C is unbiased but not positive definite.

    Raises
    ------
    InputError
        If the signal is not longer than ``max_lag`` or does not vary.
    """
    samples = len(signal)
    if samples <= max_lag:
        raise InputError(
            f"an autocorrelation up to lag {max_lag} needs more than {samples} samples: lengthen the pilot."
        )
    centred = (signal - signal.mean(axis=0)).reshape(samples, -1)
    products = lagged_products(centred, longest=max_lag, together=True) / (samples - np.arange(max_lag + 1))
    if not products[0] > 0:
        raise InputError("the signal does not vary in time: an autocorrelation needs fluctuations.")
    return np.asarray(products / products[0])


def effective_samples(correlation: NDArray[np.float64], samples: int) -> float:
    """Number of independent samples in ``samples`` equally spaced ones: N / (1 + 2 sum_k C(k)).

    The sum ends before the first C(k) <= 0 (the initial positive sequence, C. J. Geyer, Statist. Sci. 7,
    473 (1992), in its simplest form), because the noise of the tail would otherwise swamp it.
    """
    negative = np.flatnonzero(correlation <= 0)
    end = int(negative[0]) if len(negative) else len(correlation)
    return float(samples / (1 + 2 * correlation[1:end].sum()))


@dataclass(frozen=True)
class Spacing:
    r"""A frame spacing and how it was chosen.

    Attributes
    ----------
    steps : int
        Integration steps between frames.
    fs : float
        The same in femtoseconds.
    residual : float
        C at this lag, measured on the pilot stretch.
    envelope : float
        Largest \|C\| at this lag or later, within the pilot's longest lag.
    capped : bool
        Whether the rule asked for more than the largest allowed spacing.
    wanted_fs : float or None
        What the rule asked for; None if \|C\| never settled within the pilot's longest lag.
    """

    steps: int
    fs: float
    residual: float
    envelope: float
    capped: bool
    wanted_fs: float | None


def choose_spacing(
    correlation: NDArray[np.float64],
    *,
    steps_per_lag: int,
    timestep_fs: float,
    threshold: float,
    longest_fs: float,
) -> Spacing:
    r"""Choose the shortest lag from which \|C(t)\| stays at or below a threshold, capped at ``longest_fs``.

    Forces oscillate with the bonds, so the first passage through the threshold says little: the rule asks
    that C never leaves the band again up to the longest lag that was measured.

    Parameters
    ----------
    correlation : (K + 1,) float array
        C at lags 0..K.
    steps_per_lag : int
        Integration steps in one lag.
    timestep_fs : float
        Integration step (fs).
    threshold : float
        Half-width of the band, between 0 and 1.
    longest_fs : float
        Largest spacing allowed.

    Returns
    -------
    Spacing
    """
    lag_fs = steps_per_lag * timestep_fs
    size = np.abs(correlation)
    envelope = np.maximum.accumulate(size[::-1])[::-1]
    settled = np.flatnonzero(envelope <= threshold)
    cap = max(1, int(np.floor(longest_fs / lag_fs + 1e-9)))
    wanted = int(settled[0]) if len(settled) else None
    lag = min(cap, len(correlation) - 1) if wanted is None else max(1, min(wanted, cap))
    return Spacing(
        steps=lag * steps_per_lag,
        fs=lag * lag_fs,
        residual=float(correlation[lag]),
        envelope=float(envelope[lag]),
        capped=wanted is None or wanted > lag,
        wanted_fs=None if wanted is None else wanted * lag_fs,
    )
