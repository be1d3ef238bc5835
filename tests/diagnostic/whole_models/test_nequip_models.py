"""Real NequIP, Allegro and SevenNet: what their readouts' inputs do not depend on, and small cells against exact shares."""

import numpy as np
import pytest
import torch

from spectral_ceilings.diagnostic.whole_models.cell import ModelCellSettings
from spectral_ceilings.diagnostic.whole_models.graphs import GraphLayout, Graphs
from spectral_ceilings.diagnostic.whole_models.measure import calibrate_model
from spectral_ceilings.diagnostic.whole_models.models import build, installed, session
from spectral_ceilings.diagnostic.whole_models.settings import KINDS, ModelSettings
from spectral_ceilings.numerics import haar_rotations
from spectral_ceilings.theory.errors import InputError

NAMES = ("nequip", "allegro", "allegro-linear", "sevennet")
if not any(installed(name) for name in NAMES):
    pytest.skip("no package of these models is installed", allow_module_level=True)


def inputs(settings, layout, positions, seed=0):
    with session(settings.architecture), torch.no_grad():
        return build(settings, seed).inputs(Graphs.of(layout, torch.from_numpy(positions))).numpy()


def model(name, layers=2, **more):
    if not installed(name):
        pytest.skip(f"{KINDS[name].package} is not installed")
    return ModelSettings(name, 2, layers=layers, channels=2, **more)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("graph", ["star", "all"])
def test_a_rotated_configuration_has_the_same_inputs(name, graph):
    layout = GraphLayout(graph)
    positions = layout.positions(layout.directions(4, np.random.default_rng(0)))
    (rotation,) = haar_rotations(1, np.random.default_rng(1))
    before, after = (inputs(model(name), layout, p) for p in (positions, positions @ rotation.T))
    # float64 through a few layers
    np.testing.assert_allclose(after, before, rtol=1e-8, atol=1e-8 * np.abs(before).max())
    assert before.std(axis=0).max() > 1e-6 * np.abs(before).max()  # they do depend on the angles


@pytest.mark.parametrize("name", NAMES)
def test_a_third_side_beyond_the_cutoff_is_as_if_it_had_no_edge(name):
    seen, blind = GraphLayout("cutoff", cutoff=2.5), GraphLayout("cutoff", cutoff=1.3)
    positions = blind.positions(blind.directions(4, np.random.default_rng(0)))
    far = positions.copy()
    far[:, 1] = positions[:, 2] @ np.diag([-1.0, -1.0, 1.0])  # another angle, the same bonds
    one_layer = model(name, 1, cutoff=1.3)
    if name in ("nequip", "sevennet"):  # one layer: lengths alone
        np.testing.assert_allclose(
            inputs(one_layer, blind, far), inputs(one_layer, blind, positions), rtol=1e-9
        )
    wide = model(name, 1, cutoff=2.5)
    assert not np.allclose(inputs(wide, seen, far), inputs(wide, seen, positions), rtol=1e-3)


@pytest.mark.parametrize("name", ["nequip", "sevennet"])
def test_one_layer_on_a_star_learns_no_angle(name):
    cell = calibrate_model(
        ModelCellSettings(
            model(name, 1),
            GraphLayout("star"),
            ("pair(1)", "pair(2)"),
            steps=20,
            samples=256,
            held_out=512,
            draws=2,
        )
    )
    assert [row.verdict for row in cell.rows] == ["agrees", "agrees"]
    assert max(row.trained for row in cell.rows) < 0.02


def test_linear_allegro_reaches_l_max_in_closed_form_and_no_further():
    settings = ModelCellSettings(
        model("allegro-linear", 1), GraphLayout("star"), ("pair(2)", "pair(3)", "product(1,1)"), steps=20, samples=512,
        held_out=2048, draws=3,
    )  # fmt: skip
    reached, above, part = calibrate_model(settings).rows
    assert (reached.share, above.share, part.share) == ("1", "0", "1/3")
    assert reached.closed_form == pytest.approx(1.0, abs=1e-8)
    for row in (above, part):
        assert abs(row.closed_form - float(row.exact)) < 5 * row.closed_form_error + row.allowance


def test_two_layers_of_nequip_see_no_torsion_on_a_chain_of_bonds():
    settings = ModelCellSettings(
        model("nequip", 2),
        GraphLayout("chain"),
        ("torsion(1)", "torsion(2)"),
        steps=10,
        samples=512,
        held_out=1024,
        draws=3,
    )
    for row in calibrate_model(settings).rows:
        assert row.share == "0"
        assert row.verdict == "agrees"


def test_a_package_that_is_absent_is_named(monkeypatch):
    from spectral_ceilings.diagnostic.whole_models import models

    monkeypatch.setattr(models, "installed", lambda name: False)
    with pytest.raises(InputError, match="the package 'sevenn' is not installed"), session("sevennet"):
        pass
