"""The table of cures: fronts, the smallest sufficient cure, its sentence; guarantees against exact quadrature."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
from ase.units import kB as BOLTZMANN
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import eval_legendre, spherical_in

from spectral_ceilings.diagnostic.observing.cures import (
    compare_cures,
    cures_table,
    mark_fronts,
    most_exact,
    smallest,
)
from spectral_ceilings.diagnostic.observing.deviations import deviations, half_width
from spectral_ceilings.diagnostic.observing.guarantees import (
    first_order_bounds,
    grid_rotations,
    guarantee,
    legendre_bound,
    sufficient_grid,
)
from spectral_ceilings.diagnostic.observing.sentences import cure_words
from spectral_ceilings.numerics.rotations import so3_quadrature
from spectral_ceilings.theory.errors import InputError

from synthetic_observation import CURES, GRADES, synthetic_observation


def made_row(name: str, cost: float, value: float, half: float, tolerance: float = 0.1) -> dict:
    low, high = max(0.0, value - half), value + half
    entry = {
        "value": value,
        "low": low,
        "high": high,
        "reach": high / tolerance,
        "least": low / tolerance,
        "enough": True,
    }
    return {"cure": name, "evaluations": cost, "errors": {"x": entry}, "front": {}, "tied": {}}  # fmt: skip


rows_of_cures = st.lists(
    st.tuples(st.sampled_from([1.0, 2.0, 4.6, 18.0, 36.0]), st.floats(0, 1), st.floats(0.001, 0.3)),
    min_size=1, max_size=6,
).map(lambda given: [made_row(f"cure {k}", *numbers) for k, numbers in enumerate(given)])  # fmt: skip


def fronts(rows: list[dict]) -> dict[str, bool]:
    rows = copy.deepcopy(rows)
    mark_fronts(rows)
    return {row["cure"]: row["front"]["x"] for row in rows}


@given(rows_of_cures, st.randoms())
def test_the_front_does_not_depend_on_the_order(rows, random):
    shuffled = rows[:]
    random.shuffle(shuffled)
    assert fronts(rows) == fronts(shuffled)
    assert any(fronts(rows).values())


@given(rows_of_cures, st.integers(0, 5), st.floats(0, 3), st.floats(1e-6, 3))
def test_a_dominated_cure_changes_nothing(rows, which, dearer, worse):
    better = rows[which % len(rows)]
    low = better["errors"]["x"]["high"] + worse
    extra = made_row("dominated", better["evaluations"] + dearer, low + 0.1, 0.1)
    extra["errors"]["x"]["low"] = low
    assert fronts([*rows, extra]) == {**fronts(rows), "dominated": False}


@given(rows_of_cures, st.floats(0.1, 5), st.floats(1, 5))
def test_a_wider_tolerance_never_costs_more(rows, scale, factor):
    tight, wide = smallest(rows, scale)["x"], smallest(rows, scale * factor)["x"]
    if tight["cure"] is not None:
        assert wide["evaluations"] <= tight["evaluations"]


def test_a_tie_within_the_errors_stays_on_the_front_and_is_named():
    rows = [made_row("cheap", 1, 0.02, 0.02), made_row("dear", 36, 0.01, 0.02), made_row("poor", 2, 0.9, 0.1)]
    mark_fronts(rows)
    assert [row["front"]["x"] for row in rows] == [True, True, False]
    assert [row["tied"]["x"] for row in rows] == [None, "cheap", None]


def test_a_run_without_an_error_decides_nothing():
    rows = [made_row("short", 1, 0.0, 0.001), made_row("long", 2, 0.05, 0.01)]
    rows[0]["errors"]["x"]["enough"] = False
    assert fronts(rows) == {"short": True, "long": True}
    assert smallest(rows)["x"]["cure"] == "long"


@given(rows_of_cures, st.integers(0, 5))
def test_a_number_without_a_statistical_error_neither_leaves_the_front_nor_drives_another_from_it(
    rows, which
):
    rows[which % len(rows)] = made_row("of one run", 1.0, 0.3, 0.0)
    kept = fronts(rows)
    assert kept.pop("of one run")
    rest = [row for row in rows if row["cure"] != "of one run"]
    assert kept == (fronts(rest) if rest else {})


def test_the_table_of_a_result_names_the_smallest_sufficient_cure():
    table = cures_table(synthetic_observation())
    assert table["reference"] == "grid-2-inversion"
    assert [row["cure"] for row in table["rows"]] == list(CURES)
    by_cure = {row["cure"]: row for row in table["rows"]}
    # inversion leaves <P_2> = .041: the cheapest within .03 is random, at 900 meV/atom/ns; of the drift that is the worst
    assert table["sufficient"]["orientation"]["cure"] == "random"
    assert table["sufficient"]["drift"]["cure"] == "none"
    entry = by_cure["none"]["errors"]["orientation"]
    rms = math.sqrt(sum((2 * l + 1) * v**2 for l, v in enumerate(CURES["none"][3], 1)))
    assert (entry["unit"], entry["value"], entry["deciding"]) == ("kT", rms, "<P_1>")
    assert by_cure["grid-2-inversion"]["errors"].keys() == {"orientation", "angular-momentum", "drift"}
    assert by_cure["none"]["errors"]["rdf"]["against"] == "grid-2-inversion"
    assert (by_cure["none"]["drift"], by_cure["none"]["drift_error"]) == (2.0, 0.4)
    assert by_cure["none"]["seconds_per_step"] == 12.0 / 20000


def test_the_sentence_names_the_numbers():
    kept = tuple(name for name in CURES if name != "random")
    choice = cures_table(synthetic_observation(kept))["sufficient"]["orientation"]
    assert choice["cure"] == "mts-10:grid-2-inversion"
    left = 1e3 * math.sqrt(sum(GRADES[3:]))
    assert 1e3 * choice["left"] == left
    for words in (
        "inversion and 18 rotations at every tenth step are enough",
        "error 0.016 kT (95 %: 0 to 0.040)",
        "<P_2> within 0.03",
        "cost 4.6x; drift 14.0 ± 0.8 meV/atom/ns. ",
        "exact to l = 2",
        f"at most {left:.2f} meV (l = 3 to 4)",
    ):
        assert words in choice["sentence"]


def test_no_cure_shown_to_be_enough_says_what_would_decide():
    result = synthetic_observation(("none", "grid-2"))
    for number in result["observables"]["orientation"]["grid-2"]["numbers"]:
        number["error"] *= 3  # half widths of .04 around at most .004
    choice = cures_table(result)["sufficient"]["orientation"]
    assert choice["cure"] is None
    assert "longer runs (about 3 times) would decide, first for grid-2" in choice["sentence"]
    assert "Shown not to be enough: none" in choice["sentence"]


def test_several_models_share_a_front():
    plain, augmented = synthetic_observation(("none", "grid-2")), synthetic_observation(("none",))
    for number in augmented["observables"]["orientation"]["none"]["numbers"]:
        number["value"] *= 0.02
    table = compare_cures({"plain": plain, "augmented": augmented})
    by_cure = {row["cure"]: row["front"]["orientation"] for row in table["rows"]}
    assert by_cure == {"plain: none": False, "plain: grid-2": True, "augmented: none": True}
    assert table["sufficient"]["orientation"]["cure"] == "augmented: none"


def test_a_random_cure_is_the_reference_only_where_there_is_no_other():
    runs = synthetic_observation()["runs"]
    assert most_exact([run for run in runs if run["cure"] in ("random", "none")]) == "none"
    assert most_exact([run for run in runs if run["cure"] == "random"]) == "random"
    assert cures_table({"runs": [], "observables": {}}) is None


def test_a_curve_is_compared_by_its_root_mean_square_less_the_noise():
    rng = np.random.default_rng(5)
    x = np.linspace(0, 1, 20_000)
    line = {
        "label": "g",
        "x_label": "r, Å",
        "y_label": "g(r)",
        "x": x,
        "error": np.full(len(x), 0.1),
        "expected": 0 * x,
    }
    line["y"] = 0.3 + 0.1 * rng.normal(size=len(x))
    (row,) = deviations({"numbers": [], "curves": [line]}, None, "")
    # mean square .09 + noise: its standard error is .1 * .6 / sqrt(n), times 1/(2 * .3); five of them
    assert abs(row.value - 0.3) < 5 * 0.1 / math.sqrt(len(x))
    assert row.low < 0.3 < row.high


def test_half_widths_are_those_of_tables():
    # Student's t at 97.5 % with 10 degrees of freedom is 2.228; normal at 1 - .05/12 is 2.638
    assert half_width(1.0, 11, 1) == pytest.approx(2.228, abs=5e-4)
    assert half_width(2.0, math.inf, 6) == pytest.approx(2 * 2.638, abs=1e-3)


@pytest.mark.parametrize(("c", "axis_field"), [(0.004, 1), (0.02, 1), (0.004, 2), (0.03, 2), (0.01, 3)])
def test_the_bound_holds_against_exact_quadrature(c, axis_field):
    """V = c P_l(u_z): P_l[V] = c^2 / (2l+1), and the exact <P_k> from quadrature."""
    beta = 1 / (BOLTZMANN * 300)
    grades = [0.0] * 5
    grades[axis_field] = c**2 / (2 * axis_field + 1)

    def weight(x):
        return math.exp(-beta * c * eval_legendre(axis_field, x))

    norm = quad(weight, -1, 1)[0]
    for k in range(1, 5):
        exact = quad(lambda x, k=k: eval_legendre(k, x) * weight(x), -1, 1)[0] / norm
        assert abs(exact) <= legendre_bound(grades, 300, 0, k) + 1e-12
        assert legendre_bound(grades, 300, axis_field, k) == 0
    first = first_order_bounds(grades, 300)
    assert first[axis_field - 1] == pytest.approx(beta * c / (2 * axis_field + 1), rel=1e-12)
    exact = quad(lambda x: eval_legendre(axis_field, x) * weight(x), -1, 1)[0] / norm
    if beta * c < 0.2:  # the first correction is of second order in beta c, with a factor below 1
        assert abs(abs(exact) - first[axis_field - 1]) < (beta * c) ** 2


def test_the_smallest_grid_keeps_every_moment_within_the_tolerance():
    """V = c exp(a u_z) has P_l = c^2 (2l+1) i_l(a)^2; under a grid exact to D the part above is left, exactly."""
    beta, c, a, top = 1 / (BOLTZMANN * 300), 0.01, 2.0, 10
    bessel = np.array([spherical_in(l, a) for l in range(top + 1)])
    grades = list(c**2 * (2 * np.arange(top + 1) + 1) * bessel**2)
    for tolerance in (0.3, 0.03, 0.003):
        answer = sufficient_grid(grades, tolerance, 300)
        degree = answer.degree
        assert degree > 0
        assert answer.cure == f"grid-{degree}"
        assert answer.bound <= tolerance < legendre_bound(grades, 300, degree - 1)
        assert f"{grid_rotations(degree)} rotations" in answer.sentence

        def left(x, degree=degree):
            return sum(c * (2 * l + 1) * bessel[l] * eval_legendre(l, x) for l in range(degree + 1, top + 1))

        norm = quad(lambda x: math.exp(-beta * left(x)), -1, 1)[0]
        for k in range(1, 5):
            mean = quad(lambda x, k=k: eval_legendre(k, x) * math.exp(-beta * left(x)), -1, 1)[0] / norm
            assert abs(mean) <= answer.bound


def test_the_smallest_grid_costs_less_for_a_wider_tolerance():
    degrees = [sufficient_grid(GRADES, tolerance, 300).degree for tolerance in (1e-4, 1e-3, 1e-2, 0.1, 0.9)]
    assert degrees == sorted(degrees, reverse=True)
    assert degrees[0] == 4
    assert sufficient_grid([0.0, 0.0], 0.1, 300).cure == "none"


@pytest.mark.parametrize(("grades", "tolerance", "temperature", "words"), [
    (GRADES, 0.0, 300, "tolerance is 0.0"), (GRADES, 0.1, -1, "temperature is -1"), ([0, -1], 0.1, 300, "powers by l are"),
])  # fmt: skip
def test_wrong_input_is_refused(grades, tolerance, temperature, words):
    with pytest.raises(InputError, match=words):
        sufficient_grid(grades, tolerance, temperature)


@pytest.mark.parametrize("degree", range(8))
def test_rotations_are_counted_as_the_rule_has_them(degree):
    assert grid_rotations(degree) == len(so3_quadrature(degree).weights)


@pytest.mark.parametrize(("name", "words"), [
    ("none", "the bare model"), ("inversion", "inversion"), ("grid-2-inversion", "inversion and 18 rotations"),
    ("mts-10:grid-2", "18 rotations at every tenth step"), ("mts-12:grid-4", "75 rotations at every 12th step"),
    ("random", "a new random rotation at every evaluation"),
])  # fmt: skip
def test_cures_in_words(name, words):
    assert cure_words(name) == words


@pytest.mark.parametrize(("cure", "exact_to", "inversion", "said"), [
    ("none", None, False, "nothing; what is left of the energy is at most 20 meV (l = 1 to 2)"),
    ("inversion", None, True, "the part that is odd under inversion removed exactly; what is left of the energy is at most 20"),
    ("grid-1", 1, False, "exact to l = 1; what is left of the energy is at most 10 meV (l = 2 to 2)"),
])  # fmt: skip
def test_a_guarantee_is_of_the_energy_and_the_bare_model_has_none(cure, exact_to, inversion, said):
    """Forces that are no gradient are not bounded by powers of the energy: 3e-4 and 1e-4 eV² leave 20 and 10 meV."""
    row = {"cure": cure, "exact_to": exact_to, "inversion": inversion}
    assert guarantee(row, {"grades": [1.0, 3e-4, 1e-4]}).sentence.startswith(said)
    bare = guarantee({**row, "cure": "none", "exact_to": None, "inversion": False}, None)
    assert bare.sentence == "nothing"
