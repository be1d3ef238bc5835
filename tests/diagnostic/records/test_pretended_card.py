"""On a pretended card the code of a diagnosis gives the CPU's numbers to the bit, mixes nothing and seldom asks for any."""

from collections.abc import Callable
from dataclasses import astuple
from typing import Any

import numpy as np
import pytest
import torch

from spectral_ceilings.diagnostic.auditing.random_readouts import random_readout
from spectral_ceilings.diagnostic.auditing.rotation_audit import component_scale, rotation_audit
from spectral_ceilings.diagnostic.backbones.loading import load_backbone
from spectral_ceilings.diagnostic.frames.reading import read_frames
from spectral_ceilings.diagnostic.injection.orientations import Orientations
from spectral_ceilings.diagnostic.readouts.equivariant import fit_equivariant
from spectral_ceilings.diagnostic.readouts.free import fit_free
from spectral_ceilings.diagnostic.readouts.polynomial_network_training import NetworkTraining, fit_network
from spectral_ceilings.diagnostic.readouts.ridge import gram_matrix, ridge_solutions
from spectral_ceilings.diagnostic.records.devices import OutOfDeviceMemory

from pretended_card import Card, pretended_card
from single_directions import single_direction


def free(device: str, l_top: int = 5, frames: int = 100, times: int = 4) -> Any:
    """Return the figures of free readouts of degree 2."""
    features, signal, split, residual = single_direction(2, l_top, frames, 3)
    orientations = Orientations.draw(split, l_top, np.random.default_rng(4), times=(2 * times, times, times))
    sums, count = fit_free(list(features.blocks()), 0, signal, residual, orientations, 2, 1.0, device=device)
    return [astuple(each) for each in sums], count


def equivariant(device: str, l_top: int = 4, frames: int = 60) -> Any:
    """Return the figures of equivariant readouts of degree 2."""
    features, signal, split, _ = single_direction(2, l_top, frames, 3)
    fits = fit_equivariant(
        list(features.blocks()), [0], {"marked": {0: signal}}, split, 2, 1.0, device=device
    )
    return [astuple(fit) for fit in fits]


def equal(one: Any, other: Any) -> bool:
    """Say whether two nested results agree to the last bit."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(equal(a, b) for a, b in zip(one, other, strict=True))
    return bool(
        np.array_equal(np.asarray(one), np.asarray(other), equal_nan=isinstance(one, np.ndarray | float))
    )


def on_card(work: Callable[[], Any], **limits: Any) -> tuple[Any, Card]:
    with pretended_card(**limits) as card:
        return work(), card


@pytest.mark.parametrize("fit", [free, equivariant])
def test_fits_on_a_card_are_those_of_the_cpu_to_the_bit(fit: Callable[..., Any]) -> None:
    made, card = on_card(lambda: fit("cuda"))
    assert equal(made, fit("cpu"))
    assert card.operations > 100


def test_free_fits_ask_the_card_as_often_whatever_their_size() -> None:
    _, small = on_card(lambda: free("cuda", l_top=2, frames=60))
    for work in (lambda: free("cuda", l_top=6, frames=60), lambda: free("cuda", l_top=2, frames=120)):
        _, card = on_card(work)
        assert card.waits == small.waits


def test_free_fits_that_run_out_of_memory_give_the_same_and_ask_as_often() -> None:
    whole, card = on_card(lambda: free("cuda", l_top=2, frames=90, times=12))
    halved, small = on_card(lambda: free("cuda", l_top=2, frames=90, times=12), room=200_000)
    assert card.largest > 250_000
    assert small.refused >= 2
    assert small.waits == card.waits
    for one, other in zip(whole[0], halved[0], strict=True):
        for a, b in zip(one[:4], other[:4], strict=True):
            # Sums in another order: N eps on a Gram matrix of condition at most 45 columns / 1e-7 gives 2e-16 * 4.5e8 = 1e-7.
            np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7 * np.abs(one[2]).max())


def test_equivariant_fits_ask_the_card_as_often_for_more_frames() -> None:
    (_, small), (_, large) = (on_card(lambda n=n: equivariant("cuda", frames=n)) for n in (40, 80))
    assert large.waits == small.waits


def network(device: str) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((90, 4)), rng.standard_normal((90, 1))
    fit = fit_network(
        x[:60],
        y[:60],
        width=8,
        validation=(x[60:], y[60:]),
        training=NetworkTraining(steps=12),
        device=device,
    )
    return [weight.numpy(force=True) for weight in fit.network.state_dict().values()], fit.predict(x)


def test_a_small_network_learns_the_same_on_a_card() -> None:
    made, card = on_card(lambda: network("cuda"))
    assert equal(made, network("cpu"))
    assert card.operations > 100


def test_solves_ask_the_card_once() -> None:
    design = torch.from_numpy(np.random.default_rng(0).standard_normal((300, 130)))
    cross = design.T @ design[:, :3]
    with pretended_card() as card:
        solved = ridge_solutions(gram_matrix(design.to("cuda")), cross.to("cuda"))
        assert card.waits == {"copy to the host": 1}
        made = [each.cpu() for each in solved]
    for a, b in zip(made, ridge_solutions(gram_matrix(design), cross), strict=True):
        assert torch.equal(a, b)


@pytest.fixture(scope="module")
def frames() -> Any:
    return read_frames("aspirin-xtb").select(range(6))


def test_features_and_forces_of_a_shipped_backbone_are_made_on_the_card(
    frames: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("nequip", reason="the extra 'nequip' is not installed")
    backbone = load_backbone("aspirin-xtb-l2")
    layer = backbone.choose_layer().name
    features, forces = backbone.features(frames, layer).values, backbone.forces(frames)
    with pretended_card(free=8 * 10**10) as card:
        backbone.to("cuda")
        copies = []
        for some in (frames, frames.select([0])):
            card.to_host = 0
            made = backbone.features(some, layer).values
            copies.append(card.to_host)
            assert np.array_equal(made, features[: len(some)])
        forces_made = backbone.forces(frames)
        monkeypatch.setattr("spectral_ceilings.diagnostic.records.devices._PART", 1e-9)
        monkeypatch.setattr("spectral_ceilings.diagnostic.backbones.nequip_model._ATOMS_IN_A_BATCH", 21)
        card.to_host = 0
        alone = backbone.features(frames, layer).values
        copies.append(card.to_host)
        backbone.to("cpu")
    assert copies[0] == copies[1]  # as often for six frames as for one, in one batch
    assert copies[2] <= len(frames) * copies[0]
    # A scripted function differentiates by itself on the CPU: sums in another order, of some 1e3 terms of the size of the forces.
    np.testing.assert_allclose(
        forces_made, forces, rtol=0.0, atol=1e3 * np.finfo(float).eps * np.abs(forces).max()
    )
    np.testing.assert_allclose(
        alone, features, rtol=1e-10, atol=1e-12
    )  # a product of other shapes adds in another order


def test_batches_of_a_backbone_that_run_out_of_memory_are_halved(frames: Any) -> None:
    pytest.importorskip("nequip", reason="the extra 'nequip' is not installed")
    backbone = load_backbone("aspirin-xtb-l2")
    layer = backbone.choose_layer().name
    known = backbone.features(frames, layer).values
    with pretended_card() as card:
        backbone.to("cuda")
        backbone.features(frames, layer)
        card.room = card.largest // 2
        made = backbone.features(frames, layer).values
        card.room = 2_000
        with pytest.raises(OutOfDeviceMemory, match=r"one item .*--device cpu"):
            backbone.features(frames, layer)
        card.room = None
        backbone.to("cpu")
    assert card.refused >= 2
    np.testing.assert_allclose(made, known, rtol=1e-10, atol=1e-12)


def test_an_audit_turns_and_reads_on_the_card_and_asks_once_for_a_batch(frames: Any) -> None:
    pytest.importorskip("nequip", reason="the extra 'nequip' is not installed")
    backbone = load_backbone("aspirin-xtb-l2")
    layer = backbone.choose_layer().name
    scale = component_scale(backbone.features(frames.select([0]), layer))
    readout = random_readout("polynomial", 2, scale, np.random.default_rng(0))

    def audited(device: str, degree: int) -> tuple[Any, Any, int]:
        backbone.to(device)
        rng = np.random.default_rng(1)
        audit = rotation_audit(
            backbone, frames.select([0]), [layer], [(layer, 0, readout)], 1, rng, degree=degree, device=device
        )
        powers = [each.power for each in audit.readouts]
        return powers, [error.largest for error in audit.errors[layer]], len(audit.quadrature)

    known = audited("cpu", 2)
    asked = []
    for degree in (2, 3):
        with pretended_card(free=8 * 10**10) as card:
            made = audited("cuda", degree)
            backbone.to("cpu")
        asked.append(card.waits)
        if degree == 2:
            assert equal(made, known)
    assert made[2] > known[2]
    assert asked[1].total() <= asked[0].total() + 1  # the features of a batch more, whatever is read of them


def test_tensors_of_two_devices_do_not_meet() -> None:
    with pretended_card():
        on, off = torch.ones(2, 3, device="cuda"), torch.ones(2, 3)
        for meet in (torch.add, torch.mul, torch.minimum, lambda a, b: torch.cat([a, b])):
            with pytest.raises(RuntimeError, match="expected all tensors to be on the same device"):
                meet(on, off)
        with pytest.raises(TypeError, match="can't convert cuda:0"):
            on.numpy()
        assert (on + torch.tensor(1.0)).device.type == "cuda"  # a number of the host may come along


def test_every_number_that_leaves_the_card_is_counted() -> None:
    leave: list[Callable[[torch.Tensor], Any]] = [
        lambda x: x.cpu(), lambda x: x.numpy(force=True), lambda x: x.tolist(), lambda x: x.sum().item(),
        lambda x: float(x.sum()), lambda x: bool((x > 0).all()), lambda x: x[x > 0], lambda x: x.nonzero(),
        lambda x: torch.linalg.cholesky(x @ x.T), lambda x: x.to("cpu", torch.float32),
    ]  # fmt: skip
    with pretended_card() as card:
        x = torch.eye(3, device="cuda", dtype=torch.float64)
        y = (x @ x + 1.0).T.sum(dim=0)[1:] * 2.0  # and nothing that stays
        assert y.device == x.device
        assert not card.waits
        for number, ask in enumerate(leave):
            before = card.waits.total()
            ask(x)
            assert card.waits.total() > before, number
        assert card.to_card == 0
        assert card.to_host == 4
        torch.ones(3).to("cuda")
        torch.tensor([1.0], device="cuda")
        x[torch.tensor([0, 2])]  # an index of the host is sent along
        assert card.to_card == 3


def test_a_gradient_on_the_card_is_the_cpus() -> None:
    def gradient(device: str) -> torch.Tensor:
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.SiLU(), torch.nn.Linear(4, 1)).to(device)
        x = torch.linspace(0, 1, 15).reshape(5, 3).to(device).requires_grad_()
        (inner,) = torch.autograd.grad(model(x).sum(), x, create_graph=True)
        inner.square().sum().backward()
        return next(iter(model.parameters())).grad.cpu()  # type: ignore[union-attr]

    made, _ = on_card(lambda: gradient("cuda"))
    assert torch.equal(made, gradient("cpu"))
