"""The columns of the fits: base and knobs, each knob brought to the same number of coefficients without the target."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from ase import Atoms
from numpy.typing import NDArray
from scipy.linalg import block_diag, null_space

from .density import Floats, Integers, channels_of, density_power, expand, shell_functions
from .invariants import cubic, cubic_by_degree, cubic_count, linear, on_atoms, quadratic
from .settings import KNOBS, Basis, pairs_of

#: Channels that pairs of the knob ``radial`` are made of, at most.
WIDE = 20
#: A knob is reduced from at least this many times the coefficients that it keeps, where there are as many.
ROOM = 1.5
#: No column is scaled up from less than this part of the largest one of its group: rare distances would tower.
LEAST_SCALE = 0.1
#: Ridge of the projection that takes the base out of a knob, relative to the columns' unit power.
_PROJECTION = 1e-6
_ALL = 10**6


@dataclass(frozen=True, eq=False)
class Design:
    """How structures become columns; from :func:`prepare`.

    Attributes
    ----------
    basis
        What the columns stand for.
    channels, far_channels
        Density channels of each element within the base's cutoff, and within that of the knob ``cutoff``: there those that
        see nothing within the base's cutoff come first.
    shell
        How many of the far channels these are.
    wide, cubic_channels, far_count
        Channels in the pairs of the knobs ``radial`` and ``order``, and of the far channels.
    maps
        For (element, group) the matrix that takes the invariants of the group to its columns.
    tail
        Whether a last group ``tail`` holds more radial channels at l > L too, as many for each l as ``radial`` has.
    """

    basis: Basis
    channels: dict[int, Floats]
    far_channels: dict[int, Floats]
    shell: int
    wide: int
    cubic_channels: int
    far_count: int
    maps: dict[tuple[int, str], Floats]
    tail: bool = False

    @property
    def groups(self) -> NDArray[np.str_]:
        """Name of the group, ``base`` or a knob, of every column."""
        return np.array([name for name, _ in self._columns()])

    @property
    def degrees(self) -> Integers:
        """The highest l in every column within the cutoff (0 for those of order 1); -1 for those of the knob ``cutoff``."""
        return np.array([l for _, l in self._columns()])

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the groups in the order of their columns."""
        return ("base", *KNOBS, "tail") if self.tail else ("base", *KNOBS)

    def _columns(self) -> list[tuple[str, int]]:
        basis, pairs = self.basis, pairs_of(self.basis.channels)
        above = [l for l in range(basis.l_max + 1, basis.top + 1) for _ in range(pairs)]
        each = {
            "base": [0] * basis.channels + [l for l in range(basis.l_max + 1) for _ in range(pairs)],
            # Where they were mixed, they have the degree of the highest.
            "degree": above if len(above) == basis.coefficients else [basis.top] * basis.coefficients,
            "radial": _labels(self._counts("radial"), 0),
            "order": _labels(self._counts("order"), 0),
            "tail": _labels(self._counts("tail"), basis.l_max + 1),
        }
        return [
            (group, l)
            for group in self.parts
            for _ in basis.species
            for l in each.get(group, [-1] * basis.coefficients)
        ]

    def _pools(self, group: str) -> list[int]:
        """Return how many invariants of a group have l = 0, 1, ... as their highest."""
        more = len(_pairs_above(self.basis.channels, self.wide)[0])
        if group == "order":
            return cubic_by_degree(self.basis.l_max, self.cubic_channels)
        if group == "tail":
            return [more] * (self.basis.top - self.basis.l_max)
        linear_ones = min(axes.shape[1] for axes in self.channels.values()) - self.basis.channels
        return [more + linear_ones] + [more] * self.basis.l_max

    def _counts(self, group: str) -> list[int]:
        """Return how many columns of a group have l = 0, 1, ... as their highest: in proportion to its invariants."""
        pools = self._pools(group)
        if group == "tail":
            return [min(self._counts("radial")[-1], pool) for pool in pools]
        shares = [pool * self.basis.coefficients // sum(pools) for pool in pools]
        for k in np.argsort(-np.array(pools), kind="stable")[: self.basis.coefficients - sum(shares)]:
            shares[k] += 1
        return shares

    def rows(self, batch: Sequence[Atoms]) -> Floats:
        """Return the columns for a batch of structures, ``(3 atoms, columns)``, in 1/Å.

        Row 3 k + x belongs to component x of the force on atom k.
        """
        raw = self._invariants(batch)
        columns = [raw[z][group] @ self.maps[z, group] for group in self.parts for z in self.basis.species]
        return np.concatenate(columns, axis=-1).reshape(3 * sum(len(atoms) for atoms in batch), -1)

    def _pairs_of_shell(self) -> tuple[Integers, Integers]:
        """Return the pairs of far channels of which the first lies beyond the base's cutoff."""
        first, second = np.triu_indices(self.far_count)
        return first[first < self.shell], second[first < self.shell]

    def _invariants(self, batch: Sequence[Atoms]) -> dict[int, dict[str, Floats]]:
        basis, atoms = self.basis, sum(len(structure) for structure in batch)
        l_max, q = basis.l_max, basis.channels
        wide, kept = (
            max(self.wide, self.cubic_channels),
            min(axes.shape[1] for axes in self.channels.values()),
        )
        counts = [_ALL] + [wide if self.tail or l <= l_max else q for l in range(1, basis.top + 1)]
        near = expand(batch, self.channels, counts, basis.cutoff, basis.radial)
        far = expand(
            batch, self.far_channels, [self.far_count] * (l_max + 1), basis.farther, _far_radial(basis)
        )
        low, high = range(l_max + 1), range(l_max + 1, basis.top + 1)
        out = {}
        for z in basis.species:
            inner, outer = near[z], far[z]
            pairs, more = np.triu_indices(q), _pairs_above(q, self.wide)
            parts = {
                "base": [linear(inner, slice(0, q)), quadratic(inner, low, pairs)],
                "degree": [quadratic(inner, high, pairs)],
                "radial": [linear(inner, slice(q, kept)), quadratic(inner, low, more)],
                "order": [cubic(inner, l_max, self.cubic_channels)],
            }
            if self.tail:
                parts["tail"] = [quadratic(inner, high, more)]
            out[z] = {
                group: on_atoms(np.concatenate(some, axis=-1), inner.atom, atoms)
                for group, some in parts.items()
            }
            some = [linear(outer, slice(0, self.shell)), quadratic(outer, low, self._pairs_of_shell())]
            out[z]["cutoff"] = on_atoms(np.concatenate(some, axis=-1), outer.atom, atoms)
        return out


def prepare(batch: Sequence[Atoms], basis: Basis, *, tail: bool = False) -> Design:
    """Choose channels and columns from a few structures; their forces are not looked at.

    Columns of a knob: its invariants, each scaled to unit power (from no less than a tenth of the largest, so that a rare
    distance does not tower), the part that the base of the same element explains taken out, principal axes of the rest, the
    leading ``basis.coefficients``. The knob ``degree`` has exactly that many and keeps its own.

    The base gives up channels until every other knob has as many invariants as ``degree``.
    """
    power = density_power(batch, basis.species, basis.cutoff, basis.radial, basis.top)
    channels = {z: channels_of(of_z) for z, of_z in power.items()}
    far, shell = _far_channels(batch, basis)
    kept = min(axes.shape[1] for axes in channels.values())
    kept_far = min(axes.shape[1] for axes in far.values())
    for q in range(min(basis.channels, kept), 0, -1):
        count, widths = _widths(basis, q, kept, (shell, kept_far))
        if all(size >= count for size, _ in widths) or q == 1:
            break
    count = min(count, *(size for size, _ in widths))
    basis = replace(basis, channels=q, coefficients=count)
    wide, third, far_count = (width for _, width in widths)
    design = Design(basis, channels, far, shell, wide, third, far_count, {}, tail)
    return replace(design, maps=_maps(design, batch))


def _far_channels(batch: Sequence[Atoms], basis: Basis) -> tuple[dict[int, Floats], int]:
    """Return the channels of the longer density: those beyond the base's cutoff, then the others; and how many the first are."""
    radial = _far_radial(basis)
    functions = shell_functions(basis.cutoff, basis.farther, radial, basis.l_max)
    beyond = block_diag(*[functions] * len(basis.species))
    within = null_space(beyond.T)
    power = density_power(batch, basis.species, basis.farther, radial, basis.l_max)
    # All of them: where few neighbours lie beyond, the knob has as many coefficients and little to hold.
    first = {z: channels_of(of_z, beyond, least=-np.inf) for z, of_z in power.items()}
    shell = beyond.shape[1]
    return {z: np.hstack([first[z], channels_of(power[z], within)]) for z in power}, shell


def _widths(basis: Basis, q: int, kept: int, far: tuple[int, int]) -> tuple[int, list[tuple[int, int]]]:
    """Return the coefficients of ``degree`` with q channels, and for each other knob its invariants and its channels."""
    degrees = basis.l_max + 1
    count = pairs_of(q) * (basis.top - basis.l_max)

    def radial(width: int) -> int:
        return kept - q + (pairs_of(width) - pairs_of(q)) * degrees

    def third(width: int) -> int:
        return cubic_count(basis.l_max, width)

    def beyond(width: int) -> int:
        return shell + (pairs_of(width) - pairs_of(width - shell)) * degrees

    shell, kept_far = far
    limits = (
        (radial, q, min(kept, WIDE)),
        (third, 1, min(kept, WIDE)),
        (beyond, shell, min(kept_far, shell + WIDE)),
    )
    widths = [_smallest(size, count, low, high) for size, low, high in limits]
    return count, [(size(width), width) for (size, _, _), width in zip(limits, widths, strict=True)]


def _maps(design: Design, batch: Sequence[Atoms]) -> dict[tuple[int, str], Floats]:
    raw = design._invariants(batch)
    maps = {}
    for z in design.basis.species:
        flat = {group: part.reshape(-1, part.shape[-1]) for group, part in raw[z].items()}
        scale = _scales(flat["base"])
        base = flat["base"] / scale
        maps[z, "base"] = np.diag(1 / scale)
        gram = base.T @ base
        gram[np.diag_indices_from(gram)] += _PROJECTION * len(base)
        principal = _principal(base, gram)
        for group in design.parts[1:]:
            scale = _scales(flat[group], flat["base"] if group == "cutoff" else None)
            columns = flat[group] / scale
            if group == "degree" and len(scale) == design.basis.coefficients:
                axes = np.eye(len(scale))
            elif group in ("radial", "order", "tail"):
                axes = _by_degree(columns, design, group, principal)
            else:
                axes = principal(columns, design.basis.coefficients)
            maps[z, group] = axes / scale[:, None]
    return maps


def _principal(base: Floats, gram: Floats) -> Callable[[Floats, int], Floats]:
    """Return what takes columns to the leading principal axes of the part that the base does not explain."""

    def axes(columns: Floats, count: int) -> Floats:
        rest = columns - base @ np.linalg.solve(gram, base.T @ columns)
        return np.asarray(np.linalg.eigh(rest.T @ rest)[1][:, ::-1][:, :count])

    return axes


def _by_degree(
    columns: Floats, design: Design, group: str, principal: Callable[[Floats, int], Floats]
) -> Floats:
    """Return axes that mix only invariants of one highest l."""
    blocks, start = [], 0
    for pool, count in zip(design._pools(group), design._counts(group), strict=True):
        blocks.append(principal(columns[:, start : start + pool], count))
        start += pool
    return np.asarray(block_diag(*blocks))


def _labels(counts: Sequence[int], first: int) -> list[int]:
    return [l for l, count in enumerate(counts, start=first) for _ in range(count)]


def _scales(columns: Floats, yardstick: Floats | None = None) -> Floats:
    """Return what the columns are divided by; with a yardstick, no less than a tenth of its largest column.

    The knob ``cutoff`` is measured by the base: without neighbours beyond the cutoff its columns hold leakage, and nothing
    else that could be scaled up.
    """
    power = np.sqrt(np.mean(columns**2, axis=0))
    most = np.sqrt(np.mean((columns if yardstick is None else yardstick) ** 2, axis=0)).max(initial=0.0)
    scales: Floats = np.maximum(power, LEAST_SCALE * max(float(most), 1e-12))
    return scales


def _far_radial(basis: Basis) -> int:
    """Radial functions of the longer density: as dense as those of the base."""
    return min(20, round(basis.radial * basis.farther / basis.cutoff))


def _pairs_above(inner: int, outer: int) -> tuple[Integers, Integers]:
    """Return the pairs of ``outer`` channels that are not pairs of the first ``inner``."""
    first, second = np.triu_indices(outer)
    keep = second >= inner
    return first[keep], second[keep]


def _smallest(size: Callable[[int], int], count: int, low: int, high: int) -> int:
    """Return the smallest number of channels with room for ``count`` columns, or ``high``."""
    return next((width for width in range(low, high) if size(width) >= ROOM * count), max(low, high))
