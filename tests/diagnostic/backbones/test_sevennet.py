"""SevenNet-0 with its published weights: a model of SO(3) that declares 128x0e+64x1e+32x2e and breaks inversion."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms

from spectral_ceilings.diagnostic import (
    AuditSettings,
    Backbone,
    DiagnoseSettings,
    Frames,
    SymmetrySettings,
    audit,
    diagnose,
    measure_equivariance,
    read_frames,
    symmetry_audit,
)
from spectral_ceilings.diagnostic.symmetry.calculators import NamedCalculator, Structures

pytest.importorskip(
    "sevenn", reason="the package sevenn, whose wheel holds the weights of SevenNet-0, is not installed"
)
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

LAYER = "3_equivariant_gate"


@pytest.fixture(scope="module", params=["float64", "float32"])
def backbone(request: pytest.FixtureRequest) -> Backbone:
    import sevennet_zero

    return sevennet_zero.backbone() if request.param == "float64" else sevennet_zero.backbone_float32()


@pytest.fixture(scope="module")
def frames() -> Frames:
    return read_frames("aspirin-xtb")


def test_features_turn_and_have_no_parity(backbone: Backbone, frames: Frames) -> None:
    measured = measure_equivariance(
        backbone, frames.select(range(3)), [LAYER], np.random.default_rng(0)
    )[LAYER]  # fmt: skip
    assert measured.held
    assert measured.parity == "none"


def test_the_diagnosis_stops_at_four(backbone: Backbone, frames: Frames) -> None:
    settings = DiagnoseSettings(
        degrees=(2,), l_top=6, injections=("marked",), readouts=("free",), layer=LAYER, atoms=(2,), frames=300,
        rotations=10, bootstrap=200, controls=False,
    )  # fmt: skip
    result = diagnose(frames, backbone, settings, untrained=False)
    assert result["verdict"]["outcome"] == "held"
    verdicts = {row["l"]: row["verdict"] for row in result.rows(scope="molecule")}
    assert [l for l, said in verdicts.items() if said == "recovered"] == [0, 1, 2, 3, 4]
    assert verdicts[5] == verdicts[6] == "not recovered"
    assert result["checks"]["parity"] == "none"


def test_the_audit_holds_the_ceilings_and_reports_inversion(backbone: Backbone, frames: Frames) -> None:
    settings = AuditSettings(
        parts=("features", "readouts"), layer=LAYER, degrees=(1, 2), atoms=(2,), untrained=False
    )  # fmt: skip
    verdict = audit(frames.select(range(2)), backbone, settings)["verdict"]
    assert verdict["outcome"] == "held"
    held = {statement["name"]: statement["held"] for statement in verdict["statements"]}
    assert held["polynomial readouts"]
    assert held["equivariance"]
    assert held["inversion"] is False


@pytest.mark.parametrize("name", ["calculator", "calculator_float64"])
def test_forces_keep_rotation_and_change_under_inversion(name: str, frames: Frames) -> None:
    import sevennet_zero

    images = tuple(Atoms(frames.numbers, positions) for positions in frames.positions[:2])
    named = NamedCalculator(getattr(sevennet_zero, name)(), "SevenNet-0", "SevenNet", None)
    result = symmetry_audit(Structures(images, "aspirin", "0" * 64), named, SymmetrySettings(structures=2))
    assert result["verdict"]["held"] is True
    statements = {statement["name"]: statement for statement in result["verdict"]["statements"]}
    assert statements["rotation"]["held"]
    assert statements["rotation"]["force"] < 0.02  # meV/Å; rounding of float32 at most
    assert statements["translation"]["held"]
    assert statements["inversion"]["held"] is False
    assert statements["inversion"]["force"] > 1.0
