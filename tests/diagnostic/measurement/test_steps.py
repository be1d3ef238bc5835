"""The five steps of a diagnosis one by one: what leaves one enters the next, and can be saved in between."""

import pickle
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from spectral_ceilings.diagnostic.backbones.backbone import BackboneInfo
from spectral_ceilings.diagnostic.backbones.nequip_model import NequIPBackbone, NequIPSettings, build_nequip
from spectral_ceilings.diagnostic.diagnosis import diagnose
from spectral_ceilings.diagnostic.frames.reading import read_frames
from spectral_ceilings.diagnostic.measurement import full_controls, network_run
from spectral_ceilings.diagnostic.measurement.assembling import assemble, places
from spectral_ceilings.diagnostic.measurement.checking import check
from spectral_ceilings.diagnostic.measurement.measuring import measure
from spectral_ceilings.diagnostic.measurement.preparing import prepare
from spectral_ceilings.diagnostic.measurement.progress import RunProgress
from spectral_ceilings.diagnostic.measurement.settings import DiagnoseSettings
from spectral_ceilings.diagnostic.measurement.sources import BackboneOutputs
from spectral_ceilings.diagnostic.readouts.polynomial_network_training import NetworkTraining
from spectral_ceilings.theory import Ceiling

pytest.importorskip("nequip", reason="the extra 'nequip' is not installed")

SETTINGS = DiagnoseSettings(
    degrees=(1, 2),
    l_top=3,
    atoms=(2, 15),
    frames=100,
    bootstrap=100,
    rotations=5,
    injections=("marked", "density"),
)


def small() -> NequIPBackbone:
    settings = NequIPSettings(("H", "C", "O"), l_max=1, num_layers=2, num_features=4, avg_num_neighbors=12.0)
    info = BackboneInfo("small", "nequip", trained=False)
    return NequIPBackbone(build_nequip(settings), settings.type_names, settings.r_max, info)


@pytest.fixture(scope="module")
def steps() -> dict[str, Any]:
    """The steps by hand, each given what the one before left after a round through bytes."""
    frames, backbone, progress = read_frames("aspirin-xtb"), small(), RunProgress()
    checked = pickle.loads(pickle.dumps(check(frames, backbone, SETTINGS)))
    outputs = BackboneOutputs(backbone, checked.sample, checked.layer, progress)
    prepared = pickle.loads(pickle.dumps(prepare(checked, outputs)))
    measured = pickle.loads(pickle.dumps(measure(checked, prepared, outputs, progress=progress)))
    result = assemble(checked, prepared, measured, command="test", seconds=progress.seconds, depiction={})
    return {"checked": checked, "measured": measured, "result": result, "progress": progress}


def test_the_steps_by_hand_give_what_diagnose_gives(steps: dict[str, Any]) -> None:
    whole = diagnose(read_frames("aspirin-xtb"), small(), SETTINGS, untrained=False)
    for name in set(whole) - {"command", "timings_s", "data", "structures"}:
        assert steps["result"][name] == whole[name], name
    assert {**steps["result"]["data"], "depiction": None} == {**whole["data"], "depiction": None}
    assert np.array_equal(whole["structures"][0]["positions"], steps["checked"].sample.reference)


def test_every_table_knows_where_its_rows_stand(steps: dict[str, Any]) -> None:
    """A copied row keeps its p-value and its place: nothing is looked up by the identity of an object."""
    result = steps["result"]
    stand = {"recovery": result["recovery"]}
    stand |= {f"controls[{k}].rows": control["rows"] for k, control in enumerate(result["controls"])}
    tables = places(steps["measured"])
    assert set(tables) == {place for place, rows in stand.items() if rows}
    for place, of_place in tables.items():
        assert [row for table in of_place for row in table.rows] == stand[place]
    tested = {(t["injection"], t["readout"], t["degree"], t["l"]) for t in result["statistics"]["null"]}
    assert {("marked", "free", degree, l) for degree in (1, 2) for l in (1, 2, 3)} <= tested


def test_progress_knows_the_number_of_cells_without_a_run_directory(steps: dict[str, Any]) -> None:
    # Two atoms at two degrees, two elements at two degrees, two controls of two atoms each.
    assert steps["progress"].done == steps["progress"].total == 4 + 4 + 4


def test_the_ceiling_stands_in_one_place(steps: dict[str, Any]) -> None:
    assert steps["checked"].ceiling(2) == Ceiling(2, 1)
    boundaries = {table.ceiling.degree: table.ceiling.boundary for table in steps["measured"].tables}
    assert boundaries == {1: 1, 2: 2}
    assert {entry["degree"]: entry["boundary"] for entry in steps["result"]["cliff_ratios"]} == boundaries


def test_the_cliff_ratio_of_a_run_is_that_of_its_rows(steps: dict[str, Any]) -> None:
    rows = {(r["readout"], r["degree"], r["l"]): r["rho"] for r in steps["measured"].tables[0].molecule()}
    for entry in steps["result"]["cliff_ratios"]:
        if entry["readout"] == "equivariant":
            assert (entry["kind"], entry["value"]) == ("no path", None)
        elif entry["degree"] == 1:
            below, above = rows["free", 1, 1], rows["free", 1, 2]
            if min(below, above) <= 0:
                assert entry["kind"] == "no ratio"
            else:
                assert entry["value"] == pytest.approx(below / above, rel=1e-12)


def test_full_controls_of_the_density_injection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer atoms are controlled than were measured, and each network is trained once."""
    trained = []

    def quick(*given: Any, **more: Any) -> Any:
        trained.append(given[1])
        return fit(*given, **more)

    fit = partial(network_run.fit_network_readout, training=NetworkTraining(steps=5, batch=64))
    monkeypatch.setattr(network_run, "fit_network_readout", quick)
    monkeypatch.setattr(full_controls, "WIDTHS", (40,))
    settings = replace(
        SETTINGS, degrees=(2,), injections=("density",), readouts=("free", "network"), atoms=(0, 2, 15),
        network_atoms=(2,), full_controls=True,
    )  # fmt: skip
    result = diagnose(read_frames("aspirin-xtb"), small(), settings, untrained=False)
    controls = {control["name"]: control for control in result["controls"]}
    scopes = {row["scope"] for row in controls["shuffled targets"]["rows"]}
    assert scopes == {"molecule", "element:O", "atom:2"}
    assert all(
        "atom 2" in controls[name]["sentence"] for name in ("shuffled targets", "readout seeds", "width")
    )
    assert len(trained) == len(set(trained)) == len(result["networks"])
    # Of the whole run the controlled atom keeps its own cell: the same fit, to the last digit.
    ours = [row["r2"] for row in result["recovery"] if row["scope"] == "atom:2" and row["readout"] == "free"]
    assert len(ours) == 4
    assert np.isfinite(ours).all()
