"""A fair sample of atomic environments from structures of any kind, pooled by element, without leaks between its parts.

Structures of one group (copies, neighbours in time, what the user declared) and neighbours in the file make one *unit*, and a
unit stands in one part only: training, validation or held out. Within a part every structure is equally likely, and within a
structure every atom of the pool.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from ase.data import chemical_symbols
from numpy.typing import NDArray

from ...theory.errors import InputError
from .splits import BLOCK, TRAINING, VALIDATION, Split
from .structures import Structures

Indices = NDArray[np.int64]
#: Which atoms of a structure are asked for: its place and atomic numbers -> truth values.
Selector = Callable[[int, Indices], NDArray[np.bool_]]
PARTS = ("training", "validation", "held_out")
#: Parts of ten consecutive units, 6 : 1 : 3 as for frames: any ten neighbours in the list hold the three parts so.
_PATTERN = (0, 2, 0, 1, 0, 2, 0, 0, 2, 0)
#: Fewest units of each part that hold a pool, and fewest environments of each.
FEWEST_UNITS = (3, 1, 3)
FEWEST_ROWS = (30, 5, 15)
#: Most clusters of held-out units behind an interval, as there are blocks of frames at most.
MOST_CLUSTERS = 20


@dataclass(frozen=True)
class Members:
    """Where the atoms of one pool are.

    Attributes
    ----------
    name
        Scope of its rows, such as ``element:Si``.
    element
        Symbol.
    atoms
        By structure, the indices of its atoms in the pool; structures without any are missing.
    """

    name: str
    element: str
    atoms: Mapping[int, Indices]


def members_of(
    structures: Structures, selector: Selector | None = None, *, left_out: frozenset[int] = frozenset()
) -> list[Members]:
    """Return the atoms of every element, by ascending atomic number.

    Parameters
    ----------
    structures
        Only their atomic numbers are read.
    selector
        Which atoms to take; None: all.
    left_out
        Structures that are not looked at.
    """
    by_element: dict[int, dict[int, Indices]] = {}
    known: dict[bytes, list[tuple[int, Indices]]] = {}
    for index in range(len(structures)):
        if index in left_out:
            continue
        numbers = structures.numbers(index)
        if selector is None:
            key = numbers.tobytes()
            if key not in known:
                known[key] = [(int(z), np.flatnonzero(numbers == z)) for z in np.unique(numbers)]
            entries = known[key]
        else:
            chosen = selector(index, numbers)
            entries = [(int(z), np.flatnonzero(chosen & (numbers == z))) for z in np.unique(numbers[chosen])]
        for z, atoms in entries:
            by_element.setdefault(z, {})[index] = atoms
    return [
        Members(f"element:{chemical_symbols[z]}", chemical_symbols[z], atoms)
        for z, atoms in sorted(by_element.items())
    ]


def units_of(groups: Indices, pools: Sequence[Members]) -> Indices:
    """Return the unit of every structure: that of the first structure of its group, and of that one's neighbours in the file.

    A twentieth of the groups with some element stay together as neighbours in the file, 1 at least and 10 at most; the rarest
    element of a structure decides, so that each is in twenty units if it can be. Groups that hold neighbours already are few.

    Parameters
    ----------
    groups
        Structures of one group stay together.
    """
    _, first, which = np.unique(groups, return_index=True, return_inverse=True)
    leaders, leader_of = np.unique(first), first[which]
    size = np.full(len(groups), BLOCK, dtype=np.int64)
    for pool in pools:
        those = np.unique(leader_of[np.fromiter(pool.atoms, dtype=np.int64, count=len(pool.atoms))])
        size[those] = np.minimum(size[those], max(1, len(those) // 20))
    units = np.zeros(len(groups), dtype=np.int64)
    start = 0
    for together in np.unique(size[leaders]).tolist():
        alike = leaders[size[leaders] == together]  # in the order of the file
        units[alike] = start + np.arange(len(alike)) // together
        start = int(units[alike].max()) + 1
    return np.asarray(units[leader_of])


def deal(units: Indices, pools: Sequence[Members], seed: int, *, with_held_out: bool = True) -> Indices:
    """Return the part of every structure: 0 training, 1 validation, 2 held out; 0.6, 0.1 and 0.3 of the units.

    Units that hold the same pools are dealt one after the other, in random order, so that each kind has its share in every
    part.

    Parameters
    ----------
    with_held_out
        False where the held-out structures come from a file of their own: then 6/7 train and 1/7 validate.
    """
    kinds: dict[int, set[str]] = {int(unit): set() for unit in units}
    for pool in pools:
        for index in pool.atoms:
            kinds[int(units[index])].add(pool.name)
    rng = np.random.default_rng([seed, len(kinds), 31])
    order = list(kinds)
    places = rng.permutation(len(order))
    order = [
        unit
        for _, _, unit in sorted((sorted(kinds[u]), int(p), u) for u, p in zip(order, places, strict=True))
    ]
    pattern = [part for part in _PATTERN if with_held_out or part != 2]
    start = int(rng.integers(len(pattern)))
    part_of = {unit: pattern[(start + k) % len(pattern)] for k, unit in enumerate(order)}
    return np.array([part_of[int(unit)] for unit in units], dtype=np.int64)


@dataclass(frozen=True)
class Environments:
    """The sample of one pool: one row for each environment, training rows first, then validation, then held-out ones.

    Attributes
    ----------
    pool
        Name and element.
    structures, atoms
        ``(rows,)``: the structure of each row, and the atom in it.
    parts
        ``(rows,)``: 0, 1, 2 as in :func:`deal`.
    """

    pool: Members
    structures: Indices
    atoms: Indices
    parts: Indices

    def __len__(self) -> int:
        return len(self.structures)

    def counts(self, what: Indices | None = None) -> dict[str, int]:
        """Return by part how many different values ``what`` has (one for each row); None: how many rows there are."""
        return {
            name: int((self.parts == k).sum() if what is None else len(np.unique(what[self.parts == k])))
            for k, name in enumerate(PARTS)
        }

    def keep(self, rows: NDArray[np.bool_]) -> Environments:
        """Return the sample with some of its rows."""
        return Environments(self.pool, self.structures[rows], self.atoms[rows], self.parts[rows])

    def split(self) -> Split:
        """Return the rows of the three parts."""
        return Split(*(np.flatnonzero(self.parts == k) for k in range(3)))


def sample(pool: Members, parts: Indices, count: int, seed: int) -> Environments:
    """Draw environments of one pool, without repetition.

    Every structure of a part gives equally many environments, as far as it has them; where there are more structures than
    environments are wanted, each structure is as likely to be chosen as any other. The order in which structures are
    preferred is the same for every pool, so that few structures have to be read.

    Parameters
    ----------
    parts
        The part of every structure.
    count
        Environments of all three parts together; the pool may have fewer.
    """
    preference = np.argsort(np.random.default_rng([seed, len(parts), 32]).permutation(len(parts)))
    wanted = [round(TRAINING * count), round(VALIDATION * count)]
    wanted.append(count - sum(wanted))
    structures, atoms, which = [], [], []
    for part, number in enumerate(wanted):
        candidates = sorted((s for s in pool.atoms if parts[s] == part), key=lambda s: preference[s])
        taken = fair_counts([len(pool.atoms[s]) for s in candidates], number)
        for structure, many in sorted(zip(candidates, taken, strict=True)):
            if many:
                members = pool.atoms[structure]
                # the draw of one structure depends on nothing but itself
                rng = np.random.default_rng([seed, structure, len(members), 33])
                chosen = np.sort(rng.choice(members, size=many, replace=False))
                structures.append(np.full(many, structure))
                atoms.append(chosen)
                which.append(np.full(many, part))
    if not structures:
        none = np.empty(0, dtype=np.int64)
        return Environments(pool, none, none, none)
    return Environments(
        pool,
        np.concatenate(structures).astype(np.int64),
        np.concatenate(atoms).astype(np.int64),
        np.concatenate(which).astype(np.int64),
    )


def fair_counts(available: Sequence[int], total: int) -> list[int]:
    """Return how many to take of each so that all give the same number as far as they have it, the first one more of the rest.

    Examples
    --------
    >>> fair_counts([1, 5, 5], 8), fair_counts([3, 3, 3], 2), fair_counts([2, 2], 9)
    ([1, 4, 3], [1, 1, 0], [2, 2])
    """
    taken = [0] * len(available)
    left = min(total, sum(available))
    while left:
        room = [k for k, most in enumerate(available) if taken[k] < most]
        if left < len(room):
            for k in room[:left]:
                taken[k] += 1
            break
        level = min(left // len(room), min(available[k] - taken[k] for k in room))
        for k in room:
            taken[k] += level
        left -= level * len(room)
    return taken


def why_too_few(
    sampled: Environments, units: Indices, fewest_rows: Sequence[int] = FEWEST_ROWS
) -> str | None:
    """Return why a pool cannot be diagnosed, in words; None where it can."""
    there = sampled.counts(units[sampled.structures])
    short = [name for name, least in zip(PARTS, FEWEST_UNITS, strict=True) if there[name] < least]
    total = len(sampled.pool.atoms)
    if short and total >= sum(FEWEST_UNITS):
        held = ", ".join(f"{there[name]} {name.replace('_', '-')}" for name in PARTS)
        return (
            f"{_named(sampled.pool)} is in {held} structures or groups of them, too few to train, to choose and to test on (at "
            f"least {', '.join(map(str, FEWEST_UNITS))})"
        )
    if short:
        return (
            f"{_named(sampled.pool)} is in {total} structure{'' if total == 1 else 's'}, too few for three parts "
            f"(10 structures or groups of them are enough)"
        )
    rows = sampled.counts()
    if any(rows[name] < least for name, least in zip(PARTS, fewest_rows, strict=True)):
        return (
            f"{_named(sampled.pool)} has {sum(rows.values())} environments in these structures, too few to fit anything "
            f"(at least {sum(fewest_rows)} are needed)"
        )
    return None


def _named(pool: Members) -> str:
    kind, _, name = pool.name.partition(":")
    return f"the element {name}" if kind == "element" else f"the selection {name!r}"


def clusters_of(samples: Sequence[Environments], units: Indices) -> dict[int, int]:
    """Return the cluster of every held-out unit: what an interval resamples whole, at most twenty of them.

    Units that hold the same pools are cut into as many runs of neighbours as there are clusters, and each cluster gets one
    run of every kind, so that every pool is in every cluster where it can be.
    """
    kinds: dict[int, set[str]] = {}
    for sampled in samples:
        for unit in np.unique(units[sampled.structures[sampled.parts == 2]]).tolist():
            kinds.setdefault(unit, set()).add(sampled.pool.name)
    number = min(MOST_CLUSTERS, len(kinds))
    by_kind: dict[tuple[str, ...], list[int]] = {}
    for unit in sorted(kinds):
        by_kind.setdefault(tuple(sorted(kinds[unit])), []).append(unit)
    clusters: dict[int, int] = {}
    start = 0
    for _, of_kind in sorted(by_kind.items()):
        for k, unit in enumerate(of_kind):
            many = len(of_kind) >= number
            clusters[unit] = k * number // len(of_kind) if many else (start + k) % number
        start += 0 if len(of_kind) >= number else len(of_kind)
    return clusters


def environments_of(
    structures: Structures,
    pools: Sequence[Members],
    count: int,
    seed: int,
    *,
    parts: Indices | None = None,
    units: Indices | None = None,
) -> tuple[list[Environments], Indices, list[str]]:
    """Sample every pool; return the samples that can be diagnosed, the unit of every structure, and what was left out.

    Parameters
    ----------
    parts
        The part of every structure, where it is known; None: :func:`deal` decides.
    units
        The unit of every structure; None: :func:`units_of`.

    Raises
    ------
    InputError
        No pool can be diagnosed: too few structures.
    """
    units = units_of(structures.groups, pools) if units is None else units
    parts = deal(units, pools, seed) if parts is None else parts
    samples, left_out = [], []
    for pool in pools:
        sampled = sample(pool, parts, count, seed)
        why = why_too_few(sampled, units)
        if why:
            left_out.append(why)
        else:
            samples.append(sampled)
    if not samples:
        raise InputError(f"{structures.source}: {'; '.join(left_out)}; give more structures")
    return samples, units, left_out
