"""Batches that run out of memory are halved and nothing is lost; float32 products are never made in TF32."""

import operator
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spectral_ceilings.diagnostic.records.devices import (
    OutOfDeviceMemory,
    choose_device,
    device_versions,
    full_products,
    halving,
    items_at_once,
    out_of_memory,
)
from spectral_ceilings.theory.errors import InputError


def full() -> torch.OutOfMemoryError:
    return torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


@given(
    st.lists(st.integers(1, 40), max_size=6), st.sets(st.integers(0, 60)), st.one_of(st.none(), st.integers(1, 40))
)  # fmt: skip
def test_whatever_runs_out_of_memory_every_item_is_computed_once_in_order(
    sizes: list[int], failing: set[int], room: int | None
) -> None:
    ends = np.cumsum([0, *sizes]).tolist()
    calls = 0

    def run(some: slice) -> list[int]:
        nonlocal calls
        calls += 1
        # A single item always fits: what does not has a test of its own.
        if some.stop - some.start > 1 and (
            calls in failing or (room is not None and some.stop - some.start > room)
        ):
            raise full()
        return list(range(some.start, some.stop))

    parts = list(halving(run, [slice(a, b) for a, b in pairwise(ends)]))
    assert [item for _, items in parts for item in items] == list(range(ends[-1]))
    assert [item for rows, _ in parts for item in range(rows.start, rows.stop)] == list(range(ends[-1]))


def test_a_smaller_batch_is_kept_so_that_memory_does_not_run_out_again_and_again() -> None:
    sizes: list[int] = []

    def run(some: slice) -> None:
        sizes.append(some.stop - some.start)
        if sizes[-1] > 3:
            raise full()

    list(halving(run, [slice(0, 8), slice(8, 16)]))
    assert sizes == [8, 4, 2, 2, 2, 2, 2, 2, 2, 2]


def test_one_item_that_does_not_fit_is_told_in_one_sentence() -> None:
    def run(some: slice) -> None:
        raise full()

    with pytest.raises(OutOfDeviceMemory, match=r"one item .*--device cpu") as raised:
        list(halving(run, [slice(0, 8)]))
    assert raised.value.__context__ is None  # the frames of the failure, with what they hold, are gone


def test_a_batch_within_a_batch_is_told_once() -> None:
    sizes: list[int] = []

    def inner(_: slice) -> None:
        raise full()

    def outer(some: slice) -> None:
        sizes.append(some.stop - some.start)
        list(halving(inner, [slice(0, 1)]))

    with pytest.raises(OutOfDeviceMemory) as raised:
        list(halving(outer, [slice(0, 8)]))
    assert str(raised.value).count("memory ran out on the smallest batch") == 1
    assert sizes == [8]


def test_other_errors_are_passed_on() -> None:
    def run(some: slice) -> None:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1"):
        list(halving(run, [slice(0, 8)]))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (full(), True),
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory"),
            True,
        ),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
        (RuntimeError("CUDA error: device-side assert triggered"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_what_says_that_memory_ran_out(error: Exception, said: bool) -> None:
    assert out_of_memory(error) is said


def test_float32_products_are_full_ones_within_and_as_before_afterwards() -> None:
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        with full_products():
            assert torch.get_float32_matmul_precision() == "highest"
            assert not torch.backends.cuda.matmul.allow_tf32
            assert not torch.backends.cudnn.allow_tf32
        list(halving(lambda some: _no_tf32(), [slice(0, 1)]))
        assert torch.get_float32_matmul_precision() == "high"
    finally:
        torch.set_float32_matmul_precision(before)


def _switches() -> list[object]:
    """Return how every switch of torch stands; None where it does not say."""
    backends = torch.backends
    asks: list[Callable[[], object]] = [
        torch.get_float32_matmul_precision,
        lambda: backends.cuda.matmul.allow_tf32,
        lambda: backends.cudnn.allow_tf32,
        lambda: backends.cuda.matmul.fp32_precision,
        lambda: backends.cudnn.conv.fp32_precision,
        lambda: backends.mkldnn.matmul.fp32_precision,
    ]
    told: list[object] = []
    for ask in asks:
        try:
            told.append(ask())
        except RuntimeError:  # a caller has used the newer switch, and the older one does not say
            told.append(None)
    return told


@pytest.mark.skipif(
    not hasattr(torch.backends.cuda.matmul, "fp32_precision"), reason="this torch has no newer switches"
)
@pytest.mark.parametrize(
    "value", ["tf32", "ieee"]
)  # nequip gives all of torch "ieee" on a machine with a card
@pytest.mark.parametrize("place", ["cuda.matmul", "cudnn", "cudnn.conv", ""])
def test_a_caller_may_use_the_newer_switches_of_torch(place: str, value: str) -> None:
    switch = operator.attrgetter(f"backends.{place}".rstrip("."))(torch)
    before = switch.fp32_precision
    try:
        switch.fp32_precision = value
        asked = _switches()
        with full_products():
            within = _switches()
            assert within[:2] + within[3:] == ["highest", False, "ieee", "ieee", "ieee"]
            assert not within[2]  # off, or not said
            with full_products():  # a batch within a fit
                pass
            assert _switches() == within
        assert _switches() == asked
    finally:
        switch.fp32_precision = before


def _no_tf32() -> None:
    assert not torch.backends.cuda.matmul.allow_tf32


def test_auto_is_a_card_where_there_is_one_and_else_the_cpu() -> None:
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize(
    "name", ["", "nonsense", "cuda:x", "cuda:97", "meta", "mps", "privateuseone", "vulkan", None, 3.5]
)
def test_a_device_that_cannot_be_used_is_refused_in_one_sentence(name: str) -> None:
    if name == "mps" and torch.backends.mps.is_available():
        pytest.skip("this machine has one")
    with pytest.raises(
        InputError, match=r"^device '.*' cannot be used here with float64.*; give one of auto, cpu"
    ) as told:
        choose_device(name)
    assert len(str(told.value).splitlines()) == 1


def test_torch_says_why_there_is_no_card() -> None:
    if torch.version.cuda is not None:
        pytest.skip("this torch was built for CUDA")
    with pytest.raises(
        InputError, match=r"float64 \(Torch not compiled with CUDA enabled\); give one of auto, cpu$"
    ):
        choose_device("cuda")


def test_a_batch_on_a_card_is_what_its_free_memory_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    free: Callable[[object], tuple[int, int]] = lambda device: (8 * 10**9, 10**10)  # noqa: E731
    monkeypatch.setattr(torch.cuda, "mem_get_info", free)
    assert items_at_once("cpu", 1e6, 250) == 250
    assert items_at_once("cuda", 1e6, 250) == 2000  # a quarter of what is free
    assert items_at_once("cuda", 1e9, 250) == 250  # never fewer: what is too much is halved
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 3 * 10**9)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 10**9)
    assert items_at_once("cuda", 1e6, 250) == 2500  # what torch keeps for later is free to torch


def test_a_result_says_nothing_of_the_cpu() -> None:
    assert device_versions("cpu") == {}
