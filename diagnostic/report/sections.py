"""The sections of the report that show what was measured."""

from __future__ import annotations

from collections.abc import Sequence

from ..measurement.result import MOLECULE, Result, Row, boundary, l_top, main_injection, series
from ..pages.html import (
    MISSING,
    architecture,
    column,
    escape,
    facts,
    fraction,
    interval,
    prose,
    seconds,
    setting,
    significant,
    subscripts,
    table,
)
from .cells import by_l, measured_cell
from .figures import control_rows

#: The readouts, as a heading says them.
READOUTS = {"free": "free", "equivariant": "equivariant", "network": "network"}

#: Fields of ``data`` that a result may have besides those that it must have, in eV/Å.
_FORCES = {"residual_rms_eV_A": "Left by the model, RMS", "amplitude_eV_A": "Injected, RMS"}

#: With more angular frequencies than this, tables of several groups run downwards.
_WIDEST = 8

_MARKS = "● recovered, ○ not recovered, ◐ undecided."


def measured_table(result: Result) -> str:
    """Return the table of R2 by l, one column for each readout and degree."""
    columns = [
        (readout, degree, by_l(rows))
        for readout in ("free", "equivariant")
        for degree, rows in series(result["recovery"], result, readout).items()
    ]
    head = [column("ℓ", "")] + [
        column(f"{READOUTS[readout]}<br>degree {degree}") for readout, degree, _ in columns
    ]
    body = [
        [f'<th scope="row">{at}</th>']
        + [
            measured_cell(rows.get(at), edge=at == boundary(result, degree) and at < l_top(result))
            for _, degree, rows in columns
        ]
        for at in range(l_top(result) + 1)
    ]
    caption = (
        "R² of the injected force on held-out frames in the median atom, with its interval, by readout and degree. "
        f"{_MARKS} The dashed rule is the ceiling."
    )
    return table(caption, head, body, name="table-cliff")


def full_tables(result: Result) -> str:
    """Return every measured number of the leading degree, one table for each readout."""
    degree = int(result["ceiling"]["degree"])
    head = [column("ℓ", "")] + [
        column(text)
        for text in ("theory", "R²", "ρ", "gain<br>(eV/Å)²", "null band<br>up to", "coefficients")
    ]
    head.append(column("verdict", ""))
    tables = ""
    for readout in ("free", "equivariant"):
        rows = series(result["recovery"], result, readout).get(degree)
        if not rows:
            continue
        body = []
        for row in rows:
            cells = [f'<th scope="row">{row["l"]}</th>']
            if row["verdict"] == "no path":
                cells += ['<td class="number">0</td>', '<td class="none" colspan="5">no path</td>']
            else:
                cells += [
                    f'<td class="number">{_predicted(row)}</td>',
                    _with_interval(row, "r2"),
                    _with_interval(row, "rho"),
                    f'<td class="number">{significant(row["gain"], 3)}</td>',
                    f'<td class="number">{significant(row["null_high"])}</td>',
                    f'<td class="number">{_count(row["coefficients"])}</td>',
                ]
            body.append([*cells, f"<td>{escape(row['verdict'])}</td>"])
        caption = f"{READOUTS[readout].capitalize()} readout of degree {degree}, every number."
        tables += table(caption, head, body, name=f"table-full-{readout}")
    return f"<details>\n<summary>Every number of degree {degree}</summary>\n{tables}</details>\n"


def _predicted(row: Row) -> str:
    value = row["predicted"]
    if value is None:
        return MISSING
    if isinstance(value, str):
        return escape(value)
    return str(int(value)) if float(value).is_integer() else fraction(float(value))


def _with_interval(row: Row, name: str) -> str:
    limits = interval(row[f"{name}_low"], row[f"{name}_high"])
    return f'<td class="number">{fraction(row[name])}{f"<small>{limits}</small>" if limits else ""}</td>'


def _count(value: int | None) -> str:
    return MISSING if value is None else f"{value:,}"


def other_tables(result: Result) -> str:
    """Return the leading measurement by element, and the other injections, directions and readouts, where there are.

    Elements are shown for the leading degree; the rest of their rows is in ``recovery.csv``.
    """
    main, degree = main_injection(result), int(result["ceiling"]["degree"])
    elements: dict[str, list[Row]] = {}
    others: dict[str, list[Row]] = {}
    for row in result["recovery"]:
        leading = (row["injection"], row["direction"]) == main and row["readout"] in ("free", "equivariant")
        scope = str(row["scope"])
        if leading and scope.startswith("element:") and row["degree"] == degree:
            name = f"{scope.removeprefix('element:')}, {row['readout']}"
            elements.setdefault(name, []).append(row)
        elif not leading and scope == MOLECULE:
            power = "not polynomial" if row["degree"] is None else f"degree {row['degree']}"
            name = f"{row['injection']}, {row['direction']}; {row['readout']}, {power}"
            others.setdefault(name, []).append(row)
    text = ""
    for heading, groups, name in (
        (f"By element, degree {degree}", elements, "table-elements"),
        ("Other injections and readouts", others, "table-other"),
    ):
        if groups:
            caption = f"R² by ℓ. {_MARKS}"
            text += f"<h3>{heading}</h3>\n" + _groups_table(caption, groups, result, name)
    return text


def _groups_table(caption: str, groups: dict[str, list[Row]], result: Result, name: str) -> str:
    """Return R2 by l of several groups: a row each, or a column each where there are more l than a phone shows."""
    if l_top(result) <= _WIDEST:
        return table(caption, _l_head("ℓ", result), _by_l(groups, result), name=name)
    sets = {group: by_l(rows) for group, rows in groups.items()}
    body = [
        [f'<th scope="row">{at}</th>']
        + [measured_cell(rows.get(at), with_interval=False) for rows in sets.values()]
        for at in range(l_top(result) + 1)
    ]
    return table(caption, [column("ℓ", ""), *(column(escape(group)) for group in sets)], body, name=name)


def _by_l(groups: dict[str, list[Row]], result: Result) -> list[list[str]]:
    """Return table rows with one column for each l; what theory allows follows where it is neither all nor nothing."""
    body: list[list[str]] = []
    degrees = range(l_top(result) + 1)
    for name, rows in groups.items():
        at = by_l(rows)
        cells = [measured_cell(at.get(k), with_interval=False) for k in degrees]
        body.append([f'<th scope="row">{escape(name)}</th>', *cells])
        if any(row["predicted"] not in (0, 1, "0", "1", None) for row in rows):
            predicted = [_predicted(at[k]) if k in at else MISSING for k in degrees]
            body.append(
                [
                    '<th scope="row">theory allows</th>',
                    *(f'<td class="number">{cell}</td>' for cell in predicted),
                ]
            )
    return body


def controls(result: Result) -> str:
    """Return the sentence of each control, and their numbers beside this run's."""
    text = ""
    compared: dict[tuple[str, int], dict[str, list[Row]]] = {}
    for number, control in enumerate(result["controls"]):
        text += f"<h3>{escape(control['title'])}</h3>\n<p>{prose(control['sentence'])}</p>\n"
        rows, own, readout = control_rows(result, control)
        if rows:
            group = compared.setdefault((readout, int(rows[0]["degree"])), {"This run": own})
            group[str(control["title"])] = rows
            continue
        # Where the run itself had no free readout there is nothing of its own to compare with.
        alone = series(control["rows"], result, "free").get(int(result["ceiling"]["degree"]), [])
        if any(row["r2"] is not None for row in alone):
            compared.setdefault(("free", int(alone[0]["degree"])), {})[str(control["title"])] = alone
        else:
            text += _gains(result, control["rows"], f"table-gain-{number}")
    tables = ""
    for (readout, degree), parts in compared.items():
        caption = f"R² by ℓ, {READOUTS[readout]} readout of degree {degree}. {_MARKS}"
        tables += _groups_table(caption, parts, result, f"table-controls-{readout}-{degree}")
    return tables + text


def _gains(result: Result, rows: Sequence[Row], name: str) -> str:
    """Return the gains of a control that has no R2, because nothing was injected."""
    at = by_l(row for row in rows if row["gain"] is not None and row["scope"] == MOLECULE)
    if not at:
        return ""
    caption = "Gain by ℓ: mean squared error without the readout minus with it, in (eV/Å)²."
    degrees, fields = range(l_top(result) + 1), (("gain", "gain"), ("null band", "null_high"))

    def cell(field: str, k: int) -> str:
        return f'<td class="number">{significant(at[k][field]) if k in at else MISSING}</td>'

    if l_top(result) > _WIDEST:
        down = [[f'<th scope="row">{k}</th>', *(cell(field, k) for _, field in fields)] for k in degrees]
        return table(caption, [column("ℓ", ""), *(column(label) for label, _ in fields)], down, name=name)
    body = [[f'<th scope="row">{label}</th>', *(cell(field, k) for k in degrees)] for label, field in fields]
    return table(caption, _l_head("ℓ", result), body, name=name)


def _l_head(first: str, result: Result) -> list[str]:
    return [column(first, ""), *(column(str(k)) for k in range(l_top(result) + 1))]


def model_facts(result: Result) -> str:
    """Return what was measured: the model, its layers and its training record."""
    model = result["model"]
    force_error = model["force_mae_eV_A"]
    entries = [
        (
            "Model",
            f"{escape(architecture(model['architecture']))}, {'trained' if model['trained'] else 'untrained'}",
        ),
        ("Source", escape(model["source"])),
        ("SHA-256", _digest(model["sha256"])),
        ("Parameters", _count(model["parameters"])),
        ("Layer measured", escape(model["layer"])),
        ("Its features", f"<code>{escape(model['irreps'])}</code>, up to ℓ = {int(model['l_max'])}"),
        ("Force error (MAE)", "not known" if force_error is None else f"{force_error * 1000:.1f} meV/Å"),
    ]
    text = facts("The model.", entries, "table-model")
    head = [column(name, "") for name in ("layer", "features", "max ℓ", "usable", "why")]
    body = [
        [
            f'<th scope="row">{escape(layer["name"])}{"<br>(measured)" if layer["name"] == model["layer"] else ""}</th>',
            f'<td class="irreps"><code>{escape(layer["irreps"])}</code></td>',
            f'<td class="number">{int(layer["l_max"])}</td>',
            f"<td>{'yes' if layer['usable'] else 'no'}</td>",
            f'<td class="reason">{prose(layer["why"])}</td>',
        ]
        for layer in model["layers"]
    ]
    if body:
        text += table("The layers of the model.", head, body, name="table-layers")
    if model["training"]:
        record = facts("How the model was trained.", _flat(model["training"]), "table-training")
        text += f"<details>\n<summary>Training record</summary>\n{record}</details>\n"
    return text


def data_facts(result: Result) -> str:
    """Return what the model was measured on."""
    data = result["data"]
    splits = data["splits"]
    frames = f"{splits['training']:,} training, {splits['validation']:,} validation, {splits['held_out']:,} held out"
    more = [
        (key, f"{int(count):,}")
        for key, count in splits.items()
        if key not in ("training", "validation", "held_out")
    ]
    entries = [
        ("Molecule", f"{escape(subscripts(data['formula']))}, {len(data['numbers'])} atoms"),
        ("Source", escape(data["source"])),
        ("SHA-256", _digest(data["sha256"])),
        ("Units", setting(data["units"])),
        ("Frames", frames),
        *more,
        ("Force RMS", f"{data['force_rms_eV_A']:.3f} eV/Å"),
        *((name, f"{data[key]:.3f} eV/Å") for key, name in _FORCES.items() if data.get(key) is not None),
    ]
    if data.get("note"):
        entries.append(("Note", prose(data["note"])))
    return facts("The frames.", entries, "table-data")


def checks(result: Result) -> str:
    """Return the checks that came before the measurement."""
    measured, allowed = result["checks"]["equivariance_error"], result["checks"]["equivariance_tolerance"]
    word = "below" if measured <= allowed else "above"
    text = (
        f"<p>Turning the molecule and turning the features agree to {significant(measured)} (relative), "
        f"{word} the "
        f"allowed {significant(allowed)}.</p>\n"
    )
    purity = result["checks"]["purity"]
    if purity:
        worst = max(purity, key=lambda entry: float(entry["power_elsewhere"]))
        text += (
            "<p>Every injected field was measured to hold one frequency only: the largest part of its power "
            "at any "
            f"other ℓ is {significant(worst['power_elsewhere'])} ({escape(worst['injection'])}, ℓ = "
            f"{int(worst['l'])})."
            "</p>\n"
        )
    return text


def repetition(result: Result) -> str:
    """Return the command, the seed, the settings, the versions and the timings."""
    command = escape(result["command"])
    text = (
        f'<pre tabindex="0" role="region" aria-label="Command that repeats this run"><code>{command}</code></pre>\n'
        f"<p>Seed {int(result['seed'])}. The same numbers are in <code>result.json</code> and "
        "<code>recovery.csv</code> beside this page.</p>\n"
    )
    text += facts("Settings.", _flat(result["settings"]), "table-settings")
    text += facts(
        "Versions.", [(key, setting(value)) for key, value in result["versions"].items()], "table-versions"
    )
    timings = result["timings_s"]
    entries = [(key, seconds(float(value))) for key, value in timings.items()]
    if timings and "total" not in timings:
        entries.append(("sum", seconds(sum(float(value) for value in timings.values()))))
    return text + facts("Time taken.", entries, "table-timings")


def _digest(value: str | None) -> str:
    return "none" if value is None else f"<code>{escape(value)}</code>"


def _flat(values: Result, prefix: str = "") -> Sequence[tuple[str, str]]:
    """Return nested settings as (dotted name, value)."""
    entries: list[tuple[str, str]] = []
    for key, value in values.items():
        if isinstance(value, dict) and value:
            entries += _flat(value, f"{prefix}{key}.")
        else:
            entries.append((f"{prefix}{key}", setting(value)))
    return entries
