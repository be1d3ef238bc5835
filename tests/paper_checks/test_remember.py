"""A backbone that remembers is the backbone that it wraps, in every part of the contract."""

from dataclasses import replace

import numpy as np
import pytest
from ase.build import molecule

from spectral_ceilings.diagnostic import from_callable
from spectral_ceilings.diagnostic.backbones.backbone import Backbone
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.paper_checks.remember import Remembering

#: What the base class builds from the other members.
DERIVED = {"layer", "choose_layer"}


def water(frames: int = 2, seed: int = 0) -> Frames:
    atoms = molecule("H2O")
    positions = atoms.get_positions() + 0.05 * np.random.default_rng(seed).normal(size=(frames, 3, 3))
    return Frames(np.array(atoms.numbers), positions, 0 * positions, None, "water", "0" * 64, "eV")


def sums(factor: float):
    """Sums of the vectors to the other atoms, times a factor; counts its calls."""
    calls = []

    def features(frames: Frames) -> np.ndarray:
        calls.append(len(frames))
        return factor * (frames.positions.sum(axis=1, keepdims=True) - 3 * frames.positions)

    return features, calls


def test_every_member_of_the_contract_is_handed_on() -> None:
    """A member that only the base class defines would answer "this model has none" for one that has it."""
    public = {name for name in vars(Backbone) if not name.startswith("_")} - DERIVED - {"untrained"}
    assert {"features", "respond", "to", "cutoff"} <= public
    assert public <= set(vars(Remembering))


def test_the_untrained_twin_and_the_device_are_those_of_the_wrapped_backbone() -> None:
    function, calls = sums(1.0)
    inner = from_callable(
        function,
        "1x1o",
        forces=function,
        energies=lambda frames: np.arange(len(frames)),
        elements=("H", "O"),
        cutoff=3.0,
        untrained=lambda seed: sums(float(seed))[0],
    )
    moved: list[str] = []
    inner.to = moved.append  # type: ignore[method-assign]
    backbone, frames = Remembering(inner), water()
    assert backbone.untrained is not None
    twin = backbone.untrained(5)
    np.testing.assert_array_equal(
        twin.features(frames, "features").values, 5.0 * backbone.features(frames, "features").values
    )
    count = len(calls)
    backbone.features(frames, "features")
    assert len(calls) == count  # remembered
    backbone.to("cpu")
    assert moved == ["cpu"]
    backbone.features(frames, "features")
    assert len(calls) == count + 1  # what another device gave is forgotten
    assert (backbone.elements, backbone.cutoff) == (("H", "O"), 3.0)
    assert (backbone.has_forces, backbone.has_energies, backbone.can_filter_edges) == (True, True, False)
    np.testing.assert_array_equal(backbone.energies_and_forces(frames)[0], [0.0, 1.0])
    answer = backbone.respond(frames, ["features"], forces=True)
    assert answer.forces is not None
    np.testing.assert_array_equal(answer.forces, backbone.forces(frames))


def test_a_model_without_energies_says_so() -> None:
    backbone = Remembering(from_callable(sums(1.0)[0], "1x1o"))
    assert not backbone.has_energies
    assert not backbone.has_forces
    assert backbone.untrained is None
    with pytest.raises(Exception, match="gives forces without energies"):
        backbone.energies_and_forces(water())


def test_a_crystal_in_another_cell_is_not_the_one_remembered() -> None:
    """The same positions in a smaller cell have other neighbours."""

    def features(frames: Frames) -> np.ndarray:
        side = 0.0 if frames.cells is None else frames.cells[:, 0, 0]
        return np.ones((len(frames), 3, 3)) * np.reshape(side, (-1, 1, 1))

    backbone, free = Remembering(from_callable(features, "1x1o")), water()
    boxes = [
        replace(free, cells=np.tile(a * np.eye(3), (2, 1, 1)), pbc=(True, True, True)) for a in (5.0, 6.0)
    ]
    assert [backbone.features(frames, "features").values[0, 0, 0] for frames in (free, *boxes)] == [
        0.0,
        5.0,
        6.0,
    ]
