"""The diagnosis that runs the network on every turned frame: laws, verdicts where no theorem binds, a run taken up again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from neighbour_harmonics import NeighbourHarmonics
from result_laws import check_result
from typed_results import departures
from user_models import grid

from spectral_ceilings.diagnostic import (
    DiagnoseSettings,
    Frames,
    compare,
    diagnose,
    from_callable,
    intervals,
    read_frames,
)
from spectral_ceilings.diagnostic.backbones.backbone import BackboneInfo
from spectral_ceilings.diagnostic.backbones.features import Layer
from spectral_ceilings.diagnostic.backbones.loading import load_backbone
from spectral_ceilings.diagnostic.frames.marks import marked_neighbours
from spectral_ceilings.diagnostic.frames.splits import split_frames
from spectral_ceilings.diagnostic.injection.fields import l_slice
from spectral_ceilings.diagnostic.injection.orientations import Orientations
from spectral_ceilings.diagnostic.measurement.result import validate
from spectral_ceilings.diagnostic.measurement.result_types import DiagnosisResult, RecoveryRow
from spectral_ceilings.diagnostic.measurement.tables import RecoveryTable
from spectral_ceilings.diagnostic.measurement.turned_reduction import Needs, principal_components
from spectral_ceilings.diagnostic.measurement.turned_verdict import (
    approximate_degree,
    approximate_verdict,
    leaks,
)
from spectral_ceilings.diagnostic.measurement.verdict import judge
from spectral_ceilings.diagnostic.readouts.lab_inputs import LabInputs
from spectral_ceilings.diagnostic.readouts.network import LabFeatures, fit_network_readout
from spectral_ceilings.diagnostic.readouts.polynomial_network_training import NetworkTraining
from spectral_ceilings.diagnostic.report.result_object import Diagnosis
from spectral_ceilings.numerics import real_harmonics
from spectral_ceilings.theory import Ceiling, InputError

FRAMES = read_frames("aspirin-xtb").select(np.arange(0, 1000, 5))
#: Marked neighbours by atom.
MARKS = {m.atom: m.neighbour for m in marked_neighbours(FRAMES) if m.neighbour is not None}
ATOM = 2
SETTINGS = DiagnoseSettings(
    degrees=(1, 2), l_top=4, atoms=(ATOM,), bootstrap=100, turned=True, rotations=8, controls=False, injections=("marked",)
)  # fmt: skip


def directions(frames: Frames) -> np.ndarray:
    """Unit vectors from every atom to its mark, ``(frames, atoms, 3)``; zero where it has none."""
    out = np.zeros_like(frames.positions)
    for atom, neighbour in MARKS.items():
        out[:, atom] = frames.positions[:, neighbour] - frames.positions[:, atom]
        out[:, atom] /= np.linalg.norm(out[:, atom], axis=-1, keepdims=True)
    return out


def molecule(result: Any, degree: int) -> dict[int, float]:
    rows = [
        row for row in result["recovery"] if row["scope"] == "molecule" and row["degree"] == degree and row["readout"] == "free"
    ]  # fmt: skip
    return {row["l"]: row["r2"] for row in rows}


# -------------------- laws


@pytest.mark.parametrize("model", ["harmonics", "nequip"])
def test_an_equivariant_model_has_the_same_numbers_both_ways(model: str) -> None:
    if model == "nequip":
        pytest.importorskip("nequip", reason="the extra 'nequip' is not installed")
    backbone = NeighbourHarmonics() if model == "harmonics" else load_backbone("aspirin-xtb-l2")
    frames = FRAMES.select(np.arange(0, 200, 2)) if model == "nequip" else FRAMES
    asked = replace(
        SETTINGS, atoms=(0, ATOM), degrees=(1, 2) if model == "harmonics" else (2,), coefficients=60, rotations=2,
        readouts=("free",),
    )  # fmt: skip
    turned = diagnose(frames, backbone, asked)
    exact = diagnose(frames, backbone, replace(asked, turned=False))
    assert turned["method"] == "turned"
    assert exact["method"] == "wigner"
    assert turned["ceiling"] == exact["ceiling"]
    assert turned["ceiling"]["kind"] == "exact"
    assert turned["verdict"] == exact["verdict"]
    # Features differ by 1e-13 at most. The Gram matrix of at most 60 standardised columns, its ridge 1e-7 of their norm, has a
    # condition number below 6e8, so that coefficients differ by 2e-4 relative at worst along its weakest directions, which carry
    # 1e-7 of the power; predictions by less than 1e-5. Sums are kept in single precision.
    for a, b in zip(turned["recovery"], exact["recovery"], strict=True):
        for name in ("r2", "r2_low", "r2_high", "rho", "null_high"):
            assert a[name] == pytest.approx(b[name], abs=1e-5), (name, a["l"])
        assert a["gain"] == pytest.approx(b["gain"], abs=1e-5)
        assert a["verdict"] == b["verdict"]


def mixed(frames: Frames) -> np.ndarray:
    """The components of the direction to the mark, mixed, with a distance and a constant: a polynomial ends where it should."""
    u = directions(frames)
    mix = np.random.default_rng(0).normal(size=(3, 4))
    neighbour = frames.positions[:, [MARKS[ATOM]]] - frames.positions
    return np.concatenate(
        [u @ mix, np.linalg.norm(neighbour, axis=-1, keepdims=True), 0 * u[..., :1] + 3], axis=-1
    )


def test_plain_numbers_are_recovered_exactly_where_polynomials_of_them_reach() -> None:
    result = diagnose(FRAMES, from_callable(mixed), SETTINGS)
    for degree in (1, 2):
        for l, r2 in molecule(result, degree).items():
            # u is among the numbers to rounding; polynomials of degree d of u have nothing above l = d, and a fit of 21
            # coefficients at most to 900 uses loses 21 / 900 to noise.
            # of p = 21 coefficients at most to 900 uses loses p / uses to noise.
            assert r2 == pytest.approx(1.0 if l <= degree else 0.0, abs=0.03), (degree, l)
    assert result["verdict"]["outcome"] == "nothing tested"
    assert result["verdict"]["held"] is None
    assert (
        "the quadratic readout recovers l = 1, 2 (R² = 1.00, 1.00), and not l = 3, 4"
        in result["verdict"]["sentence"]
    )
    assert result["ceiling"]["kind"] == "none"
    assert result["model"]["irreps"] == ""


def test_one_component_of_a_degree_gives_its_share_of_the_power() -> None:
    """With u and u_z^3 a linear readout has l = 1 and one of the seven components of l = 3."""

    def features(frames: Frames) -> np.ndarray:
        u = directions(frames)
        return np.concatenate([u, u[..., 2:] ** 3], axis=-1)

    result = diagnose(FRAMES, from_callable(features), replace(SETTINGS, degrees=(1,), strength=100.0))
    at = molecule(result, 1)
    # 300 held-out uses: the mean of a component's square, 1 over the sphere, has a standard error of 0.06 at worst (the fourth
    # moment of a component is below 2.4), so its share of seven one of 0.01; three of them.
    assert at[3] == pytest.approx(1 / 7, abs=0.03)
    assert at[1] == pytest.approx(1.0, abs=1e-6)
    assert abs(at[2]) < 0.03
    assert abs(at[4]) < 0.03


def test_given_inputs_are_what_a_network_readout_makes_itself() -> None:
    blocks = list(NeighbourHarmonics().features(FRAMES, "layer0").blocks())
    split = split_frames(len(FRAMES), 0)
    orientations = Orientations.draw(split, 3, np.random.default_rng(0), times=(2, 1, 1))
    signal = real_harmonics(3, directions(FRAMES)[:, ATOM])
    made = LabFeatures.of(blocks, ATOM, signal, orientations, limit=100)
    inputs = LabInputs(
        tuple(part.T for part in made.inputs), tuple(np.ones(len(part)) for part in made.inputs)
    )  # type: ignore[arg-type]
    given = LabFeatures.given(inputs, ATOM, signal, orientations)
    for mine, theirs in zip((*given.inputs, *given.targets), (*made.inputs, *made.targets), strict=True):
        assert np.array_equal(mine, theirs)
    for a, b in zip(given.closed_form(2), made.closed_form(2), strict=True):
        assert a.missed == pytest.approx(b.missed, rel=1e-5)


# -------------------- features that miss equivariance


def polluted(size: float) -> NeighbourHarmonics:
    """Exact features; a little of two components of Y_3 of the mark, in the laboratory, is added to the two scalars."""

    def change(values: np.ndarray, frames: Frames) -> np.ndarray:
        u = directions(frames)
        y = real_harmonics(3, np.where(u.any(axis=-1, keepdims=True), u, [0, 1, 0]).reshape(-1, 3))[
            :, l_slice(3)
        ]
        added = np.zeros_like(values)
        added[..., :2] = (
            size * np.abs(values[..., :2]).mean(axis=(0, 1)) * y.reshape(*u.shape[:2], 7)[..., :2]
        )
        return np.asarray(values + added)

    return NeighbourHarmonics(change=change)


def test_a_small_miss_of_equivariance_can_leak_anything_and_the_verdict_says_so() -> None:
    result = diagnose(FRAMES, polluted(0.1), replace(SETTINGS, degrees=(1,), controls=True, strength=100.0))
    assert result["ceiling"]["kind"] == "approximate"
    assert 1e-5 < result["checks"]["equivariance_error"] < 0.3
    leak = {entry["l"]: entry for entry in result["checks"]["leak"]}
    assert set(leak) == {3, 4}
    assert leak[3]["r2_low"] > 0.1
    assert leak[3]["r2"] < 2 / 7 + 0.03  # two of seven components at most; sampling as above
    verdict = result["verdict"]
    assert verdict["outcome"] == "nothing tested"
    assert "recovers l = 3" in verdict["sentence"]
    assert "comes from the missed equivariance" in verdict["sentence"]
    controls = {control["name"]: control for control in result["controls"]}
    exact = {
        row["l"]: row["r2"]
        for row in controls["turned by Wigner matrices"]["rows"]
        if row["scope"] == "molecule"
    }
    assert exact[3] < 0.02
    validate(json.loads(json.dumps(result)))


def test_a_grid_activation_is_refused_with_the_way_on_and_measured_turned() -> None:
    with pytest.raises(InputError, match="ceilings diagnose --turned"):
        diagnose(FRAMES, grid(), replace(SETTINGS, turned=False))
    result = diagnose(FRAMES, grid(), replace(SETTINGS, rotations=12))
    assert result["verdict"]["outcome"] == "held"
    assert "miss equivariance by" in result["verdict"]["sentence"]
    assert "above it" in result["verdict"]["sentence"]
    assert max(entry["r2_high"] for entry in result["checks"]["leak"]) < 0.1


def test_what_exactly_turned_features_recover_above_the_ceiling_contradicts() -> None:
    rows = [
        RecoveryRow(
            injection="marked", direction="fixed", readout="free", degree=1, scope="molecule", l=l, predicted=float(l <= 2),
            r2=0.9, r2_low=0.8, r2_high=0.95, rho=0.9, rho_low=0.8, rho_high=0.95, gain=1.0, null_high=0.0, coefficients=10,
            verdict="recovered",
        )
        for l in range(4)
    ]  # fmt: skip
    table = RecoveryTable("marked", "fixed", "free", Ceiling(1, 2), {}, None, rows)
    judged = approximate_degree(judge(rows, table.ceiling), leaks([table]), table.ceiling, 1e-3)
    info = BackboneInfo("model", "function", trained=None)
    assert judged["outcome"] == "nothing tested"
    assert "l = 3 (R² = 0.900 (0.800 to 0.950)) above 2" in judged["sentence"]
    told = approximate_verdict([judged], 1, "layer", info, 1e-3, None)
    assert (told["outcome"], told["held"]) == ("nothing tested", None)
    told = approximate_verdict([judged], 1, "layer", info, 1e-3, table)
    assert (told["outcome"], told["held"]) == ("contradicted", False)
    assert "exactly equivariant by construction, let the readout recover l = 3" in told["sentence"]


# -------------------- a run


class Counted:
    """Counts the frames that a function is run on, and stops it after some."""

    def __init__(self, most: int | None = None) -> None:
        self.frames, self.most = 0, most

    def __call__(self, frames: Frames) -> np.ndarray:
        self.frames += len(frames)
        if self.most is not None and self.frames > self.most:
            raise KeyboardInterrupt
        return mixed(frames)


def test_a_run_that_was_stopped_goes_on_where_it_stopped(tmp_path: Path) -> None:
    frames, asked = FRAMES.select(np.arange(0, 200, 2)), replace(SETTINGS, controls=True, rotations=4)
    said: list[str] = []
    whole = Counted()
    straight = diagnose(
        frames,
        from_callable(whole),
        asked,
        out=tmp_path / "straight",
        progress=lambda what, *_: said.append(what),
    )
    assert any("of 440 runs" in what and "left" in what for what in said)
    assert not list((tmp_path / "straight" / "cells").glob("turned-*"))
    stopped = Counted(most=2 * whole.frames // 3)
    with pytest.raises(KeyboardInterrupt):
        diagnose(frames, from_callable(stopped), asked, out=tmp_path / "run")
    assert list((tmp_path / "run" / "cells").glob("turned-*"))
    again = Counted()
    resumed = diagnose(frames, from_callable(again), asked, out=tmp_path / "run", resume=True)
    assert resumed["recovery"] == straight["recovery"]
    assert resumed["controls"] == straight["controls"]
    assert again.frames < 2 * whole.frames // 3
    on_disk = json.loads((tmp_path / "run" / "result.json").read_text())
    validate(on_disk)
    assert not list(departures(on_disk, DiagnosisResult))
    assert intervals(tmp_path / "run")["recovery"] == on_disk["recovery"]
    with pytest.raises(InputError, match="there is no ceiling to compare with theory"):
        compare([tmp_path / "run", tmp_path / "straight"])
    idle = Counted(most=20)  # the check of a few frames alone
    assert (
        diagnose(frames, from_callable(idle), asked, out=tmp_path / "run", resume=True)["recovery"]
        == on_disk["recovery"]
    )
    page = (tmp_path / "run" / "report.html").read_text()
    assert "no theorem sets a ceiling" in page
    assert "Nothing was held against theory" in page
    assert "The dashed rule is the ceiling" not in page


def test_the_shipped_model_without_symmetry_with_its_twin(tmp_path: Path) -> None:
    asked = replace(SETTINGS, controls=True, rotations=2, atoms=(0, ATOM))
    result = diagnose(FRAMES.select(np.arange(0, 200, 2)), load_backbone("aspirin-xtb-unconstrained"), asked)
    assert [control["name"] for control in result["controls"]] == [
        "untrained",
        "no random rotations",
        "zero injection",
    ]
    assert molecule(result, 1)[1] > 0.9
    assert result["model"]["layer"] == "round1"
    assert {*result["atoms"][0]["feature_rank"]} == {"numbers"}
    assert isinstance(result, Diagnosis)
    assert dict(result._numbers())["ceiling"] == "none"
    check_result(result, Diagnosis, tmp_path)


@pytest.mark.parametrize("model", ["plain", "harmonics"])
def test_networks_and_full_controls_run_on_turned_frames(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few steps of training show that everything has its inputs; what networks learn is tested where they turn features."""
    monkeypatch.setitem(fit_network_readout.__kwdefaults__, "training", NetworkTraining(steps=3, batch=64))
    asked = replace(
        SETTINGS, degrees=(2,), l_top=3 if model == "plain" else 5, controls=True, full_controls=True, rotations=3,
        readouts=("free", "network"),
    )  # fmt: skip
    backbone = from_callable(mixed) if model == "plain" else NeighbourHarmonics()
    result = diagnose(FRAMES.select(np.arange(0, 200, 2)), backbone, asked)
    said = {control["name"]: control["sentence"] for control in result["controls"]}
    assert {"shuffled targets", "readout seeds", "width", "activation"} <= set(said)
    ceilings = {entry["name"]: entry["ceiling"] for entry in result["networks"]}
    assert ceilings["squares"] == (None if model == "plain" else 4)
    if model == "plain":
        assert "at l = 1" in said["width"]
        assert "ceiling was not reached" not in said["width"]
        assert "the limit is that of the polynomial" not in said["activation"]
    else:
        apart = {
            row["l"]: row["r2"] for row in next(c for c in result["controls"] if c["name"] == "width")["rows"]
        }
        assert apart[5] < 0.05
        twin = diagnose(FRAMES.select(np.arange(0, 200, 2)), backbone, replace(asked, turned=False))
        for mine, theirs in zip(result["controls"][-4:-1], twin["controls"][-4:-1], strict=True):
            assert mine["name"] == theirs["name"]
            for a, b in zip(mine["rows"], theirs["rows"], strict=True):
                assert a["r2"] == pytest.approx(b["r2"], abs=1e-4)  # as above, with up to 1,100 coefficients


# -------------------- what is refused


def test_what_cannot_be_measured_is_refused_in_a_sentence() -> None:
    plain = from_callable(mixed)
    with pytest.raises(InputError, match=r"declares no symmetry.*ceilings diagnose --turned"):
        diagnose(FRAMES, plain, replace(SETTINGS, turned=False))
    with pytest.raises(InputError, match="all zero"):
        diagnose(FRAMES, from_callable(lambda f: 0 * mixed(f)), SETTINGS)
    with pytest.raises(InputError, match="depend on where the molecule stands"):
        diagnose(FRAMES, from_callable(lambda f: f.positions.copy()), SETTINGS)
    with pytest.raises(InputError, match="one row for each atom"):
        diagnose(FRAMES, from_callable(lambda f: f.positions.mean(axis=1)), SETTINGS)
    with pytest.raises(InputError, match=r"does not turn as declared.*declare no symmetry"):
        diagnose(FRAMES, from_callable(lambda f: directions(f) ** 2, "1x1o"), SETTINGS)
    with pytest.raises(InputError, match=r"no layer of .* carries l > 0"):
        diagnose(FRAMES, from_callable(lambda f: 0 * f.positions + 1, "3x0e"), SETTINGS)


def test_settings_that_do_not_go_with_turning_are_refused() -> None:
    assert DiagnoseSettings(turned=True).readouts == ("free",)
    assert (DiagnoseSettings(turned=True).rotations, DiagnoseSettings().rotations) == (8, 20)
    with pytest.raises(InputError, match="leave equivariant out"):
        DiagnoseSettings(turned=True, readouts=("equivariant",))
    with pytest.raises(InputError, match="name marked first"):
        DiagnoseSettings(turned=True, injections=("density", "marked"), directions=("fixed", "radial"))


def test_too_few_uses_for_the_coefficients_are_refused() -> None:
    needs = Needs(Layer("features", ""), 5, None, uses=6)
    assert needs.limit(2) == 3
    with pytest.raises(InputError, match="needs at least 4 coefficients, and 6 uses"):
        needs.limit(3)


def test_principal_components_are_those_of_the_covariance() -> None:
    """Unit variance, uncorrelated, in descending order: against SciPy's singular values."""
    from scipy.linalg import svdvals

    values = np.random.default_rng(1).normal(size=(50, 4)) @ np.diag([5.0, 2.0, 1.0, 0.1]) + 7.0
    centre, mix = principal_components(values, 3).mixes[0, 1]
    scores = (values - centre[:, 0]) @ mix
    assert np.cov(scores, rowvar=False) == pytest.approx(np.eye(3), abs=1e-12)
    lengths = 1.0 / np.linalg.norm(mix, axis=0)
    assert lengths == pytest.approx(
        svdvals(values - values.mean(axis=0))[:3] / 7.0, rel=1e-12
    )  # 7 = sqrt(50 - 1)
