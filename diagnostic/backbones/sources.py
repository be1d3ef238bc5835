"""What a model can be given as besides a file that holds it: a function of a Python file or of an installed module.

``FILE.py:FUNCTION`` runs a file that somebody sent, so it needs ``trust``. ``module:callable`` imports what is installed in
the environment, as any ``import`` does: whoever installed the package trusts it already.
"""

from __future__ import annotations

import re
import sys
import zipfile
from collections.abc import Callable
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from inspect import Parameter, signature
from pathlib import Path

from ...theory.errors import InputError

#: Families of installed calculators: words before a colon that are no modules of a user's.
CALCULATOR_FAMILIES = ("ase", "tblite", "xtb")
#: Families that a word before a colon can name besides a module.
FAMILIES = (*CALCULATOR_FAMILIES, "sevenn", "fairchem")
#: Endings of compiled models: nothing in them can be tapped.
COMPILED = (".nequip.pth", ".nequip.pt2")
#: What every exported metatomic model holds, beside its TorchScript code.
_METATOMIC = "extra/metatomic-version"

#: Endings of files after which a colon names a part of the file and no callable.
_FILES = (".pth", ".pt", ".ckpt", ".zip", ".model", ".safetensors", ".py")
_DOTTED = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
_MODULE = re.compile(f"{_DOTTED}:{_DOTTED}")


def is_python_file(source: str | Path) -> bool:
    """Whether a source is ``FILE.py:FUNCTION``."""
    return ".py:" in str(source)


def is_module(source: str | Path) -> bool:
    """Whether a source is ``module:callable``, the name of an importable object that is called without arguments."""
    text = str(source)
    return (
        not is_python_file(text)
        and text.partition(":")[0] not in FAMILIES
        and not text.rpartition(":")[0].endswith(_FILES)
        and _MODULE.fullmatch(text) is not None
    )


def is_function(source: str | Path) -> bool:
    """Whether a source names a function that makes a model: ``FILE.py:FUNCTION`` or ``module:callable``."""
    return is_python_file(source) or is_module(source)


def function_label(source: str | Path) -> str:
    """Return how results call what a function makes, without the path of its file."""
    where, name = str(source).rsplit(":", 1)
    return f"{Path(where).name if is_python_file(source) else where}:{name}"


def call_function(source: str | Path, trust: bool) -> object:
    """Call the function that a source names and return what it gives.

    Raises
    ------
    InputError
        No such file, module or function, one that takes arguments, or a file without ``trust``. What the user's code raises
        goes through.
    """
    text = str(source)
    return call_python(text, trust) if is_python_file(text) else _call_module(text)


def call_python(source: str, trust: bool) -> object:
    """Call a function of a Python file, ``FILE.py:FUNCTION``, and return what it gives."""
    file, name = source.rsplit(":", 1)
    path = Path(file)
    if not path.is_file():
        raise InputError(f"no Python file at {file}; expected FILE.py:FUNCTION")
    if not trust:
        raise InputError(
            f"{path.name} is Python code, which would be run; add --trust (in Python trust=True) if you trust whoever wrote it"
        )
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)  # dataclasses and pickles in the file look it up
    spec.loader.exec_module(module)
    function = getattr(module, name, None)
    if not callable(function):
        raise InputError(
            f"{path.name} has no function {name!r}; expected one that takes nothing and returns a backbone"
        )
    return _call(function, name, path.name)


def _call_module(source: str) -> object:
    module_name, name = source.split(":")
    try:
        value: object = import_module(module_name)
    except ModuleNotFoundError as error:
        lacking = str(error.name)
        if not f"{module_name}.".startswith(f"{lacking}."):
            raise  # the module is there and imports one that is not
        file = Path(*module_name.split(".")).with_suffix(".py")
        advice = (
            f"for the file give {file}:{name} and --trust"
            if file.is_file()
            else "install it, or give FILE.py:FUNCTION"
        )
        raise InputError(f"no module {lacking!r} is installed here, for {source}; {advice}") from None
    for part in name.split("."):
        if not hasattr(value, part):
            raise InputError(f"module {module_name} has no {name!r}; expected module:callable")
        value = getattr(value, part)
    if not callable(value):
        raise InputError(
            f"{name} in module {module_name} is {type(value).__name__} and cannot be called; expected a function or class that "
            "takes nothing and returns a calculator or a backbone"
        )
    return _call(value, name, f"module {module_name}")


def _call(function: Callable[..., object], name: str, place: str) -> object:
    needed = needed_arguments(function)
    if needed:
        raise InputError(
            f"{name} in {place} takes {', '.join(needed)}, expected a function that takes nothing; give them defaults"
            + (" in a function of your own, FILE.py:FUNCTION" if place.startswith("module ") else "")
        )
    return function()


def needed_arguments(function: Callable[..., object]) -> list[str]:
    """Return the names of the arguments without which a function cannot be called."""
    try:
        given = signature(function).parameters.values()
    except (TypeError, ValueError):  # written in C, or without a signature
        return []
    return [
        argument.name
        for argument in given
        if argument.default is Parameter.empty
        and argument.kind not in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    ]


def is_calculator(made: object) -> bool:
    """Whether an object has the methods of an ASE calculator."""
    return not isinstance(made, type) and hasattr(made, "calculate") and hasattr(made, "get_property")


def is_metatomic(source: str | Path) -> bool:
    """Whether a file is a model that metatomic exported; other packages write files of the same ending."""
    path = Path(source)
    if path.suffix != ".pt" or not path.is_file() or not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith(_METATOMIC) for name in archive.namelist())


def refuse_calculator(source: str | Path) -> None:
    """Raise InputError where a source is known to be a calculator alone, whose features cannot be tapped."""
    text = str(source)
    family, colon, _ = text.partition(":")
    what = (
        "a calculator"
        if colon and family in CALCULATOR_FAMILIES and not is_python_file(text)
        else "a compiled model, whose layers cannot be tapped"
        if text.endswith(COMPILED)
        else "a metatomic model, whose layers cannot be tapped"
        if is_metatomic(source)
        else None
    )
    if what is None:
        return
    label = text if what == "a calculator" else Path(text).name
    more = (
        "; for features give the .ckpt or the .nequip.zip it was compiled from"
        if text.endswith(COMPILED)
        else ""
    )
    raise InputError(no_features(label, what) + more)


def no_features(label: str, what: str = "a calculator") -> str:
    """Return the sentence that a calculator gets where features are needed."""
    return f"{label} is {what}: it has no features; 'ceilings audit {label} --parts symmetry' measures how symmetric it is"
