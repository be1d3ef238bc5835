"""Step four, assemble: the verdict, and the content of ``result.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from ...theory.multiplicity import readout_multiplicities
from ..records.devices import device_versions
from .atoms import atoms_of_result
from .checking import EQUIVARIANCE_TOLERANCE, Checked, versions
from .controls import EXACTLY_TURNED
from .measuring import Measured
from .null_band import statistics
from .preparing import Prepared
from .result import MOLECULE, NOTHING_TO_HOLD, RESULT_SCHEMA
from .result_types import (
    AtomEntry,
    CeilingEntry,
    Checks,
    ControlEntry,
    DataEntry,
    DegreeVerdict,
    DiagnosisResult,
    LayerEntry,
    ModelEntry,
    RecoveryRow,
    RowVerdict,
    Verdict,
)
from .sample import Sample
from .shortfalls import why_short
from .tables import RecoveryTable, rows_of
from .turned_verdict import approximate_degree, approximate_verdict, leaks, unbounded_verdict
from .verdict import judge, overall


def assemble(
    checked: Checked,
    prepared: Prepared,
    measured: Measured,
    *,
    command: str,
    seconds: Mapping[str, float],
    depiction: Mapping[str, Any],
) -> DiagnosisResult:
    """Judge what was measured, and return the content of ``result.json`` (schema ``spectral-ceilings/diagnose/1``).

    Parameters
    ----------
    checked, prepared, measured
        What the steps before returned.
    command
        The command that repeats the run.
    seconds
        Seconds by part.
    depiction
        A drawing of the molecule: positions, bonds, and what made it.
    """
    settings, data = checked.settings, _data(checked, prepared, depiction)
    recovered = rows_of(measured.tables)
    main = checked.ceiling(settings.main_degree)
    ratios = [table.cliff_ratio(measured.bootstrap) for table in measured.tables]
    atoms = atoms_of_result(
        checked.marks, measured.analysis, recovered, injection=checked.injections[0], ceiling=main,
        numbers=data["numbers"], scopes=checked.sample.names,
    )  # fmt: skip
    result = DiagnosisResult(
        schema=RESULT_SCHEMA,
        command=command,
        model=_model(checked),
        data=data,
        ceiling=CeilingEntry(
            degree=main.degree, l_max=main.l_max, boundary=main.boundary, explanation=checked.explanation,
            kind=checked.ceiling_kind,
        ),
        method="turned" if settings.turned else "wigner",
        settings=settings.to_dict(),
        seed=settings.seed,
        versions=versions() | device_versions(checked.compute.device),
        timings_s=dict(seconds),
        recovery=recovered + rows_of(measured.further),
        cliff_ratios=[entry for entry in ratios if entry is not None],
        atoms=atoms,
        controls=[
            ControlEntry(name=c.name, title=c.title, sentence=c.sentence, rows=c.table.rows if c.table else [])
            for c in measured.controls
        ],
        statistics=statistics(measured.bootstrap, measured.tables),
        checks=Checks(
            equivariance_error=max(checked.equivariance.rotation, checked.equivariance.translation),
            equivariance_tolerance=EQUIVARIANCE_TOLERANCE,
            inversion_error=checked.equivariance.inversion,
            parity=checked.equivariance.parity,
            parity_sentence=_parity_sentence(checked),
            purity=list(prepared.purity),
            orientations=prepared.orientations.to_dict(),
            sites=prepared.sites.entries(checked.sample.elements),
            force_error=prepared.force_error,
        ),
        verdict=verdict(checked, measured, atoms),
    )  # fmt: skip
    if measured.plateaus is not None:
        result["plateaus"] = list(measured.plateaus)
    if measured.networks is not None:
        result["networks"] = list(measured.networks)
    if checked.ceiling_kind == "approximate":
        result["checks"]["leak"] = leaks(_judged(checked, measured))
    return result


def _parity_sentence(checked: Checked) -> str:
    """Say what the inversion does to the features; of features without declared symmetry, what turning does as well."""
    measured = checked.equivariance
    if not checked.layer.declared:
        return (
            f"No symmetry is declared of the features of layer {checked.layer.name!r}: turned with the frame they change by "
            f"{measured.rotation:.1e} of their size, inverted by {measured.inversion:.1e}."
        )
    words = measured.parity_words
    return f"{words[:1].upper()}{words[1:]}."


def _judged(checked: Checked, measured: Measured) -> list[RecoveryTable]:
    """Return the tables that are held against theory: of the free readout where it was fitted, of the leading injection."""
    judged = "free" if "free" in checked.settings.readouts else "equivariant"
    wanted = judged, checked.injections[0]
    return [table for table in measured.tables if (table.readout, table.injection) == wanted]


def verdict(checked: Checked, measured: Measured, atoms: Sequence[AtomEntry]) -> Verdict:
    """Hold the free readout (or the equivariant one) of the leading injection against the ceiling of each degree."""
    settings, info, layer = checked.settings, checked.info, checked.layer
    judged = "free" if "free" in settings.readouts else "equivariant"
    tables = _judged(checked, measured)
    if checked.ceiling_kind == "none":
        return unbounded_verdict(tables, settings.main_degree, layer.name, info)
    why, reached = why_short(atoms), ""
    verdicts = []
    for table in tables:
        unreachable, open_to = gaps(layer.irreps, table.ceiling.degree, table.ceiling.boundary)
        rows = table.molecule() if checked.sample.names is None else every_pool(table)
        verdicts.append(
            judge(
                rows, table.ceiling, free=judged == "free", unreachable=unreachable, open_to=open_to, why_short=why,
                more=checked.sample.more,
            )
        )  # fmt: skip
        if checked.sample.names is not None:
            by_pool = reached_by_pool(table, checked.sample)
            verdicts[-1]["sentence"] += f" ({by_pool})"
            reached = by_pool if table.ceiling.degree == settings.main_degree else reached
    if checked.ceiling_kind == "approximate":
        return _approximate(checked, measured, verdicts, tables)
    whole = overall(verdicts, settings.main_degree, judged, layer.name, info, settings.l_top)
    if whole["outcome"] == "held" and reached:
        whole["sentence"] += f" By element: {reached}."
    return whole


def _approximate(
    checked: Checked, measured: Measured, verdicts: Sequence[DegreeVerdict], tables: Sequence[RecoveryTable]
) -> Verdict:
    """Return the verdict on features that miss equivariance, from what was judged as if they did not."""
    miss = checked.equivariance.rotation
    of_degrees = [
        approximate_degree(verdict, leaks([table]), table.ceiling, miss)
        for verdict, table in zip(verdicts, tables, strict=True)
    ]
    exact = next((c.table for c in measured.controls if c.name == EXACTLY_TURNED), None)
    return approximate_verdict(
        of_degrees, checked.settings.main_degree, checked.layer.name, checked.info, miss, exact
    )


def every_pool(table: RecoveryTable) -> list[RecoveryRow]:
    """Return the molecule's rows with verdicts that speak for every pool: theory has to hold for each.

    An l above the ceiling is recovered where it is in one pool, and undecided where it is in one; an l below it is recovered
    where it is in every pool that has something to hold.
    """
    pools = [row for row in table.rows if row["scope"] != MOLECULE]
    rows = []
    for row in table.molecule():
        said = {other["verdict"] for other in pools if other["l"] == row["l"]}
        order: list[RowVerdict] = ["not recovered", "undecided", "recovered", "no path", "nothing to hold"]
        if row["l"] > table.ceiling.boundary:
            order = ["recovered", "undecided", "not recovered", "no path", "nothing to hold"]
        rows.append(RecoveryRow(**{**row, "verdict": next(verdict for verdict in order if verdict in said)}))
    return rows


def reached_by_pool(table: RecoveryTable, sample: Sample) -> str:
    """Say up to which l every pool is recovered without a gap, from l = 1 on where there is something to hold."""
    top: dict[int, list[str]] = {}
    for atom in table.cells:
        verdicts = {row["l"]: row["verdict"] for row in table.rows if row["scope"] == sample.scope(atom)}
        reached = 0
        for l in range(1, max(verdicts) + 1):
            if verdicts[l] not in ("recovered", NOTHING_TO_HOLD):
                break
            reached = l if verdicts[l] == "recovered" else reached
        top.setdefault(reached, []).append(sample.label(atom))
    return "; ".join(
        f"{_listing(names)} {'reaches' if len(names) == 1 else 'reach'} l = {l}"
        for l, names in sorted(top.items(), reverse=True)
    )


def _listing(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def gaps(irreps: str, degree: int, boundary: int) -> tuple[list[int], list[int]]:
    """Return the l up to the ceiling that no polynomial of these irreps reaches, and those that only the other parity reaches.

    Examples
    --------
    >>> gaps("8x0e+8x2e", 1, 2), gaps("4x0e+4x1e", 2, 2)
    (([1], []), ([], [1]))
    """
    counts = readout_multiplicities(irreps, degree)
    natural = {l for l, p in counts if p == (-1) ** l}
    either = {l for l, _ in counts}
    degrees = range(boundary + 1)
    return [l for l in degrees if l not in either], [l for l in degrees if l in either and l not in natural]


def places(measured: Measured) -> dict[str, Sequence[RecoveryTable]]:
    """Return where in the result the rows of every table stand."""
    tables: dict[str, Sequence[RecoveryTable]] = {"recovery": (*measured.tables, *measured.further)}
    for number, control in enumerate(measured.controls):
        if control.table is not None:
            tables[f"controls[{number}].rows"] = (control.table,)
    return tables


def _model(checked: Checked) -> ModelEntry:
    info, layer = checked.info, checked.layer
    training = dict(info.training or {})
    training.pop("split", None)
    return ModelEntry(
        source=info.source,
        sha256=info.sha256,
        architecture=info.architecture,
        layer=layer.name,
        irreps=layer.irreps,
        trained=info.trained,
        parameters=info.parameters,
        l_max=checked.l_max,
        force_mae_eV_A=info.force_mae,
        builder=info.builder,
        training=training or None,
        layers=[
            LayerEntry(name=of.name, irreps=of.irreps, l_max=of.l_max, usable=of.usable, why=of.why)
            for of in checked.layers
        ],
    )


def _data(checked: Checked, prepared: Prepared, depiction: Mapping[str, Any]) -> DataEntry:
    entry: Any = dict(
        **checked.sample.data_entry(),
        force_rms_eV_A=prepared.force_rms,
        residual_rms_eV_A=prepared.residual_rms,
        amplitude_eV_A=prepared.amplitude,
        **checked.reading,
    )
    if depiction:
        entry["depiction"] = dict(depiction)
    return cast(DataEntry, entry)
