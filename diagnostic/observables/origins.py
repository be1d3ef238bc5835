r"""Functions of the time between two records, averaged over origins, and their errors.

The mean of :math:`f(t, t + k)` over origins t is the mean of a correlated series in t: neighbouring origins share most of what
they see, and the longer the lag k, the longer they go together. So that an error can come from that series' own autocorrelation
time, origins are kept apart in up to 256 groups of equal length, in order. Every lag has the same origins.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from .fields import Replicas, spacing
from .settings import ObservableSettings

Array = NDArray[np.float64]
#: The longest lag is this share of the shortest run: correlations of origins as far apart as the lag leave enough of a run.
SHORTEST_RUN = 32
#: Groups of origins, numbers that are transformed at a time, and points of a drawn curve at most.
_GROUPS, _CHUNK, _POINTS = 256, 4_000_000, 200


def lags_of(runs: Replicas, settings: ObservableSettings) -> int:
    """Return the longest lag in records: that of the settings, at most a thirty-second of the shortest run."""
    most = min(len(run.times) for run in runs) // SHORTEST_RUN
    step = spacing(runs[0])
    wanted = most if settings.longest_lag is None or not step else round(settings.longest_lag / step)
    return max(0, min(most, wanted))


def groups_of(records: int, lags: int) -> tuple[int, int]:
    """Return how many groups of origins there are, and origins in each; the last few records may be no origin."""
    origins = records - lags
    length = max(1, origins // _GROUPS)
    return origins // length, length


def correlated(series: Array, lags: int) -> Array:
    r"""Return :math:`\sum_c \langle x_c(t)\, x_c(t+k) \rangle` of (records, columns) by groups of origins, (groups, lags + 1).

    Examples
    --------
    >>> correlated(np.array([[1.0], [2.0], [3.0]]), 1).tolist()
    [[1.0, 2.0], [4.0, 6.0]]
    """
    count, length = groups_of(len(series), lags)
    starts = length * np.arange(count)
    total = np.zeros((count, lags + 1))
    size = max(1, _CHUNK // (count * (length + lags)))
    for first in range(0, series.shape[1], size):
        part = series[:, first : first + size]
        windows = np.lib.stride_tricks.sliding_window_view(part, length + lags, axis=0)[starts]
        origins = windows[..., length - 1 :: -1] if length > 1 else windows[..., :1]
        if length == 1:  # a product, without the rounding of a transform
            total += (windows * origins).sum(axis=1)
        else:
            total += fftconvolve(windows, origins, mode="valid", axes=-1).sum(axis=1)
    return total / length


def displaced(series: Array, lags: int) -> Array:
    r"""Return :math:`\sum_c \langle (x_c(t+k) - x_c(t))^2 \rangle` of (records, columns): (groups of origins, lags + 1).

    Examples
    --------
    >>> displaced(np.array([[1.0], [2.0], [4.0]]), 1).round(12).tolist()
    [[0.0, 1.0], [0.0, 4.0]]
    """
    centred = series - series.mean(axis=0)  # less to cancel
    count, length = groups_of(len(series), lags)
    squares = np.concatenate([[0.0], np.cumsum((centred**2).sum(axis=1))])
    begin = length * np.arange(count)[:, None] + np.arange(lags + 1)
    of_ends = (squares[begin + length] - squares[begin]) / length
    total = of_ends + of_ends[:, :1] - 2 * correlated(centred, lags)
    total[:, 0] = 0.0
    return np.asarray(np.maximum(total, 0.0))


def drawn(lags: int) -> NDArray[np.int64]:
    """Return the lags that a curve shows: all, or 200 that are evenly spaced with the first and the last."""
    return np.unique(np.linspace(0, lags, min(lags + 1, _POINTS)).round().astype(np.int64))
