"""Claims about several backbones: width, depth, L, architecture, parameter count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..diagnostic.backbones.backbone import BackboneInfo
from ..diagnostic.backbones.checkpoint import embedded_names
from ..diagnostic.backbones.loading import load_backbone
from ..diagnostic.backbones.nequip_model import NequIPBackbone, NequIPSettings, build_nequip
from ..theory.errors import InputError
from .context import Context
from .effort import BASE, MAIN, QUICK_FRAMES, run, standard
from .measures import cliff, interval, last_recovered, line, lost, recovered, row, table_rows, value_of
from .outcome import Chart, Line, Outcome, Value, Verdict
from .trained import at, at_the_ceiling, beyond, change, source, table_of, trained

#: Three L, twice the width.
BY_L = {1: "aspirin-rmd17-l1", 2: BASE, 3: "aspirin-rmd17-l3"}
WIDE = f"{BASE}-wide"


def shipped(*names: str) -> None:
    """Raise InputError where a backbone does not ship with this installation."""
    missing = [name for name in names if name not in embedded_names()]
    if missing:
        raise InputError(
            f"the backbone {missing[0]} does not ship with this installation; reinstall the package"
        )


def joint_verdict(stand: Sequence[bool], broken: Sequence[bool]) -> Verdict:
    """Return the verdict over several cases: holds where all do, refuted where one is, otherwise the direction stands."""
    if all(stand):
        return "holds"
    return "does not hold" if any(broken) else "holds in direction, number differs"


def curves(
    named: Sequence[tuple[str, dict[str, Any]]], title: str, alt: str, boundaries: Sequence[int]
) -> Chart:
    """Return R2 against l of several runs, with the ceilings marked."""
    return Chart(
        title,
        "angular frequency l of the injected field",
        "R² on held-out frames",
        alt,
        lines=tuple(line(result, name) for name, result in named),
        marks=tuple((b + 0.5, f"ceiling {b}") for b in sorted(set(boundaries))),
    )


def inputs_of(named: Sequence[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """Return what the runs were measured on, with hashes."""
    models: dict[str, Any] = {name: result["model"]["sha256"] or "untrained" for name, result in named}
    data = named[0][1]["data"]
    return {**models, "data": data["source"], "data SHA-256": data["sha256"]}


def l_max(context: Context) -> Outcome:
    """The cliff of the quadratic readout at 2L for L = 1, 2, 3."""
    shipped(*BY_L.values())
    runs = [(name, standard(context, name), 2 * l) for l, name in BY_L.items()]
    stand = [cliff(result, boundary)[0] for _, result, boundary in runs]
    broken = [
        recovered(row(result, boundary + 1)) or lost(row(result, boundary)) for _, result, boundary in runs
    ]
    backbones = trained("nequip")
    stand.append(at_the_ceiling(backbones) == len(backbones))
    broken.append(beyond(backbones) > 0)
    named = [(f"L = {b // 2}", result) for _, result, b in runs]
    at = "; ".join(f"L = {b // 2}: last recovered l = {last_recovered(r)}, predicted {b}" for _, r, b in runs)
    return Outcome(
        joint_verdict(stand, broken),
        f"Quadratic readout, median atom. {at}. Of {len(backbones)} backbones of L = 1, 2 and 3 on two molecules "
        f"{at_the_ceiling(backbones)} recover up to 2 L and not beyond.",
        values=tuple(
            value
            for _, r, b in reversed(runs)  # the claim's L = 3 first
            for value in (
                value_of(row(r, b), f"R2({b}), L = {b // 2}"),
                value_of(row(r, b + 1), f"R2({b + 1}), L = {b // 2}", expected=0.0),
            )
        ),
        tables={"Cliff by L": table_rows(runs), "Several seeds": table_of(backbones, "l-max")},
        charts=(
            curves(
                named,
                "Cliff by L, quadratic readout",
                "R² against l for each L; the dotted lines are the ceilings 2 L.",
                [b for _, _, b in runs],
            ),
        ),
        inputs={**source("nequip"), **inputs_of(named)},
    )


def untrained_nequip(channels: int, seed: int) -> NequIPBackbone:
    """Return a NequIP of L = 2 and three layers for H, C and O with random weights."""
    settings = NequIPSettings(
        ("H", "C", "O"), l_max=2, num_features=channels, avg_num_neighbors=14.0, seed=seed
    )
    info = BackboneInfo(f"NequIP, {channels} channels, untrained", "nequip", trained=False)
    return NequIPBackbone(build_nequip(settings), settings.type_names, settings.r_max, info)


def width(context: Context) -> Outcome:
    """The same cliff for the wide backbone, and for an untrained one of three times the width."""
    shipped(BASE, WIDE)
    named = [("16 channels", standard(context, BASE)), ("32 channels", standard(context, WIDE))]
    for channels in () if context.quick else (16, 48):
        label = f"untrained, {channels} channels"
        model = untrained_nequip(channels, context.seed)
        named.append((label, run(context, label, l_top=6, frames=QUICK_FRAMES, model=model)))
    runs = [(name, result, 4) for name, result in named]
    backbones = [each for each in trained("nequip") if each.labels["l-max"] == 2]
    stand = [cliff(result, boundary)[0] for _, result, boundary in runs]
    broken = [recovered(row(result, boundary + 1)) for _, result, boundary in runs]
    stand.append(at_the_ceiling(backbones) == len(backbones))
    broken.append(beyond(backbones) > 0)
    narrow, wide = sorted({int(each.labels["features"]) for each in backbones})
    moved = {l: change(backbones, "features", wide, narrow, at(l)) for l in (4, 5)}
    heights = [interval(row(result, 4)) for _, result in named]
    tops = [last_recovered(result) for _, result in named]
    return Outcome(
        joint_verdict(stand, broken),
        f"{len(backbones)} backbones of {narrow} and {wide} channels on two molecules: {at_the_ceiling(backbones)} recover up to "
        f"l = 4 and not beyond; twice the channels change R²(4) by {moved[4]}. On aspirin, one each: R²(4) {heights[1]} with 32 "
        f"channels against {heights[0]} with 16, last recovered l {tops[1]} against {tops[0]}."
        + (
            ""
            if context.quick
            else f" Untrained, three times the channels: R²(4) {heights[3]} against {heights[2]}, last recovered l {tops[3]} "
            f"against {tops[2]}."
        ),
        reason="The quick run leaves out the untrained backbones." if context.quick else "",
        values=(
            *(moved[l].value(f"change of R2({l}), {narrow} to {wide} channels") for l in (4, 5)),
            *(
                value_of(row(r, l), f"R2({l}), {name}", expected=0.0 if l == 5 else None)
                for name, r in named
                for l in (4, 5)
            ),
        ),
        tables={"Cliff by width": table_rows(runs), "Several seeds": table_of(backbones, "features")},
        charts=(
            curves(
                named,
                "Cliff by width, quadratic readout",
                "R² against l, one line each; the dotted line is the ceiling.",
                [4],
            ),
        ),
        inputs={**source("nequip"), **inputs_of(named)},
    )


def _loadable(context: Context) -> tuple[list[tuple[str, int]], list[str]]:
    """Return (name, L of the tapped layer) of the shipped backbones that can be run here, and why others cannot."""
    loadable, skipped = [], []
    for name in embedded_names():
        try:
            loadable.append((name, load_backbone(name).choose_layer().l_max))
        except InputError as error:
            skipped.append(f"{name} was not run: {error}")
    return loadable, skipped


def architectures(context: Context) -> Outcome:
    """The same cliff for every architecture of L = 2 that can be run here."""
    names, skipped = _loadable(context)
    wanted = [n for n, l in names if l == 2 and (n in (MAIN, BASE) or "allegro" in n or "mace" in n)]
    runs = [(name, standard(context, name), 4) for name in wanted]
    stand = [cliff(result, boundary)[0] for _, result, boundary in runs]
    broken = [recovered(row(result, boundary + 1)) for _, result, boundary in runs]
    table = [
        {"architecture": r["model"]["architecture"], **entry}
        for (_, r, _), entry in zip(runs, table_rows(runs), strict=True)
    ]
    named = [(name, result) for name, result, _ in runs]
    ran = sorted({r["model"]["architecture"] for _, r, _ in runs})
    return Outcome(
        joint_verdict(stand, broken),
        f"Run here: {', '.join(ran)}. "
        + "; ".join(f"{name}: last recovered l = {last_recovered(result)}" for name, result in named)
        + ".",
        reason="; ".join(s for s in skipped if "mace" in s or "allegro" in s),
        values=tuple(
            value_of(row(r, l), f"R2({l}), {name}", expected=0.0 if l == 5 else None)
            for name, r in named
            for l in (4, 5)
        ),
        tables={"Cliff by architecture": table},
        charts=(
            curves(
                named,
                "Cliff by architecture, L = 2, quadratic readout",
                "R² against l, one line each; the dotted line is the ceiling.",
                [4],
            ),
        ),
        inputs=inputs_of(named),
    )


def parameter_count(context: Context) -> Outcome:
    """Last recovered l against the number of parameters and against L, over every shipped backbone."""
    names, skipped = _loadable(context)
    runs = [(name, standard(context, name), 2 * l) for name, l in names]
    tops = [last_recovered(result) for _, result, _ in runs]
    stand = [top == boundary for top, (_, _, boundary) in zip(tops, runs, strict=True)]
    sizes = [int(r["model"]["parameters"]) for _, r, b in runs if b == 4 and r["model"]["parameters"]]
    spread = max(sizes) / min(sizes)
    by_l: dict[int, list[tuple[float, float]]] = {}
    for (_, result, boundary), top in zip(runs, tops, strict=True):
        if top is not None and result["model"]["parameters"]:
            point = (float(result["model"]["parameters"]), float(top))
            by_l.setdefault(boundary // 2, []).append(point)
    return Outcome(
        joint_verdict(
            [*stand, spread >= 2.0],
            [t is not None and t > b for t, (_, _, b) in zip(tops, runs, strict=True)],
        ),
        f"{sum(stand)} of {len(runs)} backbones recover exactly up to 2L; among those of L = 2 the parameters differ by a "
        f"factor of {spread:.1f} and the last recovered l does not.",
        reason="; ".join(skipped),
        values=(
            Value("largest / smallest number of parameters at L = 2", spread),
            Value("backbones with last recovered l = 2L", sum(stand), expected=len(runs)),
        ),
        tables={"Backbones": table_rows(runs)},
        charts=(
            Chart(
                "Last recovered l against the number of parameters",
                "parameters",
                "last recovered l",
                "The last recovered l of every backbone against its number of parameters, one line for each L.",
                lines=tuple(
                    Line(f"L = {l}", [x for x, _ in points], [y for _, y in points])
                    for l, points in sorted((l, sorted(p)) for l, p in by_l.items())
                ),
                log_x=True,
            ),
        ),
        inputs=inputs_of([(n, r) for n, r, _ in runs]),
    )
