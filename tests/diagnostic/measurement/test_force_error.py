"""Whether a backbone knows the frames it is given: said from the error of its forces there, beside the recorded one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spectral_ceilings.diagnostic.backbones.backbone import BackboneInfo
from spectral_ceilings.diagnostic.measurement.force_error import force_error


def measured(error: float, **facts: Any) -> dict[str, Any]:
    """The error of forces that all miss by one size; the forces themselves have an RMS of 2 eV/Å."""
    known: dict[str, Any] = {"trained": True, "force_mae": 0.1, **facts}
    has_forces, formula = known.pop("has_forces", True), known.pop("formula", "C9H8O4")
    forces = np.full((5, 3, 3), 2.0)
    info = BackboneInfo("b", "nequip", **known)
    return dict(force_error(info, has_forces, formula, forces, np.full((5, 3, 3), error)))


@pytest.mark.parametrize(
    ("error", "facts", "foreign", "said"),
    [
        (0.12, {}, False, "On these frames its forces miss by 120 meV/Å on average"),
        (0.5, {}, True, "These frames are of another kind"),
        (
            1.7,
            {},
            True,
            "The backbone does not know these frames: on these frames its forces miss by 1.7 eV/Å",
        ),
        (1.7, {"force_mae": None}, True, "does not know these frames"),
        (1.7, {"trained": None}, True, "does not know these frames, or was not trained"),
        (1.7, {"trained": False}, None, "The backbone is untrained"),
        (
            0.12,
            {"training": {"data": {"formula": "C2H6O"}}},
            True,
            "trained on C2H6O, and these frames are C9H8O4",
        ),
        # another molecule is the reason that is known, however large the error
        (
            1.9,
            {"training": {"data": {"formula": "C2H6O"}}, "force_mae": 1.8},
            True,
            "trained on C2H6O, and these frames are C9H8O4: on these frames its forces miss by 1.9 eV/Å on average",
        ),
        (
            0.12,
            {"training": {"data": {"formula": "C9H8O4"}}},
            False,
            "recorded when it was trained: 100 meV/Å",
        ),
        (0.12, {"has_forces": False}, None, "gives no forces"),
    ],
)
def test_what_the_forces_say(error: float, facts: dict[str, Any], foreign: bool | None, said: str) -> None:
    found = measured(error, **facts)
    assert found["foreign"] is foreign
    assert said in found["sentence"]
    if facts.get("has_forces", True):
        # all components miss alike, so that the mean and the RMS are the error itself
        assert found["mae_eV_A"] == pytest.approx(error, rel=1e-12)
        assert found["relative"] == pytest.approx(error / 2.0, rel=1e-12)
    else:  # what was not measured is not listed as a number
        assert found["mae_eV_A"] is found["rms_eV_A"] is found["relative"] is None
