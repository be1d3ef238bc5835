"""Learning curves of environments: a law that theory gives, structures that are counted whole, and the job with its page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from environment_sets import density_backbone, ethanol, lithium_fluoride, mixed, rattled, silicon
from result_laws import check_refusals, check_result

from spectral_ceilings.diagnostic import from_callable
from spectral_ceilings.diagnostic.backbones.features import Block
from spectral_ceilings.diagnostic.curves.fits import MOST, REDUCED, few_enough
from spectral_ceilings.diagnostic.curves.learning_curve import learning_curves
from spectral_ceilings.diagnostic.curves.plan import BOTH, LAYERS, NEIGHBOUR, LearningCurveSettings
from spectral_ceilings.diagnostic.curves.report import render_learning_curves, write_learning_curves
from spectral_ceilings.diagnostic.curves.result_object import LearningCurves
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.frames.neighbours import neighbours_of
from spectral_ceilings.diagnostic.injection.fields import DENSITY_CUTOFF, smooth_cutoff
from spectral_ceilings.diagnostic.readouts.equivariant_polynomials import EquivariantPolynomials, kinds_of
from spectral_ceilings.numerics import real_harmonics
from spectral_ceilings.theory import InputError

SMALL = LearningCurveSettings(
    channels=(1, 2), coefficients=(60, 200), frames=(0.3,), rotations=(2,), most_rotations=5, bootstrap=100,
    environments=300,
)  # fmt: skip


def the_density_itself(frames: Frames) -> np.ndarray:
    """The field that is injected in silicon, l <= 2, in the order of 1x0e+1x1o+1x2e."""
    out = np.zeros((len(frames), len(frames.numbers), 9))
    for k, near in enumerate(neighbours_of(frames, DENSITY_CUTOFF)):
        weights = smooth_cutoff(near.distances, DENSITY_CUTOFF)[:, None]
        np.add.at(out[k], near.first, weights * real_harmonics(2, near.vectors))
    return out


def test_features_that_are_the_field_give_all_of_it_back_and_nothing_limits_them() -> None:
    """R2 is one but for the ridge of 1e-11; 1.25 times the bond of 2.35 Å is shorter than the usual reach of 3 Å."""
    backbone = from_callable(the_density_itself, "1x0e+1x1o+1x2e", cutoff=4.0)
    result = learning_curves(
        rattled(silicon(1), 40, 0.05), backbone, replace(SMALL, degree=1, l=2, channels=(1,))
    )
    (pool,) = result["atoms"]
    assert (pool["scope"], pool["role"], pool["neighbour"]) == ("element:Si", "chosen", None)
    assert pool["heights"][BOTH] > 1.0 - 1e-9
    assert pool["limited_by"] == "nothing"
    assert "Si (chosen) has nothing left to improve" in pool["sentence"]


def test_two_elements_and_a_molecule_are_measured_by_element_and_taken_up(tmp_path: Path) -> None:
    data = mixed(rattled(lithium_fluoride(1), 40, 0.1), rattled(ethanol(), 60, 0.05, seed=3))
    backbone = density_backbone(3)
    out = tmp_path / "curves"
    result = learning_curves(data, backbone, SMALL, out=out)
    assert {atom["scope"] for atom in result["atoms"]} == {f"element:{s}" for s in ("H", "Li", "C", "O", "F")}
    assert {atom["role"] for atom in result["atoms"]} == {"best", "median", "worst", None}
    assert (result["data"]["by"], result["data"]["structures"], result["injection"]) == (
        "element",
        100,
        "density",
    )
    held = {entry["scope"]: entry for entry in result["data"]["environments"]}
    for atom in result["atoms"]:
        assert NEIGHBOUR not in atom["heights"]
        assert {BOTH, LAYERS} <= set(atom["heights"])
        entry = held[atom["scope"]]
        grown = [p for p in result["points"] if p["atom"] == atom["index"] and p["series"] == "free, frames"]
        for point in grown:
            assert point["label"] == f"{point['structures']} structures"
        if grown:
            assert [p["structures"] for p in grown] == sorted(p["structures"] for p in grown)
            assert (grown[-1]["structures"], grown[-1]["frames"]) == (
                entry["structures"]["training"], entry["rows"]["training"]
            )  # fmt: skip
            share = grown[0]["frames"] / grown[-1]["frames"]
            # whole structures of as many atoms of the element each, give or take one
            assert share == pytest.approx(grown[0]["structures"] / grown[-1]["structures"], rel=0.2)
    for point in result["points"]:
        assert point["r2_low"] <= point["r2"] <= point["r2_high"] <= 1.0

    def silent(*_arguments: object) -> None:
        raise AssertionError("a finished point was computed again")

    unused = from_callable(silent, backbone.layers()[0].irreps, cutoff=backbone.cutoff, source="densities")
    unused.info = backbone.info
    again = learning_curves(data, unused, SMALL, out=out, resume=True)
    assert again == result
    write_learning_curves(result, out, "ceilings learning-curve")
    header, first = (out / "curves.csv").read_text().splitlines()[:2]
    assert header.endswith(",name,structures")
    assert first.split(",")[-2] in {"H", "Li", "C", "O", "F"}
    page = (out / "report.html").read_text(encoding="utf-8")
    for words in ("held-out environments", "intervals are over structures", "environments of"):
        assert words in page
    assert "neighbour's features" not in page
    check_result(result, LearningCurves, tmp_path)
    changes = {
        "data.environments[0] lacks the field 'cutoff'": lambda c: c["data"]["environments"][0].pop("cutoff"),
        "atoms[0].scope": lambda c: c["atoms"][0].update(scope=""),
        "injection": lambda c: c.update(injection="sideways"),
    }
    check_refusals(result, LearningCurves, tmp_path, changes)


def test_one_molecule_is_pooled_where_asked_and_its_rows_are_structures() -> None:
    frames = rattled(ethanol(), 60, 0.05)
    result = learning_curves(frames, density_backbone(2), replace(SMALL, select=("element == 'C'",), l=1))
    (pool,) = result["atoms"]
    assert pool["scope"] == "element:C"
    whole = [p for p in result["points"] if p["series"] == "equivariant, frames"][-1]
    assert whole["frames"] == 2 * whole["structures"]  # both carbons of every training structure
    assert "Si" not in render_learning_curves(result)


def test_a_list_of_ase_atoms_is_data_too() -> None:
    frames = rattled(silicon(1), 40, 0.05)
    quick = replace(SMALL, degree=1, channels=(1,), coefficients=(60,), rotations=(1,))
    given, listed = (learning_curves(data, density_backbone(1), quick) for data in (frames, frames.to_ase()))
    assert [point["r2"] for point in listed["points"]] == [point["r2"] for point in given["points"]]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"atoms": (0,)}, "choose atoms with select"),
        ({"by": "atom"}, "leave --by atom out"),
        ({"select": ("element == 'Au'",)}, "no atom is selected by"),
        ({"l": 5}, "l is 5, expected 1 to 4"),
    ],
)
def test_what_cannot_be_drawn_of_a_crystal_is_said_before_any_work(changes: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        learning_curves(rattled(silicon(1), 40, 0.05), density_backbone(1), replace(SMALL, **changes))


def test_sites_without_anything_at_this_l_are_refused() -> None:
    """An atom of a diamond lattice, of whatever size, sees a tetrahedron, whose density has no l = 1, 2, 5."""
    ideal = rattled(silicon(1), 40, 0.0)
    sizes = np.linspace(0.97, 1.03, 40)[:, None, None]
    assert ideal.cells is not None
    strained = replace(ideal, positions=ideal.positions * sizes, cells=ideal.cells * sizes)
    with pytest.raises(
        InputError, match="the density of neighbours has nothing at l = 2 where these atoms sit"
    ):
        learning_curves(strained, density_backbone(1), replace(SMALL, l=2))


def test_features_with_too_many_products_are_combined_and_others_left_alone() -> None:
    rng = np.random.default_rng(0)

    def blocks(channels: int) -> list[Block]:
        return [Block(l, (-1) ** l, rng.normal(size=(40, 1, channels, 2 * l + 1))) for l in range(2)]

    signal = rng.normal(size=(40, 9))
    large, small = blocks(100), blocks(20)
    kept = few_enough(large, np.arange(30), signal, 2, 2)
    sizes = [
        len(EquivariantPolynomials(kinds_of(chosen), 2, 2, 1))
        for chosen in (large, kept, few_enough(small, np.arange(30), signal, 2, 2))
    ]
    # l = 2 from two vectors alone: n (n + 1) / 2 products; 76 channels give 2,926 and 77 give 3,003
    assert sizes == [5050, 5050, 210]
    larger = few_enough(blocks(120), np.arange(30), signal, 2, 2)
    assert len(EquivariantPolynomials(kinds_of(larger), 2, 2, 1)) == 2926 <= REDUCED < MOST < 120 * 121 // 2
    assert kept == large
