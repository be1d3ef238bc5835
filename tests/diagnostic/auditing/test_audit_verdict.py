"""What an audit says of features that are right, coarse, empty, wrong: each has its outcome, and its sentence its numbers."""

import numpy as np
import pytest
from ase.build import molecule
from neighbour_harmonics import NeighbourHarmonics

from spectral_ceilings.diagnostic.auditing.audit import audit
from spectral_ceilings.diagnostic.auditing.report import render_audit_report
from spectral_ceilings.diagnostic.auditing.result import AuditSettings
from spectral_ceilings.diagnostic.auditing.rounding import measure_rounding
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.numerics import real_harmonics

ETHANOL = molecule("CH3CH2OH")
ETHANOL.rattle(0.1, seed=3)
FRAMES = Frames(ETHANOL.numbers, ETHANOL.positions[None], np.zeros((1, 9, 3)), None, "ethanol", "0" * 64, "eV")  # fmt: skip
SETTINGS = AuditSettings(
    parts=("readouts", "directions"), activations=(), untrained=False, degrees=(1, 2), l_top=4
)


def verdict_of(model: NeighbourHarmonics, settings: AuditSettings = SETTINGS) -> dict:
    result = audit(FRAMES, model, settings)
    page = render_audit_report(result)
    words = {"held": "Theory held", "contradicted": "Theory not confirmed", "falls short": "Falls short",
             "undecided": "Undecided", "nothing tested": "Nothing was held"}  # fmt: skip
    assert words[result["verdict"]["outcome"]] in page
    return result["verdict"]


def statements(verdict: dict) -> dict:
    return {one["name"]: one for one in verdict["statements"]}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_both_number_formats_hold_in_every_part(dtype: type) -> None:
    verdict = verdict_of(NeighbourHarmonics(dtype=dtype))
    assert verdict["outcome"] == "held", verdict["sentence"]
    assert set(statements(verdict)) == {"polynomial readouts", "equivariance", "inversion", "one direction"}


def test_rounding_is_measured_where_the_number_format_hides_it() -> None:
    # Computed in float32 and handed over as float64: what the array says of itself is nine decades off.
    model = NeighbourHarmonics(dtype=np.float32, change=lambda values, _frames: values)
    hidden = NeighbourHarmonics(change=lambda values, _frames: values.astype(np.float32))
    shown = measure_rounding(model, FRAMES, ["layer0"], np.random.default_rng(0)).of_layer("layer0")
    measured = measure_rounding(hidden, FRAMES, ["layer0"], np.random.default_rng(0)).of_layer("layer0")
    # One rounding to 24 bits is 3e-8 root mean square at most, of sums of eight terms a few of them.
    assert 1e-8 < measured < 1e-6
    assert 1e-8 < shown < 1e-6
    verdict = verdict_of(hidden)
    assert verdict["outcome"] == "held", verdict["sentence"]


def test_a_coarse_number_format_is_open_and_not_red() -> None:
    verdict = verdict_of(NeighbourHarmonics(dtype=np.float16))
    assert (verdict["outcome"], verdict["held"]) == ("undecided", None)
    assert "finer number format" in verdict["sentence"]
    assert "contradict" not in verdict["sentence"]


def test_an_irrep_that_is_empty_falls_short_and_contradicts_nothing() -> None:
    def without_l2(values: np.ndarray, _frames: Frames) -> np.ndarray:
        return np.where(np.arange(18) < 8, values, 0.0)

    verdict = verdict_of(NeighbourHarmonics(change=without_l2))
    said = statements(verdict)
    assert (verdict["outcome"], verdict["held"]) == ("falls short", False)
    assert said["polynomial readouts"]["outcome"] == "falls short"
    assert said["equivariance"]["held"]
    assert "hold nothing of l = 2 at C0" in verdict["sentence"]
    assert "reach their ceiling d x L and stop" not in verdict["sentence"]


def laboratory(size: float) -> NeighbourHarmonics:
    """Add a pattern of degree 3 that is fixed in the laboratory."""

    def add(values: np.ndarray, frames: Frames) -> np.ndarray:
        x = frames.positions
        pattern = real_harmonics(3, (x - x.mean(axis=1, keepdims=True)).reshape(-1, 3))[:, 9].reshape(
            x.shape[:2]
        )
        out = values.copy()
        out[..., 2] += size * pattern
        return out

    return NeighbourHarmonics(change=add)


def test_a_broken_symmetry_is_red_and_told_from_rounding() -> None:
    verdict = verdict_of(laboratory(1e-3))
    said = statements(verdict)
    assert (verdict["outcome"], verdict["held"]) == ("contradicted", False)
    assert said["polynomial readouts"]["outcome"] == said["equivariance"]["outcome"] == "contradicted"
    assert "Features are not equivariant: turning the molecule misses 1o of layer0" in verdict["sentence"]
    assert "shifting" not in verdict["sentence"]
    # Between nearby orientations the pattern changes by l * 1e-4 of itself: its squares are told apart by 1e6 and more.
    rounding = measure_rounding(laboratory(1e-3), FRAMES, ["layer0"], np.random.default_rng(0))
    assert rounding.of_layer("layer0") < 1e-5


def test_a_shift_that_changes_features_is_called_a_shift() -> None:
    def placed(values: np.ndarray, frames: Frames) -> np.ndarray:
        return values * (1.0 + 0.1 * np.linalg.norm(frames.positions.mean(axis=1), axis=1)[:, None, None])

    verdict = verdict_of(NeighbourHarmonics(change=placed), AuditSettings(parts=("readouts",), degrees=(1,),
                                                                        activations=(), untrained=False))  # fmt: skip
    assert "Features are not equivariant: shifting the molecule misses" in verdict["sentence"]
    assert "turning" not in verdict["sentence"]


def test_shares_alone_are_held_against_nothing() -> None:
    verdict = verdict_of(NeighbourHarmonics(), AuditSettings(parts=("features",), untrained=False))
    assert verdict == {"held": None, "outcome": "nothing tested", "sentence": "Nothing was held against theory.",
                       "statements": []}  # fmt: skip


def test_sentences_of_success_and_failure_share_nothing() -> None:
    right, wrong = (statements(verdict_of(model)) for model in (NeighbourHarmonics(), laboratory(1e-3)))
    for name in ("polynomial readouts", "equivariance"):
        assert right[name]["sentence"].split(",")[0] != wrong[name]["sentence"].split(",")[0]
    assert "misses" not in right["equivariance"]["sentence"]
