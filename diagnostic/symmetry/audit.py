r"""The symmetry audit of any calculator: how far energies and forces depend on orientation, by degree, on a set of structures.

Which quadrature. With l_top given, the rule has degree 2 l_top. Otherwise l_top is raised from 2 on the first structure, until
the function that the degrees l <= l_top make together leaves at most a stated share of the variance.

How sure the powers are. Let :math:`\hat g` be the sum of the degrees found, :math:`\hat g(R) = \sum_{l \le l_{top}} (2l+1) \sum_q
w_q \chi_l(R R_q^{-1}) g(R_q)` with the characters :math:`\chi_l`. Its exact powers are those reported, and projecting on a
degree lengthens no function; so :math:`|\sqrt{\hat P_l} - \sqrt{P_l}| \le \|g - \hat g\|` for every l, aliasing included. The
right side is measured at independent random rotations.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from ...numerics.rotations import so3_quadrature
from ..records.files import write_whole
from ..records.plain import plain, to_json
from ..records.run_directory import RunDirectory
from ..records.versions import audit_versions
from .breaking import (
    Orientations,
    check_repeatable,
    over_orientations,
    rule_of_order,
    summarise,
)
from .calculators import NamedCalculator, Structures
from .result import L_LARGEST, SYMMETRY_SCHEMA, SymmetrySettings, calculator_title, write_symmetry
from .result_object import SymmetryAudit
from .structure import measure_structure

Array = NDArray[np.float64]
Progress = Callable[[str, int, int], None]
_DRAWS = 2000


def convergence_table(calculator: Any, atoms: Atoms) -> list[dict[str, Any]]:
    """Return the deviations by the rules of order 1, 2, 3, with and without inversion: 1, 2, 18, 36, 75, 150 evaluations."""
    rows = []
    for order in (1, 2, 3):
        rule = rule_of_order(order)
        found = over_orientations(calculator, atoms, rule, inversion=True)
        for inversion in (False, True):
            used = found if inversion else Orientations(rule, found.energies, found.forces)
            one = summarise(used, rule.degree // 2)
            rows.append({"order": order, "inversion": inversion, "evaluations": one.evaluations,
                         "energy_rms": one.energy_rms, "energy_mad": one.energy_mad,
                         "force_rms": one.force_rms, "force_mad": one.force_mad})  # fmt: skip
    return rows


def symmetry_audit(
    structures: Structures,
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
    report = progress or (lambda _what, _done, _total: None)
    count = min(settings.structures, len(structures))
    chosen = np.unique(np.linspace(0, len(structures) - 1, count).round().astype(int)).tolist()
    calculator, first = named.calculator, structures.images[chosen[0]]
    check_repeatable(calculator, first)
    run = None
    if out is not None:
        asked = {**settings.to_dict(), "calculator": named.source, "calculator_sha256": named.sha256,
                 "data_sha256": structures.sha256, "version": audit_versions()["spectral-ceilings"]}  # fmt: skip
        run = RunDirectory.create(out, asked, resume)
    timings: dict[str, float] = {}

    def part(key: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        cell = run.load_cell(key) if run else None
        if cell is None:
            start = time.perf_counter()
            cell = plain(work(), key)
            timings[key] = round(time.perf_counter() - start, 3)
            if run:
                run.save_cell(key, cell)
        return cell

    def one(index: int, l_top: int) -> dict[str, Any]:
        return part(
            f"structure={index}/l_top={l_top}",
            lambda: measure_structure(
                calculator, structures.images[index], l_top, inversion=settings.inversion, checks=settings.checks,
                rng=np.random.default_rng([settings.seed, index, l_top]),
            ),
        )  # fmt: skip

    tried = []
    l_top = settings.l_top or 2
    while True:
        report(f"choosing l: {l_top}", 0, 0)
        found = one(chosen[0], l_top)
        tried.append({"l_top": l_top, "degree": 2 * l_top, "evaluations": found["evaluations"],
                      "energy_left": found["energy_left"], "force_left": found["force_left"]})  # fmt: skip
        enough = max(found["energy_left"], found["force_left"]) <= settings.unresolved
        if settings.l_top is not None or enough or l_top == L_LARGEST:
            break
        l_top += 1
    rows = []
    for done, index in enumerate(chosen):
        report("structures", done, len(chosen))
        atoms = structures.images[index]
        rows.append({"structure": index, "formula": atoms.get_chemical_formula(mode="hill"), "atoms": len(atoms),
                     "periodic": bool(atoms.pbc.any()), **one(index, l_top)})  # fmt: skip
    report("convergence", 0, 0)
    table = part("convergence", lambda: {"rows": convergence_table(calculator, first)})["rows"]
    remedies: list[dict[str, Any]] = []
    if "remedies" in settings.parts:
        from .remedies import measure_remedy, remedy_names

        def remedy(name: str) -> dict[str, Any]:
            return part(f"remedy={name}", lambda: measure_remedy(name, calculator, first, settings, l_top))

        for done, name in enumerate(remedy_names()):
            report(f"remedies: {name}", done, len(remedy_names()))
            remedies.append(remedy(name))
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
                       "rotations": len(so3_quadrature(2 * l_top)), "resolved": enough, "tried": tried},
        "structures": rows,
        "summary": summary(rows, settings.seed),
        "convergence": table,
        "remedies": remedies,
    }  # fmt: skip
    result["verdict"] = symmetry_verdict(result)
    result = plain(result, "result")
    if run:
        from .figures import write_symmetry_figures
        from .report import write_symmetry_report

        report("report", 0, 0)
        write_symmetry(result, run.path / "symmetry.csv")
        write_whole(run.path / "result.json", to_json(result, "result"))
        write_symmetry_figures(result, run.path)
        write_symmetry_report(result, run.path)
    return SymmetryAudit(result)


def summary(rows: Sequence[Mapping[str, Any]], seed: int) -> dict[str, Any]:
    """Return E_rot and F_rot over structures with 95 % bootstrap intervals over structures, and the worst of them.

    Mean absolute deviations are averaged, root mean squares and differences under inversion in the square; an interval needs
    two structures.
    """
    rng = np.random.default_rng([seed, 5])
    draws = rng.integers(len(rows), size=(_DRAWS, len(rows)))
    out: dict[str, Any] = {}
    for name, square in (("energy_mad", False), ("energy_rms", True), ("force_mad", False), ("force_rms", True),
                         ("inversion_energy", True), ("inversion_force", True)):  # fmt: skip
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
        out[f"{quantity}_error"] = float(np.sqrt(np.mean([row[f"{quantity}_error"] ** 2 for row in rows])))
    return out


def symmetry_verdict(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``{held, sentence}``: whether E_rot and F_rot are within the tolerance, in words."""
    found, tolerance = result["summary"], result["settings"]["tolerance"]
    energy, force = found["energy_rms"]["value"], found["force_rms"]["value"]
    held = max(energy, force) <= tolerance
    count = len(result["structures"])
    title = calculator_title(result["calculator"]["kind"])
    kept = "keeps" if held else "does not keep"
    sentence = (
        f"{title[0].upper()}{title[1:]} {kept} rotational symmetry within {tolerance:g} meV: over orientations of {count} "
        f"{'structure' if count == 1 else 'structures'} its energy deviates by {energy:.3g} meV/atom and its forces by "
        f"{force:.3g} meV/Å from their average (root mean square)."
    )
    if not held:
        powers = np.array(found["force_by_degree"]) ** 2
        top = int(powers.argmax()) + 1
        sentence += f" Most of the forces' deviation ({powers.max() / powers.sum():.0%}) has l = {top}."
    quadrature = result["quadrature"]
    if not quadrature["resolved"]:
        share = max(quadrature["tried"][-1]["energy_left"], quadrature["tried"][-1]["force_left"])
        sentence += f" A share of {share:.1%} lies above l = {quadrature['l_top']} and is not resolved."
    return {"held": held, "sentence": sentence.replace("%", " %")}
