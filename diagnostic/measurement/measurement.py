"""The fits of a diagnosis, cell by cell: the free and the equivariant readout of every atom."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ...theory.ceiling import Ceiling
from ...theory.plateaus import Direction
from ..backbones.features import Block
from ..frames.marks import Mark
from ..frames.splits import Split
from ..injection.fields import InjectionName, l_slice
from ..injection.orientations import LabTargets, Orientations
from ..readouts.compute import Compute
from ..readouts.equivariant import EquivariantFit, equivariant_tasks
from ..readouts.free import fit_free, fit_free_targets
from ..recovery.error_sums import Cell, ErrorSums
from ..recovery.hierarchy import Bootstrap
from .cells import CellStore
from .limits import equivariant_limit, free_limit
from .result_types import CeilingKind, Readout
from .sample import Sample
from .settings import DiagnoseSettings
from .signals import Signals, Turns
from .site_limits import SiteLimits
from .sources import FeatureSource
from .tables import RecoveryTable, recovery_table
from .turned import TurnedSource

#: Gives the injected fields of an atom at every use.
Targets = Callable[[int, Orientations], LabTargets]
#: A part of a cell: the kind of readout, the injection and the atom.
_Key = tuple[str, InjectionName, int]


@dataclass(frozen=True)
class Measurement:
    """What every fit of a run shares.

    A variant of a run is another measurement with the same cells: :meth:`only`, :meth:`with_seed`, :meth:`uninjected`.

    Attributes
    ----------
    settings, sample, marks
        What was asked, the rows with their parts, and the atoms (or pools of environments) with their marked neighbours.
    injection
        The leading injection.
    l_max
        Highest degree of the features.
    signals, turns
        What is injected, and the orientations of the frames.
    residual
        Gives F - F_backbone, ``(rows, atoms, 3)``, eV/Å, when a fit first needs it.
    amplitude
        Root mean square of the injected field per component, eV/Å.
    bootstrap
        The resamples behind every interval.
    cells
        The finished cells.
    compute
        The device, and the workers that share the atoms.
    sites
        Where the symmetry of the sites leaves nothing to hold.
    kind
        Whether the ceiling binds the features exactly, up to their miss of equivariance, or not at all.
    """

    settings: DiagnoseSettings
    sample: Sample
    marks: Sequence[Mark]
    injection: InjectionName
    l_max: int
    signals: Signals
    turns: Turns
    residual: Callable[[], NDArray[np.float64]]
    amplitude: float
    bootstrap: Bootstrap
    cells: CellStore = field(default_factory=CellStore)
    compute: Compute = field(default_factory=Compute)
    sites: SiteLimits = field(default_factory=SiteLimits)
    kind: CeilingKind = "exact"

    def only(self, atoms: Sequence[int]) -> Measurement:
        """Return the measurement of these atoms alone; their signals keep the scale of the whole run."""
        return replace(self, marks=[mark for mark in self.marks if mark.atom in atoms])

    def with_seed(self, seed: int) -> Measurement:
        """Return the measurement with rotations drawn from another seed."""
        return replace(self, settings=replace(self.settings, seed=seed), turns=self.turns.with_seed(seed))

    def uninjected(self) -> Measurement:
        """Return the measurement with nothing injected.

        Channels are chosen by the signals up to the degree of the features, as before; finer ones are not needed.
        """
        return replace(self, amplitude=0.0, signals=self.signals.up_to(self.l_max))

    @property
    def elements(self) -> dict[int, str]:
        """Symbol of every atom that is measured."""
        return {mark.atom: mark.element for mark in self.marks}

    def ceiling(self, degree: int) -> Ceiling:
        """Return the ceiling of readouts of a degree."""
        return Ceiling(degree, self.l_max)

    @property
    def training_uses(self) -> int:
        """Number of training rows of an atom, the fewest of any, times their rotations."""
        return self.sample.training_rows * self.settings.rotations

    def atoms(self, injection: InjectionName | None = None) -> list[int]:
        """Return the atoms that an injection (default: the leading one) is made at."""
        measured = self.elements
        return [i for i in self.signals.atoms(injection or self.injection) if i in measured]

    def signal(self, injection: InjectionName | None = None) -> dict[int, NDArray[np.float64]]:
        """Return T of every such atom, ``(frames, (l_top + 1)^2)``."""
        name = injection or self.injection
        return {i: self.signals.tables[name][i] for i in self.atoms(name)}

    def table(
        self,
        cells: Mapping[int, Cell],
        degree: int,
        *,
        readout: Readout = "free",
        injection: InjectionName | None = None,
        shared: Mapping[int, Cell] | None = None,
        direction: Direction = "fixed",
    ) -> RecoveryTable:
        """Return the recovery table of the cells of one readout."""
        name = injection or self.injection
        return recovery_table(
            cells, self.elements, self.bootstrap, injection=name, readout=readout, ceiling=self.ceiling(degree),
            shared=shared if self.sample.names is None else None, direction=direction, scopes=self.sample.names,
            nothing=self.sites.of(name, degree) if direction == "fixed" else None,
        )  # fmt: skip

    def orientations(
        self, atom: int, injection: InjectionName | None = None, *, rotate: bool = True
    ) -> Orientations:
        """Return the uses of the rows in which an injection (default: the leading one) is made at an atom."""
        return self.turns.orientations(rotate, self.sample.split_of(atom, injection or self.injection))

    def kept(
        self, atom: int, injection: InjectionName | None, sums: Sequence[ErrorSums | None]
    ) -> list[ErrorSums | None]:
        """Return the sums of a fit as they are kept."""
        name = injection or self.injection
        return [None if part is None else self.sample.kept(atom, name, part) for part in sums]

    def free_names(
        self,
        label: str,
        degree: int,
        injection: InjectionName | None = None,
        *,
        rotate: bool = True,
        what: str = "fixed",
    ) -> dict[int, str]:
        """Return the name of the cell of every atom's free readout; parameters as for :meth:`free`."""
        kind = "free" if rotate else "free-unrotated"
        name = injection or self.injection
        injected = name if what == "fixed" else f"{name}-{what}"
        return {i: f"{label}/{kind}/degree={degree}/{injected}/atom={i}" for i in self.atoms(name)}

    def free(
        self,
        source: FeatureSource,
        degree: int,
        injection: InjectionName | None = None,
        *,
        rotate: bool = True,
        what: str = "fixed",
        targets: Targets | None = None,
    ) -> dict[int, Cell]:
        """Fit the free readout of every atom.

        The source is asked for features only where a cell is missing: a run that is taken up does not run the network again.

        Parameters
        ----------
        source
            The features.
        degree
            Polynomial degree.
        injection
            The injection; None: the leading one.
        rotate
            Whether every use of a frame is turned at random.
        what
            Names the injected field in the cells' names.
        targets
            Gives the injected fields of an atom at every use; None: the signal along a fixed direction, of one pure l.
        """
        names = self.free_names(source.label, degree, injection, rotate=rotate, what=what)
        atoms = list(names)

        def compute(missing: list[int]) -> Iterator[Cell]:
            # What the atoms share is made before the workers start.
            if isinstance(source, TurnedSource):
                by_run = source.fit(
                    self.turns.orientations(rotate), self.signal(injection), degree, self.amplitude, targets=targets,
                    device=self.compute.device,
                )  # fmt: skip
                return self.compute.map(by_run, [atoms[k] for k in missing])
            blocks, residual = source.blocks(), self.residual()
            signal, device = self.signal(injection), self.compute.device
            turned = {i: self.orientations(i, injection, rotate=rotate) for i in (atoms[k] for k in missing)}

            def fit(atom: int) -> Cell:
                t, f, orientations = signal[atom], residual[:, atom], turned[atom]
                uses = len(orientations.split.training) * self.settings.rotations
                usual = self.sample.usual_coefficients(atom)
                limit = free_limit(blocks, degree, self.settings.coefficients, uses, usual)
                sums: Sequence[ErrorSums]
                if targets is None:
                    sums, count = fit_free(
                        blocks, atom, t, f, orientations, degree, self.amplitude, limit=limit, device=device
                    )
                else:
                    fields = targets(atom, orientations)
                    leading = {l: t[:, l_slice(l)] for l in range(1, self.settings.l_top + 1)}
                    sums, count = fit_free_targets(
                        blocks, atom, fields, f, orientations, degree, self.amplitude, leading=leading, limit=limit,
                        device=device,
                    )  # fmt: skip
                return self.kept(atom, injection, sums), [count] * len(sums)

            return self.compute.map(fit, [atoms[k] for k in missing])

        return dict(zip(atoms, self.cells.cells(list(names.values()), compute), strict=True))

    @property
    def _kinds(self) -> dict[int, str]:
        """By atom, what shares an equivariant readout: an element; each pool of environments has its own."""
        names = self.sample.names
        return self.elements if names is None else {mark.atom: names[mark.atom] for mark in self.marks}

    def _elements_injected(self) -> dict[str, dict[InjectionName, list[int]]]:
        """Return the atoms of every element by injection, where there are any."""
        elements: dict[str, dict[InjectionName, list[int]]] = {}
        for element in dict.fromkeys(self._kinds.values()):
            members = {i for i, symbol in self._kinds.items() if symbol == element}
            by_injection = {
                name: atoms
                for name in self.settings.injections
                if (atoms := [i for i in self.atoms(name) if i in members])
            }
            if by_injection:
                elements[element] = by_injection
        return elements

    def _equivariant_tasks(
        self, blocks: Sequence[Block], degree: int, kind: str, injected: Mapping[InjectionName, Sequence[int]]
    ) -> list[list[Callable[[], EquivariantFit]]]:
        """Return the fits of an element by l, one list for each set of rows: injections in the same rows are fitted together."""
        atoms = [i for i, name in self._kinds.items() if name == kind]
        by_rows: dict[bytes, tuple[Split, dict[str, dict[int, NDArray[np.float64]]]]] = {}
        for name, members in injected.items():
            split = self.sample.split_of(members[0], name)
            key = b"|".join(part.tobytes() for part in (split.training, split.validation, split.held_out))
            tables = by_rows.setdefault(key, (split, {}))[1]
            tables[name] = {i: self.signal(name)[i] for i in members}
        return [
            equivariant_tasks(
                blocks, atoms, tables, split, degree, self.amplitude,
                equivariant_limit(blocks, degree, self.settings, len(split.training)), self.compute.device,
            )
            for split, tables in by_rows.values()
        ]  # fmt: skip

    def _kept_parts(self, cell: Cell, order: Sequence[_Key]) -> Cell:
        """Return the cell of an element with the sums as they are kept."""
        sums, counts = cell
        size = len(sums) // len(order)
        kept: list[ErrorSums | None] = []
        for k, (_, name, i) in enumerate(order):
            kept += self.kept(i, name, sums[k * size : (k + 1) * size])
        return kept, counts

    def equivariant_names(self, label: str, degree: int) -> dict[str, str]:
        """Return the name of the cell of every element's equivariant readouts."""
        return {e: f"{label}/equivariant/degree={degree}/element={e}" for e in self._elements_injected()}

    def equivariant(
        self, source: FeatureSource, degree: int
    ) -> dict[str, dict[InjectionName, dict[int, Cell]]]:
        """Fit the equivariant readouts, an atom's own and those that all atoms of an element share.

        Returns
        -------
        ``[own | shared][injection][atom]``.
        """
        injected = self._elements_injected()
        names = self.equivariant_names(source.label, degree)
        orders: dict[str, list[_Key]] = {
            element: [(kind, name, i) for kind in ("own", "shared") for name in by for i in by[name]]
            for element, by in injected.items()
        }
        elements, size = list(injected), self.settings.l_top + 1

        def compute(missing: list[int]) -> Iterator[Cell]:
            blocks = source.blocks()
            tasks: list[Callable[[], EquivariantFit]] = []
            parts: list[int] = []
            for k in missing:
                of_element = self._equivariant_tasks(blocks, degree, elements[k], injected[elements[k]])
                parts.append(len(of_element))
                tasks += [task for of_rows in of_element for task in of_rows]
            fitted = self.compute.map(lambda task: task(), tasks)
            for k, many in zip(missing, parts, strict=True):
                by_rows = [[next(fitted) for _ in range(size)] for _ in range(many)]
                cell = _joined([_together(fits) for fits in zip(*by_rows, strict=True)], orders[elements[k]])
                yield self._kept_parts(cell, orders[elements[k]])

        out: dict[str, dict[InjectionName, dict[int, Cell]]] = {
            kind: {name: {} for name in self.settings.injections} for kind in ("own", "shared")
        }
        cells = self.cells.cells(list(names.values()), compute)
        for element, (sums, counts) in zip(elements, cells, strict=True):
            for k, (kind, name, i) in enumerate(orders[element]):
                part = slice(k * size, (k + 1) * size)
                out[kind][name][i] = (sums[part], counts[part])
        return out


def _together(fits: Sequence[EquivariantFit]) -> EquivariantFit:
    """Return the fits of one l to several injections, made in rows of their own, as one."""
    if len(fits) == 1:
        return fits[0]
    by_atom: dict[str, Mapping[int, ErrorSums]] = {}
    shared: dict[str, Mapping[int, ErrorSums]] = {}
    for fit in fits:
        by_atom |= fit.own
        shared |= fit.shared
    return EquivariantFit(fits[0].l, max(fit.coefficients for fit in fits), shared, by_atom)


def _joined(fits: Sequence[EquivariantFit], order: Sequence[_Key]) -> Cell:
    """Return one cell of the fits of an element, one for each l, in the given order."""
    sums = [getattr(fit, kind).get(name, {}).get(i) for kind, name, i in order for fit in fits]
    return sums, [fit.coefficients for _ in order for fit in fits]
