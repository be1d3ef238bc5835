"""The check of an adapter: every adapter of ours passes it, and each way of being wrong is named and nothing else is."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from e3nn import o3
from numpy.typing import NDArray

from spectral_ceilings.diagnostic import (
    Backbone,
    Features,
    Frames,
    check_backbone,
    from_callable,
    from_e3nn,
    from_module,
)
from spectral_ceilings.diagnostic.backbones.e3nn_model import energy_forces, one_hot_inputs
from spectral_ceilings.diagnostic.backbones.responses import EdgeFilter, Response
from spectral_ceilings.paper_checks.remember import Remembering
from spectral_ceilings.theory import InputError

from pair_backbone import ELEMENTS, Pairs, ethanol


def nequip() -> Backbone:
    pytest.importorskip("nequip", reason="the extra 'nequip' is not installed")
    from spectral_ceilings.diagnostic.backbones.architecture import architecture
    from spectral_ceilings.diagnostic.backbones.checkpoint import fresh

    kind = architecture("nequip")
    settings = kind.settings(ELEMENTS, l_max=2, num_features=3, avg_num_neighbors=8.0)  # type: ignore[call-arg]
    backbone = fresh(kind, settings, "nequip", 0)
    backbone.untrained = lambda seed: fresh(kind, settings, "nequip", seed)
    return backbone


def allegro() -> Backbone:
    pytest.importorskip("allegro", reason="the extra 'allegro' is not installed")
    from spectral_ceilings.diagnostic.backbones.architecture import architecture
    from spectral_ceilings.diagnostic.backbones.checkpoint import fresh

    kind = architecture("allegro")
    settings = kind.settings(
        ELEMENTS, num_layers=2, num_features=3, num_scalar_features=4, avg_num_neighbors=8.0
    )  # type: ignore[call-arg]
    backbone = fresh(kind, settings, "allegro", 0)
    backbone.untrained = lambda seed: fresh(kind, settings, "allegro", seed)
    return backbone


def with_messages(network: torch.nn.Module) -> torch.nn.Module:
    """Give every convolution a part in its output: e3nn begins with none, so that energies would not depend on positions."""
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "alpha" in name:
                parameter.add_(0.5)
    return network


def e3nn_network(seed: int = 0) -> torch.nn.Module:
    from e3nn.nn.models.v2106.gate_points_networks import SimpleNetwork

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        torch.manual_seed(seed)
        made = SimpleNetwork("3x0e", "0e", max_radius=4.0, num_neighbors=6.0, num_nodes=9.0, mul=3, layers=2)
        return with_messages(made)
    finally:
        torch.set_default_dtype(before)


def e3nn() -> Backbone:
    network = e3nn_network()

    def energies(frames: Frames) -> NDArray[Any]:
        before = torch.get_default_dtype()
        torch.set_default_dtype(torch.float64)
        try:
            with torch.no_grad():
                return network(one_hot_inputs(ELEMENTS)(frames)).numpy().reshape(-1)
        finally:
            torch.set_default_dtype(before)

    forces = energy_forces(network, ELEMENTS)
    return from_e3nn(network, ELEMENTS, forces=forces, energies=energies, untrained=e3nn_network)


class Mixed(torch.nn.Module):
    """Densities from the outside, mixed by two equivariant linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = (
            o3.Linear("1x0e+1x1o+1x2e", "2x0e+2x1o+2x2e"),
            o3.Linear("2x0e+2x1o+2x2e", "2x1o"),
        )

    def forward(self, densities: torch.Tensor) -> torch.Tensor:
        return self.second(self.first(densities))


def hooked_module() -> Backbone:
    pairs = Pairs()

    def inputs(frames: Frames) -> torch.Tensor:
        return torch.tensor(pairs.parts(frames)["first"])

    torch.manual_seed(0)
    return from_module(
        Mixed(), ["first", "second"], ["2x0e+2x1o+2x2e", "2x1o"], inputs=inputs, forces=pairs.forces,
        energies=lambda frames: pairs.energies_and_forces(frames)[0], elements=ELEMENTS, cutoff=4.0, untrained=_mixed,
    )  # fmt: skip


def _mixed(seed: int) -> torch.nn.Module:
    torch.manual_seed(seed)
    return Mixed()


def hooked_function() -> Backbone:
    pairs = Pairs()

    def twin(seed: int) -> Callable[[Frames], Any]:
        return lambda frames: Pairs(seed).parts(frames)["first"]

    return from_callable(
        lambda frames: pairs.parts(frames)["first"], "1x0e+1x1o+1x2e", forces=pairs.forces,
        energies=lambda frames: pairs.energies_and_forces(frames)[0], elements=ELEMENTS, cutoff=4.0, untrained=twin,
    )  # fmt: skip


def remembering() -> Backbone:
    return Remembering(Pairs())


FULL = {"layers", "elements", "features", "repeatable", "rotation", "inversion", "translation", "permutation", "batch",
        "one pass", "cutoff", "edge filter", "untrained", "forces", "force rotation", "force units", "energies",
        "force gradient"}  # fmt: skip


@pytest.mark.parametrize(
    "make",
    [Pairs, nequip, allegro, e3nn, hooked_module, hooked_function, remembering],
    ids=lambda make: make.__name__,
)
def test_every_adapter_keeps_the_contract(make: Callable[[], Backbone]) -> None:
    backbone = make()
    report = check_backbone(backbone, ethanol())
    assert report.held, report
    assert {finding.name for finding in report} == FULL
    open_ones = {finding.name for finding in report if finding.held is None}
    # what has no forces of frames to compare with, and a graph out of reach, cannot be told
    assert open_ones <= {"force units"} | (set() if backbone.can_filter_edges else {"edge filter"})


def relabelled(backbone: Backbone, irreps: str) -> Backbone:
    return from_callable(
        lambda frames: backbone.features(frames, "first").values, irreps, source="relabelled"
    )


class State(Pairs):
    def __init__(self, seed: int | None = None) -> None:
        super().__init__(seed)
        self.calls = 0

    def parts(self, frames: Frames, edges: EdgeFilter | None = None) -> dict[str, NDArray[Any]]:
        self.calls += 1
        return {
            name: values * (1 + 1e-3 * self.calls) for name, values in super().parts(frames, edges).items()
        }


def changed(name: str) -> type[Pairs]:
    """Return a class whose ``parts`` are spoiled in one way."""

    class Spoiled(Pairs):
        def parts(self, frames: Frames, edges: EdgeFilter | None = None) -> dict[str, NDArray[Any]]:
            parts = super().parts(frames, edges)
            first = parts["first"]
            if name == "nan":
                first[0, 0, 0] = np.nan
            if name == "zero":
                first[:] = 0.0
            if name == "component":
                first[..., 4] += 0.02 * first[..., 0]
            if name == "absolute":
                first[..., :1] *= 1 + 1e-3 * frames.positions[..., :1]
            if name == "order":
                first *= 1 + 1e-3 * np.arange(first.shape[1])[:, None]
            if name == "batch":
                first *= 1 + 1e-3 * len(frames)
            if name == "parity":
                d, r, fade = self.pairs(frames, edges)
                other = np.einsum("nij,nijk->nik", fade * np.exp(-3 * r), d)
                first[..., 1:4] += np.cross(first[..., 1:4], other)
            return parts

        def features(self, frames: Frames, layer: str) -> Features:
            if name == "pass" and layer == "first":
                return Features(1.01 * self.parts(frames)["first"], "1x0e+1x1o+1x2e", "first")
            if name == "dtype":
                return replace(
                    super().features(frames, layer), values=self.parts(frames)[layer].astype(np.float32)
                )
            if name == "shape":
                return self.parts(frames)[layer]  # type: ignore[return-value]
            if name == "input":
                frames.positions[:] = frames.positions - frames.positions.mean(axis=1, keepdims=True)
            return super().features(frames, layer)

        @property
        def cutoff(self) -> float:
            return 2.0 if name == "cutoff" else 4.0

        @property
        def elements(self) -> tuple[str, ...]:
            return ("H", "C") if name == "elements" else ELEMENTS

        def energies_and_forces(self, frames: Frames) -> tuple[NDArray[Any], NDArray[Any]]:
            energies, forces = super().energies_and_forces(frames)
            if name == "energy":
                energies = energies + 1e-3 * frames.positions[:, 0, 0]
            if name == "own forces":
                forces = forces * (1 + 0.1 * np.arange(forces.shape[1])[:, None])
            factors = {
                "sign": -1.0,
                "hartree per bohr": 1 / 51.422067,
                "hartree": 1 / 27.211386,
                "kcal": 23.060548,
            }
            if name == "per atom":
                energies = energies / len(frames.numbers)
            if name == "energy in kcal":
                energies = 23.060548 * energies
            if name == "tilted":
                forces = forces[..., [1, 0, 2]]
            return energies, factors.get(name, 1.0) * forces

        def respond(
            self, frames: Frames, layers: Any, *, edges: EdgeFilter | None = None, forces: bool = False
        ) -> Response:
            if edges is not None and name == "unasked":
                edges = None
            if edges is not None and name == "dropped":
                kept = edges
                edges = lambda index: kept(index) & (index[0] != 0)  # noqa: E731
            return super().respond(frames, layers, edges=edges, forces=forces)

    return Spoiled


@pytest.mark.parametrize(
    ("name", "failing", "words"),
    [
        ("nan", {"features"}, "not finite"),
        ("zero", {"features"}, "features of first are all zero"),
        ("dtype", {"features"}, "values are float32"),
        ("shape", {"features"}, "gives a ndarray, expected Features"),
        ("input", {"features"}, "changes the frames that it is given"),
        ("component", {"rotation"}, "equivariant only approximately, worst at l = 2"),
        ("absolute", {"rotation", "inversion", "translation"}, "give the model relative positions"),
        ("order", {"permutation"}, "do not follow their atoms"),
        ("batch", {"batch"}, "frames of a batch see one another"),
        ("pass", {"one pass"}, "respond() and features() differ"),
        ("cutoff", {"cutoff"}, "sees further than it says"),
        ("elements", {"elements"}, "does not know the element O"),
        ("energy", {"energies", "force gradient"}, "depend on the orientation"),
        ("own forces", {"force gradient"}, "they are not its gradient"),
        ("sign", {"force gradient"}, "the sign is wrong"),
        ("hartree per bohr", {"force gradient"}, "forces in hartree/bohr beside energies in eV"),
        ("hartree", {"force gradient"}, "forces in hartree/Å beside energies in eV"),
        ("kcal", {"force gradient"}, "forces in kcal/mol/Å beside energies in eV"),
        ("per atom", {"force gradient"}, "energies are given per atom"),
        ("energy in kcal", {"force gradient"}, "energies in kcal/mol beside forces in eV/Å"),
        ("tilted", {"force rotation", "force gradient"}, "forces miss rotations"),
        ("unasked", {"edge filter"}, "never asked"),
        ("dropped", {"edge filter"}, "changes features by"),
    ],
)
def test_each_fault_is_named_and_nothing_else_is(name: str, failing: set[str], words: str) -> None:
    report = check_backbone(changed(name)(), ethanol())
    wrong = {finding.name: finding.sentence for finding in report if finding.held is False}
    if name == "absolute":  # what the inversion does to features that depend on the place is no law
        failing = failing & set(wrong) | {"rotation", "translation"}
    assert set(wrong) == failing, report
    assert any(words in sentence for sentence in wrong.values()), wrong
    assert not report.held
    assert f"{len(failing)} of {len(report)} checks fail" in repr(report)


def test_features_of_so3_are_no_mistake() -> None:
    report = check_backbone(changed("parity")(), ethanol())
    assert report.held
    assert report["inversion"].held is None
    assert "inversion is no symmetry of layer 'first'" in report["inversion"].sentence


def test_a_wrong_parity_a_state_and_a_false_twin_are_named() -> None:
    wrong = check_backbone(relabelled(Pairs(), "1x0e+1x1e+1x2e"), ethanol())
    assert wrong["inversion"].held is False
    assert "declare that" in wrong["inversion"].sentence
    assert wrong["rotation"].held
    state = check_backbone(State(), ethanol())
    assert state["repeatable"].held is False
    assert "put it in evaluation mode" in state["repeatable"].sentence
    same = Pairs()
    same.untrained = lambda seed: Pairs()
    twin = check_backbone(same, ethanol())["untrained"]
    assert twin.held is False
    assert "was not built anew" in twin.sentence


def test_forces_in_another_unit_than_those_of_the_frames_are_named() -> None:
    frames = ethanol()
    rng = np.random.default_rng(3)
    forces = Pairs().forces(frames)
    noise = 0.05 * np.sqrt((forces**2).mean()) * rng.normal(size=forces.shape)
    for factor, held, words in (
        (1.0, True, "the same unit"),
        (23.060548, False, "kcal/mol/Å"),
        (-1.0, False, "opposite sign"),
    ):

        class Scaled(Pairs):
            scale_of_forces = factor

            def energies_and_forces(self, frames: Frames) -> tuple[NDArray[Any], NDArray[Any]]:
                energies, own = super().energies_and_forces(frames)
                return self.scale_of_forces * energies, self.scale_of_forces * own

        finding = check_backbone(Scaled(), replace(frames, forces=forces + noise))["force units"]
        assert finding.held is held
        assert words in finding.sentence


def test_coarse_energies_decide_nothing() -> None:
    class Coarse(Pairs):
        def energies_and_forces(self, frames: Frames) -> tuple[NDArray[Any], NDArray[Any]]:
            energies, forces = super().energies_and_forces(frames)
            return np.asarray(np.asarray(energies - 20_000.0, dtype=np.float32), dtype=np.float64), forces

    finding = check_backbone(Coarse(), ethanol())["force gradient"]
    assert finding.held is None
    assert "evaluate the model in float64" in finding.sentence


def test_a_backbone_that_fails_is_described_and_raises_nothing() -> None:
    class Failing(Pairs):
        def features(self, frames: Frames, layer: str) -> Features:
            raise RuntimeError("weights\nmissing")

        def forces(self, frames: Frames) -> NDArray[Any]:
            raise ZeroDivisionError

    report = check_backbone(Failing(), ethanol())
    assert report["features"].sentence == "raised RuntimeError: weights missing"
    assert report["forces"].sentence == "raised ZeroDivisionError"
    assert check_backbone(object(), ethanol())["layers"].held is False  # type: ignore[arg-type]
    with pytest.raises(InputError, match="frames are a list, expected Frames"):
        check_backbone(Pairs(), [])  # type: ignore[arg-type]
    with pytest.raises(KeyError, match="no finding 'speed'; there are layers"):
        report["speed"]
    assert report.to_dict()["findings"][0]["name"] == "layers"
    assert report.to_dict()["held"] is False
