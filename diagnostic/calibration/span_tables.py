"""The calibration table as CSV, Markdown and LaTeX."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence

from ...numerics.calibration import CYCLIC_ORDERS, CalibrationRow

_CSV_COLUMNS = (
    "degree", "l_max", "boundary", "dimension", "rank_float", "rank_structured", "gap", "condition", "tolerance",
    "smallest_amplitude", "leakage", "leakage_bound",
)  # fmt: skip


def to_csv(rows: Sequence[CalibrationRow]) -> str:
    """One line for each pair: numbers in full, lists separated by spaces, absent values empty."""
    primes = sorted({p for row in rows for p in row.rank_mod_p or {}})
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(
        [
            *_CSV_COLUMNS,
            *(f"rank_mod_{p}" for p in primes),
            "formal_multiplicities",
            "realised_multiplicities",
            "dimensions_by_l",
            *(f"C{n}_exact" for n in CYCLIC_ORDERS),
            *(f"C{n}_projection" for n in CYCLIC_ORDERS),
            "agrees",
        ]
    )
    for row in rows:
        writer.writerow(
            [
                *(getattr(row, name) for name in _CSV_COLUMNS),
                *((row.rank_mod_p or {}).get(p) for p in primes),
                *(
                    " ".join(map(str, values or ()))
                    for values in (
                        row.formal_multiplicities,
                        row.realised_multiplicities,
                        row.dimensions_by_l,
                    )
                ),
                *(row.cyclic_exact[str(n)] for n in CYCLIC_ORDERS),
                *((row.cyclic_projection or {}).get(str(n)) for n in CYCLIC_ORDERS),
                row.agrees,
            ]
        )
    return buffer.getvalue()


def rank_cells(row: CalibrationRow, power: Callable[[float | None], str]) -> list[str]:
    """Return the cells of the main table as text; `power` formats numbers of any size."""
    modular = sorted(set((row.rank_mod_p or {}).values()))
    return [
        str(row.degree),
        str(row.l_max),
        str(row.boundary),
        str(row.dimension),
        str(row.formal_multiplicities[-1]),
        "-" if row.rank_float is None else str(row.rank_float),
        " ".join(map(str, modular)) or "-",
        str(row.rank_structured),
        power(row.gap),
        power(row.condition),
        power(row.leakage),
        power(row.smallest_amplitude),
        "yes" if row.agrees else "NO",
    ]


def plain_power(value: float | None) -> str:
    """Two digits and an exponent; a hyphen for what was not measured."""
    return "-" if value is None else f"{value:.1e}"


HEADINGS = (
    "d", "L", "dL", "(dL+1)^2", "mu(dL)", "float64", "mod p", "by m", "gap", "condition", "leakage", "amplitude",
    "agrees",
)  # fmt: skip

CAPTION = (
    "Polynomials of degree at most d in the harmonics Y_lm, l at most L, of one direction. (dL+1)^2: exact dimension of the "
    "span; mu(dL): formal multiplicity at the boundary. Measured ranks: float64 by singular values at random "
    "directions, mod p at rational directions over two primes, by m in blocks of one m on a product grid over one prime. gap: "
    "sigma_r / sigma_(r+1) at r = (dL+1)^2. leakage: relative norm above dL. amplitude: tolerance / sigma_r."
)

_CYCLIC_CAPTION = "Fraction of the C_n field Re Y_nn inside the span: exact mod p, equal to the projection in float64 to 1e-9."


def to_markdown(rows: Sequence[CalibrationRow]) -> str:
    """Two tables, ranks and C_n fields, each with its caption."""
    lines = [CAPTION, "", _markdown_row(HEADINGS), _markdown_row("---:" for _ in HEADINGS)]
    lines += [_markdown_row(rank_cells(row, plain_power)) for row in rows]
    headings = ["d", "L", "dL", *(f"C_{n}" for n in CYCLIC_ORDERS)]
    lines += ["", _CYCLIC_CAPTION, "", _markdown_row(headings), _markdown_row("---:" for _ in headings)]
    lines += [_markdown_row(_cyclic_cells(row)) for row in rows]
    return "\n".join(lines) + "\n"


def to_latex(rows: Sequence[CalibrationRow]) -> str:
    """Two tabulars for the package booktabs, captions as comments: no preamble, to be read with input."""
    headings = (
        "$d$", "$L$", "$dL$", "$(dL+1)^2$", r"$\mu(dL)$", "float64", r"mod $p$", "by $m$",
        r"$\sigma_r/\sigma_{r+1}$", r"$\sigma_1/\sigma_r$", "leakage", "amplitude", "agrees",
    )  # fmt: skip
    ranks = _tabular(headings, [rank_cells(row, _latex_power) for row in rows])
    cyclic_headings = ["$d$", "$L$", "$dL$", *(f"$C_{{{n}}}$" for n in CYCLIC_ORDERS)]
    cyclic = _tabular(cyclic_headings, [_cyclic_cells(row) for row in rows])
    return f"% {CAPTION}\n{ranks}\n% {_CYCLIC_CAPTION}\n{cyclic}"


def _cyclic_cells(row: CalibrationRow) -> list[str]:
    values = (str(row.cyclic_exact[str(n)]) for n in CYCLIC_ORDERS)
    return [str(row.degree), str(row.l_max), str(row.boundary), *values]


def _markdown_row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _tabular(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [
        rf"\begin{{tabular}}{{{'r' * len(headings)}}}",
        r"\toprule",
        " & ".join(headings) + r" \\",
        r"\midrule",
    ]
    lines += [" & ".join(cells) + r" \\" for cells in rows]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _latex_power(value: float | None) -> str:
    if value is None:
        return "--"
    digits, exponent = f"{value:.1e}".split("e")
    return rf"${digits}\times10^{{{int(exponent)}}}$"
