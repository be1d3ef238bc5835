"""Which whole models are calibrated on which graphs: the cells of a run, in order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ...theory.errors import InputError
from .cell import ModelCellSettings
from .graphs import BELOW, GraphLayout
from .settings import KINDS, LARGEST_CORRELATION, LARGEST_L, LARGEST_LAYERS, ModelSettings
from .terms import KINDS as TERM_KINDS
from .terms import chain_terms, star_terms

#: Graphs as the command names them; ``chain`` has both its forms.
GRAPH_NAMES = ("star", "all", "cutoff", "chain")
#: Highest l of a term.
HIGHEST, HIGHEST_QUICK = 8, 5
#: Cutoffs in Å from below to above the third side, which is sqrt(2) to 2 Å long.
CUTOFFS = (BELOW, 1.5, 1.7, 1.9, 2.1, 2.5)
#: Largest L nu of a cell: beyond, a step of Adam takes more than a second.
LARGEST_PRODUCT = 9
#: Of each architecture that is told by its layers, where the user gives no number of them: most layers, and most L times layers.
#: Beyond, a cell takes minutes.
_LAYERS = {"nequip": (3, 6), "allegro": (2, 2), "allegro-linear": (1, 3), "sevennet": (2, 4)}


@dataclass(frozen=True)
class ModelPlan:
    """What a calibration of whole models runs.

    Attributes
    ----------
    architectures
        Keys of ``KINDS``; empty: all of them.
    graphs, terms
        Of ``star``, ``all``, ``cutoff``, ``chain``; of ``pairs``, ``products``, ``torsions``. Empty: all of them.
    max_l, max_correlation
        Highest L (1 to 3) and highest nu of MACE (1 to 4).
    layers
        Most layers of NequIP, Allegro and SevenNet (1 to 3); None: 3, 2 and 2, fewer at higher L, where a step is expensive.
    quick
        A few small cells that take a few minutes, l up to 5.
    seed
        Seed of everything.
    """

    architectures: tuple[str, ...] = ()
    graphs: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    max_l: int = LARGEST_L
    max_correlation: int = LARGEST_CORRELATION
    layers: int | None = None
    quick: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name, known in (("architectures", tuple(KINDS)), ("graphs", GRAPH_NAMES), ("terms", TERM_KINDS)):
            given = tuple(getattr(self, name)) or known
            for value in given:
                if value not in known:
                    raise InputError(
                        f"{value!r} is none of the {name} {', '.join(known)}: give some of these"
                    )
            object.__setattr__(self, name, tuple(value for value in known if value in given))
        limits = [("max_l", LARGEST_L), ("max_correlation", LARGEST_CORRELATION)]
        for name, most in [*limits, *([] if self.layers is None else [("layers", LARGEST_LAYERS)])]:
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
                raise InputError(f"{name} of a calibration of whole models is {value!r}: give 1 to {most}")
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or self.seed < 0:
            raise InputError(f"seed is {self.seed!r}: give an integer of at least 0")
        if not self.cells():
            raise InputError(
                f"no cell has graphs {', '.join(self.graphs)} with terms {', '.join(self.terms)} and architectures "
                f"{', '.join(self.architectures)}: torsions belong to chain, pairs and products to other graphs, cutoff to mace"
            )

    def cells(self) -> list[ModelCellSettings]:
        """Return the cells in the order in which they are run, cells that would measure the same once."""
        made = self._quick() if self.quick else self._whole()
        return list({cell.key: cell for cell in made if cell is not None}.values())

    def _whole(self) -> Iterable[ModelCellSettings | None]:
        top = range(1, self.max_l + 1)
        orders = range(1, self.max_correlation + 1)
        for alike in (True, False):
            for l_max in top:
                for order in [nu for nu in orders if l_max * nu <= LARGEST_PRODUCT]:
                    yield self._cell("mace", l_max, order, GraphLayout("star", alike))
        for l_max in [l for l in top if l < 3]:
            yield self._cell("mace-silu", l_max, min(2, self.max_correlation), GraphLayout("star"))
        for name in ("nequip", "sevennet", "allegro"):
            for l_max in top:
                for layers in self._layers(name, l_max):
                    yield self._cell(name, l_max, layers, GraphLayout("star"))
        for alike in (True, False):
            for l_max in top:
                yield self._cell("allegro-linear", l_max, 1, GraphLayout("star", alike))
        order, most = min(2, self.max_correlation), min(2, self.max_l)
        for l_max in range(1, most + 1):
            yield self._cell("mace", l_max, order, GraphLayout("all"))
        yield self._cell("nequip", most, min(2, self.layers or 2), GraphLayout("all"))
        for cutoff in CUTOFFS:
            yield self._cell("mace", most, order, GraphLayout("cutoff", cutoff=cutoff))
        for l_max in top:
            yield self._cell("mace", l_max, order, GraphLayout("cutoff", cutoff=BELOW))
        if self.max_correlation == LARGEST_CORRELATION:
            yield self._cell("mace", 1, LARGEST_CORRELATION, GraphLayout("cutoff", cutoff=BELOW))
        yield from self._chains()

    def _chains(self) -> Iterable[ModelCellSettings | None]:
        l_max, order = min(2, self.max_l), min(2, self.max_correlation)
        yield self._cell("mace", l_max, order, GraphLayout("chain"))
        for name in ("nequip", "allegro"):
            for layers in self._layers(name, 1):
                yield self._cell(name, 1, layers, GraphLayout("chain"))
        yield self._cell("mace", l_max, order, GraphLayout("chain-all"))
        yield self._cell("nequip", 1, 1, GraphLayout("chain-all"))

    def _quick(self) -> Iterable[ModelCellSettings | None]:
        def within(l_max: int, order: int) -> bool:
            return l_max <= self.max_l and order <= self.max_correlation

        for alike in (True, False):
            for l_max, order in ((1, 2), (2, 2), (2, 3), (1, 4)):
                if within(l_max, order):
                    yield self._cell("mace", l_max, order, GraphLayout("star", alike))
        top = min(2, self.max_l)
        for layers in [t for t in self._layers("nequip", top) if t <= 2]:
            yield self._cell("nequip", top, layers, GraphLayout("star"))
        yield self._cell("allegro-linear", top, 1, GraphLayout("star"))
        yield self._cell("mace", top, min(2, self.max_correlation), GraphLayout("all"))
        for cutoff in (BELOW, 2.5):
            yield self._cell("mace", top, min(2, self.max_correlation), GraphLayout("cutoff", cutoff=cutoff))
        yield self._cell("nequip", top, 1, GraphLayout("chain"))

    def _layers(self, name: str, l_max: int) -> range:
        most, largest = _LAYERS[name]
        return range(1, (min(most, largest // l_max) if self.layers is None else self.layers) + 1)

    def _cell(self, name: str, l_max: int, order: int, layout: GraphLayout) -> ModelCellSettings | None:
        """Return a cell, or None where its architecture, graph or every term of it is not wanted."""
        graph = layout.graph.removesuffix("-all")
        highest = HIGHEST_QUICK if self.quick else HIGHEST
        kinds = [kind for kind in self.terms if kind != "products" or graph != "cutoff"]
        terms = chain_terms(kinds, highest) if layout.chain else star_terms(kinds, highest)
        if name not in self.architectures or graph not in self.graphs or not terms:
            return None
        size: dict[str, Any] = {"correlation": order} if KINDS[name].orders else {"layers": order}
        more = _effort(name, l_max, order, layout, self.quick)
        model = ModelSettings(name, l_max, channels=more.pop("channels"), cutoff=layout.cutoff, **size)
        return ModelCellSettings(model, layout, tuple(term.name for term in terms), seed=self.seed, **more)


def _effort(name: str, l_max: int, order: int, layout: GraphLayout, quick: bool) -> dict[str, Any]:
    """Return channels, steps, draws and samples: fewer where one step is expensive, so that no cell takes minutes."""
    effort: dict[str, Any] = {"channels": 16, "steps": 400, "draws": 5}
    if name.startswith("allegro"):
        effort.update(channels=4, steps=250, draws=4)
    elif not KINDS[name].orders:
        effort.update(channels=8, steps=300, draws=5)
    if layout.graph == "cutoff":
        effort.update(steps=300, samples=2048, held_out=2048, draws=4)
    if KINDS[name].orders and order * l_max >= 8:
        effort.update(steps=300, draws=4, samples=3072, held_out=3072)
    if quick:
        effort.update(steps=150, draws=4, samples=2048, held_out=2048)
    return effort
