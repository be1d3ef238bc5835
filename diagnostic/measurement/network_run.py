"""The trained networks of a diagnosis: a few atoms, squares and their controls, each beside the closed form."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from ..backbones.features import Features
from ..injection.fields import InjectionName
from ..readouts.network import LabFeatures, NetworkKind, fit_network_readout, reading
from ..recovery.bootstrap import Bootstrap, recovery
from ..recovery.error_sums import Cell, ErrorSums
from .measurement import Measurement
from .rows import recovery_rows
from .settings import NETWORK

#: Most atoms that networks are trained for unless others are named.
MOST_ATOMS = 3


def few_atoms(measure: Measurement, injection: InjectionName = "marked") -> list[int]:
    """Return the atoms for the slow measurements: those named, or the first of each element, at most MOST_ATOMS."""
    there = measure.atoms(injection)
    asked = measure.settings.network_atoms
    if asked is not None:
        return [atom for atom in asked if atom in there]
    elements = {mark.atom: mark.element for mark in measure.marks}
    first: dict[str, int] = {}
    for atom in there:
        first.setdefault(elements[atom], atom)
    return list(first.values())[:MOST_ATOMS]


def one_cell(measure: Measurement, name: str, compute: Callable[[], Cell]) -> Cell:
    """Return a named cell of a run, computed where the run does not hold it yet."""
    return next(measure._cells([name], lambda _missing: iter((compute(),))))


@dataclass
class Networks:
    """Trains networks of one diagnosis, each once; a finished one is kept in the run directory."""

    measure: Measurement
    features: Callable[[], Features]
    injection: InjectionName
    l_max: int
    bootstrap: Bootstrap

    def __post_init__(self) -> None:
        self._lab: dict[int, LabFeatures] = {}
        self._blocks = cache(lambda: list(self.features().blocks()))

    def _features_of(self, atom: int) -> LabFeatures:
        if atom not in self._lab:
            signal = self.measure.signal(self.injection)[atom]
            self._lab[atom] = LabFeatures.of(self._blocks(), atom, signal, self.measure.orientations(True))
        return self._lab[atom]

    def cell(self, atom: int, kind: NetworkKind) -> Cell:
        """Return what a network left on held-out frames, and its number of parameters."""

        def compute() -> Cell:
            lab = self._features_of(atom)
            found = fit_network_readout(lab, replace(kind, seed=self.measure.settings.seed + kind.seed))
            sums: list[ErrorSums | None] = list(found.sums)
            return sums, [found.parameters] * len(sums)

        shape = f"{kind.activation}{kind.degree}/width={kind.width}/depth={kind.depth}/seed={kind.seed}"
        targets = "shuffled" if kind.shuffled else "true"
        return one_cell(self.measure, f"network/{self.injection}/{shape}/{targets}/atom={atom}", compute)

    def closed_form(self, atom: int, degree: int) -> Cell:
        """Return what every monomial of the same channels leaves on held-out frames."""

        def compute() -> Cell:
            sums: list[ErrorSums | None] = list(self._features_of(atom).closed_form(degree))
            return sums, [0] * len(sums)

        return one_cell(
            self.measure, f"network/{self.injection}/closed form/degree={degree}/atom={atom}", compute
        )

    def entry(self, atom: int, kind: NetworkKind, beside: Cell | None) -> dict[str, Any]:
        """Return one network of ``result["networks"]``: its shape and what it gave back of every l."""
        sums, counts = self.cell(atom, kind)
        rows = []
        for l, one in enumerate(sums):
            assert one is not None
            found = recovery([one], self.bootstrap).r2
            other = beside[0][l] if beside is not None else None
            closed = None if other is None else 1.0 - float(other.missed.sum() / other.injected.sum())
            rows.append(
                {
                    "l": l, "r2": found.value, "r2_low": found.low, "r2_high": found.high, "closed_form": closed,
                    "reading": reading(kind, l, self.l_max, found.value, closed),
                }
            )  # fmt: skip
        total = kind.total_degree
        return {
            "atom": atom, "name": kind.name, "activation": kind.activation, "degree": total, "depth": kind.depth,
            "width": kind.width, "seed": kind.seed, "shuffled": kind.shuffled, "parameters": counts[0],
            "ceiling": None if total is None else total * self.l_max, "rows": rows,
        }  # fmt: skip


def main_kind(degree: int) -> NetworkKind:
    """Return the network of the table: activation z^degree, one layer; named "4th powers" and so on from degree 4."""
    return NetworkKind(
        {1: "linear", 2: "squares", 3: "cubes"}.get(degree, f"{degree}th powers"), degree=degree
    )


def run_networks(
    networks: Networks, elements: Mapping[int, str], degree: int, boundary: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Train the main network for a few atoms; return (rows of the recovery table, entries with the closed form)."""
    kind, atoms = main_kind(degree), few_atoms(networks.measure, networks.injection)
    if not atoms:
        return [], []
    rows = recovery_rows(
        {atom: networks.cell(atom, kind) for atom in atoms}, elements, networks.bootstrap, readout=NETWORK,
        injection=networks.injection, degree=degree, boundary=boundary,
    )  # fmt: skip
    entries = [networks.entry(atom, kind, networks.closed_form(atom, degree)) for atom in atoms]
    return rows, entries


def control_kinds(degree: int) -> Sequence[NetworkKind]:
    """Return the networks of the full controls, all trained for one atom."""
    main = main_kind(degree)
    return (
        replace(main, name=f"{main.name}, second seed", seed=1),
        replace(main, name=f"{main.name}, width 64", width=64),
        replace(main, name=f"{main.name}, width 1,024", width=1024),
        replace(main, name=f"{main.name}, shuffled targets", shuffled=True),
        # One layer of SiLU or tanh has no ceiling either, but takes far longer to learn past it: two layers of each.
        NetworkKind("two layers of squares", degree=2, depth=2, width=128),
        NetworkKind("SiLU", activation="silu", depth=2, width=128),
        NetworkKind("tanh", activation="tanh", depth=2, width=128),
    )
