"""Figures of whole models against theory: R2 by l on stars, and R2 against the cutoff."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from ...theory.errors import InputError
from ..calibration.heading import NARROW, heading, new_figure
from ..pages.axes import Layout
from ..pages.figure_style import Palette, shade
from .cell import ModelCell, TermRow
from .tables import number, size

#: Lines of the crossover: one l each.
_LINES = (2, 4, 6, 8)
#: Inches of a row of the tables, of what stands above and below one, and of its narrowest column.
_ROW, _ABOVE, _BELOW = 0.185, 0.28, 0.34


def _l(row: TermRow) -> int:
    return int(row.term.split("(")[1].removesuffix(")"))


def _pairs(cell: ModelCell) -> list[TermRow]:
    """Return the rows with one l each: pair terms, or the torsions of a chain."""
    return [row for row in cell.rows if not row.term.startswith("product(")]


def star_groups(cells: Sequence[ModelCell]) -> dict[str, list[ModelCell]]:
    """Return the cells on stars that have pair terms: MACE with neighbours alike and told apart, then the others."""
    stars = [cell for cell in cells if cell.settings.layout.graph == "star" and _pairs(cell)]
    mace = [cell for cell in stars if cell.settings.model.architecture == "mace"]
    groups = {
        "MACE, neighbours alike": [cell for cell in mace if cell.settings.layout.alike],
        "MACE, told apart": [cell for cell in mace if not cell.settings.layout.alike],
        "other models": [cell for cell in stars if cell not in mace and cell.settings.layout.alike],
    }
    return {title: group for title, group in groups.items() if group}


def draw_stars(cells: Sequence[ModelCell], palette: Palette, layout: Layout = "wide") -> Figure | None:
    """Draw trained R2 of pair terms by model and l; None where there is none."""
    return _tables(
        star_groups(cells),
        "What whole models learn of P_l on a star",
        "R² after training, held out; left of the line theory lets something be learned, right of it nothing. "
        "Framed: representable, not learned. Without a line: no bound.",
        palette,
        layout,
        9.6,
    )


def draw_chains(cells: Sequence[ModelCell], palette: Palette, layout: Layout = "wide") -> Figure | None:
    """Draw trained R2 of torsions by model and l, with bonds alone and with all edges; None where there is none."""
    groups = {
        title: [cell for cell in cells if cell.settings.layout.graph == graph]
        for title, graph in (("bonds alone", "chain"), ("all edges", "chain-all"))
    }
    return _tables(
        {title: group for title, group in groups.items() if group},
        "What whole models learn of a torsion",
        "R² after training, held out; right of the line theory lets nothing be learned. Framed: representable, not learned.",
        palette,
        layout,
        6.6,
    )


def _tables(
    groups: dict[str, list[ModelCell]], title: str, note: str, palette: Palette, layout: Layout, wide: float
) -> Figure | None:
    """Draw a table for each group, side by side or one below the other; None without groups."""
    if not groups:
        return None
    width = wide if layout == "wide" else NARROW
    head = heading(title, note, width)
    tallest = max(len(group) for group in groups.values())
    if layout == "wide":
        height = head.inches + _ABOVE + _ROW * tallest + _BELOW
    else:
        height = head.inches + sum(_ABOVE + _ROW * len(group) + _BELOW for group in groups.values())
    figure = new_figure(width, height)
    label, place = 1.35, height - head.inches
    across = width / len(groups) if layout == "wide" else width
    for k, (name, group) in enumerate(groups.items()):
        tall = _ROW * len(group)
        low = height - head.inches - _ABOVE - tall if layout == "wide" else place - _ABOVE - tall
        left = (across * k if layout == "wide" else 0.0) + label
        axes = figure.add_axes((left / width, low / height, (across - label - 0.12) / width, tall / height))
        _table(axes, group, palette)
        axes.set_title(name, fontsize=8.5, color=palette.ink, pad=4)
        place = low - _BELOW
    head.write(figure, palette)
    return figure


def stars_panel(axes: Axes, cells: Sequence[ModelCell], palette: Palette) -> None:
    """Draw trained R2 of pair terms by model and l on given axes."""
    _table(axes, [cell for group in star_groups(cells).values() for cell in group], palette)


def _name(cell: ModelCell) -> str:
    short = {
        "mace": "" if cell.settings.layout.graph == "star" else "MACE ",
        "mace-silu": "MACE SiLU ",
        "nequip": "NequIP ",
        "allegro": "Allegro ",
        "allegro-linear": "Allegro lin. ",
        "sevennet": "SevenNet ",
    }
    return (short[cell.settings.model.architecture] + size(cell)).replace("nu", "ν").replace(", T", " T")


def _table(axes: Axes, cells: Sequence[ModelCell], palette: Palette) -> None:
    blend = LinearSegmentedColormap.from_list("share", [palette.paper, palette.fill])
    top = max(_l(row) for cell in cells for row in _pairs(cell))
    for k, cell in enumerate(cells):
        last = 0
        for row in _pairs(cell):
            l, (opacity, light) = _l(row), shade(max(row.trained, 0.0))
            square = {"facecolor": blend(opacity), "edgecolor": palette.rule, "linewidth": 0.5}
            axes.add_patch(Rectangle((l - 0.5, k - 0.5), 1.0, 1.0, **square))  # type: ignore[arg-type]
            if row.verdict in ("not learned", "contradicted"):
                colour = palette.degree_1 if row.verdict == "not learned" else palette.ink
                axes.add_patch(
                    Rectangle(
                        (l - 0.44, k - 0.42), 0.88, 0.84, facecolor="none", edgecolor=colour, linewidth=1.2
                    )
                )
            text = number(row.trained, 2).replace("-", "\N{MINUS SIGN}")
            colour = palette.on_fill if light else palette.ink
            axes.text(l, k, text, ha="center", va="center", fontsize=6.2, color=colour)
            last = l if row.exact else last
        if _pairs(cell)[0].share is not None:
            axes.plot(
                [last + 0.5] * 2,
                [k - 0.5, k + 0.5],
                color=palette.degree_1,
                lw=2.2,
                solid_capstyle="butt",
                zorder=4,
            )
    axes.set_xlim(0.5, top + 0.5)
    axes.set_ylim(len(cells) - 0.5, -0.5)
    axes.set_xticks(range(1, top + 1))
    axes.set_yticks(range(len(cells)), [_name(cell) for cell in cells], fontsize=7)
    axes.tick_params(length=0)
    axes.set_xlabel("l of the term", labelpad=2)
    for spine in axes.spines.values():
        spine.set_visible(False)


def crossover_groups(cells: Sequence[ModelCell]) -> dict[int, list[ModelCell]]:
    """Return by L the cells of MACE with nu = 2 on two neighbours, by rising cutoff."""
    chosen = [
        cell for cell in cells
        if cell.settings.layout.graph == "cutoff" and cell.settings.model.correlation in (1, 2) and _pairs(cell)
    ]  # fmt: skip
    groups: dict[int, list[ModelCell]] = {}
    for cell in sorted(chosen, key=lambda c: (c.settings.model.l_max, c.settings.layout.cutoff)):
        groups.setdefault(cell.settings.model.l_max, []).append(cell)
    return groups


def draw_crossover(cells: Sequence[ModelCell], palette: Palette, layout: Layout = "wide") -> Figure | None:
    """Draw R2 against the cutoff for each L; None where no such cell was run."""
    groups = crossover_groups(cells)
    if not groups:
        return None
    width = 6.6 if layout == "wide" else NARROW
    head = heading(
        "Where the cutoff sees the third side, l_max is no ceiling",
        "R² of P_l for two neighbours at 1 Å with angles of 90° to 180°; MACE, ν = 2. Points: trained. Lines: closed form. "
        "Crosses: exact share. Band: the third side ends within it.",
        width,
    )
    each = 2.0 if layout == "wide" else 1.75
    rows = 1 if layout == "wide" else len(groups)
    height = head.inches + 0.3 + rows * (each + 0.5)
    figure = new_figure(width, height)
    across = (width - 0.55) / len(groups) if layout == "wide" else width - 0.55
    for k, (l_max, group) in enumerate(groups.items()):
        left = 0.5 + (k * across if layout == "wide" else 0.0)
        low = height - head.inches - 0.3 - (k * (each + 0.5) if layout == "narrow" else 0.0) - each
        axes = figure.add_axes((left / width, low / height, (across - 0.12) / width, each / height))
        _curves(axes, group, palette)
        axes.set_title(f"L = {l_max}", fontsize=9, pad=4)
        if k and layout == "wide":
            axes.tick_params(labelleft=False)
        else:
            axes.set_ylabel("R², held out")
    head.write(figure, palette)
    marks = [
        Line2D([], [], color=palette.of_degree(n + 1), marker="sovD"[n], ms=3.6, lw=1.2, label=f"l = {l}")
        for n, l in enumerate(_LINES)
    ]
    figure.legend(
        handles=marks, loc="upper left", bbox_to_anchor=(0.012, 1 - (head.inches - 0.06) / height), ncols=4, frameon=False,
        fontsize=7.5, handletextpad=0.4, columnspacing=1.2, borderpad=0,
    )  # fmt: skip
    return figure


def crossover_panel(
    axes: Axes, cells: Sequence[ModelCell], palette: Palette, *, l_max: int | None = None
) -> None:
    """Draw R2 against the cutoff on given axes, for one L; None: the lowest."""
    groups = crossover_groups(cells)
    chosen = next(iter(groups), None) if l_max is None else l_max
    if chosen not in groups:
        raise InputError(
            f"there is no crossover with l_max = {l_max}, expected one of {', '.join(map(str, groups))}"
        )
    _curves(axes, groups[chosen], palette)
    axes.set_ylabel("R², held out")


def _curves(axes: Axes, cells: Sequence[ModelCell], palette: Palette) -> None:
    axes.axvspan(2**0.5, 2.0, color=to_rgba(palette.band), lw=0, zorder=0)
    cutoffs = [cell.settings.layout.cutoff for cell in cells]
    for n, l in enumerate(_LINES):
        rows = [next((row for row in _pairs(cell) if _l(row) == l), None) for cell in cells]
        kept = [(at, row) for at, row in zip(cutoffs, rows, strict=True) if row is not None]
        if not kept:
            continue
        colour = palette.of_degree(n + 1)
        axes.plot(
            [at for at, _ in kept], [row.closed_form for _, row in kept], color=colour, lw=1.1, alpha=0.7
        )
        axes.plot(
            [at for at, _ in kept],
            [row.trained for _, row in kept],
            ls="none",
            marker="sovD"[n],
            ms=3.6,
            color=colour,
        )
        exact = [(at, float(row.exact)) for at, row in kept if row.exact is not None]
        axes.plot(
            [at for at, _ in exact],
            [y for _, y in exact],
            ls="none",
            marker="x",
            ms=6,
            color=palette.ink,
            zorder=5,
        )
    axes.set_xlim(1.22, 2.58)
    axes.set_ylim(-0.08, 1.08)
    axes.set_yticks([0, 0.5, 1])
    axes.set_xlabel("cutoff in Å")
