"""Modules under a hook: what is read when others overwrite it, inputs of every make, and failures that say what helps."""

from collections import namedtuple
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from ase.build import molecule

from spectral_ceilings.diagnostic import from_callable, from_module
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.theory import InputError


def water(frames: int = 3) -> Frames:
    atoms = molecule("H2O")
    positions = atoms.get_positions() + 0.1 * np.random.default_rng(0).normal(size=(frames, 3, 3))
    return Frames(np.array(atoms.numbers), positions, 0 * positions, None, "water", "0" * 64, "eV")


def centred(frames: Frames) -> np.ndarray:
    return frames.positions - frames.positions.mean(axis=1, keepdims=True)


def inputs(frames: Frames) -> torch.Tensor:
    return torch.tensor(centred(frames))


class Double(torch.nn.Module):
    """Twice what the dictionary holds, written back into it and into the very tensor."""

    def forward(self, data: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        data["h"] = data["h"].mul_(2.0)
        return data


class Overwriting(torch.nn.Module):
    """Layers that share one dictionary, as nequip's do."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.three = Double(), Double(), Double()

    def forward(self, positions: torch.Tensor) -> torch.Tensor:
        data = {"h": positions.clone()}
        return self.three(self.two(self.one(data)))["h"]


@pytest.mark.parametrize(("layer", "factor"), [("one", 2.0), ("two", 4.0), ("three", 8.0)])
def test_a_layer_is_read_before_later_ones_overwrite_it(layer: str, factor: float) -> None:
    backbone = from_module(Overwriting(), layer, "1x1o", inputs=inputs, pick=lambda output: output["h"])
    np.testing.assert_array_equal(backbone.features(water(), layer).values, factor * centred(water()))


def test_several_layers_come_in_one_pass() -> None:
    calls = []

    def counted(frames: Frames) -> torch.Tensor:
        calls.append(len(frames))
        return inputs(frames)

    names = ["one", "two", "three"]
    backbone = from_module(
        Overwriting(), names, ["1x1o"] * 3, inputs=counted, pick=lambda output: output["h"]
    )
    features = backbone.respond(water(), names).features
    assert calls == [3]
    for name, factor in zip(names, (2.0, 4.0, 8.0), strict=True):
        np.testing.assert_array_equal(features[name].values, factor * centred(water()))
    with pytest.raises(InputError, match="the edges of Overwriting cannot be filtered"):
        backbone.respond(water(), names, edges=lambda edges: edges[0] == 0)


class Graph:
    """Like torch_geometric's Data: a method ``apply`` that maps every tensor, and ``to`` that moves them."""

    def __init__(self, **tensors: torch.Tensor) -> None:
        self.store = tensors

    def __copy__(self) -> "Graph":
        return Graph(**self.store)

    def apply(self, function: Any) -> "Graph":
        self.store = {name: function(value) for name, value in self.store.items()}
        return self

    def to(self, device: Any) -> "Graph":
        return self.apply(lambda value: value.to(device))


class System:
    """Like metatensor's System: ``to`` with a device and a number format."""

    def __init__(self, positions: torch.Tensor) -> None:
        self.positions = positions

    def to(self, device: Any = None, dtype: Any = None) -> "System":
        return System(self.positions.to(device=device, dtype=dtype))


class OnDevice(System):
    """``to`` with a device alone."""

    def to(self, device: Any) -> "OnDevice":  # type: ignore[override]
        return OnDevice(self.positions.to(device))


@dataclass
class Record:
    positions: torch.Tensor
    count: int


Pair = namedtuple("Pair", ["positions", "count"])


class Reading(torch.nn.Module):
    """Takes positions out of anything, and keeps what it saw."""

    def __init__(self, where: Any) -> None:
        super().__init__()
        self.where = where
        self.weight = torch.nn.Parameter(torch.ones(1))
        self.inner = torch.nn.Identity()

    def forward(self, given: Any) -> torch.Tensor:
        return self.inner(self.where(given) * self.weight)


SINGLE = {"dtype": torch.float32}


@pytest.mark.parametrize(
    ("make", "where"),
    [
        (lambda x: Graph(pos=x, z=torch.arange(3)), lambda given: given.store["pos"]),
        (System, lambda given: given.positions),
        (lambda x: Record(x, 3), lambda given: given.positions),
        (lambda x: Pair(x, 3), lambda given: given.positions),
        (lambda x: {"nested": [(x, 1)]}, lambda given: given["nested"][0][0]),
    ],
    ids=["apply", "to", "dataclass", "namedtuple", "nested"],
)
def test_inputs_of_every_make_are_cast(make: Any, where: Any) -> None:
    given = []

    def inputs_of(frames: Frames) -> Any:
        given.append(make(torch.tensor(centred(frames), dtype=torch.float32)))
        return given[-1]

    seen: list[torch.dtype] = []

    def looking(value: Any) -> torch.Tensor:
        seen.append(where(value).dtype)
        return where(value)

    values = (
        from_module(Reading(looking), "inner", "1x1o", inputs=inputs_of).features(water(), "inner").values
    )
    assert seen == [torch.float64]
    assert where(given[0]).dtype == torch.float32  # what the user gave is left as it was
    np.testing.assert_array_equal(values, centred(water()).astype(np.float32))


def test_an_object_that_takes_a_device_alone_is_moved_and_not_cast() -> None:
    def inputs_of(frames: Frames) -> OnDevice:
        return OnDevice(torch.tensor(centred(frames)))

    module = Reading(lambda given: given.positions)
    assert from_module(module, "inner", "1x1o", inputs=inputs_of).features(water(), "inner").values.any()


def test_integer_tensors_of_an_object_stay_integers() -> None:
    kinds: list[torch.dtype] = []

    def where(given: Graph) -> torch.Tensor:
        kinds.append(given.store["z"].dtype)
        return given.store["pos"]

    def inputs_of(frames: Frames) -> Graph:
        return Graph(pos=torch.tensor(centred(frames)), z=torch.arange(3))

    from_module(Reading(where), "inner", "1x1o", inputs=inputs_of).features(water(), "inner")
    assert kinds == [torch.int64]


class Table(torch.nn.Module):
    """Makes a tensor of its own in float32, whatever it was cast to."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(3, 3, bias=False)

    def forward(self, positions: torch.Tensor) -> torch.Tensor:
        return self.linear(torch.ones_like(positions, dtype=torch.float32))


class Slope(torch.nn.Module):
    """Differentiates inside its forward."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = torch.nn.Identity()

    def forward(self, positions: torch.Tensor) -> torch.Tensor:
        x = positions.clone().requires_grad_()
        (slope,) = torch.autograd.grad((x**2).sum(), x)
        return self.inner(slope)


def test_a_failure_of_number_formats_names_the_submodule_and_the_argument() -> None:
    backbone = from_module(Table(), "linear", "1x1o", inputs=inputs, source="table")
    with pytest.raises(
        InputError, match=r"the submodule 'linear' \(Linear\) failed with RuntimeError.*give dtype=None"
    ) as caught:
        backbone.features(water(), "linear")
    assert "the features of layer 'linear' of table could not be computed for water" in str(caught.value)
    assert isinstance(caught.value.__cause__, RuntimeError)
    fitting = from_module(Table(), "linear", "1x1o", inputs=inputs, dtype=None)
    assert fitting.features(water(), "linear").precision == np.finfo(np.float32).eps


def test_a_failure_of_gradients_names_the_argument() -> None:
    with pytest.raises(InputError, match=r"the module Slope failed with RuntimeError.*give gradients=True"):
        from_module(Slope(), "inner", "1x1o", inputs=inputs).features(water(), "inner")
    values = (
        from_module(Slope(), "inner", "1x1o", inputs=inputs, gradients=True).features(water(), "inner").values
    )
    np.testing.assert_array_equal(values, 2 * centred(water()))


class Wrong(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.block = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Identity())

    def forward(self, positions: torch.Tensor) -> torch.Tensor:
        return self.block(positions)


@pytest.mark.parametrize(
    ("module", "options", "words"),
    [
        (Wrong(), {}, r"the submodule 'block\.0' \(Linear\) failed with RuntimeError: mat1 and mat2 shapes"),
        (Overwriting(), {"pick": lambda output: output["x"]}, "output of the submodule 'one', dict: KeyError: 'x'"),
        (Overwriting(), {"pick": lambda output: output}, "pick= returns dict for the submodule 'one', expected a tensor"),
        (Overwriting(), {"pick": lambda output: output["h"].sum()}, "the submodule 'one' gives one number"),
        (Overwriting(), {"inputs": lambda frames: 1 / 0}, "inputs= failed: ZeroDivisionError: division by zero"),
        (Overwriting(), {"pick": lambda output: output["h"][:1]}, r"have shape \(3, 3\), expected \(3, 3, 3\)"),
    ],
)  # fmt: skip
def test_other_failures_say_where(module: torch.nn.Module, options: dict[str, Any], words: str) -> None:
    name = "block.0" if isinstance(module, Wrong) else "one"
    with pytest.raises(InputError, match=words):
        from_module(module, name, "1x1o", **{"inputs": inputs, **options}).features(water(), name)


def test_a_function_that_fails_or_gives_no_numbers_is_one_sentence_with_its_cause() -> None:
    def broken(frames: Frames) -> np.ndarray:
        raise RuntimeError("weights\n  missing")

    with pytest.raises(InputError, match=r"^the features of layer 'features' of broken could not be computed for water: "
                                         r"RuntimeError: weights missing$") as caught:  # fmt: skip
        from_callable(broken, "1x1o").features(water(), "features")
    assert isinstance(caught.value.__cause__, RuntimeError)
    for values, words in (
        (1j * centred(water()), "are of type complex128"),
        (["a"], "are of type <U1"),
        ([None], "of type object"),
    ):
        with pytest.raises(InputError, match=words):
            from_callable(lambda frames, values=values: values, "1x1o").features(water(), "features")
    tensor = torch.tensor(centred(water()), dtype=torch.bfloat16, requires_grad=True)
    coarse = from_callable(lambda frames: tensor, "1x1o").features(water(), "features")
    assert coarse.precision == np.finfo(np.float16).eps
    energies = from_callable(centred, "1x1o", forces=centred, energies=lambda frames: np.zeros(2))
    with pytest.raises(InputError, match=r"energies of centred have shape \(2,\), expected \(3,\)"):
        energies.energies_and_forces(water())


def test_a_function_without_forces_answers_with_none_rather_than_zeros() -> None:
    assert from_callable(centred, "1x1o").respond(water(), ["features"], forces=True).forces is None
    with_forces = from_callable(centred, "1x1o", forces=centred)
    answer = with_forces.respond(water(), ["features"], forces=True)
    assert answer.forces is not None
    np.testing.assert_array_equal(answer.forces, with_forces.forces(water()))


def test_an_attribute_that_only_looks_like_apply_is_left_alone() -> None:
    given = SimpleNamespace(apply=3, positions=torch.tensor(centred(water())))
    module = Reading(lambda value: value.positions)
    assert (
        from_module(module, "inner", "1x1o", inputs=lambda frames: given)
        .features(water(), "inner")
        .values.any()
    )
