"""The developer's own implementation, ``FILE.py:FUNCTION`` or a whole ``FILE.py``, loaded as functions to be judged."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import numpy as np

from ...theory import InputError
from .values import Kind, Source

#: Words in a function's name that tell what it gives.
_WORDS: dict[Kind, tuple[str, ...]] = {
    "coefficients": ("coefficient", "clebsch", "gordan", "3j", "gaunt", "coupling"),
    "harmonics": ("harmonic", "sph", "ylm"),
    "wigner": ("wigner", "rotat"),
}

_PROTOCOL = (
    "coefficients(l1, l2, l3) -> (2 l1 + 1, 2 l2 + 1, 2 l3 + 1), harmonics(l, points) -> (N, 2 l + 1) or "
    "wigner(l, rotation) -> (2 l + 1, 2 l + 1)"
)


def is_module(name: str) -> bool:
    """Whether the text names a Python file, with or without a function."""
    return name.partition(":")[0].endswith(".py")


def module_sources(name: str, kind: Kind | None = None) -> list[Source]:
    """Load the functions of a Python file; the file is run.

    Parameters
    ----------
    name
        ``FILE.py:FUNCTION``, or ``FILE.py`` for all of `coefficients`, `harmonics` and `wigner` that it has, which must
        then fit each other.
    kind
        What the function gives; by default read off its name.

    Returns
    -------
    list of Source
        Harmonics first.

    Raises
    ------
    InputError
        No such file or function, a file that raises, or a name that does not tell what it gives.
    """
    file, _, function = name.partition(":")
    module = _run(Path(file))
    if function:
        value = getattr(module, function, None)
        if not callable(value):
            raise InputError(f"{file} has no function {function!r}; expected {_PROTOCOL}")
        return [_source(kind or _kind(function), function, value)]
    if kind is not None:
        raise InputError(f"--what {kind} needs the function: give {file}:FUNCTION")
    made = [
        _source(which, which, getattr(module, which))
        for which in ("harmonics", "coefficients", "wigner")
        if callable(getattr(module, which, None))
    ]
    if not made:
        raise InputError(f"{file} has none of the functions {_PROTOCOL}; define one, or give {file}:FUNCTION")
    return made


def _run(path: Path) -> ModuleType:
    if not path.is_file():
        raise InputError(f"no Python file at {path}: give FILE.py:FUNCTION")
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)
    sys.path.insert(0, str(path.resolve().parent))  # it may import its neighbours
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise InputError(f"{path} raises {type(error).__name__} when it is run: {_first(error)}") from None
    finally:
        sys.path.remove(str(path.resolve().parent))
    return module


def _first(error: BaseException) -> str:
    return (str(error).splitlines() or ["no message"])[0]


def _kind(function: str) -> Kind:
    kinds = [kind for kind, words in _WORDS.items() if any(word in function.lower() for word in words)]
    # wigner_3j holds words of two kinds; the first, more special one is meant
    if not kinds:
        raise InputError(
            f"{function!r} does not tell what it gives: name it after {', '.join(get_args(Kind))}, or give --what"
        )
    return kinds[0]


def _source(kind: Kind, name: str, function: Callable[..., Any]) -> Source:
    def call(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except Exception as error:
            shown = ", ".join(str(value) for value in arguments if isinstance(value, int))
            rest = "" if kind == "coefficients" else ", ..."
            raise InputError(
                f"{name}({shown}{rest}) raises {type(error).__name__}: {_first(error)}; expected {_PROTOCOL}"
            ) from None

    if kind == "coefficients":
        probe: tuple[Any, ...] = (1, 1, 1)
    else:
        probe = (1, np.eye(3))
    numbers: str = np.asarray(call(*probe)).dtype.name
    return Source(kind, name, numbers, call)
