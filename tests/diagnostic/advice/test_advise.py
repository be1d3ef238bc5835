"""The whole advice: known answers, invariances, the schema, and the page."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator
from scipy.spatial.transform import Rotation

from spectral_ceilings.diagnostic import (
    AdviceResult,
    AdviceSettings,
    Frames,
    advise_data,
    read_frames,
    structures_from_ase,
)
from spectral_ceilings.diagnostic.advice.planted import KINDS, planted_forces
from spectral_ceilings.diagnostic.advice.report import render_advice, write_advice
from spectral_ceilings.diagnostic.advice.sample import deal, take_sample
from spectral_ceilings.theory import InputError

from known_error import KnownError

FRAMES = read_frames("ethanol-xtb").select(slice(0, 200))
#: Few channels and degrees: seconds.
SMALL = AdviceSettings(l_max=1, top=3, channels=3, radial=6, cutoff=3.5, null=5, structures=120)


@pytest.fixture(scope="module")
def need() -> AdviceResult:
    return advise_data(FRAMES, None, SMALL)


def numbers(result: AdviceResult) -> list[float]:
    return [row[name] for row in result["knobs"] for name in ("gain", "unique", "low", "high")]


def test_the_result_keeps_its_schema_and_comes_back_from_its_file(need: AdviceResult, tmp_path: Path) -> None:
    path = need.save(tmp_path / "advice.json")
    assert AdviceResult.load(path) == need
    assert need["question"] == "need"
    assert need["model"] is None
    assert need["forces_need"] == []
    assert need["choice"]["l_max"] in (0, 1, 2, None)
    assert [row["l"] for row in need["need"]] == [0, 1, 2, 3]
    assert {row["element"] for row in need["elements"]} == {"H", "C", "O"}
    assert len(need["atoms"]) == 9
    assert [knob.knob for knob in need.knobs] == ["degree", "radial", "order", "cutoff"]
    assert need.verdict == need["verdict"]["knob"]
    assert need.held is None


def test_shares_are_in_order(need: AdviceResult) -> None:
    together = need["together"]
    for row in need["knobs"]:
        assert row["low"] <= row["gain"] <= row["high"]
        assert row["unique_low"] <= row["unique"] <= row["unique_high"]
        # what a knob adds last is in what all add; a fit of more columns may lose a little on held-out structures
        assert row["unique"] <= together["gain"] + 0.05
        assert row["of_target"] == pytest.approx(row["gain"] * need["target"]["base_left"])
    assert together["gain"] > 0.2  # an order-2 base with l <= 1 is a poor model of ethanol
    left = [point["left"] for point in need["need"]]
    assert left[1] < left[0]
    assert need["target"]["base_left"] == pytest.approx(
        left[1], rel=1e-9
    )  # the base is the curve's point at L


def changed(turn: np.ndarray, order: np.ndarray, scale: float) -> Frames:
    return replace(
        FRAMES, numbers=FRAMES.numbers[order], positions=FRAMES.positions[:, order] @ turn.T,
        forces=scale * FRAMES.forces[:, order] @ turn.T, energies=None,
    )  # fmt: skip


@pytest.mark.parametrize("what", ["rotation", "permutation", "units"])
def test_the_verdict_does_not_depend_on_axes_order_or_units_of_the_forces(
    need: AdviceResult, what: str
) -> None:
    turn = Rotation.random(random_state=3).as_matrix() if what == "rotation" else np.eye(3)
    order = np.random.default_rng(0).permutation(9) if what == "permutation" else np.arange(9)
    scale = 23.0605 if what == "units" else 1.0  # eV -> kcal/mol: the shares have no unit
    again = advise_data(changed(turn, order, scale), None, replace(SMALL, accuracy=scale * SMALL.accuracy))
    assert again["verdict"]["knob"] == need["verdict"]["knob"]
    # normal equations with a ridge of 1e-8 lose half of the 16 digits
    assert np.allclose(numbers(again), numbers(need), rtol=0, atol=1e-5)
    assert again["target"]["rms_eV_A"] == pytest.approx(scale * need["target"]["rms_eV_A"])


def test_more_structures_narrow_the_interval() -> None:
    """Of a planted limit, whose shares do not depend on the number of frames much: the width falls."""
    frames = read_frames("ethanol-xtb")
    few, many = (
        advise_data(frames, None, replace(SMALL, structures=count, seed=1))["knobs"] for count in (60, 400)
    )
    width = [np.mean([row["high"] - row["low"] for row in rows]) for rows in (few, many)]
    assert width[1] < width[0]


@pytest.mark.parametrize("kind", KINDS)
def test_the_error_of_a_model_names_what_was_planted(kind: str) -> None:
    structures = FRAMES.to_ase()
    errors = planted_forces(structures, kind, 3.5, seed=1).reshape(FRAMES.forces.shape)  # type: ignore[arg-type]
    model = KnownError(FRAMES, errors)
    result = advise_data(FRAMES, model, AdviceSettings(null=5, channels=6, top=5, structures=200))
    assert result["question"] == "limit"
    assert result["basis"]["l_max"] == 2  # of the model's layer
    assert result["basis"]["cutoff"] == 3.5
    assert result["model"]["force_rms_eV_A"] == pytest.approx(1.0)
    assert result["choice"] is None
    of_forces = result["forces_need"]
    assert [point["l"] for point in of_forces] == list(range(6))
    assert (
        of_forces[2]["left"] < of_forces[0]["left"] < 1
    )  # of the real forces of ethanol, whatever was planted
    expected = "none" if kind == "noise" else kind
    assert result.verdict in (expected, "undecided")
    if kind in ("degree", "order", "cutoff", "noise"):
        assert result.verdict == expected
        if kind != "noise":
            assert "this model's squared force error" in result.sentence


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "noise"])
def test_planted_forces_are_the_derivative_of_an_energy(kind: str) -> None:
    """The Hessian of an energy is symmetric; noise has none."""
    atoms = FRAMES.to_ase()[0]
    step, pairs = 1e-4, ((0, 10), (4, 20), (7, 26))
    scale = None

    def forces(shift: np.ndarray) -> np.ndarray:
        moved = atoms.copy()
        moved.positions = atoms.positions + shift.reshape(-1, 3)
        # one scale for all: forces of the first structure of a pair are what is scaled by
        both = planted_forces([atoms, moved], kind, 3.5, seed=0)  # type: ignore[arg-type]
        nonlocal scale
        reference = np.abs(both[: len(atoms)]).max()
        return both[len(atoms) :].ravel() / reference

    for i, j in pairs:
        unit = np.eye(27)
        by_i = (forces(step * unit[i]) - forces(-step * unit[i])) / (2 * step)
        by_j = (forces(step * unit[j]) - forces(-step * unit[j])) / (2 * step)
        # central differences: step squared times third derivatives, some 1e3 in these units
        assert by_i[j] == pytest.approx(by_j[i], rel=0, abs=1e-4)
    assert np.abs(planted_forces([atoms], kind, 3.5, 0).sum(axis=0)).max() < 1e-10  # type: ignore[arg-type]


def test_planted_forces_need_neighbours_and_a_known_kind() -> None:
    far = FRAMES.to_ase()[0]
    far.positions *= 100
    with pytest.raises(InputError, match="no pair of atoms is near enough"):
        planted_forces([far], "degree", 3.5, 0)
    with pytest.raises(InputError, match="kind is 'spin', expected one of degree"):
        planted_forces([far], "spin", 3.5, 0)  # type: ignore[arg-type]


def test_a_run_directory_has_table_figures_and_page(need: AdviceResult, tmp_path: Path) -> None:
    paths = write_advice(need, tmp_path, "ceilings advise --data ethanol-xtb")
    assert all(path.exists() for path in paths)
    assert json.loads((tmp_path / "advice.json").read_text())["verdict"] == need["verdict"]
    lines = (tmp_path / "advice.csv").read_text().splitlines()
    assert lines[0].startswith("knob,gain,low,high,unique")
    assert [line.split(",")[0] for line in lines[1:]] == ["degree", "radial", "order", "cutoff"]
    page = (tmp_path / "report.html").read_text()
    assert "What the forces of C₂H₆O need" in page
    assert "ceilings advise --data ethanol-xtb" in page
    assert "the RMS error" in page  # of the choice
    for name in ("advice.png", "advice.svg", "advice-dark.png", "advice-narrow.png"):
        assert (tmp_path / "figures" / name).stat().st_size > 1000


def test_the_page_of_a_model_has_its_ceilings_and_costs() -> None:
    from spectral_ceilings.diagnostic import load_backbone

    frames = read_frames("aspirin-xtb").select(slice(0, 200))
    model = load_backbone("aspirin-rmd17-l1")
    result = advise_data(frames, model, AdviceSettings(channels=2, top=2, radial=4, null=3, structures=40))
    network = result["network"]
    assert network["of"] == "this NequIP"
    assert {row["knob"] for row in network["costs"]} == {"degree", "radial", "order", "cutoff"}
    assert all(row["factor"] >= 1 for row in network["costs"])
    assert any(
        row["name"].startswith("readout of degree 2") and row["ceiling"] == 2 for row in network["ceilings"]
    )
    page = render_advice(result)
    assert "Ceilings of the layers" in page
    assert "What a knob costs" in page


def test_a_model_without_forces_is_one_sentence() -> None:
    model = KnownError(FRAMES, 0 * FRAMES.forces)
    type(model).has_forces = property(lambda self: False)  # type: ignore[assignment,method-assign]
    try:
        with pytest.raises(InputError, match="gives no forces"):
            advise_data(FRAMES, model, SMALL)
    finally:
        del type(model).has_forces


def test_an_element_that_no_held_out_structure_has_is_left_out_of_the_table() -> None:
    """One of sixty structures holds argon, and it trains."""
    images = read_frames("ethanol-xtb").select(slice(0, 60)).to_ase()
    for k in range(60):
        rare = images[k].copy()
        rare.numbers[0] = 18
        rare.calc = SinglePointCalculator(rare, energy=0.0, forces=images[k].get_forces())
        mixed = structures_from_ase([*images[:k], rare, *images[k + 1 :]])
        sample = take_sample(mixed, None, SMALL)
        if deal(sample, SMALL.seed).part[k] == "first":
            break
    result = advise_data(mixed, None, replace(SMALL, channels=2))
    assert {row["element"] for row in result["elements"]} == {"H", "C", "O"}
    assert "Ar" in result["basis"]["elements"]
