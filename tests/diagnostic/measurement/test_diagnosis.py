"""The main job, end to end, on the embedded frames and backbone: few atoms and frames, the whole protocol."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typed_results import departures

from spectral_ceilings.diagnostic.backbones.backbone import BackboneInfo
from spectral_ceilings.diagnostic.backbones.features import Features
from spectral_ceilings.diagnostic.backbones.loading import load_backbone
from spectral_ceilings.diagnostic.backbones.nequip_model import NequIPBackbone, NequIPSettings, build_nequip
from spectral_ceilings.diagnostic.diagnosis import diagnose
from spectral_ceilings.diagnostic.frames.reading import read_frames
from spectral_ceilings.diagnostic.measurement.arrange import arrange
from spectral_ceilings.diagnostic.measurement.network_run import main_kind
from spectral_ceilings.diagnostic.measurement.result import validate
from spectral_ceilings.diagnostic.measurement.result_types import DiagnosisResult
from spectral_ceilings.diagnostic.measurement.settings import DiagnoseSettings
from spectral_ceilings.diagnostic.report.result_object import Diagnosis
from spectral_ceilings.theory import InputError, readout_multiplicities

pytest.importorskip("nequip", reason="the extra 'nequip' is not installed")

# A methyl carbon, a carbonyl oxygen and a hydrogen of the ring.
SETTINGS = DiagnoseSettings(degrees=(1, 2), l_top=6, frames=300, atoms=(0, 2, 15), bootstrap=200)


@pytest.fixture(scope="module")
def frames():
    return read_frames("aspirin-xtb")


@pytest.fixture(scope="module")
def backbone() -> NequIPBackbone:
    return load_backbone()


@pytest.fixture(scope="module")
def run(frames, backbone, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    out = tmp_path_factory.mktemp("diagnose") / "run"
    result = diagnose(
        frames,
        backbone,
        SETTINGS,
        out=out,
        command="test",
    )
    return result, out


def rows(result: dict[str, Any], **fields: Any) -> dict[int, dict[str, Any]]:
    return {r["l"]: r for r in result["recovery"] if all(r[k] == v for k, v in fields.items())}


def test_the_free_readout_recovers_up_to_the_ceiling_and_nothing_above(run) -> None:
    result, _ = run
    for degree in (1, 2):
        for scope in ("molecule", "atom:0", "atom:2", "atom:15"):
            for l, row in rows(result, readout="free", degree=degree, scope=scope).items():
                if l <= 2 * degree:
                    assert row["verdict"] == "recovered", (degree, scope, l)
                    assert row["r2"] > 0.5
                else:
                    assert row["verdict"] == "not recovered", (degree, scope, l)
                    # 90 held-out frames x 5 orientations x 2l+1 polarisations: a null R2 stays within a per cent.
                    assert abs(row["r2"]) < 0.01
                    assert row["r2_low"] <= 0.001
                assert row["predicted"] == (1.0 if l <= 2 * degree else 0.0)
    assert result["verdict"]["held"]
    assert [v["boundary"] for v in result["verdict"]["per_degree"]] == [2, 4]


def test_the_equivariant_readout_has_no_path_above_and_the_exact_number_of_coefficients(run) -> None:
    result, _ = run
    exact = readout_multiplicities(result["model"]["irreps"], 2)
    for injection in ("marked", "density"):
        for l, row in rows(
            result, readout="equivariant", degree=2, injection=injection, scope="molecule"
        ).items():
            if l <= 4:
                assert row["coefficients"] == exact[(l, (-1) ** l)]
                assert row["r2"] > 0.8
            else:
                assert row["verdict"] == "no path"
                assert row["r2"] is None
                assert row["coefficients"] is None


def test_controls_show_what_they_are_for(run) -> None:
    result, _ = run
    controls = {c["name"]: c for c in result["controls"]}
    assert set(controls) == {"untrained", "no random rotations", "zero injection"}
    for control in controls.values():
        assert control["sentence"].endswith(".")
    untrained = {r["l"]: r["r2"] for r in controls["untrained"]["rows"] if r["scope"] == "molecule"}
    assert untrained[4] > 0.5
    assert abs(untrained[5]) < 0.02
    stored = {r["l"]: r["r2"] for r in controls["no random rotations"]["rows"] if r["scope"] == "molecule"}
    assert stored[5] > 0.3  # the cliff vanishes on frames that hardly rotate


def test_the_checks_are_in_the_result(run) -> None:
    result, _ = run
    assert result["checks"]["equivariance_error"] < 1e-12
    assert max(row["power_elsewhere"] for row in result["checks"]["purity"]) < 1e-12
    assert {row["injection"] for row in result["checks"]["purity"]} == {"marked", "density"}


def test_the_run_directory_is_complete_and_valid(run) -> None:
    result, out = run
    on_disk = json.loads((out / "result.json").read_text())
    validate(on_disk)
    assert not list(departures(on_disk, DiagnosisResult))
    assert on_disk["recovery"] == json.loads(json.dumps(result["recovery"]))
    assert Diagnosis.load(out) == result
    assert isinstance(result, Diagnosis)
    with (out / "recovery.csv").open(newline="") as stream:
        table = list(csv.DictReader(stream))
    assert len(table) == len(result["recovery"])
    assert [float(r["r2"]) if r["r2"] else None for r in table] == [r["r2"] for r in result["recovery"]]
    assert (out / "figures" / "cliff.png").stat().st_size > 10_000
    assert (out / "figures" / "cliff.svg").exists()
    page = (out / "report.html").read_text()
    assert "no path" in page
    assert str(out.parent) not in page


def test_resuming_gives_the_same_numbers_without_fitting_again(run, frames, backbone, monkeypatch) -> None:
    result, out = run

    def refuse(*_: object) -> None:
        raise AssertionError("a finished cell was computed again")

    monkeypatch.setattr("spectral_ceilings.diagnostic.measurement.measurement.fit_free", refuse)
    monkeypatch.setattr("spectral_ceilings.diagnostic.measurement.measurement.equivariant_tasks", refuse)
    again = diagnose(
        frames,
        backbone,
        SETTINGS,
        out=out,
        resume=True,
        command="test",
    )
    for key in ("recovery", "controls", "verdict", "ceiling"):
        assert again[key] == result[key]


def test_an_existing_run_is_never_overwritten(run, frames, backbone) -> None:
    _, out = run
    before = (out / "result.json").read_bytes()
    with pytest.raises(InputError, match="exists already"):
        diagnose(frames, backbone, SETTINGS, out=out)
    with pytest.raises(InputError, match="seed"):
        diagnose(frames, backbone, replace(SETTINGS, seed=1), out=out, resume=True)
    assert (out / "result.json").read_bytes() == before


def test_the_held_out_frames_are_those_held_out_of_training(frames, backbone) -> None:
    assert backbone.info.training is not None
    record = backbone.info.training["split"]
    data = arrange(frames, backbone, DiagnoseSettings())
    assert data.split.counts() == {name: len(part) for name, part in record.items()}
    assert np.array_equal(data.frames.positions[data.split.held_out], frames.positions[record["held_out"]])
    few = arrange(frames, backbone, DiagnoseSettings(frames=100))
    kept = {p.tobytes() for p in few.frames.positions[few.split.held_out]}
    assert kept <= {p.tobytes() for p in frames.positions[record["held_out"]]}
    assert sum(few.split.counts().values()) == len(few.frames) == 100


def test_the_fewest_frames_that_a_refusal_names_are_enough(frames, backbone) -> None:
    for data, asked in ((frames, 40), (frames.select(range(150)), 70)):
        with pytest.raises(
            InputError, match=rf"frames is {asked}, expected at least \d+ of these"
        ) as refusal:
            arrange(data, backbone, DiagnoseSettings(frames=asked))
        least = int(str(refusal.value).split("at least ")[1].split()[0])
        split = arrange(data, backbone, DiagnoseSettings(frames=least)).split
        assert len(split.held_out) >= 20
        assert len(split.training) >= 30
        assert len(split.validation) >= 5
    with pytest.raises(
        InputError, match="held-out frames are too few, expected at least 20; give more frames"
    ):
        arrange(frames.select(range(50)), backbone, DiagnoseSettings())


def test_held_out_frames_of_their_own_are_all_held_out(frames, backbone) -> None:
    one, other = frames.select(range(100)), frames.select(range(500, 560))
    data = arrange(one, backbone, DiagnoseSettings(), held_out=other)
    assert np.array_equal(data.frames.positions[data.split.held_out], other.positions)
    assert len(data.split.training) + len(data.split.validation) == 100
    shuffled = replace(other, numbers=other.numbers[::-1].copy(), positions=other.positions[:, ::-1].copy())
    with pytest.raises(InputError, match="same atom order"):
        arrange(one, backbone, DiagnoseSettings(), held_out=shuffled)
    with pytest.raises(InputError, match="5 of the 60 held-out frames of aspirin-xtb are in aspirin-xtb too"):
        arrange(one, backbone, DiagnoseSettings(), held_out=frames.select(range(95, 155)))


def test_held_out_frames_that_the_backbone_was_trained_on_are_named(frames, backbone) -> None:
    ours = frames.select(range(100))
    data = arrange(
        replace(ours, sha256="0" * 64), backbone, DiagnoseSettings(), held_out=frames.select(range(500, 560))
    )
    assert "the backbone was trained on some of them" in data.note


def test_wrong_requests_are_refused_before_any_work(frames, backbone, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with pytest.raises(InputError, match="layer 'layer2' carries scalars"):
        diagnose(frames, backbone, replace(SETTINGS, layer="layer2"), out=out)
    with pytest.raises(InputError, match="atom 21 is not in the molecule"):
        diagnose(frames, backbone, replace(SETTINGS, atoms=(0, 21)), out=out)
    with pytest.raises(InputError, match="too few"):
        diagnose(frames.select(range(40)), backbone, SETTINGS, out=out)
    assert not out.exists()


def test_an_atom_without_neighbours_is_left_out(frames) -> None:
    """An argon-like bystander 40 Å away: no direction at it, by any injection."""
    away = frames.positions[:, :1] + np.array([40.0, 0.0, 0.0])
    more = replace(
        frames,
        numbers=np.append(frames.numbers, 1),
        positions=np.concatenate([frames.positions, away], axis=1),
        forces=np.concatenate([frames.forces, np.zeros_like(away)], axis=1),
    )
    settings = DiagnoseSettings(
        degrees=(1,), l_top=2, atoms=(13, 21), frames=100, bootstrap=100, controls=False
    )
    result = diagnose(more, untrained(l_max=1), settings)
    assert {row["scope"] for row in result["recovery"]} >= {"molecule", "atom:13"}
    assert not rows(result, scope="atom:21")
    for injections in (("marked",), ("marked", "density")):
        with pytest.raises(InputError, match="no atom asked for has a neighbour"):
            diagnose(more, untrained(l_max=1), replace(settings, atoms=(21,), injections=injections))


def test_features_finer_than_every_injection(frames) -> None:
    """The highest l injected and the l_max of the features are independent of each other."""
    model = untrained(l_max=4)
    settings = DiagnoseSettings(degrees=(1,), l_top=2, atoms=(2,), frames=400, bootstrap=100, controls=False)
    result = diagnose(frames, model, settings)
    verdicts = [row["verdict"] for row in rows(result, readout="free", scope="molecule").values()]
    assert verdicts == ["recovered"] * 3
    assert (result["verdict"]["held"], result["verdict"]["outcome"]) == (None, "nothing tested")
    assert "recovers every l up to 2; its ceiling 4 was not reached" in result["verdict"]["sentence"]


def test_the_untrained_control_can_be_left_out_or_built_by_the_caller(frames) -> None:
    settings = DiagnoseSettings(degrees=(1,), l_top=2, atoms=(2,), frames=100, bootstrap=100, rotations=5)
    settings = replace(settings, readouts=("free",), injections=("marked",))
    seeds = []

    def build(seed: int) -> NequIPBackbone:
        seeds.append(seed)
        return untrained(l_max=1)

    built = diagnose(frames, untrained(l_max=1), settings, untrained=build)
    assert built["controls"][0]["name"] == "untrained"
    assert seeds == [settings.seed + 1]
    left_out = diagnose(frames, untrained(l_max=1), settings, untrained=False)
    assert [control["name"] for control in left_out["controls"]] == ["no random rotations", "zero injection"]


def test_degrees_above_three_are_judged_and_named(frames) -> None:
    settings = DiagnoseSettings(
        degrees=(4, 5), l_top=6, atoms=(2,), frames=200, bootstrap=100, controls=False
    )
    settings = replace(settings, injections=("marked",), readouts=("free",))
    result = diagnose(frames, untrained(l_max=1), settings)
    assert [(one["degree"], one["boundary"]) for one in result["verdict"]["per_degree"]] == [(4, 4), (5, 5)]
    assert [one["sentence"].split()[1] for one in result["verdict"]["per_degree"]] == ["quartic", "degree-5"]
    names = [main_kind(degree).name for degree in (1, 2, 3, 4, 12)]
    assert names == ["linear", "squares", "cubes", "4th powers", "12th powers"]


def test_a_free_readout_of_too_many_coefficients_is_refused_before_any_work(frames, monkeypatch) -> None:
    model = untrained(l_max=4)
    monkeypatch.setattr(model, "features", lambda *_: pytest.fail("the network was run"))
    with pytest.raises(InputError, match="a free readout of degree 3 of these features has at least 3276"):
        diagnose(frames, model, DiagnoseSettings(degrees=(1, 3), coefficients=1400))


def untrained(**architecture: Any) -> NequIPBackbone:
    settings = NequIPSettings(
        ("H", "C", "O"), num_layers=2, num_features=4, avg_num_neighbors=12.0, **architecture
    )
    info = BackboneInfo("untrained", "nequip", trained=False)
    return NequIPBackbone(build_nequip(settings), settings.type_names, settings.r_max, info)


def test_features_that_are_not_equivariant_are_refused(frames, backbone) -> None:
    class Broken(NequIPBackbone):
        def features(self, frames, layer: str) -> Features:
            true = super().features(frames, layer)
            return replace(true, values=true.values + 0.1 * frames.positions[:, :, :1])

    broken = Broken(backbone._model, ("H", "C", "O"), 5.0, backbone.info)
    with pytest.raises(InputError, match="miss equivariance"):
        diagnose(frames, broken, SETTINGS)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"degrees": (13,)}, "degree is 13"),
        ({"degrees": (4,), "readouts": ("equivariant",)}, "goes up to degree 3"),
        ({"coefficients": 0}, "coefficients is 0"),
        ({"degrees": ()}, "no degree"),
        ({"degrees": (2, 2)}, "at most once"),
        ({"injections": ("sideways",)}, "'sideways'"),
        ({"readouts": ("magic",)}, "'magic'"),
        ({"l_top": -1}, "l_top is -1"),
        ({"strength": 0.0}, "strength is 0.0"),
        ({"bootstrap": 3}, "bootstrap is 3"),
    ],
)
def test_settings_are_checked(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        DiagnoseSettings(**wrong)
