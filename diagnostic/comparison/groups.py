"""Several backbones on the same molecule: figures averaged over backbones, with hierarchical intervals and exact tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from ..recovery.bootstrap import NAMES, share_of, sums_table
from ..recovery.cliff import cliff_ratio, cliff_table
from ..recovery.error_sums import Cell, ErrorSums
from ..recovery.exact_tests import sign_flip
from ..recovery.hierarchy import LEVEL, Bootstrap, Interval, interval, quantile

Array = NDArray[np.float64]


def group_rows(
    cells: Sequence[dict[int, Cell]], boundary: int, bootstrap: Bootstrap, *, crossed: bool, seed: int = 0
) -> dict[str, Any]:
    """Return what several backbones recover, and the step at the ceiling.

    Parameters
    ----------
    cells
        For each backbone, the cell of every atom; only atoms that all of them have are taken.
    boundary
        The ceiling C.
    crossed
        Whether the held-out frames are the same for all.

    Returns
    -------
    ``{backbones, atoms, frames: crossed | nested, blocks: frames | structures, factor, smallest_p, rows, step}``. ``factor`` is
    how many times the bootstrap's standard error between backbones the half-width is, against 1.96 of a percentile interval.
    ``rows`` holds R2 and rho for every l, ``step`` the raw gain contrast Delta(C) - Delta(C+1), the cliff ratio
    rho(C) / rho(C+1) and the tests, or None where nothing was fitted above the ceiling. With two backbones no interval is
    given, but both values.
    """
    atoms = [atom for atom in cells[0] if all(atom in cell for cell in cells)]
    top = len(next(iter(cells[0].values()))[0])
    n = len(cells)
    rows = []
    for l in range(top):
        sums = [[cell[atom][0][l] for atom in atoms] for cell in cells]
        if any(cell is None for each in sums for cell in each):
            continue
        table = sums_table(sums)  # type: ignore[arg-type]  # none of them is None
        figures = {
            kind: interval(
                share_of(kind, "median"), table, bootstrap, share=True, median=True, crossed=crossed
            )
            for kind in _KINDS
        }
        each = _medians(sums)  # type: ignore[arg-type]
        shown = {"r2": as_json(figures["r2"], each), "rho": as_json(figures["rho"], _rho_of_backbones(table))}
        rows.append({"l": l, **shown, "r2_of_backbones": each})
    return {
        "backbones": n,
        "atoms": len(atoms),
        "frames": "crossed" if crossed else "nested",
        "blocks": "structures" if bootstrap.clusters else "frames",
        "factor": quantile(n - 1) * float(np.sqrt(n / (n - 1))),
        "percentile_factor": float(norm.ppf((1 + LEVEL) / 2)),
        "smallest_p": 0.5**n,
        "rows": rows,
        "step": _step(cells, atoms, boundary, bootstrap, crossed, seed) if boundary + 1 < top else None,
    }


#: With fewer backbones there is no interval over them: Student's t has one degree of freedom, and a factor of 18.
FEWEST = 3

_KINDS: tuple[Literal["r2", "rho"], ...] = ("r2", "rho")


def as_json(interval: Interval, values: Sequence[float]) -> dict[str, Any]:
    """Return an interval over backbones as JSON-ready data, with each level's part of the variance and every backbone's value.

    With two backbones there are both values and no interval: ``few`` is true, ``low`` and ``high`` are None.
    """
    few = len(values) < FEWEST
    return {
        "value": interval.value,
        "low": None if few else interval.low,
        "high": None if few else interval.high,
        "share_of_variance": {} if few else interval.share,
        "values": [float(value) for value in values],
        "few": few,
    }


def _rho_of_backbones(table: Mapping[str, Sequence[Array]]) -> list[float]:
    """Return rho of every backbone by itself, the median over its atoms."""
    whole = {
        name: np.stack([array.sum(axis=1) for array in arrays])[..., None] for name, arrays in table.items()
    }
    values: list[float] = share_of("rho", "median")(lambda name: whole[name])[:, 0].tolist()
    return values


def _medians(sums: Sequence[Sequence[ErrorSums]]) -> list[float]:
    return [
        float(np.median([1.0 - part.missed.sum() / part.injected.sum() for part in atoms])) for atoms in sums
    ]


def _gain(get: Callable[[str], Array], l: int) -> Array:
    """Raw gain of all atoms together: MSE without the readout minus MSE with it."""
    lost = get(f"before@{l}") - get(f"after@{l}")
    return np.asarray(lost.sum(axis=1) / get(f"count@{l}").sum(axis=1))


def _step(
    cells: Sequence[dict[int, Cell]],
    atoms: Sequence[int],
    boundary: int,
    bootstrap: Bootstrap,
    crossed: bool,
    seed: int,
) -> dict[str, Any] | None:
    table = cliff_table(cells, atoms, boundary)
    if table is None:
        return None  # no path above the ceiling: there is no step to measure

    def contrast(get: Callable[[str], Array]) -> Array:
        return _gain(get, boundary) - _gain(get, boundary + 1)

    each = contrast(lambda name: np.stack([array.sum(axis=1) for array in table[name]])[..., None])[
        :, 0
    ].tolist()
    test = sign_flip(each, seed)
    return {
        "l": boundary,
        "contrast_eV2_A2": as_json(interval(contrast, table, bootstrap, share=False, crossed=crossed), each),
        "contrast_of_backbones_eV2_A2": each,
        "cliff_ratio": _ratio(table, boundary, bootstrap, crossed),
        "sign_flip": {
            "p": test.p,
            "smallest": test.smallest,
            "wilcoxon_p": test.wilcoxon,
            "count": test.count,
        },
        "sign_flip_of_blocks": [
            {"p": array.p, "smallest": array.smallest, "count": array.count}
            for array in (
                sign_flip(_block_contrasts(table, k, boundary, bootstrap), seed) for k in range(len(cells))
            )
        ],
    }


def _ratio(
    table: dict[str, list[Array]], boundary: int, bootstrap: Bootstrap, crossed: bool
) -> dict[str, Any]:
    """Return rho(C) / rho(C + 1), averaged over backbones; no number where there is none, no interval over two backbones."""
    rho = [
        _rho_of_backbones({name: table[f"{name}@{l}"] for name in NAMES}) for l in (boundary, boundary + 1)
    ]
    values = [top / bottom if min(top, bottom) > 0.0 else None for top, bottom in zip(*rho, strict=True)]
    nothing = {"value": None, "kind": "no ratio", "low": None, "high": None, "values": values}
    if min(np.mean(array) for array in rho) <= 0.0:
        return nothing
    cliff = cliff_ratio(table, boundary, bootstrap, crossed=crossed)
    if len(values) < FEWEST:
        return {**nothing, "value": cliff.value, "kind": "too few"}
    value = None if cliff.kind == "unbounded" else cliff.value
    return {"value": value, "kind": cliff.kind, "low": cliff.low, "high": cliff.high, "values": values}


def _block_contrasts(
    table: dict[str, list[Array]], backbone: int, boundary: int, bootstrap: Bootstrap
) -> list[float]:
    """Gain contrast of every block of frames of one backbone: swapping the labels l in a block flips its sign.

    Of environments a block is a cluster of structures; one in which none of the pools is has no contrast.
    """
    assert {f"{name}@{boundary}" for name in NAMES} <= set(table)
    starts = bootstrap.starts(table[f"count@{boundary}"][backbone].shape[1])

    def blocks(name: str) -> Array:
        return np.asarray(np.add.reduceat(table[name][backbone], starts, axis=1))

    there = blocks(f"count@{boundary}").sum(axis=0) > 0.0

    def get(name: str) -> Array:
        return blocks(name)[None][..., there]

    values: list[float] = (_gain(get, boundary) - _gain(get, boundary + 1))[0].tolist()
    return values
