r"""The symmetry audit of any calculator: how far energies and forces depend on orientation, at every l, on a set of structures.

Which quadrature. With l_top given, the rule has degree 2 l_top. Otherwise l_top is raised from 2 on the first structure, until
the function that every l <= l_top make together leaves at most a stated share of the variance.

How sure the powers are. Let :math:`\hat g` be the sum of the degrees found, :math:`\hat g(R) = \sum_{l \le l_{top}} (2l+1) \sum_q
w_q \chi_l(R R_q^{-1}) g(R_q)` with the characters :math:`\chi_l`. Its exact powers are those reported, and projecting on a
degree lengthens no function; so :math:`|\sqrt{\hat P_l} - \sqrt{P_l}| \le \|g - \hat g\|` for every l, aliasing included. The
right side is measured at independent random rotations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from ...numerics.rotations import so3_quadrature
from ..frames.splits import evenly_spaced
from ..records.files import write_whole
from ..records.parts import Parts
from ..records.plain import plain, to_json
from ..records.progress import Progress, silent
from ..records.versions import audit_versions
from .breaking import (
    Orientations,
    check_repeatable,
    over_orientations,
    rule_of_order,
    summarise,
)
from .calculators import AuditStructures, NamedCalculator
from .fixed_benchmark import STRUCTURES, benchmark_summary, measure_walk
from .result import L_LARGEST, SYMMETRY_SCHEMA, SymmetrySettings, write_symmetry
from .result_object import SymmetryAudit
from .result_types import SymmetryResult
from .structure import ROUNDINGS, measure_structure
from .verdict import symmetry_verdict

Array = NDArray[np.float64]
_DRAWS = 2000


def convergence_table(calculator: Any, atoms: Atoms, *, inversion: bool = True) -> list[dict[str, Any]]:
    """Return the deviations by the rules of order 1, 2, 3 over SO(3), 1, 18, 75 evaluations; with inversion over O(3) too."""
    rows = []
    for order in (1, 2, 3):
        rule = rule_of_order(order)
        evaluated = over_orientations(calculator, atoms, rule, inversion=inversion)
        proper = Orientations(rule, evaluated.energies, evaluated.forces)
        for improper, used in ((False, proper), (True, evaluated))[: 1 + inversion]:
            breaking = summarise(used, rule.degree // 2, improper=improper)
            rows.append({"order": order, "inversion": improper, "evaluations": breaking.evaluations,
                         "energy_rms": breaking.energy_rms, "energy_mad": breaking.energy_mad,
                         "force_rms": breaking.force_rms, "force_mad": breaking.force_mad})  # fmt: skip
    return rows


def symmetry_audit(
    structures: AuditStructures,
    named: NamedCalculator,
    settings: SymmetrySettings | None = None,
    *,
    out: Path | None = None,
    resume: bool = False,
    command: str = "spectral_ceilings.diagnostic.symmetry_audit(...)",
    progress: Progress | None = None,
) -> SymmetryAudit:
    """Measure how far a calculator's energies and forces depend on the orientation of structures.

    Parameters
    ----------
    structures
        Molecules or periodic structures, of one composition or several.
    named
        The calculator; it must depend on the structure alone.
    out
        Run directory to write: ``result.json``, ``symmetry.csv``, ``figures/``, ``report.html``; None: only return.
    resume
        Take up ``out`` structure by structure.
    command
        The command that repeats this run; goes into the report.
    progress
        Called with (what, done, total).

    Returns
    -------
    SymmetryAudit
        A mapping with the content of ``result.json``, schema ``spectral-ceilings/symmetry/1``.

    Raises
    ------
    InputError
        No energy or forces, answers that change from call to call, a periodic structure for a model that knows no cells.
    """
    settings = settings or SymmetrySettings()
    report = progress or silent
    count = min(settings.structures, len(structures))
    chosen = evenly_spaced(len(structures), count).tolist()
    check_repeatable(named.calculator, structures.images[chosen[0]])
    asked = {**settings.to_dict(), "calculator": named.source, "calculator_sha256": named.sha256,
             "data_sha256": structures.sha256, "version": audit_versions()["spectral-ceilings"]}  # fmt: skip
    parts = Parts.open(out, asked, resume)
    measurement = _Measurement(structures, chosen, named.calculator, settings, parts, report)
    result = _assemble(structures, named, settings, measurement.run(), command, parts.timings)
    if parts.run:
        report("report", 0, 0)
        _write(result, parts.run.path)
    return SymmetryAudit(result)


@dataclass(frozen=True)
class _Measured:
    """The rows of each part, and the search for the highest degree that it rests on."""

    tried: list[dict[str, Any]]
    structures: list[dict[str, Any]]
    convergence: list[dict[str, Any]]
    remedies: list[dict[str, Any]]
    benchmark: dict[str, Any] | None

    @property
    def l_top(self) -> int:
        """Highest degree of the spectra."""
        return int(self.tried[-1]["l_top"])


@dataclass(frozen=True)
class _Measurement:
    """The parts of a symmetry audit, each computed once; ``chosen`` are the structures that are turned."""

    structures: AuditStructures
    chosen: list[int]
    calculator: Any
    settings: SymmetrySettings
    parts: Parts
    report: Progress

    def run(self) -> _Measured:
        """Choose the highest degree on the first structure, then measure everything with it."""
        tried = self._search()
        l_top = int(tried[-1]["l_top"])
        structures = self._structures(l_top)
        self.report("convergence", 0, 0)
        first = self.structures.images[self.chosen[0]]
        table = self.parts.get(
            "convergence",
            lambda: {"rows": convergence_table(self.calculator, first, inversion=self.settings.inversion)},
        )
        remedies = self._remedies(first, l_top) if "remedies" in self.settings.parts else []
        return _Measured(tried, structures, table["rows"], remedies, self._benchmark())

    def _structure(self, index: int, l_top: int) -> dict[str, Any]:
        settings = self.settings
        return self.parts.get(
            f"structure={index}/l_top={l_top}",
            lambda: measure_structure(
                self.calculator, self.structures.images[index], l_top, inversion=settings.inversion,
                checks=settings.checks, rng=np.random.default_rng([settings.seed, index, l_top]),
            ),
        )  # fmt: skip

    def _search(self) -> list[dict[str, Any]]:
        """Raise l_top until the degrees up to it leave little enough; return what each one left."""
        tried: list[dict[str, Any]] = []
        l_top = self.settings.l_top or 2
        while True:
            self.report(f"choosing l: {l_top}", 0, 0)
            row = self._structure(self.chosen[0], l_top)
            tried.append({"l_top": l_top, "degree": 2 * l_top, "evaluations": row["evaluations"],
                          "energy_left": row["energy_left"], "force_left": row["force_left"],
                          "stopped": _why_enough(row, self.settings)})  # fmt: skip
            if self.settings.l_top is not None or tried[-1]["stopped"] or l_top == L_LARGEST:
                return tried
            l_top += 1

    def _structures(self, l_top: int) -> list[dict[str, Any]]:
        rows = []
        for done, index in enumerate(self.chosen):
            self.report("structures", done, len(self.chosen))
            atoms = self.structures.images[index]
            rows.append({"structure": index, "formula": atoms.get_chemical_formula(mode="hill"), "atoms": len(atoms),
                         "periodic": bool(atoms.pbc.any()), **self._structure(index, l_top)})  # fmt: skip
        return rows

    def _benchmark(self) -> dict[str, Any] | None:
        """Compare 115 orientations of ten structures, each with the one before it."""
        if not self.settings.benchmark:
            return None
        rows = []
        chosen = evenly_spaced(len(self.structures), min(STRUCTURES, len(self.structures))).tolist()
        for done, index in enumerate(chosen):
            self.report("benchmark", done, len(chosen))
            atoms = self.structures.images[index]
            pairs = self.parts.get(f"benchmark={index}", partial(measure_walk, self.calculator, atoms))
            rows.append(
                {
                    "structure": index,
                    "formula": atoms.get_chemical_formula(mode="hill"),
                    "atoms": len(atoms),
                    **pairs,
                }
            )
        return benchmark_summary(rows)

    def _remedies(self, atoms: Atoms, l_top: int) -> list[dict[str, Any]]:
        from .remedies import measure_remedy, remedy_names

        rows = []
        for done, name in enumerate(remedy_names()):
            self.report(f"remedies: {name}", done, len(remedy_names()))
            measure = partial(measure_remedy, name, self.calculator, atoms, self.settings, l_top)
            rows.append(self.parts.get(f"remedy={name}", measure))
        return rows


def _why_enough(row: Mapping[str, Any], settings: SymmetrySettings) -> str | None:
    """Return why no larger quadrature is needed: ``rounding``, ``share`` or ``tolerance``; None where one is.

    What is left is rounding; or it is at most the share that may be left; or all that depends on orientation, degrees too high
    for the rule included, is a hundredth of the tolerance, and no share of it changes a verdict.
    """
    if all(row[f"{kind}_error"] <= ROUNDINGS * row[f"{kind}_rounding"] for kind in ("energy", "force")):
        return "rounding"
    if max(row["energy_left"], row["force_left"]) <= settings.unresolved:
        return "share"
    if max(row["energy_deviation"], row["force_deviation"]) <= 0.01 * settings.tolerance:
        return "tolerance"
    return None


def _assemble(
    structures: AuditStructures, named: NamedCalculator, settings: SymmetrySettings, measured: _Measured, command: str,
    timings: dict[str, float],
) -> SymmetryResult:  # fmt: skip
    """Return the content of ``result.json``."""
    l_top = measured.l_top
    result: dict[str, Any] = {
        "schema": SYMMETRY_SCHEMA,
        "command": command,
        "calculator": {"source": named.source, "kind": named.kind, "sha256": named.sha256},
        "data": {"source": structures.source, "sha256": structures.sha256, "structures": len(structures)},
        "settings": settings.to_dict(),
        "seed": settings.seed,
        "versions": audit_versions(),
        "timings_s": timings,
        "quadrature": {"automatic": settings.l_top is None, "l_top": l_top, "degree": 2 * l_top,
                       "rotations": len(so3_quadrature(2 * l_top)),
                       "resolved": measured.tried[-1]["stopped"] is not None, "tried": measured.tried},
        "structures": measured.structures,
        "summary": summary(measured.structures, settings.seed),
        "convergence": measured.convergence,
        "remedies": measured.remedies,
        "fixed_benchmark": measured.benchmark,
    }  # fmt: skip
    result["verdict"] = symmetry_verdict(result)
    return cast(SymmetryResult, plain(result, "result"))


def _write(result: SymmetryResult, folder: Path) -> None:
    from .figures import write_symmetry_figures
    from .report import write_symmetry_report

    write_symmetry(result, folder / "symmetry.csv")
    write_whole(folder / "result.json", to_json(result, "result"))
    write_symmetry_figures(result, folder)
    write_symmetry_report(result, folder)


def summary(rows: Sequence[Mapping[str, Any]], seed: int) -> dict[str, Any]:
    """Return E_rot and F_rot over structures with 95 % bootstrap intervals over structures, and the worst of them.

    Mean absolute deviations are averaged, root mean squares and differences under inversion in the square; an interval needs
    two structures.
    """
    rng = np.random.default_rng([seed, 5])
    draws = rng.integers(len(rows), size=(_DRAWS, len(rows)))
    out: dict[str, Any] = {}
    for name, square in (("energy_mad", False), ("energy_rms", True), ("force_mad", False), ("force_rms", True),
                         ("inversion_energy", True), ("inversion_force", True), ("translation_energy", True),
                         ("translation_force", True), ("energy_rounding", True), ("force_rounding", True)):  # fmt: skip
        if rows[0][name] is None:
            out[name] = None
            continue
        values = np.array([row[name] for row in rows]) ** (2 if square else 1)
        power = 0.5 if square else 1.0
        spread = np.quantile(values[draws].mean(axis=1), [0.025, 0.975]) ** power
        several = len(rows) > 1
        out[name] = {"value": float(values.mean() ** power), "low": float(spread[0]) if several else None,
                     "high": float(spread[1]) if several else None}  # fmt: skip
    worst = max(rows, key=lambda row: row["worst_energy"])
    out["worst"] = {key: worst[key] for key in ("structure", "worst_energy", "worst_rotation")}
    for quantity in ("energy", "force"):
        scale = [1e3 / row["atoms"] if quantity == "energy" else 1e3 for row in rows]
        powers = np.array(
            [s**2 * np.array(row[f"{quantity}_power"]) for s, row in zip(scale, rows, strict=True)]
        )
        out[f"{quantity}_by_degree"] = np.sqrt(powers.mean(axis=0))[1:].tolist()
        odd = [s**2 * np.array(row[f"inversion_{quantity}_power"] or [])
               for s, row in zip(scale, rows, strict=True)]  # fmt: skip
        out[f"inversion_{quantity}_by_degree"] = np.sqrt(np.mean(odd, axis=0)).tolist()
        out[f"{quantity}_error"] = float(np.sqrt(np.mean([row[f"{quantity}_error"] ** 2 for row in rows])))
    return out
