"""Checks of arguments, made before any work: a wrong value is told in one sentence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..theory._checks import as_int
from ..theory.ceiling import Ceiling
from ..theory.errors import InputError

#: Most memory that a rank may take, in bytes.
_MOST_MEMORY = 8 * 2**30

#: Rows and columns of a structured block beyond its dimension, see `structured`.
STRUCTURED_MARGIN = 16

#: Floating-point operations per second that the estimate of a time assumes: one core of a common processor.
_SPEED = 1e10


def integer(name: str, value: object) -> int:
    """Return an integer of any library as an int; booleans and floats are refused."""
    number = as_int(value)
    if number is None:
        raise InputError(f"{name} is {value!r}, which is no integer: give an integer")
    return number


def at_least(name: str, value: object, lowest: int) -> int:
    """Return an integer of at least `lowest`."""
    number = integer(name, value)
    if number < lowest:
        raise InputError(
            f"{name} is {number}: give {'zero or more' if lowest == 0 else f'at least {lowest}'}"
        )
    return number


def up_to(name: str, value: object, highest: int, advice: str) -> int:
    """Return an integer from 0 to `highest`."""
    number = integer(name, value)
    if not 0 <= number <= highest:
        raise InputError(f"{name} is {number}: give 0 to {highest}, {advice}")
    return number


def ceiling_of(degree: object, l_max: object) -> Ceiling:
    """Return the ceiling of a pair (d, L), both integers of at least 1."""
    d, top = integer("degree", degree), integer("l_max", l_max)
    if d < 1 or top < 1:
        raise InputError(f"degree is {d} and l_max is {top}: both must be at least 1")
    return Ceiling(d, top)


def cyclic_orders_of(orders: object) -> tuple[int, ...]:
    """Return the orders n of C_n fields, integers of at least 1."""
    if isinstance(orders, str) or not isinstance(orders, Iterable):
        raise InputError(f"cyclic orders are {orders!r}: give a sequence of integers, each at least 1")
    numbers = tuple(integer("a cyclic order", n) for n in orders)
    if any(n < 1 for n in numbers):
        raise InputError(f"cyclic orders are {list(numbers)}: each n must be at least 1")
    return numbers


def generator(rng: object) -> np.random.Generator:
    """Return a random generator; a bare seed is refused."""
    if not isinstance(rng, np.random.Generator):
        raise InputError(f"rng is {rng!r}, which is no random generator: give numpy.random.default_rng(0)")
    return rng


def affordable_rank(ceiling: Ceiling, rows: int, columns: int) -> None:
    """Refuse a dense rank that takes more than 8 GiB, saying what it would take and what to use instead."""
    memory = 32 * rows * columns  # the matrix, its bound, one factor and the copy that is factored
    if memory > _MOST_MEMORY:
        structured = structured_memory(ceiling)
        if structured <= _MOST_MEMORY:
            advice = f"use structured_span_rank, which splits the span by m and needs {structured / 2**30:,.1f} GiB"
        else:
            advice = (
                f"structured_span_rank, which splits the span by m, would need {structured / 2**30:,.0f} GiB: lower "
                "degree or l_max"
            )
        hours = 4 / 3 * min(rows, columns) ** 2 * max(rows, columns) / _SPEED / 3600
        raise InputError(
            f"degree {ceiling.degree} and l_max {ceiling.l_max} span {ceiling.dimension:,} dimensions: the dense rank would need "
            f"about {memory / 2**30:,.0f} GiB and {hours:,.1f} hours; {advice}"
        )


def structured_memory(ceiling: Ceiling) -> int:
    """Bytes of a structured rank: the blocks of every order, and the linear forms that they are powers of."""
    return 8 * (ceiling.boundary + 2 * ceiling.l_max + 2) * (ceiling.boundary + 1 + STRUCTURED_MARGIN) ** 2


def affordable_structured(ceiling: Ceiling) -> None:
    """Refuse a structured rank that takes more than 8 GiB."""
    if (memory := structured_memory(ceiling)) > _MOST_MEMORY:
        raise InputError(
            f"degree {ceiling.degree} and l_max {ceiling.l_max} reach l = {ceiling.boundary}: the structured rank would need "
            f"about {memory / 2**30:,.0f} GiB; lower degree or l_max"
        )


def as_real(name: str, values: ArrayLike, shape: str) -> NDArray[np.float64]:
    """Return real numbers as float64; `name` and `shape` go into the sentence for text, complex numbers and all else."""
    try:
        array: NDArray[Any] = np.asarray(values)
        if array.dtype.kind == "O" and not any(isinstance(x, str | bytes | complex) for x in array.flat):
            array = array.astype(np.float64)  # exact numbers such as Fraction
    except (TypeError, ValueError):
        raise InputError(f"{name} are not numbers: give an array of shape {shape}") from None
    if array.dtype.kind not in "iuf":
        kinds = {
            "c": "complex",
            "b": "booleans, not numbers",
            "U": "text, not numbers",
            "S": "text, not numbers",
        }
        kind = kinds.get(array.dtype.kind, f"of type {array.dtype}, not numbers")
        raise InputError(f"{name} are {kind}: give real numbers, an array of shape {shape}")
    return array.astype(np.float64, copy=False)
