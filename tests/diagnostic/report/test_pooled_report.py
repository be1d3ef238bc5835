"""The page and the figures of a diagnosis pooled by element: what is drawn is what the result holds, and nothing hides."""

from __future__ import annotations

import html
import io
import itertools
import re
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.neighborlist import neighbor_list
from matplotlib.figure import Figure

from spectral_ceilings.diagnostic.measurement.result import atom_label, main_injection, validate
from spectral_ceilings.diagnostic.pages.figure_style import DARK, LIGHT, figure_style, png_bytes
from spectral_ceilings.diagnostic.report import environment_figure
from spectral_ceilings.diagnostic.report.cluster_drawing import (
    bonds_of,
    cell_edges,
    local_cluster,
    view,
)
from spectral_ceilings.diagnostic.report.element_figure import draw_elements, pool_rows
from spectral_ceilings.diagnostic.report.environment_figure import best_and_worst
from spectral_ceilings.diagnostic.report.figures import drawings
from spectral_ceilings.diagnostic.report.method import method, not_claimed
from spectral_ceilings.diagnostic.report.report import render_report
from spectral_ceilings.diagnostic.report.result_object import Diagnosis
from spectral_ceilings.theory import InputError

from pooled_result import pooled_result, rattled
from synthetic_result import synthetic_result


def text_of(page: str) -> str:
    """Return the words of a page, without its tags."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split()).replace(" ,", ",")


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    made: dict[str, Any] = pooled_result()
    validate(made)
    return made


@pytest.mark.parametrize(
    "atoms",
    [
        bulk("Si"),
        rattled(bulk("LiF", "rocksalt", 4.02), 1),
        molecule("H2O"),
        Atoms("C", cell=[[2.0, 0, 0], [1.9, 0.8, 0], [0, 0, 9.0]], pbc=(True, True, False)),
    ],
)
def test_a_cluster_holds_what_ase_calls_neighbours(atoms: Atoms) -> None:
    for centre in range(len(atoms)):
        cluster = local_cluster(atoms, centre, 3.0)
        first, second, vectors = neighbor_list("ijD", atoms, 3.0)
        assert cluster.numbers[0] == atoms.numbers[centre]
        assert not cluster.places[0].any()
        mine = vectors[first == centre]
        assert np.allclose(
            np.sort(np.linalg.norm(cluster.places[1:], axis=1)), np.sort(np.linalg.norm(mine, axis=1))
        )
        assert sorted(cluster.numbers[1:]) == sorted(atoms.numbers[second[first == centre]])


@pytest.mark.parametrize("name", ["C6H6", "CH3CH2OH", "H2O", "CH4"])
def test_the_view_is_a_rotation_in_which_no_atom_hides_another(name: str) -> None:
    places = molecule(name).positions
    turn = view(places)
    assert np.allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(turn) == pytest.approx(1.0, abs=1e-12)
    assert np.array_equal(turn, view(places))
    flat = (places @ turn.T)[:, :2]
    nearest = min(np.linalg.norm(a - b) for a, b in itertools.combinations(flat, 2))
    assert nearest > 0.45  # discs of 0.36 Å show more than half of themselves


def test_lines_are_bonds_and_not_the_packing_of_ions() -> None:
    salt = local_cluster(bulk("LiF", "rocksalt", 4.02), 0, 3.0)
    bonds = bonds_of(salt.numbers, salt.places)
    assert {frozenset(salt.numbers[list(bond)].tolist()) for bond in bonds} == {frozenset({3, 9})}
    assert sum(0 in bond for bond in bonds) == 6
    ethanol = molecule("CH3CH2OH")
    assert len(bonds_of(ethanol.numbers, ethanol.positions)) == 8
    copper = local_cluster(bulk("Cu"), 0, 3.0)
    assert sum(0 in bond for bond in bonds_of(copper.numbers, copper.places)) == 12


def test_a_cell_has_the_edges_of_its_periodic_directions() -> None:
    cell = np.array([[2.0, 0, 0], [1.0, 3.0, 0], [0, 1.0, 4.0]])
    for pbc, count in (((True,) * 3, 12), ((True, True, False), 4), ((False, True, False), 1)):
        edges = list(cell_edges(cell, pbc))
        assert len(edges) == count
        for edge in edges:
            along = edge[1] - edge[0]
            assert any(np.array_equal(along, cell[k]) for k in range(3) if pbc[k])


def test_the_best_and_the_worst_environment_of_every_pool_are_those_of_the_table(result: dict[str, Any]) -> None:  # fmt: skip
    columns = result["environments"]
    pairs = best_and_worst(result)
    assert [best.pool for best, _ in pairs] == list(dict.fromkeys(columns["pool"]))
    for best, worst in pairs:
        values = [r2 for r2, pool in zip(columns["r2"][4], columns["pool"], strict=True) if pool == best.pool]
        assert (best.r2, worst.r2) == (max(values), min(values))
        assert best.shown.values.r2[best.atom, 4] == best.r2


@pytest.mark.parametrize("layout", ["wide", "narrow"])
def test_every_figure_is_drawn_within_its_page(result: dict[str, Any], layout: Any) -> None:
    named = {drawing.name: drawing for drawing in drawings(result)}
    assert {"elements", "environments", "structures"} <= set(named)
    assert not {"molecule", "atoms"} & set(named)
    for name in ("elements", "environments", "structures"):
        for palette in (LIGHT, DARK):
            with figure_style(palette):
                figure = named[name].draw(palette, layout)
                first = png_bytes(figure, 60)
                assert first == png_bytes(named[name].draw(palette, layout), 60)
            width, height = figure.get_size_inches() * figure.dpi
            for axes in figure.axes:
                box = axes.get_window_extent()
                assert box.x0 >= -0.5
                assert box.y0 >= -0.5
                assert box.x1 <= width + 0.5
                assert box.y1 <= height + 0.5


def test_the_panels_of_elements_hold_their_rows_on_one_scale(result: dict[str, Any]) -> None:
    with figure_style(LIGHT):
        figure = draw_elements(result, LIGHT, "wide")
    pools = pool_rows(result)
    assert list(pools) == ["Si", "Li", "F", "O", "H"]
    assert len({axes.get_ylim() for axes in figure.axes}) == 1
    for axes, rows in zip(figure.axes, pools.values(), strict=True):
        drawn = [list(line.get_ydata()) for line in axes.lines]
        assert [row["r2"] for row in rows] in drawn


def test_many_elements_become_strips() -> None:
    cells = [
        rattled(bulk(element, "fcc", 4.0, cubic=True), 3)
        for element in ["Ag", "Au", "Cu", "Pt", "Pd", "Ni", "Al", "Pb", "Ir"]
    ]
    many = pooled_result(cells)
    with figure_style(LIGHT):
        (axes,) = draw_elements(many, LIGHT, "narrow").axes
    said = [text.get_text() for text in axes.texts]
    assert "Ag  2" in said
    assert sum(len(rows) for rows in pool_rows(many).values()) == len(axes.patches)


def test_the_page_speaks_of_elements_and_not_of_a_molecule(result: dict[str, Any]) -> None:
    assert main_injection(result) == ("density", "fixed")
    assert atom_label(result["atoms"], 1) == "Li"
    page = render_report(result)
    for name in ("elements", "environments", "structures"):
        assert f'id="figure-{name}"' in page
    assert "Elements and environments" in page
    assert "median element" in page
    assert "median atom" not in page
    assert 'id="table-pools"' in page
    assert "atoms.extxyz" in page
    for entry in result["data"]["environments"]:
        assert f"{sum(entry['rows'].values()):,}" in page


def test_method_and_limits_speak_of_environments_and_structures(result: dict[str, Any]) -> None:
    words = [text_of(part(result)) for part in (method, not_claimed)]
    for text in words:
        assert not re.search(r"\b(frames?|molecules?|trajectory shows)\b", text), text
        assert "environments" in text
    assert "is fitted (one for all environments of an element) to the forces" in words[0]
    assert "Clusters of held-out structures" in words[0]
    assert "direction from i to j" in words[0]
    held_out = sum(pool["rows"]["held_out"] for pool in result["data"]["environments"])
    assert (
        f"{held_out:,} held-out environments. The intervals speak of these structures and elements."
        in words[1]
    )
    of_molecule = synthetic_result()
    for part in (method, not_claimed):
        assert not re.search(r"\b(environments?|structures?)\b", text_of(part(of_molecule)))


def test_plots_of_pools_and_what_they_refuse(result: dict[str, Any]) -> None:
    diagnosis = Diagnosis(result)
    assert {"elements", "environment", "structure"} <= set(diagnosis.plots)
    for kind, options in (
        ("elements", {"pool": "F"}),
        ("environment", {"pool": "Si", "worst": False}),
        ("structure", {"structure": 2, "l": 3}),
        ("structure", {}),
    ):
        axes = Figure(figsize=(4, 4)).subplots()
        diagnosis.plot(kind, axes, **options)
        axes.figure.savefig(io.BytesIO(), format="png")
        assert axes.patches or axes.lines
    for kind, options, said in (
        ("elements", {"pool": "Xe"}, "no pool 'Xe' to draw, expected one of Si, Li, F, O, H"),
        ("environment", {"pool": "Xe"}, "no pool 'Xe'"),
        ("structure", {"structure": 77}, "structure 77 is not kept"),
        ("structure", {"l": 9}, "l is 9, expected 0 to 8"),
    ):
        with pytest.raises(InputError, match=said):
            diagnosis.plot(kind, Figure().subplots(), **options)


def test_a_large_structure_is_drawn_without_labels() -> None:
    large = pooled_result([rattled(bulk("Cu", cubic=True) * (3, 3, 3), 0)])
    with figure_style(LIGHT):
        figure = environment_figure.draw_structures(large, LIGHT, "wide")
    assert figure.axes[1].texts[0].get_text() == "Cu108"
    assert not any(text.get_text() == "Cu" for text in figure.axes[1].texts)
