"""The tables on the page of a collected sweep: every setting, and every contrast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from markupsafe import Markup

from ..diagnostic.pages.axes import number
from ..diagnostic.pages.tables import Cell, Column, Table, numbers
from ..diagnostic.pages.text import MISSING, fraction
from .cliffs import Cliff, by_setting, factors_of
from .collected_figures import mean_curve, name_of, title_of
from .contrasts import Contrast

#: Quantities of contrasts as a page writes them.
_QUANTITIES = {"height": "height", "last recovered l": "last recovered ℓ", "force MAE": "force MAE (meV/Å)"}


def link(path: str, words: str) -> Markup:
    """Return a link to a file, by its path relative to the page."""
    return Markup('<a href="{}">{}</a>').format(quote(path), words)


def settings_table(cliffs: Sequence[Cliff], reports: Mapping[str, str]) -> Table:
    """Return the table of settings: means over seeds, with links to the reports, given by key relative to the sweep."""
    factors = factors_of(cliffs)
    rows: list[list[Cell | str]] = []
    for group in by_setting(cliffs).values():
        for degree in sorted({cliff.degree for cliff in group}):
            seeds = [cliff for cliff in group if cliff.degree == degree]
            edge = seeds[0].boundary
            means = mean_curve(seeds)
            ends = [means.get(l) if edge is not None else None for l in ((edge or 0), (edge or 0) + 1)]
            heights = [height for cliff in seeds if (height := cliff.height()) is not None]
            errors = [1e3 * cliff.force_mae for cliff in seeds if cliff.force_mae is not None]
            tops = sorted(
                {MISSING if cliff.last_recovered is None else str(cliff.last_recovered) for cliff in seeds}
            )
            pages = [reports[cliff.key] for cliff in seeds if cliff.key in reports]
            links = Markup(", ").join(link(f"../{path}", str(k + 1)) for k, path in enumerate(pages))
            rows.append(
                [
                    title_of(seeds[0], factors), str(degree), str(len(seeds)), MISSING if edge is None else str(edge),
                    ", ".join(tops), *(Cell(fraction(end), kind="number") for end in ends), _spread(heights, 3),
                    _spread(errors, 1), links,
                ]
            )  # fmt: skip
    columns = [
        Column("setting"),
        *numbers(
            "d",
            "seeds",
            "ceiling",
            "last recovered ℓ",
            "R² at it",
            "R² above it",
            "height",
            "force MAE (meV/Å)",
        ),
        Column("reports"),
    ]
    caption = (
        "Means over the seeds of each setting, with the range below. The height is the mean of R² from ℓ = 1 to the ceiling; the "
        "last recovered ℓ is that of every seed."
    )
    return Table("table-settings", caption, columns, rows)


def _spread(values: Sequence[float], digits: int) -> Cell:
    """Return the mean of some values with their range below."""
    if not values:
        return Cell(MISSING, kind="number")
    ends = f"{min(values):.{digits}f} to {max(values):.{digits}f}" if len(values) > 1 else ""
    return Cell(f"{sum(values) / len(values):.{digits}f}", ends, "number")


def contrast_table(name: str, caption: str, chosen: Sequence[Contrast], fold: str | None) -> Table:
    """Return a table of contrasts; ``fold`` is the summary under which it is folded away."""
    degrees = len({contrast.degree for contrast in chosen}) > 1
    rows: list[list[Cell | str]] = []
    for contrast in chosen:
        mean, low, high, least, most = (
            _figure(contrast.quantity, value)
            for value in (contrast.mean, contrast.low, contrast.high, contrast.least, contrast.most)
        )
        ends = "too few" if contrast.low is None else f"{low} to {high}"
        pairs = f"{contrast.count}{'' if contrast.paired else ' unpaired'}"
        above = MISSING if contrast.positive is None else str(contrast.positive)
        rows.append(
            [
                name_of(contrast, degrees=degrees), contrast.setting or f"{contrast.settings} settings",
                _QUANTITIES[contrast.quantity], mean, Cell(ends, kind="number"), least, most, Cell(pairs, kind="number"),
                Cell(above, kind="number"),
            ]
        )  # fmt: skip
    columns = [
        *map(Column, ("contrast", "setting", "of")),
        *numbers("change", "95 % over backbones", "least", "most", "differences", "above 0"),
    ]
    return Table(name, caption, columns, rows, fold=fold)


def _figure(quantity: str, value: float | None) -> str:
    """Return a change as text: of the force MAE in meV/Å."""
    if value is None:
        return MISSING
    scale, digits = {"height": (1.0, 4), "last recovered l": (1.0, 2)}.get(quantity, (1e3, 1))
    return number(scale * value, digits)
