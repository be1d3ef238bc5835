"""What enters of one neighbour's direction: functions of known spectrum, and the bounds on real networks."""

import numpy as np
import pytest

from spectral_ceilings.diagnostic.auditing.bandwidth import bandwidth, predicted_bandwidth
from spectral_ceilings.diagnostic.auditing.direction_spectrum import direction_spectra, moving_neighbour
from spectral_ceilings.diagnostic.backbones.backbone import Backbone, BackboneInfo
from spectral_ceilings.diagnostic.backbones.features import Features, Layer
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.numerics import real_harmonics
from spectral_ceilings.theory import InputError, input_ceiling

# Five atoms of different elements in general position: enough neighbours to attain the bounds.
POSITIONS = np.array([[0, 0, 0], [1.1, 0.1, 0.2], [-0.5, 1.4, -0.3], [-0.6, -0.9, 1.2], [0.3, -1.7, -1.1]])
FRAME = Frames(np.array([6, 1, 8, 6, 8]), POSITIONS[None], np.zeros((1, 5, 3)), None, "five atoms", "0" * 64, "eV")  # fmt: skip


class Known(Backbone):
    """One scalar: harmonics of degree 0, 3 and 5 of the direction from atom 0 to atom 1, amplitudes 3, 1 and 0.01."""

    def __init__(self) -> None:
        self.info = BackboneInfo("known", "none", trained=False)

    def layers(self) -> list[Layer]:
        return [Layer("layer0", "1x0e")]

    def features(self, frames: Frames, layer: str) -> Features:
        y = real_harmonics(5, frames.positions[:, 1] - frames.positions[:, 0])
        values = 3 + y[:, 11] + 0.01 * y[:, 30]
        return Features(np.repeat(values[:, None, None], 5, axis=1), "1x0e", layer)

    def forces(self, frames: Frames) -> np.ndarray:
        return (
            0.0 * frames.positions
            + real_harmonics(1, frames.positions[:, 1] - frames.positions[:, 0])[:, None, 1:]
        )

    def check_elements(self, frames: Frames) -> None:
        pass


MOVING = moving_neighbour(FRAME, 0, 1)


def test_a_known_function_is_found_with_its_powers() -> None:
    scalar, forces = direction_spectra(
        Known(), FRAME, MOVING, ["layer0"], "full", 6, np.random.default_rng(0)
    )
    total = 9 + 1 + 1e-4  # component harmonics have mean square one
    np.testing.assert_allclose(scalar.power, np.array([9, 0, 0, 1, 0, 1e-4, 0]) / total, atol=1e-15)
    assert scalar.total == pytest.approx(total)
    assert scalar.error < 1e-14
    width = scalar.bandwidth
    assert (width.measured, width.open, width.l99, width.l9999) == (5, False, 3, 3)
    assert width.predicted is None
    assert forces.quantity == "forces"
    assert forces.bandwidth.measured == 1


def test_what_a_coarse_quadrature_aliases_is_within_the_error_given() -> None:
    scalar = direction_spectra(
        Known(), FRAME, MOVING, ["layer0"], "full", 3, np.random.default_rng(0), degree=7
    )[0]
    # 5 + 3 > 7: the part of degree 5, amplitude 0.01 of 3.16, may show up anywhere; no root of a power is off by more
    true = np.sqrt(np.array([9, 0, 0, 1]) / 10.0001)
    off = np.sqrt(((np.sqrt(scalar.power) - true) ** 2).sum())
    assert (
        off <= scalar.error * 1.3
    )  # known from 30 directions to 13 %, one sigma, and dominated by the missing part
    assert 1e-3 < scalar.error < 1e-2  # what is missing is 0.01 of 3.16


def test_bandwidth_in_a_few_numbers() -> None:
    # shares of what varies, summed: 0.980 at l = 2, 0.9995 at 3, 0.999999 at 4
    width = bandwidth(np.array([0.5, 0.0, 1e-1, 2e-3, 5e-5, 1e-7, 1e-28]), 4, 1e-20)
    assert (width.measured, width.holds, width.l99, width.l9999) == (5, False, 3, 4)
    assert bandwidth(np.array([0.5, 0.0, 1e-1, 1e-3, 1e-5, 1e-7]), None, 1e-20).decay == pytest.approx(2.0)
    nothing = bandwidth(np.array([1.0, 1e-31, 1e-32]), 0, 1e-20)
    assert (nothing.measured, nothing.holds, nothing.l99, nothing.decay) == (0, True, None, None)
    assert bandwidth(np.array([1.0, 1e-3, 1e-3]), None, 1e-20).open


def _builder(architecture: str, **builder: object) -> Backbone:
    model = Known()
    model.info = BackboneInfo("x", architecture, trained=False, builder=dict(builder))
    return model


def test_the_bounds_are_those_of_theory() -> None:
    nequip = _builder("nequip", l_max=2)
    assert [predicted_bandwidth(nequip, "layer0", l, 1, "full") for l in range(3)] == [0, 1, 2]
    assert [predicted_bandwidth(nequip, "layer1", l, 1, "star") for l in range(3)] == [0, 1, 2]
    assert predicted_bandwidth(nequip, "layer1", 1, 1, "full") is None
    assert predicted_bandwidth(nequip, "layer2", 0, 1, "star") is None
    for correlation in (1, 2, 3, 4):
        for l_max in (1, 2, 3):
            mace = _builder("mace", l_max=1, max_ell=l_max, correlation=(correlation,))
            bound = input_ceiling(correlation, l_max, 0).boundary
            assert predicted_bandwidth(mace, "layer0", 0, 1, "full") == bound == l_max * (correlation // 2)
            assert predicted_bandwidth(mace, "message0", 1, -1, "star") == 1
    assert predicted_bandwidth(_builder("allegro", l_max=2), "layer0", 1, -1, "full") == 2
    assert predicted_bandwidth(_builder("allegro", l_max=2), "layer0", 0, 1, "full") is None
    assert predicted_bandwidth(_builder("none"), "layer0", 0, 1, "full") is None


@pytest.fixture(scope="module")
def nequip() -> Backbone:
    pytest.importorskip("nequip", reason="the extra 'nequip' is not installed")
    from spectral_ceilings.diagnostic.backbones import nequip_model

    settings = nequip_model.NequIPSettings(
        ("H", "C", "O"), l_max=2, num_features=3, avg_num_neighbors=3.0, seed=1
    )
    info = BackboneInfo("test", "nequip", trained=False, builder=settings.to_dict())
    return nequip_model.NequIPBackbone(
        nequip_model.build_nequip(settings), settings.type_names, settings.r_max, info
    )


def test_nequip_takes_in_what_theory_allows_until_its_gates_see_directions(nequip: Backbone) -> None:
    rng, layers = np.random.default_rng(0), ["layer0", "layer1", "layer2"]
    for graph in ("star", "full"):
        spectra = direction_spectra(nequip, FRAME, MOVING, layers, graph, 5, rng, energy=graph == "star")  # type: ignore[arg-type]
        for one in spectra:
            width = one.bandwidth
            if width.predicted is not None and one.total > 0:
                assert width.predicted == one.l_out
                assert one.power[width.predicted + 1 :].sum() < 1e-26  # float64, some hundred terms
                assert one.power[width.predicted] > 1e-8
        bounded = {one.quantity for one in spectra if one.bandwidth.predicted is not None}
        assert bounded == ({"layer0", "layer1"} if graph == "star" else {"layer0"})
        # The layer after: the bound is gone, on the star graph with a fast-falling tail.
        free = next(one for one in spectra if one.quantity == ("layer2" if graph == "star" else "layer1"))
        assert free.power[3] > free.bandwidth.floor
        if graph == "star":
            assert {"energy", "forces"} <= {one.quantity for one in spectra}
            # Irreps against the parity of a single direction are empty, not noise.
            odd = next(one for one in spectra if (one.quantity, one.l_out, one.parity) == ("layer1", 1, 1))
            assert odd.total == 0
            assert odd.bandwidth.measured == 0


def test_allegro_sees_two_factors_of_a_direction_in_its_first_layer() -> None:
    pytest.importorskip("allegro", reason="the extra 'allegro' is not installed")
    allegro = pytest.importorskip("spectral_ceilings.diagnostic.backbones.allegro_model")
    settings = allegro.AllegroSettings(("H", "C", "O"), l_max=1, num_layers=2, num_features=2,
                                       num_scalar_features=4, avg_num_neighbors=3.0)  # fmt: skip
    model = allegro.AllegroBackbone(allegro.build_allegro(settings), settings.type_names, settings.r_max,
                                    BackboneInfo("test", "allegro", trained=False, builder=settings.to_dict()))  # fmt: skip
    for graph in ("star", "full"):
        spectra = direction_spectra(
            model, FRAME, MOVING, ["layer0"], graph, 4, np.random.default_rng(0), energy=False
        )  # type: ignore[arg-type]
        checked = [one for one in spectra if one.bandwidth.predicted is not None and one.total > 0]
        assert checked
        for one in checked:
            assert one.bandwidth.predicted == input_ceiling(2, 1, one.l_out or 0).boundary
            assert one.power[one.bandwidth.predicted + 1 :].sum() < 1e-24


def test_the_neighbour_that_moves_is_the_one_with_most_room() -> None:
    chosen = moving_neighbour(FRAME)
    others = [moving_neighbour(FRAME, i, j).clearance for i in range(5) for j in range(5)
              if i != j and np.linalg.norm(POSITIONS[i] - POSITIONS[j]) <= 3]  # fmt: skip
    assert chosen.clearance == max(others)
    assert moving_neighbour(FRAME, 0, 1).distance == pytest.approx(np.linalg.norm(POSITIONS[1]))
    for arguments, words in (
        ((9,), "centre 9 is not in the molecule"),
        ((1, 1), "cannot move around itself"),
    ):
        with pytest.raises(InputError, match=words):
            moving_neighbour(FRAME, *arguments)


def test_a_model_whose_graph_is_out_of_reach_has_no_star() -> None:
    assert not Known().can_filter_edges
    with pytest.raises(InputError, match="edges of known cannot be filtered"):
        direction_spectra(Known(), FRAME, MOVING, ["layer0"], "star", 3, np.random.default_rng(0))
    with pytest.raises(InputError, match="l_top is 7 for a quadrature exact to degree 6"):
        direction_spectra(Known(), FRAME, MOVING, ["layer0"], "full", 7, np.random.default_rng(0), degree=6)
