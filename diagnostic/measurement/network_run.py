"""The trained networks of a diagnosis: a few atoms, squares and their controls, each beside the closed form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...theory.ceiling import Ceiling
from ..injection.fields import InjectionName
from ..readouts.network import COEFFICIENTS, LabFeatures, NetworkKind, fit_network_readout, reading
from ..recovery.bootstrap import recovery
from ..recovery.error_sums import Cell
from .measurement import Measurement
from .result_types import NetworkEntry, NetworkRow
from .settings import NETWORK
from .sources import FeatureSource
from .tables import RecoveryTable
from .turned import TurnedSource

#: Most atoms that networks are trained for unless others are named.
MOST_ATOMS = 3


def few_atoms(measure: Measurement) -> list[int]:
    """Return the atoms for the slow measurements: those named, or the first of each element, at most MOST_ATOMS."""
    measured = measure.atoms()
    asked = measure.settings.network_atoms
    if asked is not None:
        return [atom for atom in asked if atom in measured]
    first: dict[str, int] = {}
    for atom in measured:
        first.setdefault(measure.elements[atom], atom)
    return list(first.values())[:MOST_ATOMS]


class Networks:
    """Trains networks of one diagnosis, each once.

    Parameters
    ----------
    measure
        The measurement; networks see its leading injection.
    source
        The features.
    """

    def __init__(self, measure: Measurement, source: FeatureSource) -> None:
        self._measure, self._source = measure, source
        self._lab: dict[int, LabFeatures] = {}

    def _features_of(self, atom: int) -> LabFeatures:
        if atom not in self._lab:
            signal, turns = self._measure.signal()[atom], self._measure.orientations(atom)
            device = self._measure.compute.device
            if isinstance(self._source, TurnedSource):
                turns = self._measure.turns.orientations()
                made = self._source.inputs(turns, self._measure.signal(), atom, 2, COEFFICIENTS)
                self._lab[atom] = LabFeatures.given(made, atom, signal, turns, device)
            else:
                self._lab[atom] = LabFeatures.of(self._source.blocks(), atom, signal, turns, device=device)
        return self._lab[atom]

    @staticmethod
    def cell_name(injection: InjectionName, atom: int, kind: NetworkKind) -> str:
        """Return the name of a network's cell."""
        shape = f"{kind.activation}{kind.degree}/width={kind.width}/depth={kind.depth}/seed={kind.seed}"
        targets = "shuffled" if kind.shuffled else "true"
        return f"network/{injection}/{shape}/{targets}/atom={atom}"

    @staticmethod
    def closed_form_name(injection: InjectionName, atom: int, degree: int) -> str:
        """Return the name of the closed form's cell."""
        return f"network/{injection}/closed form/degree={degree}/atom={atom}"

    def cell(self, atom: int, kind: NetworkKind) -> Cell:
        """Return what a network left on held-out frames, and its number of parameters."""

        def compute() -> Cell:
            lab = self._features_of(atom)
            fitted = fit_network_readout(lab, replace(kind, seed=self._measure.settings.seed + kind.seed))
            sums = self._measure.kept(atom, None, fitted.sums)
            return sums, [fitted.parameters] * len(sums)

        return self._measure.cells.cell(self.cell_name(self._measure.injection, atom, kind), compute)

    def closed_form(self, atom: int, degree: int) -> Cell:
        """Return what every monomial of the same channels leaves on held-out frames."""

        def compute() -> Cell:
            sums = self._measure.kept(atom, None, self._features_of(atom).closed_form(degree))
            return sums, [0] * len(sums)

        return self._measure.cells.cell(self.closed_form_name(self._measure.injection, atom, degree), compute)

    def entry(self, atom: int, kind: NetworkKind, closed_form: Cell | None) -> NetworkEntry:
        """Return one network of ``result["networks"]``: its shape and what it recovered at every l."""
        l_max = self._measure.l_max
        sums, counts = self.cell(atom, kind)
        rows = []
        for l, of_network in enumerate(sums):
            assert of_network is not None
            r2 = recovery([of_network], self._measure.bootstrap).r2
            other = closed_form[0][l] if closed_form is not None else None
            closed = None if other is None else 1.0 - float(other.missed.sum() / other.injected.sum())
            rows.append(
                NetworkRow(
                    l=l, r2=r2.value, r2_low=r2.low, r2_high=r2.high, closed_form=closed,
                    reading=reading(kind, l, l_max, r2.value, closed),
                )
            )  # fmt: skip
        total = kind.total_degree
        return NetworkEntry(
            atom=atom, name=kind.name, activation=kind.activation, degree=total, depth=kind.depth, width=kind.width,
            seed=kind.seed, shuffled=kind.shuffled, parameters=counts[0],
            ceiling=None if total is None or self._measure.kind == "none" else Ceiling(total, l_max).boundary, rows=rows,
        )  # fmt: skip


def main_kind(degree: int) -> NetworkKind:
    """Return the network of the table: activation z^degree, one layer; named "4th powers" and so on from degree 4."""
    return NetworkKind(
        {1: "linear", 2: "squares", 3: "cubes"}.get(degree, f"{degree}th powers"), degree=degree
    )


def run_networks(
    measure: Measurement, source: FeatureSource
) -> tuple[list[RecoveryTable], list[NetworkEntry]]:
    """Train the main network for a few atoms; return (its recovery table, entries with the closed form)."""
    degree = measure.settings.main_degree
    kind, atoms, networks = main_kind(degree), few_atoms(measure), Networks(measure, source)
    if not atoms:
        return [], []
    table = measure.table({atom: networks.cell(atom, kind) for atom in atoms}, degree, readout=NETWORK)
    entries = [networks.entry(atom, kind, networks.closed_form(atom, degree)) for atom in atoms]
    return [table], entries


def network_names(measure: Measurement) -> set[str]:
    """Return the names of all cells that :func:`run_networks` makes."""
    degree, injection = measure.settings.main_degree, measure.injection
    atoms = few_atoms(measure)
    return {Networks.cell_name(injection, atom, main_kind(degree)) for atom in atoms} | {
        Networks.closed_form_name(injection, atom, degree) for atom in atoms
    }


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
