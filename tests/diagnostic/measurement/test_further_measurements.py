"""Directions, networks and the full controls in a whole run: they stand in the result, the report and the figures."""

import json
from functools import partial

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


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory):
    out = tmp_path_factory.mktemp("further") / "run"
    quick = partial(network_run.fit_network_readout, training=NetworkTraining(steps=20, batch=128))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network_run, "fit_network_readout", quick)
        patch.setattr(full_controls, "WIDTHS", (60, 200))
        result = diagnose(read_frames("aspirin-xtb"), load_backbone(), SETTINGS, out=out, command="test")
    return result, out


def test_the_result_holds_them_and_meets_the_schema(run) -> None:
    result, out = run
    validate(json.loads((out / "result.json").read_text()))
    assert {row["direction"] for row in result["recovery"]} == {"fixed", "radial", "gradient", "solid"}
    assert {row["readout"] for row in result["recovery"]} == {"free", "network"}
    # The verdict is that of the fields of pure grade: a plateau above the ceiling does not count against theory.
    assert [entry["boundary"] for entry in result["verdict"]["per_degree"]] == [4]
    assert "contradicts" not in result["verdict"]["sentence"]


def test_the_plateaus_stand_near_their_predictions(run) -> None:
    result, _ = run
    found = {(row["direction"], row["l"]): row for row in result["plateaus"] if row["scope"] == "atom:0"}
    assert set(found) == {(d, l) for d in ("radial", "solid") for l in range(6)} | {
        ("gradient", l) for l in range(1, 6)
    }
    for (direction, l), row in found.items():
        # 36 held-out frames x 5 orientations: directions of 180 independent turns, 0.5 / sqrt(180) = 0.04, twice that.
        assert -row["noise"] - 0.08 < row["r2"] - row["folded"] < 0.08, (direction, l)
    assert [found["radial", l]["ideal"] for l in (3, 4, 5)] == ["1", "4/9", "5/11"]
    shares = [one["power_elsewhere"] for one in result["checks"]["purity"] if one.get("direction")]
    assert len(shares) == 17
    assert max(shares) < 1e-12


def test_networks_stand_beside_the_closed_form(run) -> None:
    result, _ = run
    first = result["networks"][0]
    assert (first["atom"], first["name"], first["ceiling"]) == (0, "squares", 4)
    for row in first["rows"]:
        assert (row["reading"] == "not representable") == (row["l"] > 4)
        assert row["closed_form"] is not None
        if row["l"] > 4:
            assert row["r2"] < 0.1
    names = {entry["name"]: entry["ceiling"] for entry in result["networks"]}
    assert names["SiLU"] is None
    assert names["two layers of squares"] == 8


def test_the_full_controls_say_what_they_show(run) -> None:
    result, out = run
    by_name = {control["name"]: control for control in result["controls"]}
    assert {"shuffled targets", "readout seeds", "width", "activation"} <= set(by_name)
    for row in by_name["shuffled targets"]["rows"]:
        if row["scope"] == "molecule" and row["l"] > 0:
            # 180 held-out uses: a fit to nothing of up to 231 coefficients on 720 uses, held down by the ridge.
            assert abs(row["r2"]) < 0.1
    page = (out / "report.html").read_text()
    for words in ("Fields with a direction of their own", "Trained networks", "Shuffled targets"):
        assert words in page
    assert (out / "figures" / "plateaus.png").stat().st_size > 10_000
