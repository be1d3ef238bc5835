"""The real MACE: body-ordered layers take in of one direction what the input ceiling allows, to rounding."""

import numpy as np
import pytest

from spectral_ceilings.diagnostic.auditing.direction_spectrum import direction_spectra, moving_neighbour
from spectral_ceilings.diagnostic.backbones.backbone import BackboneInfo
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.theory import input_ceiling

mace_model = pytest.importorskip("spectral_ceilings.diagnostic.backbones.mace_model")
pytest.importorskip("mace", reason="mace-torch is not installed: it needs an environment of its own")

POSITIONS = np.array([[0, 0, 0], [1.1, 0.1, 0.2], [-0.5, 1.4, -0.3], [-0.6, -0.9, 1.2], [0.3, -1.7, -1.1]])
FRAME = Frames(np.array([6, 1, 8, 6, 8]), POSITIONS[None], np.zeros((1, 5, 3)), None, "five atoms", "0" * 64, "eV")  # fmt: skip


@pytest.mark.parametrize("max_ell", [1, 2, 3])
@pytest.mark.parametrize("correlation", [1, 2, 3, 4])
def test_round_off_above_the_bound_and_power_at_it(correlation: int, max_ell: int) -> None:
    if correlation == 4 and max_ell == 3:
        pytest.skip("tables of coupling coefficients of order 4 and degree 3 take minutes to make")
    settings = mace_model.MACESettings(
        ("H", "C", "O"), l_max=1, max_ell=max_ell, correlation=(correlation,), num_features=4, r_max=4.0,
        avg_num_neighbors=4.0, seed=2,
    )  # fmt: skip
    info = BackboneInfo("test", "mace", trained=False, builder=settings.to_dict())
    model = mace_model.MACEBackbone(mace_model.build_mace(settings), settings, info)
    l_top = input_ceiling(correlation, max_ell, 1).boundary + 2
    for graph in ("star", "full"):
        spectra = direction_spectra(
            model, FRAME, moving_neighbour(FRAME, 0, 1), ["message0", "layer0"], graph, l_top,  # type: ignore[arg-type]
            np.random.default_rng(0), energy=False,
        )  # fmt: skip
        seen = 0
        for one in spectra:
            bound = one.bandwidth.predicted
            assert bound is not None
            order = 1 if one.quantity == "message0" else correlation
            assert bound == input_ceiling(order, max_ell, one.l_out or 0).boundary
            assert one.power[bound + 1 :].sum() < 1e-24, (one.quantity, one.l_out)
            # small at high orders: 4e-18 at order 4, l_max 2, but 1e14 times what is above
            if one.total > 0:
                assert one.power[bound] > one.bandwidth.floor, (one.quantity, one.l_out, one.power)
                seen += 1
        assert seen >= 2
