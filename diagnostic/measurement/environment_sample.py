"""Environments of structures of any kind as the rows of a diagnosis, pooled by element or by selection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from ase.data import atomic_numbers
from numpy.typing import NDArray

from ...numerics.harmonics import real_harmonics
from ..backbones.backbone import Backbone
from ..backbones.equivariance import Equivariance, check_equivariance
from ..backbones.features import Block, Layer
from ..frames.environments import FEWEST_ROWS, Environments, clusters_of
from ..frames.isotropy import Isotropy
from ..frames.marks import Mark
from ..frames.splits import Split
from ..frames.structures import Part, Structures
from ..frames.surroundings import surroundings
from ..injection.fields import InjectionName, smooth_cutoff
from ..recovery.error_sums import ErrorSums
from ..recovery.hierarchy import Bootstrap
from .atoms import feature_ranks
from .environment_parts import density_cutoff, formula_of, usable, whole_shells
from .examples import Example
from .near_symmetry import neighbour_power
from .result_types import AtomAnalysis, EnvironmentsEntry
from .sample import Sample, blocks_of
from .site_limits import SiteLimits, environment_limits

Array = NDArray[np.float64]
#: Neighbours are looked for within this radius (Å), or that of the model where it is shorter.
REACH = 6.0
#: Bounds on the default number of coefficients of a pool's free readout.
_COEFFICIENTS = (300, 1500)
#: Atoms whose features are made at a time.
_ATOMS = 1000
#: Rows of a pool that are looked at for the number of neighbours and the symmetry of sites.
_LOOKED_AT = 40
#: Structures in which equivariance is checked: of so many compositions, so many of each.
_COMPOSITIONS, _OF_EACH = 3, 3


class EnvironmentSample(Sample):
    """Sampled environments, pool by pool; the structures that were sampled are held in memory, and no others.

    Row r of every pool is a training, a validation or a held-out row; a pool with fewer environments leaves rows empty.

    Parameters
    ----------
    structures
        The source.
    samples
        Environments of each pool.
    units
        The unit of every structure: what stands in one part of the split.
    cutoff
        Radius (Å) within which the model sees neighbours; None: not known.
    note
        Where the split comes from, and what was left out.
    """

    def __init__(
        self,
        structures: Structures,
        samples: Sequence[Environments],
        units: NDArray[np.int64],
        *,
        cutoff: float | None = None,
        note: str = "",
    ) -> None:
        self._source, self._note = structures, note
        self.sha256, self.what = structures.sha256, "elements"
        reach = REACH if cutoff is None else min(cutoff, REACH)
        places = np.unique(np.concatenate([sampled.structures for sampled in samples]))
        self._parts = structures.take(places)
        self._pools, around = usable(
            samples, self._parts, surroundings(self._parts, samples, reach), structures.source
        )
        self._around = around
        self.formula, self.compositions = formula_of(self._parts)
        self.cutoffs = [density_cutoff(s, p, reach) for s, p in zip(around, self._pools, strict=True)]
        self.names = {k: pool.pool.name for k, pool in enumerate(self._pools)}
        left = any(sum(map(len, pool.pool.atoms.values())) > len(pool) for pool in self._pools)
        self.more = "environments (--environments) or structures" if left else "structures"
        self.marks = tuple(
            Mark(k, pool.pool.element, None, False, self._why(k)) for k, pool in enumerate(self._pools)
        )
        self._arrange(units)
        self._units = units

    def _why(self, pool: int) -> str:
        counts = self._pools[pool].counts()
        return (
            f"a pool of {sum(counts.values()):,} environments of {len(np.unique(self._pools[pool].structures)):,} structures; "
            f"the density injection reaches {self.cutoffs[pool]:.2f} Å"
        )

    def _arrange(self, units: NDArray[np.int64]) -> None:
        """Give every environment its row: training rows of all pools first, then validation, then held-out ones."""
        most = [max(int((pool.parts == part).sum()) for pool in self._pools) for part in range(3)]
        starts = np.concatenate([[0], np.cumsum(most)])
        self.split = Split(*(np.arange(starts[k], starts[k + 1]) for k in range(3)))
        #: By pool, the row of each of its environments.
        self._rows = [
            np.concatenate([starts[k] + np.arange(int((pool.parts == k).sum())) for k in range(3)])
            for pool in self._pools
        ]
        clusters = clusters_of(self._pools, units)
        self._clusters = max(clusters.values()) + 1
        self._cluster_of = [
            np.array([clusters.get(int(unit), -1) for unit in units[pool.structures]], dtype=np.int64)
            for pool in self._pools
        ]
        self._splits: dict[tuple[int, bool], Split] = {}

    def ranked(self, injections: Sequence[InjectionName]) -> tuple[InjectionName, ...]:
        """Put density first: a pool holds environments of many kinds, and a mark means something else in each."""
        return tuple(sorted(injections, key=lambda name: name != "density"))

    @property
    def rows(self) -> int:
        """Number of rows."""
        return sum(self.split.counts().values())

    @property
    def training_rows(self) -> int:
        """Training rows of the smallest pool."""
        return min(len(self.split_of(k, "density").training) for k in range(len(self._pools)))

    def usual_coefficients(self, atom: int | None = None) -> int | None:
        """Return twice the number of a pool's training rows, from 300 to 1,500: pools are few and hold many kinds of sites."""
        if atom is None:
            return max(self.usual_coefficients(k) or 0 for k in range(len(self._pools)))
        return int(np.clip(2 * int((self._pools[atom].parts == 0).sum()), *_COEFFICIENTS))

    def _inside(self, pool: int, injection: InjectionName) -> NDArray[np.bool_]:
        if injection == "marked":
            return self._around[pool].marked
        return self._around[pool].nearest() < self.cutoffs[pool]

    def split_of(self, atom: int, injection: InjectionName) -> Split:
        """Return the rows of a pool in which an injection can be made, part by part."""
        key = atom, injection == "marked"
        if key not in self._splits:
            inside, pool = self._inside(atom, injection), self._pools[atom]
            self._splits[key] = Split(*(self._rows[atom][inside & (pool.parts == part)] for part in range(3)))
        return self._splits[key]

    def structures_of(self, atom: int) -> NDArray[np.int64]:
        """Return the structure of every row of a pool, -1 in empty rows."""
        structures = np.full(self.rows, -1, dtype=np.int64)
        structures[self._rows[atom]] = self._pools[atom].structures
        return structures

    def injectable(self, injection: InjectionName) -> list[int]:
        """Return the pools that an injection can be made in: marks need more than half of a pool's environments."""
        pools = []
        for k, pool in enumerate(self._pools):
            inside = self._inside(k, injection)
            enough = all(
                int((inside & (pool.parts == part)).sum()) >= least for part, least in enumerate(FEWEST_ROWS)
            )
            if enough and (injection == "density" or 2 * int(inside.sum()) > len(inside)):
                pools.append(k)
        return pools

    def signals(self, l_top: int, injection: InjectionName, atoms: Sequence[int]) -> Array:
        """Return T; zero in rows in which nothing is injected."""
        out = np.zeros((self.rows, len(atoms), (l_top + 1) ** 2))
        for place, k in enumerate(atoms):
            around, inside = self._around[k], self._inside(k, injection)
            if injection == "marked":
                out[self._rows[k][inside], place] = real_harmonics(l_top, around.marks[inside])
                continue
            near = around.distances < self.cutoffs[k]
            values = real_harmonics(l_top, around.vectors[near])
            values *= smooth_cutoff(around.distances[near], self.cutoffs[k])[:, None]
            summed = np.zeros((len(around), values.shape[1]))
            np.add.at(summed, around.rows[near], values)
            out[self._rows[k][inside], place] = summed[inside]
        return out

    def power(
        self, values: Array, components: slice, injection: InjectionName, atoms: Sequence[int]
    ) -> Array:
        """Return one number for each pool."""
        return np.array(
            [
                [np.mean(values[self.split_of(k, injection).training, place, components] ** 2)]
                for place, k in enumerate(atoms)
            ]
        )

    @property
    def forces(self) -> Array:
        """Forces of the sampled atoms; zero in empty rows."""
        return self._gathered(lambda part: part.frames.forces)

    def model_forces(self, backbone: Backbone) -> Array:
        """Return the model's forces on the sampled atoms, a few structures at a time."""
        return self._gathered(lambda part: backbone.forces(part.frames))

    def _gathered(self, of_part: Any) -> Array:
        out = np.zeros((self.rows, len(self._pools), 3))
        for part, (frame, atom, row, pool) in self._chunks():
            out[row, pool] = of_part(part)[frame, atom]
        return out

    def part(self, values: Array, name: str) -> Array:
        """Return the values of every environment of one part, ``(environments, 3)``."""
        return np.concatenate(
            [values[getattr(self.split_of(k, "density"), name), k] for k in range(len(self._pools))]
        )

    def blocks(self, backbone: Backbone, layer: Layer) -> list[Block]:
        """Return the features of the sampled atoms, a few structures at a time: no others are kept."""
        kept: dict[tuple[int, int], Array] = {}
        for part, (frame, atom, row, pool) in self._chunks():
            for block in blocks_of(backbone, part.frames, layer):
                key = block.l, block.parity
                if key not in kept:
                    kept[key] = np.zeros((self.rows, len(self._pools), *block.values.shape[2:]))
                kept[key][row, pool] = block.values[frame, atom]
        return [Block(l, parity, values) for (l, parity), values in kept.items()]

    def _chunks(self) -> Iterator[tuple[Part, tuple[NDArray[np.int64], ...]]]:
        """Yield structures, and for each sampled environment in them: frame, atom, row and pool."""
        wanted: dict[int, list[tuple[int, int, int]]] = {}
        for k, pool in enumerate(self._pools):
            for structure, atom, row in zip(pool.structures, pool.atoms, self._rows[k], strict=True):
                wanted.setdefault(int(structure), []).append((int(atom), int(row), k))
        for whole in self._parts:
            size = max(1, _ATOMS // len(whole.frames.numbers))
            for start in range(0, len(whole.indices), size):
                rows = slice(start, start + size)
                part = Part(whole.indices[rows], whole.frames.select(rows))
                entries = [
                    (frame, *entry)
                    for frame, structure in enumerate(part.indices.tolist())
                    for entry in wanted.get(structure, ())
                ]
                if entries:
                    frame, atom, row, pool = np.array(entries, dtype=np.int64).T
                    yield part, (frame, atom, row, pool)

    def equivariance(self, backbone: Backbone, layer: str, seed: int) -> Equivariance:
        """Check a few structures of each of a few compositions; return what turns worst."""
        first: dict[bytes, Part] = {}
        for part in self._parts:
            first.setdefault(np.sort(part.frames.numbers).tobytes() + bytes(part.frames.pbc), part)
        chosen = [
            list(first.values())[k]
            for k in np.linspace(0, len(first) - 1, min(_COMPOSITIONS, len(first))).round().astype(int)
        ]
        measured = [
            check_equivariance(
                backbone, part.frames.select(slice(0, _OF_EACH)), [layer], np.random.default_rng([seed, 11])
            )[layer]
            for part in chosen
        ]
        order = {"declared": 0, "other": 1, "none": 2}
        return max(measured, key=lambda of_part: (order[of_part.parity], of_part.rotation))

    def examples(self, injection: InjectionName) -> list[Example]:
        """Return one environment of each pool as a molecule of its own."""
        examples = []
        for k in self.injectable(injection):
            around, row = self._around[k], int(np.flatnonzero(self._inside(k, injection))[0])
            central = atomic_numbers[self._pools[k].pool.element]
            reach = self.cutoffs[k] if injection == "density" else REACH
            frames = around.cluster(row, central, reach)
            neighbour = None
            if injection == "marked":
                apart = np.linalg.norm(frames.positions[0] - around.marks[row], axis=1)
                neighbour = int(apart.argmin())
            mark = Mark(0, self._pools[k].pool.element, neighbour, False, "")
            examples.append(Example(frames, (mark,), self.cutoffs[k]))
        return examples

    def orientations(self) -> Isotropy:
        """Return that environments of many structures have no reference in common."""
        said = (
            "Environments of several structures have no orientation in common, so how isotropic they stand was not measured; "
            "every use of one is turned at random."
        )
        return Isotropy("none", sum(len(pool) for pool in self._pools), (), None, "no orientation", said)

    def limits(
        self,
        injections: Sequence[InjectionName],
        irreps: str,
        degrees: Sequence[int],
        l_top: int,
        *,
        proper: bool,
    ) -> SiteLimits:
        """Look at held-out environments of every pool."""
        return environment_limits(
            {
                k: self._held_out_environments(k)
                for k in range(len(self._pools))
            },
            injections, irreps, degrees, l_top, proper=proper,
        )  # fmt: skip

    def _held_out_environments(self, pool: int) -> list[Example]:
        """Return a few held-out environments, spread evenly, with all neighbours that are known."""
        around, sampled = self._around[pool], self._pools[pool]
        held_out = np.flatnonzero((sampled.parts == 2) & self._inside(pool, "density"))
        few = (
            held_out[np.unique(np.linspace(0, len(held_out) - 1, _LOOKED_AT).round().astype(int))]
            if len(held_out)
            else []
        )
        central = atomic_numbers[sampled.pool.element]
        return [
            Example(
                around.cluster(int(row), central, whole_shells(around, int(row))),
                (Mark(0, sampled.pool.element, None, False, ""),),
                self.cutoffs[pool],
            )
            for row in few
        ]

    def analyse(self, blocks: Sequence[Block], cutoff: float, precision: float) -> list[AtomAnalysis]:
        """Look at every pool."""
        entries = []
        l_max = max(block.l for block in blocks)
        for k, around in enumerate(self._around):
            within = np.bincount(around.rows[around.distances < cutoff], minlength=len(around))
            ranks = feature_ranks(blocks, self.split_of(k, "density").training, k, precision)
            entries.append(
                AtomAnalysis(
                    neighbours=float(within.mean()), cutoff_A=min(cutoff, REACH), feature_rank=ranks, mark_r2=None,
                    like_neighbour=None, neighbour_power=neighbour_power(around, min(cutoff, REACH), l_max),
                )
            )  # fmt: skip
        return entries

    def bootstrap(self, draws: int, rng: np.random.Generator) -> Bootstrap:
        """Return resamples of clusters of held-out structures."""
        return Bootstrap(self._clusters, draws, rng, clusters=True)

    def kept(self, atom: int, injection: InjectionName, sums: ErrorSums) -> ErrorSums:
        """Return the sums of every cluster of held-out structures."""
        held_out = self._inside(atom, injection) & (self._pools[atom].parts == 2)
        return sums.by_cluster(self._cluster_of[atom][held_out], self._clusters)

    @property
    def parts(self) -> list[Part]:
        """The structures that were sampled."""
        return self._parts

    def held_out(self, pool: int, injection: InjectionName) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return structure and atom of every held-out environment of a pool, in the order of its errors."""
        sampled = self._pools[pool]
        rows = self._inside(pool, injection) & (sampled.parts == 2)
        return sampled.structures[rows], sampled.atoms[rows]

    @property
    def held_out_positions(self) -> Array:
        """Neighbours of all held-out environments."""
        return np.concatenate(
            [
                around.vectors[np.isin(around.rows, np.flatnonzero(pool.parts == 2))]
                for around, pool in zip(self._around, self._pools, strict=True)
            ]
        )

    def data_entry(self) -> dict[str, Any]:
        """Return source, units, the environments of every pool and their split."""
        return {
            "source": self._source.source,
            "sha256": self._source.sha256,
            "units": self._source.units,
            "formula": self.formula,
            "numbers": [],
            "splits": self.split.counts(),
            "note": self._note,
            "by": "element",
            "structures": len(self._source),
            "environments": [
                EnvironmentsEntry(
                    scope=pool.pool.name, element=pool.pool.element, rows=pool.counts(),
                    structures=pool.counts(pool.structures), marked=int(self._around[k].marked.sum()), cutoff=self.cutoffs[k],
                )
                for k, pool in enumerate(self._pools)
            ],
        }  # fmt: skip
