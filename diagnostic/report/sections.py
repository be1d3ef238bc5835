"""The tables of the report: R2 by l of the leading measurement, every number of it, and the other measurements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from ..measurement.result import (
    MOLECULE,
    NO_PATH,
    NOTHING_TO_HOLD,
    Result,
    Row,
    boundary,
    l_top,
    main_injection,
    no_ceiling,
    series,
)
from ..pages.frame import Fold, Heading, Paragraph, Part
from ..pages.tables import Cell, Column, Table, interval_cell, numbers
from ..pages.text import MISSING, fraction, significant, thousands
from ..records.plain import field
from .cells import by_l, measured_cell
from .figures import control_rows
from .pools import unit

#: The readouts, as a heading says them.
READOUTS = {"free": "free", "equivariant": "equivariant", "network": "network"}

#: With more values of l than this, tables of several groups run downwards.
_WIDEST = 8

_MARKS = "● recovered, ○ not recovered, ◐ undecided"


def _marks(result: Result) -> str:
    """Return what the signs of cells mean, as far as this result has them."""
    every = [*result["recovery"], *(row for control in result["controls"] for row in control["rows"])]
    symmetric = any(row["verdict"] == NOTHING_TO_HOLD for row in every)
    return f"{_MARKS}{', – nothing to hold (symmetry of the site)' if symmetric else ''}."


def measured_table(result: Result) -> Table:
    """Return the table of R2 by l, one column for each readout and degree."""
    shown = [
        (readout, degree, by_l(rows))
        for readout in ("free", "equivariant")
        for degree, rows in series(result["recovery"], result, readout).items()
    ]
    heads = [Markup("{}<br>degree {}").format(READOUTS[readout], degree) for readout, degree, _ in shown]
    rows = [
        [str(l)]
        + [
            measured_cell(rows.get(l), edge=l == boundary(result, degree) and l < l_top(result))
            for _, degree, rows in shown
        ]
        for l in range(l_top(result) + 1)
    ]
    caption = (
        f"R² of the injected force on held-out frames in the median {unit(result)}, with its interval, by readout and degree. "
        f"{_marks(result)}{'' if no_ceiling(result) else ' The dashed rule is the ceiling.'}"
    )
    return Table("table-cliff", caption, ["ℓ", *numbers(*heads)], rows)


def full_tables(result: Result) -> Fold:
    """Return every measured number of the leading degree, one table for each readout."""
    degree = int(result["ceiling"]["degree"])
    columns = [
        Column("ℓ"),
        *numbers(
            "theory", "R²", "ρ", Markup("gain<br>(eV/Å)²"), Markup("null band<br>up to"), "coefficients"
        ),
        Column("verdict"),
    ]
    tables = []
    for readout in ("free", "equivariant"):
        rows = series(result["recovery"], result, readout).get(degree)
        if rows:
            caption = f"{READOUTS[readout].capitalize()} readout of degree {degree}, every number."
            bound = not no_ceiling(result)
            tables.append(
                Table(f"table-full-{readout}", caption, columns, [_every_number(row, bound) for row in rows])
            )
    return Fold(f"Every number of degree {degree}", tables)


def _every_number(row: Row, bound: bool) -> list[Cell | str]:
    if row["verdict"] == NO_PATH:
        return [str(row["l"]), "0", Cell(NO_PATH, kind="none", span=5), str(row["verdict"])]
    return [
        str(row["l"]),
        _predicted(row) if bound else MISSING,
        interval_cell(fraction(row["r2"]), row["r2_low"], row["r2_high"]),
        interval_cell(fraction(row["rho"]), row["rho_low"], row["rho_high"]),
        significant(row["gain"], 3),
        significant(row["null_high"]),
        thousands(row["coefficients"]),
        str(row["verdict"]),
    ]


def _predicted(row: Row) -> str:
    value = row["predicted"]
    if value is None:
        return MISSING
    if isinstance(value, str):
        return value
    return str(int(value)) if float(value).is_integer() else fraction(float(value))


def other_tables(result: Result) -> list[Part]:
    """Return the leading measurement by element, and the other injections, directions and readouts, where there are.

    Elements are shown for the leading degree; the rest of their rows is in ``recovery.csv``.
    """
    main, degree = main_injection(result), int(result["ceiling"]["degree"])
    elements: dict[str, list[Row]] = {}
    others: dict[str, list[Row]] = {}
    for row in result["recovery"]:
        leading = (row["injection"], row["direction"]) == main and row["readout"] in ("free", "equivariant")
        scope = str(row["scope"])
        if leading and scope.startswith(("element:", "select:")) and row["degree"] == degree:
            name = f"{scope.partition(':')[2]}, {row['readout']}"
            elements.setdefault(name, []).append(row)
        elif not leading and scope == MOLECULE:
            power = "not polynomial" if row["degree"] is None else f"degree {row['degree']}"
            name = f"{row['injection']}, {row['direction']}; {row['readout']}, {power}"
            others.setdefault(name, []).append(row)
    parts: list[Part] = []
    for heading, groups, name in (
        (
            f"By {'selection' if unit(result) == 'selection' else 'element'}, degree {degree}",
            elements,
            "table-elements",
        ),
        ("Other injections and readouts", others, "table-other"),
    ):
        if groups:
            parts += [Heading(heading), _groups_table(f"R² by ℓ. {_marks(result)}", groups, result, name)]
    return parts


def _groups_table(caption: str, groups: Mapping[str, list[Row]], result: Result, name: str) -> Table:
    """Return R2 by l of several groups: a row each, or a column each where there are more l than a phone shows."""
    degrees = range(l_top(result) + 1)
    if l_top(result) <= _WIDEST:
        return Table(name, caption, _l_head(result), _by_l(groups, result))
    sets = {group: by_l(rows) for group, rows in groups.items()}
    rows: list[list[Cell | str]] = [
        [str(l), *(measured_cell(rows.get(l), with_interval=False) for rows in sets.values())]
        for l in degrees
    ]
    return Table(name, caption, ["ℓ", *numbers(*sets)], rows)


def _by_l(groups: Mapping[str, list[Row]], result: Result) -> list[list[Cell | str]]:
    """Return table rows with one column for each l; what theory allows follows where it is neither all nor nothing."""
    body: list[list[Cell | str]] = []
    degrees = range(l_top(result) + 1)
    for name, rows in groups.items():
        at = by_l(rows)
        body.append([name, *(measured_cell(at.get(l), with_interval=False) for l in degrees)])
        if any(row["predicted"] not in (0, 1, "0", "1", None) for row in rows):
            body.append(["theory allows", *(_predicted(at[l]) if l in at else MISSING for l in degrees)])
    return body


def controls(result: Result) -> list[Part]:
    """Return the numbers of the controls beside this run's, and the sentence of each."""
    words: list[Part] = []
    compared: dict[tuple[str, int], dict[str, list[Row]]] = {}
    for number, control in enumerate(result["controls"]):
        words += [Heading(str(control["title"])), Paragraph(str(control["sentence"]))]
        rows, of_run, readout = control_rows(result, control)
        if rows:
            group = compared.setdefault((readout, int(rows[0]["degree"])), {"This run": of_run})
            group[str(control["title"])] = rows
            continue
        # Where the run itself had no free readout there is nothing of its own to compare with.
        alone = series(control["rows"], result, "free").get(int(result["ceiling"]["degree"]), [])
        if any(row["r2"] is not None for row in alone):
            compared.setdefault(("free", int(alone[0]["degree"])), {})[str(control["title"])] = alone
        else:
            words += _gains(result, control["rows"], f"table-gain-{number}")
    tables: list[Part] = []
    for (readout, degree), groups in compared.items():
        caption = f"R² by ℓ, {READOUTS[readout]} readout of degree {degree}. {_marks(result)}"
        tables.append(_groups_table(caption, groups, result, f"table-controls-{readout}-{degree}"))
    return tables + words


def _gains(result: Result, rows: Sequence[Row], name: str) -> list[Part]:
    """Return the gains of a control that has no R2, because nothing was injected."""
    at = by_l(row for row in rows if row["gain"] is not None and row["scope"] == MOLECULE)
    if not at:
        return []
    caption = "Gain by ℓ: mean squared error without the readout minus with it, in (eV/Å)²."
    degrees, figures = range(l_top(result) + 1), (("gain", "gain"), ("null band", "null_high"))

    def cell(figure: str, l: int) -> str:
        return significant(field(at[l], figure)) if l in at else MISSING

    if l_top(result) > _WIDEST:
        down = [[str(l), *(cell(figure, l) for _, figure in figures)] for l in degrees]
        return [Table(name, caption, ["ℓ", *numbers(*(label for label, _ in figures))], down)]
    body: list[list[Cell | str]] = [[label, *(cell(figure, l) for l in degrees)] for label, figure in figures]
    return [Table(name, caption, _l_head(result), body)]


def _l_head(result: Result) -> list[Column]:
    return [Column("ℓ"), *numbers(*(str(l) for l in range(l_top(result) + 1)))]
