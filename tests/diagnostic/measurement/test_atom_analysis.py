"""Why an atom is low: made-up features whose cause is known must be given that cause, and the parts must add up."""

import numpy as np
import pytest
from ase.build import molecule
from numpy.typing import NDArray

from spectral_ceilings.diagnostic.backbones.features import Block
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.frames.marks import Mark
from spectral_ceilings.diagnostic.frames.splits import Split
from spectral_ceilings.diagnostic.measurement.atoms import analyse_atoms, explain
from spectral_ceilings.diagnostic.measurement.result_types import AtomAnalysis
from spectral_ceilings.diagnostic.report.depiction import depict, project
from spectral_ceilings.numerics import real_harmonics

SPLIT = Split(np.arange(0, 160), np.arange(160, 200), np.arange(200, 300))


def frames(name: str, count: int = 300, spread: float = 0.1) -> Frames:
    atoms = molecule(name)
    rng = np.random.default_rng(0)
    positions = atoms.positions + rng.normal(scale=spread, size=(count, len(atoms), 3))
    return Frames(
        atoms.numbers.astype(np.int64), positions, np.zeros_like(positions), None, name, "0" * 64, "eV, Å"
    )


def harmonics(given: Frames, atom: int, other: int, l: int) -> NDArray[np.float64]:
    return real_harmonics(l, given.positions[:, other] - given.positions[:, atom])[:, l * l : (l + 1) ** 2]


def features(given: Frames, atom: int, channels: list[NDArray[np.float64]]) -> list[Block]:
    """Features of l = 2 whose channels at one atom are given; elsewhere noise."""
    values = np.random.default_rng(1).normal(size=(len(given), len(given.numbers), len(channels), 5))
    values[:, atom] = np.stack(channels, axis=1)
    return [Block(2, 1, values)]


def analysed(given: Frames, blocks: list[Block], mark: Mark, cutoff: float = 5.0) -> AtomAnalysis:
    return analyse_atoms(given, SPLIT, blocks, [mark], cutoff, molecule(given.source).positions)[0]


def test_features_that_hold_the_sum_of_two_like_neighbours_only() -> None:
    """Carbon of propane between two methyl groups: the sum is seen, the difference is not."""
    given = frames("C3H8")
    heavy = [i for i, z in enumerate(given.numbers) if z == 6]
    middle = next(
        i
        for i in heavy
        if all(np.linalg.norm(given.positions[0, i] - given.positions[0, j]) < 2 for j in heavy)
    )
    one, other = (i for i in heavy if i != middle)
    a, b = harmonics(given, middle, one, 2), harmonics(given, middle, other, 2)
    noise = np.random.default_rng(2).normal(size=a.shape)
    mark = Mark(middle, "C", one, True, "")
    found = analysed(given, features(given, middle, [a + b, noise]), mark)
    like = found["like_neighbour"]
    assert like["neighbour"] == other
    assert like["r2_sum"] > 0.999999  # in the features but for a ridge of 1e-8
    assert like["r2_difference"] < 0.1
    assert like["share"] > 0.999
    # The error of the mark's fit is half the difference's: R2(mark) follows from it.
    missed = (1 - like["r2_difference"]) * np.sum((a - b)[SPLIT.held_out] ** 2) / 4
    assert found["mark_r2"] == pytest.approx(1 - missed / np.sum(a[SPLIT.held_out] ** 2), abs=1e-4)
    reason = explain(mark, found, 0.4, 0.4, True, 2, given.numbers.tolist())
    assert [entry["cause"] for entry in reason["causes"]] == ["like neighbour"]
    assert f"C{one} and C{other} look nearly alike" in reason["reason"]
    # With both directions apart in the features nothing is exchanged.
    apart = analysed(given, features(given, middle, [a, b]), Mark(middle, "C", one, True, ""))
    assert apart["mark_r2"] > 0.999999
    assert apart["like_neighbour"]["r2_difference"] > 0.999999


def test_the_room_of_the_readout_and_the_features_share_what_is_missing() -> None:
    given = frames("H2O")
    oxygen = int(np.flatnonzero(given.numbers == 8)[0])
    hydrogen = int(np.flatnonzero(given.numbers == 1)[0])
    here = harmonics(given, hydrogen, oxygen, 2)
    noisy = [here + 0.5 * np.random.default_rng(k).normal(size=here.shape) for k in range(3)]
    mark = Mark(hydrogen, "H", oxygen, True, "")
    found = analysed(given, features(given, hydrogen, noisy), mark)
    assert found["like_neighbour"] is None
    assert found["neighbours"] == 2
    # Three channels of signal 1 and noise 0.25: their mean has noise 0.0833, and the best fit misses 0.0833/1.0833.
    # 100 held-out frames of 5 components scatter it by sqrt(2/500) = 6 % of itself; 20 % is over three times that.
    assert 1 - found["mark_r2"] == pytest.approx(0.0833 / 1.0833, rel=0.2)
    numbers = given.numbers.tolist()
    both = explain(mark, found, 0.60, 0.84, True, 2, numbers)
    assert both["low"]
    assert {entry["cause"]: entry["share"] for entry in both["causes"]} == pytest.approx(
        {"readout": 0.6, "features": 0.4}
    )
    assert "60 % of what is missing: the free readout" in both["reason"]
    assert "R2 = 0.840" in both["reason"]
    assert [e["cause"] for e in explain(mark, found, 0.60, 0.55, True, 2, numbers)["causes"]] == ["features"]
    assert [e["cause"] for e in explain(mark, found, 0.60, 0.60, False, 2, numbers)["causes"]] == ["features"]
    high = explain(mark, found, 0.95, 0.99, True, 2, numbers)
    assert (high["low"], high["reason"], high["causes"]) == (False, None, [])
    none = explain(Mark(hydrogen, "H", None, False, "alike"), found, None, None, True, 2, numbers)
    assert (none["low"], none["reason"]) == (False, "no distinguishable neighbour: alike")


def test_rank_and_effective_dimension() -> None:
    given = frames("H2O")
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(2, 300, 5))
    mark = Mark(1, "H", 0, True, "")
    found = analysed(given, features(given, 1, [a, b, a + b, a - b]), mark)["feature_rank"]["2e"]
    assert (found["channels"], found["rank"]) == (4, 2)
    # a, b, a + b, a - b with equal powers: eigenvalues 3, 3, 0, 0, an effective dimension of two.
    assert found["effective"] == pytest.approx(
        2.0, abs=0.05
    )  # up to the sample covariance of a and b, 1/sqrt(800)
    one = analysed(given, features(given, 1, [a, 2 * a]), mark)
    assert one["feature_rank"]["2e"]["rank"] == 1
    assert one["feature_rank"]["2e"]["effective"] == pytest.approx(1.0, abs=1e-12)
    text = explain(mark, one, 0.2, 0.2, True, 2, given.numbers.tolist())["reason"]
    assert text == "few independent features: 2e has rank 1 of 2"
    lonely = analysed(given, features(given, 1, [a, b]), mark, cutoff=1.2)
    assert lonely["neighbours"] < 1.5
    text = explain(mark, lonely, 0.2, 0.2, True, 2, given.numbers.tolist())["reason"]
    assert text == f"few neighbours: {lonely['neighbours']:.1f} on average within 1.2 Å"


@pytest.mark.parametrize("name", ["C6H6", "CH3CH2OH", "CH3CONH2", "C2H2", "CO2", "cyclobutane", "N2"])
@pytest.mark.parametrize("source", ["as installed", "projection"])
def test_a_drawing_keeps_atoms_apart_and_bonds_together(
    name: str, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    atoms = molecule(name)
    if source == "projection":
        monkeypatch.setattr("spectral_ceilings.diagnostic.report.depiction._rdkit", lambda *_: None)
    drawn = depict(atoms.numbers, atoms.positions)
    places = np.array(drawn["positions"])
    assert places.shape == (len(atoms), 2)
    assert np.isfinite(places).all()
    assert source != "projection" or drawn["made_by"] == "projection"
    assert np.ptp(places[:, 0]) >= np.ptp(places[:, 1]) - 1e-3  # wider than high
    gaps = np.linalg.norm(places[:, None] - places[None], axis=2) + 9 * np.eye(len(atoms))
    # Bonds have length one on average; discs of radius 0.4 do not touch beyond a little.
    bonded = [gaps[i, j] for i, j, _ in drawn["bonds"]]
    assert np.mean(bonded) == pytest.approx(1.0, abs=1e-3)
    assert gaps.min() > 0.6
    assert {(i, j) for i, j, _ in drawn["bonds"]} == {
        (i, j) for i, j, _ in depict(atoms.numbers, atoms.positions)["bonds"]
    }


def test_a_planar_molecule_is_projected_as_it_is() -> None:
    atoms = molecule("C6H6")
    pairs = [(i, (i + 1) % 6) for i in range(6)] + [(i, i + 6) for i in range(6)]
    flat = project(atoms.positions, [(min(p), max(p)) for p in pairs])
    distances = np.linalg.norm(flat[:, None] - flat[None], axis=2)
    exact = np.linalg.norm(atoms.positions[:, None] - atoms.positions[None], axis=2)
    # The springs are those of the geometry: only hydrogens and carbons nearer than 0.95 of an average bond would move.
    assert np.allclose(distances, exact, atol=1e-6)
