"""Values as plain JSON types: finite numbers, strings as keys, floats that read back to the same bits."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


def plain(value: object, where: str = "value") -> Any:
    """Return `value` as plain JSON types: NumPy scalars and arrays unwrapped, tuples as lists.

    Parameters
    ----------
    value : object
        Nested mappings, sequences, strings, numbers, booleans, None, NumPy scalars or arrays.
    where : str
        The name of `value` in error messages, such as ``recovery[3].r2``.

    Raises
    ------
    ValueError
        For a number that is not finite: JSON has none. A missing number is None.
    TypeError
        For a mapping key that is not a string, or a type that JSON does not have.
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{where} is {value}: a number in a result is finite, a missing one is None")
        return float(value)
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"{where} has the key {key!r}: the keys of a result are strings")
        return {str(key): plain(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, f"{where}[{i}]") for i, item in enumerate(value)]
    unwrap = getattr(value, "tolist", None)
    if callable(unwrap):  # NumPy scalars and arrays, torch tensors
        return plain(unwrap(), where)
    raise TypeError(f"{where} is a {type(value).__name__}: a result holds plain JSON values only")


def to_json(value: object, where: str = "value", *, indent: int | None = 1) -> str:
    """Return `value` as JSON text whose floats read back to the same bits, without NaN or infinity."""
    text = json.dumps(plain(value, where), indent=indent, allow_nan=False, ensure_ascii=False) + "\n"
    # A file name that is not UTF-8 reaches Python as lone surrogates: they become JSON's own \\u escapes.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def field(row: Mapping[str, object], name: str) -> Any:
    """Return a field whose name is made of parts or read from a table; a type checker knows the others by name."""
    return row[name]
