"""Hold a value against a ``TypedDict``, field by field and type by type, as a type checker would if it knew the value."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict


def departures(value: Any, kind: Any, place: str = "result") -> Iterator[str]:
    """Yield a sentence for every place where a value is not of its type; a JSON integer is a float, too."""
    origin = get_origin(kind)
    if kind is Any:
        return
    if origin is NotRequired:
        yield from departures(value, get_args(kind)[0], place)
    elif origin in (Union, types.UnionType):
        tried = [list(departures(value, each, place)) for each in get_args(kind)]
        if all(tried):
            yield min(tried, key=len)[0]
    elif is_typeddict(kind):
        yield from _fields(value, kind, place)
    elif origin is Literal:
        if value not in get_args(kind):
            yield f"{place} is {value!r}, not one of {get_args(kind)}"
    elif origin is list:
        if not isinstance(value, list):
            yield f"{place} is a {type(value).__name__}, not a list"
            return
        for number, item in enumerate(value):
            yield from departures(item, get_args(kind)[0], f"{place}[{number}]")
    elif origin is dict:
        if not isinstance(value, dict):
            yield f"{place} is a {type(value).__name__}, not a dict"
            return
        for key, item in value.items():
            yield from departures(item, get_args(kind)[1], f"{place}.{key}")
    elif not isinstance(value, (float, int) if kind is float else kind) or (
        isinstance(value, bool) and kind in (int, float)
    ):
        yield f"{place} is a {type(value).__name__}, not a {getattr(kind, '__name__', kind)}"


def _fields(value: Any, kind: Any, place: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{place} is a {type(value).__name__}, not a {kind.__name__}"
        return
    hints = get_type_hints(kind, include_extras=True)
    for name, of in hints.items():
        if name in value:
            yield from departures(value[name], of, f"{place}.{name}")
        elif get_origin(of) is not NotRequired and name in kind.__required_keys__:
            yield f"{place} lacks {name}"
    for name in value:
        if name not in hints:
            yield f"{place} has {name}, which {kind.__name__} does not know"
