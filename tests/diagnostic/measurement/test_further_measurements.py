"""Directions, networks and the full controls in a whole run: they stand in the result, the report and the figures."""

import json
from functools import partial

import numpy as np
import pytest

from spectral_ceilings.diagnostic.backbones.loading import load_backbone
from spectral_ceilings.diagnostic.diagnosis import diagnose
from spectral_ceilings.diagnostic.frames.reading import read_frames
from spectral_ceilings.diagnostic.measurement import full_controls, network_run
from spectral_ceilings.diagnostic.measurement.result import validate
from spectral_ceilings.diagnostic.measurement.settings import DiagnoseSettings
from spectral_ceilings.diagnostic.readouts.polynomial_network_training import NetworkTraining

pytest.importorskip("nequip", reason="the extra 'nequip' is not installed")

SETTINGS = DiagnoseSettings(
    degrees=(2,), l_top=6, frames=120, atoms=(0,), bootstrap=100, rotations=10, readouts=("free", "network"),
    injections=("marked",), directions=("fixed", "radial", "gradient", "solid"), full_controls=True,
)  # fmt: skip


#: What a run's progress told.
TOLD: list[tuple[str, int, int]] = []


def told(what: str, done: int, total: int) -> None:
    TOLD.append((what, done, total))


#: 120 frames, 72 to train on with ten rotations each and 36 held out with five.
TRAINING_USES, HELD_OUT_USES = 720, 180
#: No prediction has an R2 above the square of its correlation with the target. Where the two have nothing to do with each
#: other that correlation has a standard deviation of at most 1 / sqrt(180); four of them.
CHANCE = 16 / HELD_OUT_USES


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory):
    out = tmp_path_factory.mktemp("further") / "run"
    quick = partial(network_run.fit_network_readout, training=NetworkTraining(steps=20, batch=128))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network_run, "fit_network_readout", quick)
        patch.setattr(full_controls, "WIDTHS", (60, 200))
        frames = read_frames("aspirin-xtb")
        result = diagnose(
            frames, load_backbone(), SETTINGS, untrained=False, out=out, command="test", progress=told
        )
    return result, out


def test_the_result_holds_them_and_meets_the_schema(run) -> None:
    result, out = run
    validate(json.loads((out / "result.json").read_text()))
    assert {row["direction"] for row in result["recovery"]} == {"fixed", "radial", "gradient", "solid"}
    assert {row["readout"] for row in result["recovery"]} == {"free", "network"}
    # The verdict is that of the fields of pure grade: a plateau above the ceiling does not count against theory.
    assert [entry["boundary"] for entry in result["verdict"]["per_degree"]] == [4]
    assert "contradicts" not in result["verdict"]["sentence"]


def test_progress_counts_up_to_the_number_of_cells(run) -> None:
    totals = {total for _, _, total in TOLD}
    assert len(totals) == 2  # none is known before the fits start
    assert TOLD[-1] == ("report", max(totals), max(totals))
    counts = [done for _, done, _ in TOLD]
    assert counts == sorted(counts)
    assert max(totals) == len(list((run[1] / "cells").glob("*.safetensors")))


def test_the_plateaus_stand_near_their_predictions(run) -> None:
    result, _ = run
    found = {(row["direction"], row["l"]): row for row in result["plateaus"] if row["scope"] == "atom:0"}
    assert set(found) == {(d, l) for d in ("radial", "solid") for l in range(6)} | {
        ("gradient", l) for l in range(1, 6)
    }
    for (direction, l), row in found.items():
        # 36 held-out frames x 5 orientations: the share of a field's power on one side of the ceiling, a number from 0 to 1
        # whose standard deviation is at most 0.5, averaged over 180 independent turns. Four of them: a false alarm in 10^4.
        scatter = 4 * 0.5 / np.sqrt(HELD_OUT_USES)
        assert -row["noise"] - scatter < row["r2"] - row["folded"] < scatter, (direction, l)
    assert [found["radial", l]["ideal"] for l in (3, 4, 5)] == ["1", "4/9", "5/11"]
    shares = [one["power_elsewhere"] for one in result["checks"]["purity"] if one.get("direction")]
    assert len(shares) == 17
    # Sums over the rotations of a quadrature exact to degree 2 x 6 + 2, about 1,500, of products of order one.
    assert max(shares) < 1500 * np.finfo(float).eps


def test_networks_stand_beside_the_closed_form(run) -> None:
    result, _ = run
    first = result["networks"][0]
    assert (first["atom"], first["name"], first["ceiling"]) == (0, "squares", 4)
    for row in first["rows"]:
        assert (row["reading"] == "not representable") == (row["l"] > 4)
        assert row["closed_form"] is not None
        if row["l"] > 4:
            assert row["r2"] < CHANCE
    names = {entry["name"]: entry["ceiling"] for entry in result["networks"]}
    assert names["SiLU"] is None
    assert names["two layers of squares"] == 8


def test_the_full_controls_say_what_they_show(run) -> None:
    result, out = run
    by_name = {control["name"]: control for control in result["controls"]}
    assert {"shuffled targets", "readout seeds", "width", "activation"} <= set(by_name)
    for row in by_name["shuffled targets"]["rows"]:
        if row["scope"] == "molecule" and row["l"] > 0:
            # Least squares of p coefficients on n uses costs p / (n - p - 1) of the power where there is nothing to find.
            cost = row["coefficients"] / (TRAINING_USES - row["coefficients"] - 1)
            assert -cost < row["r2"] < CHANCE
    page = (out / "report.html").read_text()
    for words in ("Fields with a direction of their own", "Trained networks", "Shuffled targets"):
        assert words in page
    assert (out / "figures" / "plateaus.png").stat().st_size > 10_000
