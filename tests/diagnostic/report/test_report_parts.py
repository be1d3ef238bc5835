"""Parts of the report: the ratio over the cliff, the reasons of the atoms, the orientations of the frames, long tables."""

import copy
import re
from typing import Any

import numpy as np
import pytest
from scipy.stats import t as student

from spectral_ceilings.diagnostic.measurement.result import validate
from spectral_ceilings.diagnostic.pages.frame import markup
from spectral_ceilings.diagnostic.pages.tables import Cell
from spectral_ceilings.diagnostic.recovery.bootstrap import Bootstrap, recovery
from spectral_ceilings.diagnostic.recovery.error_sums import ErrorSums
from spectral_ceilings.diagnostic.report import atoms as report_atoms
from spectral_ceilings.diagnostic.report import method as report_method
from spectral_ceilings.diagnostic.report import orientation as report_orientation
from spectral_ceilings.diagnostic.report import sections as report_sections

from synthetic_result import longer, make_row, synthetic_result


@pytest.fixture
def result() -> dict[str, Any]:
    made: dict[str, Any] = synthetic_result()
    return made


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page).replace("\N{NO-BREAK SPACE}", " "))


def rho(
    value: float | None, low: float | None = None, high: float | None = None, **fields: Any
) -> dict[str, Any]:
    return make_row(rho=value, rho_low=low, rho_high=high, verdict="undecided", **fields)


def ratio(kind: str, value: float | None = None, low: float | None = None, high: float | None = None) -> Any:
    return {"kind": kind, "value": value, "low": low, "high": high}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (ratio("interval", 11.25, 8.0, 20.0), Cell("11", "8.0 to 20")),
        # rho above is not told from zero: ratios from 20 on and below -80, so at least 20 in size.
        (ratio("at least", 45.0, 20.0, -80.0), Cell("at least 20 in size")),
        (ratio("at least", 900.0, 800.0, -300.0), Cell("at least 300 in size")),
        (ratio("no path"), Cell("no path above")),
        (ratio("unbounded", 3.0), Cell("not bounded")),
    ],
)
def test_the_ratio_over_the_cliff_is_a_value_a_bound_or_a_word(entry: Any, said: Cell) -> None:
    assert report_orientation.cliff_ratio(entry, rho(0.08)) == said


def test_there_is_no_ratio_where_one_of_the_two_is_not_above_zero() -> None:
    assert report_orientation.cliff_ratio(ratio("no ratio"), rho(-0.01)) == Cell("nothing above")
    assert report_orientation.cliff_ratio(ratio("no ratio"), rho(0.01)) == Cell("–")
    assert report_orientation.cliff_ratio(ratio("no ratio"), None) == Cell("–")


def test_the_ratio_table_has_a_row_for_each_readout_and_degree(result: dict[str, Any]) -> None:
    words = text_of(markup(report_orientation.ratio_table(result)))
    assert "C₉H₈O₄" in words
    for degree in (1, 2, 3):
        assert f"free, degree {degree}" in words
        assert f"equivariant, degree {degree}" in words
    assert "no path above" in words
    assert report_orientation.ratio_table({**result, "recovery": []}) is None
    assert report_orientation.ratio_table({**result, "cliff_ratios": []}) is None  # no l above any ceiling
    older = {name: value for name, value in result.items() if name != "cliff_ratios"}
    assert report_orientation.ratio_table(older) is None


def test_the_method_describes_the_interval_that_is_computed(result: dict[str, Any]) -> None:
    """An interval of one atom, rebuilt from the report's words: t of the blocks, on log(1 - R2), turned back."""
    words = text_of(report_method.method(result))
    assert "for log(1 − R ²) and turned back" in words
    assert "with Student’s t" in words
    assert "add in quadrature" in words
    assert (
        "holds the middle 95 % of the values that result" not in words
    )  # a percentile interval: not what is computed
    rng = np.random.default_rng(0)
    injected, missed = (rng.gamma(4.0, scale, 60).astype(np.float32).astype(float) for scale in (1.0, 0.1))
    nothing = np.zeros(60)
    sums = ErrorSums(injected, missed, injected, missed, nothing, nothing, np.ones(60))
    bootstrap = Bootstrap(60, 500, rng)
    interval = recovery([sums], bootstrap).r2
    missing = np.log(bootstrap.totals(missed) / bootstrap.totals(injected))
    reach = student.ppf(0.975, bootstrap.blocks - 1) * np.sqrt(
        np.var(missing) * bootstrap.blocks / (bootstrap.blocks - 1)
    )
    centre = np.log(missed.sum() / injected.sum())
    # Two logarithms and their inverses: a few units in the last place of numbers of order one.
    assert interval.low == pytest.approx(1 - np.exp(centre + reach), abs=1e-13)
    assert interval.high == pytest.approx(1 - np.exp(centre - reach), abs=1e-13)


def test_the_atoms_say_why_they_are_low(result: dict[str, Any]) -> None:
    words = text_of(markup(report_atoms.summary(result), *report_atoms.atoms_section(result)))
    assert "1 of 18 atoms stay below 0.9 at ℓ = 4" in words
    assert "a neighbour that looks like the mark (1)" in words
    assert "O7 and C5 look nearly alike from here (linear fit at ℓ = 2: R² = 0.998 of their sum" in words
    assert "23 % of what is missing: the free readout" in words
    assert "no distinguishable neighbour" in words
    assert "rank 7" in words
    assert "C 9 equivariant" in words  # nine carbons
    for atom in result["atoms"]:
        atom["low"], atom["causes"] = False, []
    assert "for all 18 atoms measured" in text_of(report_atoms.summary(result))


def test_a_result_of_an_earlier_version_still_has_its_tables(result: dict[str, Any]) -> None:
    old = copy.deepcopy(result)
    old["atoms"] = [
        {name: atom[name] for name in ("index", "element", "marked_neighbour", "why")}
        for atom in old["atoms"]
    ]
    del old["checks"]["orientations"], old["data"]["depiction"]
    validate(old)
    assert report_atoms.summary(old) == ""
    assert report_atoms.rank_table(old) is None
    assert "why it is low" not in markup(report_atoms.atoms_table(old))
    assert report_orientation.orientation(old, "") == []
    validate(result)


def test_the_orientations_are_told_with_what_the_control_found(result: dict[str, Any]) -> None:
    words = text_of(markup(*report_orientation.orientation(result, "")))
    assert "far from isotropic" in words
    assert "count like 1.18 independent ones" in words
    assert "Without the rotations, R² at ℓ = 5, above the ceiling, is 0.88 instead of" in words
    assert words.index("Frames were rotated at random") < words.index("far from isotropic")
    quiet = copy.deepcopy(result)
    quiet["controls"] = []
    assert "Without the rotations" not in report_orientation.why_turned(quiet)
    assert "rotated at random" in report_orientation.why_turned(quiet)
    # a terminal prints the sentence as it is, with the l of everything around it
    assert "an l above it" in report_orientation.turned_sentence(quiet)
    assert "ℓ" not in report_orientation.turned_sentence(result)
    quiet["checks"]["orientations"]["verdict"] = "isotropic"
    assert report_orientation.why_turned(quiet) == ""
    quiet["checks"]["orientations"].update(verdict="no orientation", spectrum=[], sentence="A single atom.")
    assert text_of(markup(*report_orientation.orientation(quiet, ""))).strip().endswith("A single atom.")


def test_tables_with_many_degrees_run_downwards(result: dict[str, Any]) -> None:
    def widest(page: str) -> int:
        return max(len(re.findall("<th|<td", row)) for row in re.findall(r"<tr>(.*?)</tr>", page))

    assert widest(markup(*report_sections.other_tables(result))) == 10  # the name and l = 0 to 8
    many = longer(result, 20)
    assert widest(markup(*report_sections.other_tables(many))) <= 7
    assert widest(markup(*report_sections.controls(many))) <= 7
    assert markup(*report_sections.other_tables(many)).count('<th scope="row">20</th>') >= 1
