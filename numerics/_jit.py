"""Numba compilation with types that survive it, and settings said once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

_Function = TypeVar("_Function", bound=Callable[..., Any])


def jit(function: _Function) -> _Function:
    """Compile without the interpreter lock, cached on disk; a*b+c may become one fused operation."""
    compiled: Any = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})(function)
    return cast(_Function, compiled)


def exact_jit(function: _Function) -> _Function:
    """Compile with plain IEEE arithmetic: for integers held in floats, where nothing may be rearranged."""
    compiled: Any = numba.njit(cache=True, nogil=True)(function)
    return cast(_Function, compiled)


def jit_inline(function: _Function) -> _Function:
    """Compile into each caller, so that a constant argument there unrolls the loops here."""
    compiled: Any = numba.njit(inline="always", error_model="numpy", fastmath={"contract"})(function)
    return cast(_Function, compiled)
