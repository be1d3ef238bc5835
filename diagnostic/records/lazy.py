"""Public names of a package that are imported when they are first asked for: reading frames must not load PyTorch."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def lazy_names(
    package: str, homes: Mapping[str, Sequence[str] | Mapping[str, str]]
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return ``__getattr__``, ``__dir__`` and ``__all__`` of a package (PEP 562).

    Parameters
    ----------
    package
        ``__name__`` of the package.
    homes
        The names that each module gives, the module as it is written after the package and a dot; a mapping from public names
        to those in the module where they differ.

    Raises
    ------
    ValueError
        A name that two modules give, or that is a module of the package: which of the two it meant would depend on what was
        imported before.
    """
    where: dict[str, tuple[str, str]] = {}
    for module, names in homes.items():
        for name, inside in names.items() if isinstance(names, Mapping) else zip(names, names, strict=True):
            if name in where or any(name == home.partition(".")[0] for home in homes):
                raise ValueError(f"{package}.{name} has two meanings")
            where[name] = module, inside

    def get(name: str) -> Any:
        if name not in where:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, inside = where[name]
        value = getattr(import_module(f".{module}", package), inside)
        setattr(sys.modules[package], name, value)  # the next time it is found at once
        return value

    public = sorted(where)
    return get, lambda: sorted({*vars(sys.modules[package]), *public}), public
