"""Figures depend neither on the number of workers nor, beyond float error, on the device."""

from dataclasses import fields

import numpy as np
import pytest
import torch

from spectral_ceilings.diagnostic.injection.orientations import Orientations
from spectral_ceilings.diagnostic.readouts.compute import Compute, choose_device, one_thread
from spectral_ceilings.diagnostic.readouts.equivariant import fit_equivariant
from spectral_ceilings.diagnostic.readouts.free import fit_free
from spectral_ceilings.diagnostic.readouts.ridge import gram_matrix
from spectral_ceilings.diagnostic.recovery.error_sums import ErrorSums
from spectral_ceilings.theory import InputError

from single_directions import single_direction

ARRAYS = [field.name for field in fields(ErrorSums) if field.name not in ("null", "origin")]


def fits(device: str = "cpu", workers: int = 1) -> list[ErrorSums]:
    features, signal, split, residual = single_direction(2, 5, 200, 3)
    orientations = Orientations.draw(split, 5, np.random.default_rng(4), times=(8, 4, 4))
    blocks = list(features.blocks())

    def fit(degree: int) -> list[ErrorSums]:
        found, _ = fit_free(blocks, 0, signal, residual, orientations, degree, 1.0, device=device)
        for one in fit_equivariant(blocks, [0], {"marked": {0: signal}}, split, degree, 1.0, device=device):
            found += [one.own["marked"][0], one.shared["marked"][0]] if one.own else []
        return found

    return [sums for part in Compute(device, workers).map(fit, [1, 2, 3, 2]) for sums in part]


def test_the_number_of_workers_changes_nothing() -> None:
    alone, together = fits(workers=1), fits(workers=3)
    assert len(alone) == len(together)
    for a, b in zip(alone, together, strict=True):
        assert all(np.array_equal(getattr(a, name), getattr(b, name)) for name in ARRAYS)
        assert a.null == b.null


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_a_gpu_gives_the_same_figures() -> None:
    # Several workers, as by default: they must not load the GPU's solvers side by side.
    for a, b in zip(fits("cpu"), fits("cuda", workers=3), strict=True):
        # Condition number at most 165 columns / 1e-7 in float64: 2e-16 * 1.7e9 = 4e-7 of the power injected; the saved
        # sums are rounded to 6e-8 of themselves.
        for name in ARRAYS:
            scale = np.abs(a.before).max()
            np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=1e-6, atol=1e-6 * scale)


def test_results_come_in_order_and_an_error_is_passed_on() -> None:
    assert list(Compute(workers=4).map(lambda k: k * k, range(20))) == [k * k for k in range(20)]
    with pytest.raises(ZeroDivisionError):
        list(Compute(workers=2).map(lambda k: 1 // k, [1, 0, 2]))


def test_the_number_of_blas_threads_is_restored() -> None:
    before = torch.get_num_threads()
    with one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


def test_a_gram_matrix_by_blocks_is_the_whole_one() -> None:
    x = torch.from_numpy(np.random.default_rng(0).integers(-5, 6, size=(30, 150)).astype(float))
    assert torch.equal(gram_matrix(x), x.T @ x)  # integers: exact


@pytest.mark.parametrize("name", ["abacus", "cuda:99", "meta", ""])
def test_a_device_that_is_not_there_is_refused_by_name(name: str) -> None:
    with pytest.raises(InputError, match=f"device '{name}' cannot be used here"):
        choose_device(name)


@pytest.mark.parametrize("workers", [0, -1, True, 1.5])
def test_workers_are_checked(workers: object) -> None:
    with pytest.raises(InputError, match="workers is"):
        Compute(workers=workers)  # type: ignore[arg-type]
