"""Learning curves: exact where theory gives the number, and the whole job on a backbone of known features."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from result_laws import check_refusals, check_result

from spectral_ceilings.diagnostic import from_callable
from spectral_ceilings.diagnostic.backbones.features import Block
from spectral_ceilings.diagnostic.backbones.loading import load_backbone
from spectral_ceilings.diagnostic.curves.fits import (
    fit_equivariant_at,
    fit_free_at,
    joined,
    of_atoms,
    product_channels,
    thinned,
    without_parity,
)
from spectral_ceilings.diagnostic.curves.learning_curve import learning_curves, limit_of
from spectral_ceilings.diagnostic.curves.plan import BOTH, LAYERS, NEIGHBOUR, LearningCurveSettings
from spectral_ceilings.diagnostic.curves.report import render_learning_curves, write_learning_curves
from spectral_ceilings.diagnostic.curves.result_object import LearningCurves
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.frames.reading import read_frames
from spectral_ceilings.numerics import real_harmonics
from spectral_ceilings.theory import InputError

from single_directions import single_direction

pytest.importorskip("nequip", reason="the extra 'nequip' is not installed")


def test_harmonics_of_one_direction_give_everything_back_up_to_the_ceiling() -> None:
    features, signal, split, _ = single_direction(2, 4, 90, 0)
    blocks = list(features.blocks())
    for l in range(1, 5):
        fit = fit_equivariant_at(blocks, signal, split, 2, l)
        assert fit.r2 > 1.0 - 1e-9  # ridge 1e-11 on a Gram matrix whose eigenvalues spread over less than 1e2
        assert fit.training > 1.0 - 1e-9
    with pytest.raises(InputError, match="0 equivariant polynomials of degree 1 that reach l = 4"):
        fit_equivariant_at(blocks, signal, split, 1, 4)


def test_the_channel_whose_square_makes_the_signal_is_found_among_others() -> None:
    """Y_4 is the stretched square of Y_2: one combination of eight channels is enough."""
    features, signal, split, _ = single_direction(2, 4, 240, 1)
    rng = np.random.default_rng(2)
    truth = next(b for b in features.blocks() if b.l == 2).values[:, 0]  # (frames, 1, 5)
    channels = np.concatenate([truth, rng.normal(size=(len(truth), 7, 5))], axis=1)
    mixed = np.einsum("ncm,ck->nkm", channels, rng.normal(size=(8, 8)))
    block = Block(2, 1, mixed[:, None])
    found = product_channels(block, 1, split, signal)
    fit = fit_free_at([found], signal, split, 2, 4, limit=100, rotations=10, rng=np.random.default_rng(3))
    assert fit.coefficients == 21  # monomials of degree <= 2 of five components
    assert fit.r2 > 0.99
    other = fit_free_at(
        [replace(block, values=block.values[:, :, :1])], signal, split, 2, 4, limit=100, rotations=10,
        rng=np.random.default_rng(3),
    )  # fmt: skip
    assert other.r2 < 0.9


def test_joining_and_thinning() -> None:
    rng = np.random.default_rng(4)
    blocks = [Block(1, 1, rng.normal(size=(6, 3, 2, 3))), Block(1, -1, rng.normal(size=(6, 3, 4, 3)))]
    both = of_atoms(blocks, [0, 2])
    assert [b.values.shape for b in both] == [(6, 1, 4, 3), (6, 1, 8, 3)]
    np.testing.assert_array_equal(both[0].values[:, 0, 2:], blocks[0].values[:, 2])
    assert [(b.l, b.parity, b.channels) for b in without_parity(blocks)] == [(1, -1, 6)]
    assert [(b.l, b.parity, b.channels) for b in joined([blocks, blocks])] == [(1, -1, 8), (1, 1, 4)]
    split = single_direction(1, 2, 90, 0)[2]
    structures = np.arange(90) // 3  # three rows of each
    of_structures = thinned(split, 4, structures)
    whole = np.isin(structures[split.training], structures[of_structures.training])
    np.testing.assert_array_equal(of_structures.training, split.training[whole])
    assert len(np.unique(structures[of_structures.training])) == 4
    np.testing.assert_array_equal(
        thinned(split, 7, np.arange(90)).training, thinned(split, 7).training
    )  # one row of each structure
    few = thinned(split, 10)
    assert len(few.training) == 10
    assert set(few.training) <= set(split.training)
    assert few.held_out is split.held_out


@pytest.fixture(scope="module")
def job():
    frames = read_frames("aspirin-xtb")
    settings = LearningCurveSettings(
        atoms=(0,), channels=(1, 2), coefficients=(60, 200), frames=(0.3,), rotations=(2,), most_rotations=5,
        limit_frames=100, bootstrap=100,
    )  # fmt: skip
    return frames, load_backbone(), settings


def test_the_whole_job_says_what_limits_each_atom_and_can_be_taken_up(job, tmp_path: Path) -> None:
    frames, backbone, settings = job
    out = tmp_path / "curves"
    calls: list[tuple[str, int, int]] = []
    result = learning_curves(frames, backbone, settings, out=out, progress=lambda *call: calls.append(call))
    drawn = {atom["index"]: atom for atom in result["atoms"] if atom["role"] is not None}
    assert set(drawn) == {0}
    for atom in drawn.values():
        assert {"1", "2", "all", BOTH, LAYERS, NEIGHBOUR} <= set(atom["heights"])
        assert atom["limited_by"] in ("features", "coefficients", "frames")
        assert atom["sentence"].startswith(f"{atom['element']}{atom['index']} (chosen) is limited by its")
    points = {(p["atom"], p["panel"], p["series"], p["label"]): p for p in result["points"]}
    for atom in drawn:
        # The features are nested, so the best fit on the training frames never gets worse, but for the ridge.
        trained = [
            points[atom, "features", "equivariant", step]["r2_training"] for step in ("all", BOTH, LAYERS)
        ]
        assert trained == sorted(trained)
        counts = [p["coefficients"] for p in result["points"] if p["atom"] == atom and p["series"] == "free"]
        assert counts == sorted(counts)
        assert max(counts) <= 200
    for point in result["points"]:
        assert point["r2_low"] <= point["r2"] <= point["r2_high"]
        assert point["r2"] <= 1.0

    class Silent(type(backbone)):  # type: ignore[misc]
        def features(self, *_args):
            raise AssertionError("a finished point was computed again")

    silent = object.__new__(Silent)
    silent.__dict__.update(backbone.__dict__)
    again = learning_curves(frames, silent, settings, out=out, resume=True)
    assert again["points"] == result["points"]
    written = write_learning_curves(result, out)
    assert {path.name for path in written} >= {
        "curves.json",
        "curves.csv",
        "learning-curves.png",
        "report.html",
    }
    assert len((out / "curves.csv").read_text().splitlines()) == len(result["points"]) + 1
    assert LearningCurves.load(out) == result
    check_result(result, LearningCurves, tmp_path)
    assert result.held is None  # nothing is judged
    changes = {
        "points[0] lacks the field 'r2'": lambda c: c["points"][0].pop("r2"),
        "atoms[0].limited_by": lambda c: c["atoms"][0].update(limited_by="luck"),
        "points[1].panel": lambda c: c["points"][1].update(panel="more"),
    }
    check_refusals(result, LearningCurves, tmp_path, changes)
    assert calls[0][2] == 0  # how many points there will be is not known
    assert calls[-1][1] == len(result["points"])


def test_wrong_input_is_refused_before_long_work(job) -> None:
    frames, backbone, settings = job
    for wrong, words in (
        (replace(settings, l=5), "l is 5, expected 1 to 4"),
        (replace(settings, atoms=(77,)), "atom 77 has no marked neighbour"),
        (replace(settings, layer="layer9"), "layer9"),
    ):
        with pytest.raises(InputError, match=words):
            learning_curves(frames, backbone, wrong)
    with pytest.raises(InputError, match="degree is 3, expected 1 or 2"):
        LearningCurveSettings(degree=3)
    with pytest.raises(InputError, match="fractions of the training frames"):
        LearningCurveSettings(frames=(2.0,))


def densities(frames: Frames) -> np.ndarray:
    """Neighbour densities in the harmonics l <= 2 at two ranges, in the order of 2x0e+2x1o+2x2e."""
    x = frames.positions
    d = x[:, None] - x[:, :, None]
    r = np.linalg.norm(d, axis=-1)
    near = r > 1e-6
    y = real_harmonics(2, np.where(near[..., None], d, np.array([0.0, 1.0, 0.0])).reshape(-1, 3)).reshape(
        *r.shape, -1
    )
    w = np.stack([np.exp(-r / size) * near for size in (0.6, 1.4)], axis=-1)
    h = np.einsum("nijc,nijm->nicm", w, y)
    return np.concatenate([h[..., l * l : (l + 1) ** 2].reshape(*x.shape[:2], -1) for l in range(3)], axis=-1)


def test_curves_follow_the_measured_parity_and_not_the_declared_one(job) -> None:
    frames, _, settings = job
    settings = replace(settings, coefficients=(60,))
    curves = {
        irreps: learning_curves(frames, from_callable(densities, irreps), settings)
        for irreps in ("2x0e+2x1o+2x2e", "2x0e+2x1e+2x2o")
    }
    right, wrong = curves.values()
    assert wrong["points"] == right["points"]
    assert wrong["model"]["irreps"] == right["model"]["irreps"] == "2x0e+2x1o+2x2e"
    assert "declared parities" in right["model"]["parity_sentence"]
    assert "is not 2x0e+2x1e+2x2o as declared but 2x0e+2x1o+2x2e" in wrong["model"]["parity_sentence"]
    assert "is not 2x0e+2x1e+2x2o as declared" in render_learning_curves(wrong)


@pytest.mark.parametrize(
    ("gains", "reached", "limit"),
    [
        ((0.005, 0.001, -0.002), 0.992, "nothing"),
        ((0.005, 0.09, 0.0), 0.902, "coefficients"),
        ((0.005, 0.001, -0.002), 0.71, "features"),
        ((0.01, 0.005, 0.03), 0.985, "frames"),
        ((0.0, 0.005, 0.001), 0.06, "features"),
    ],
)
def test_an_atom_near_one_that_gains_nothing_is_limited_by_nothing(
    gains: tuple[float, float, float], reached: float, limit: str
) -> None:
    assert limit_of(dict(zip(("features", "coefficients", "frames"), gains, strict=True)), reached) == limit
