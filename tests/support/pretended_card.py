"""A pretended GPU: tensors that say ``cuda:0``, compute on the CPU, and refuse to meet tensors of the CPU.

Inside of :func:`pretended_card` the device ``cuda`` exists. Every operation on its tensors is the CPU's, with the same strides,
so that results are the CPU's bit for bit. Tensors of two devices in one operation are an error; copies either way are counted,
and so are operations whose result the host has to wait for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar

import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._mode_utils import no_dispatch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map
from torch.utils.backend_registration import _DummyBackendModule, _DummyDeviceGuard, _DummyPrivateUse1Hook

aten = torch.ops.aten
CARD = torch.device("cuda:0")
_REAL = torch.cuda.is_available()
CPU = torch.device("cpu")
#: What torch's C++ takes the card for: a build for the CPU has no guard for CUDA, and one of Python can be given for this.
_INSIDE = torch.device("privateuseone:0")

#: Operations after which the host waits for a card, beside copies to the host: the shape of the result is data, or a
#: factorisation is asked whether it succeeded.
_WAITING = {
    "aten::nonzero", "aten::masked_select", "aten::_unique2", "aten::unique_dim", "aten::unique_consecutive",
    "aten::bincount", "aten::repeat_interleave", "aten::_linalg_check_errors", "aten::equal", "aten::_local_scalar_dense",
    "aten::is_nonzero", "aten::argwhere",
}  # fmt: skip
#: What indexes; a card takes indices of the host (and copies them).
_INDEXING = {"aten::index", "aten::index_put", "aten::index_put_", "aten::_index_put_impl_"}


@dataclass
class Card:
    """What a pretended card was asked, and what it can still do.

    Attributes
    ----------
    to_host, to_card, waits
        Number of copies of tensors from and to the card, and of operations that the host has to wait for (copies to the host
        among them), by name.
    operations
        Number of operations on the card.
    room
        Bytes that one result may have; a larger one is out of memory. None: any number.
    lasts
        The card is gone after this many operations; None: it stays.
    refused
        How often memory ran out.
    """

    room: int | None = None
    lasts: int | None = None
    to_host: int = 0
    to_card: int = 0
    waits: Counter[str] = field(default_factory=Counter)
    operations: int = 0
    refused: int = 0
    largest: int = 0

    def operate(self) -> None:
        """Count an operation; raise what torch raises where the card is gone."""
        self.operations += 1
        if self.lasts is not None and self.operations > self.lasts:
            raise torch.AcceleratorError("CUDA error: unspecified launch failure")

    def allocate(self, made: torch.Tensor) -> None:
        """Raise what torch raises where a result has no room."""
        size = made.numel() * made.element_size()
        self.largest = max(self.largest, size)
        if self.room is not None and size > self.room:
            self.refused += 1
            raise torch.OutOfMemoryError(f"CUDA out of memory. Tried to allocate {size} bytes")


class OnCard(torch.Tensor):
    """A tensor of the pretended card; ``held`` is the tensor of the CPU that has its numbers."""

    held: torch.Tensor
    card: ClassVar[Card]
    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> OnCard:
        made: OnCard = torch.Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls, held.size(), strides=held.stride(), storage_offset=held.storage_offset(), dtype=held.dtype,
            layout=held.layout, device=_INSIDE, requires_grad=False,
        )  # fmt: skip
        made.held = held
        return made

    def __repr__(self, **_: Any) -> str:
        return f"OnCard({self.held!r})"

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _operate(func, args, kwargs or {})


def _is_card(device: Any) -> bool:
    return device is not None and torch.device(device).type in ("cuda", "privateuseone")


def _operate(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """Run an operation of which some tensor, or the device that is asked for, is the card's."""
    given, _ = tree_flatten((args, kwargs))
    tensors = [each for each in given if isinstance(each, torch.Tensor)]
    mine = [each for each in tensors if isinstance(each, OnCard)]
    wanted = kwargs.get("device")
    if not mine and not _is_card(wanted):
        return func(*args, **kwargs)
    card, name = OnCard.card, func._schema.name
    card.operate()
    strangers = [each for each in tensors if not isinstance(each, OnCard) and each.dim() > 0]
    if mine and strangers and name not in ("aten::copy_", "aten::_to_copy"):
        if name not in _INDEXING or not isinstance(args[0], OnCard):
            raise RuntimeError(
                f"{name}: expected all tensors to be on the same device, but got {CARD} and cpu, of shapes "
                f"{[tuple(each.shape) for each in tensors]}"
            )
        card.to_card += 1
    if name in _WAITING or (name in _INDEXING and _masks(args)):
        card.waits[name] += 1
    if name == "aten::copy_":
        _count_copy(args[0], args[1])
    if name == "aten::_to_copy":
        home = CARD if wanted is None and mine else torch.device(wanted or "cpu")
        _count_move(bool(mine), _is_card(home))
    else:
        home = CARD if wanted is None or _is_card(wanted) else CPU
    if "device" in kwargs:
        kwargs = {**kwargs, "device": None if mine and _is_card(wanted) else CPU}
    held_args, held_kwargs = tree_map(_held, (args, kwargs))
    answer = func(*held_args, **held_kwargs)
    if name in ("aten::_local_scalar_dense", "aten::equal"):
        return answer
    return _wrapped(func, answer, args, kwargs, held_args, held_kwargs, _is_card(home))


def _masks(args: Any) -> bool:
    return any(isinstance(i, torch.Tensor) and i.dtype == torch.bool for i in args[1])


def _held(value: Any) -> Any:
    return value.held if isinstance(value, OnCard) else value


def _count_copy(target: torch.Tensor, source: torch.Tensor) -> None:
    _count_move(isinstance(source, OnCard), isinstance(target, OnCard))


def _count_move(from_card: bool, to_card: bool) -> None:
    card = OnCard.card
    if from_card and not to_card:
        card.to_host += 1
        card.waits["copy to the host"] += 1
    elif to_card and not from_card:
        card.to_card += 1


def _wrapped(
    func: Any, answer: Any, args: Any, kwargs: Any, held_args: Any, held_kwargs: Any, on_card: bool
) -> Any:
    """Return the answer as tensors of the card; what an operation wrote into is what it was given."""
    outside, inside = tree_flatten((args, kwargs))[0], tree_flatten((held_args, held_kwargs))[0]
    written = {
        id(held): whole
        for whole, held in zip(outside, inside, strict=True)
        if isinstance(whole, torch.Tensor)
    }
    seen: set[int] = set()
    views = any(part.alias_info is not None for part in func._schema.returns)

    def wrap(value: Any) -> Any:
        if not isinstance(value, torch.Tensor):
            return value
        if id(value) in written and id(value) not in seen and func._schema.is_mutable:
            whole = written[id(value)]
            if torch.Tag.inplace_view in func.tags:  # shapes alone change, and the outer tensor's must too
                with no_dispatch():
                    func(*args, **kwargs)
            if whole.shape != value.shape:
                raise NotImplementedError(f"{func._schema.name} gave a tensor another shape in place")
            return whole
        if not on_card:
            return value
        if not views:
            OnCard.card.allocate(value)
        return OnCard(value)

    return tree_map(wrap, answer)


class _Dispatch(TorchDispatchMode):
    """Takes operations that make a tensor on the card from none that is there."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _operate(func, args, kwargs or {})


_MAKERS_OF_COPIES = {torch.tensor, torch.as_tensor, torch.asarray, torch.scalar_tensor}


#: What Python sees of a tensor of the card.
_SHOWN: dict[Any, Any] = {torch.Tensor.device.__get__: CARD, torch.Tensor.is_cuda.__get__: True}  # type: ignore[attr-defined]


_DATA: Any = torch.Tensor.data


class _Function(TorchFunctionMode):
    """Takes calls that name the card before torch looks for a driver."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in _SHOWN:
            return _SHOWN[func] if isinstance(args[0], OnCard) else func(*args)
        if func == _DATA.__get__ and isinstance(args[0], OnCard):  # shares its numbers, without a history
            return OnCard(args[0].held)
        if func == _DATA.__set__ and isinstance(args[0], OnCard):  # such as Module.double()
            func(*args)
            args[0].held = args[1].held
            return None
        if func in (torch.Tensor.to, torch.Tensor.cuda):
            return _moved(func, args, kwargs)
        if func is torch.Tensor.cpu:
            return func(*args, **kwargs)
        if func is torch.Tensor.tolist and isinstance(args[0], OnCard):
            return args[0].cpu().tolist()
        if func is torch.Tensor.numpy and isinstance(args[0], OnCard) and not kwargs.get("force"):
            raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() first")
        if func is torch.Tensor.numpy and isinstance(args[0], OnCard):
            return args[0].detach().cpu().numpy()
        if not _is_card(kwargs.get("device")):
            return func(*args, **kwargs)
        if func is torch._C._nn._parse_to:  # only reads what Module.to was given
            return func(*args, **kwargs)
        tensors = [each for each in tree_flatten((args, kwargs))[0] if isinstance(each, OnCard)]
        if tensors:  # such as zeros_like(x, device=x.device)
            return func(*args, **{**kwargs, "device": _INSIDE})
        return _made(func, args, kwargs)


def _made(func: Any, args: Any, kwargs: dict[str, Any]) -> torch.Tensor:
    """Make a tensor on the card."""
    requires_grad = kwargs.pop("requires_grad", False)
    OnCard.card.operate()
    if func in _MAKERS_OF_COPIES:
        OnCard.card.to_card += 1
    with torch._C.DisableTorchFunction():
        held = func(*args, **{**kwargs, "device": "cpu"})
    if func in (torch.as_tensor, torch.asarray):
        held = held.clone()  # a card shares no memory with an array of the host
    OnCard.card.allocate(held)
    made = OnCard(held)
    return made.requires_grad_() if requires_grad else made


def _moved(func: Any, args: Any, kwargs: dict[str, Any]) -> torch.Tensor:
    value, *rest = args
    if func is torch.Tensor.cuda:
        rest, kwargs = [CARD], {}
    if rest and isinstance(rest[0], torch.Tensor):  # like another tensor
        other = rest[0]
        rest, kwargs = [other.device, other.dtype], kwargs
    copy = kwargs.pop("copy", False)
    device, dtype, _, memory = torch._C._nn._parse_to(*rest, **kwargs)
    on_card = isinstance(value, OnCard)
    stays = device is None or _is_card(device) == on_card
    if stays:
        if (dtype is None or dtype == value.dtype) and not copy:
            return value
        return aten._to_copy.default(value, dtype=dtype or value.dtype, memory_format=memory)
    return aten._to_copy.default(
        value, dtype=dtype or value.dtype, device=torch.device(device), memory_format=memory
    )


class _NoModule(_DummyBackendModule):
    """What optimizers and seeds ask about the device: that they need do nothing for it."""

    def is_available(self) -> bool:
        return False


@cache
def _give_guard() -> None:
    """Let autograd take tensors of the card: without a guard of its device it ends the process."""
    torch._C._rename_privateuse1_backend(
        "privateuseone"
    )  # by any name it counts as an accelerator from now on
    torch._register_device_module("privateuseone", _NoModule())  # type: ignore[no-untyped-call]
    torch._C._acc.register_python_privateuseone_hook(_DummyPrivateUse1Hook())
    torch._C._acc.register_python_privateuseone_device_guard(_DummyDeviceGuard())


@contextmanager
def pretended_card(
    room: int | None = None, lasts: int | None = None, free: int = 8 * 10**9
) -> Iterator[Card]:
    """Let the device ``cuda`` exist within.

    Parameters
    ----------
    room, lasts
        See :class:`Card`.
    free
        Bytes that the card says are free.
    """
    if _REAL:
        pytest.skip("there is a real card, whose tensors may lie in caches already")
    _give_guard()
    OnCard.card = card = Card(room, lasts)
    patched: dict[str, Callable[..., Any]] = {
        "is_available": lambda: True,
        "device_count": lambda: 1,
        "current_device": lambda: 0,
        "mem_get_info": lambda device=None: (free, 10 * 10**9),
        "get_device_name": lambda device=None: "pretended card",
        "empty_cache": lambda: None,
        "synchronize": lambda device=None: None,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in patched.items():
            patch.setattr(torch.cuda, name, value)
        # The engine's thread of a card is started with the first backward pass of the process, with or without one.
        with torch.autograd.set_multithreading_enabled(False), _Dispatch(), _Function():
            yield card


def on_host(value: torch.Tensor) -> torch.Tensor:
    """Return the numbers of a tensor of either device, without counting a copy."""
    return value.held.clone() if isinstance(value, OnCard) else value.detach().clone()
