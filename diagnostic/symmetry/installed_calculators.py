"""Calculators of installed packages by name: ``ase:NAME``, ``tblite:METHOD``, ``xtb:METHOD``, ``sevenn:NAME[:MODAL]``.

Nothing here is read from a file that somebody sent, so none needs ``trust``.
"""

from __future__ import annotations

import pkgutil
import warnings
from collections.abc import Callable
from importlib import import_module
from inspect import getmembers, isclass
from typing import Any

from ase.calculators.abc import GetPropertiesMixin

from ...theory.errors import InputError
from ..backbones.sources import CALCULATOR_FAMILIES, is_python_file, needed_arguments

#: Packages whose calculator takes a method: name, module, class, further arguments.
_METHODS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "tblite": ("tblite.ase", "TBLite", {"verbosity": 0}),
    "xtb": ("xtb.ase.calculator", "XTB", {}),
}
#: Classes of ASE whose module has another name.
_ASE_MODULES = {"lennardjones": "lj", "morsepotential": "morse"}
#: Weights that ship in the wheel of sevenn; others are fetched by it.
_SEVENN_SHIPPED = "7net-0, 7net-0_22May2024, 7net-l3i5, 7net-mf-0:PBE, 7net-mf-0:R2SCAN"


def named_calculator(source: str) -> bool:
    """Whether ``source`` is the name of an installed calculator without features, such as ``ase:emt`` or ``tblite:GFN2-xTB``."""
    return source.partition(":")[0] in CALCULATOR_FAMILIES and ":" in source and not is_python_file(source)


def installed_calculator(source: str, device: str = "cpu") -> Any:
    """Return the calculator that a name such as ``ase:emt`` stands for; ``device`` is where those of sevenn are evaluated.

    Raises
    ------
    InputError
        No such calculator, an absent package, or a class that takes arguments.
    """
    family, _, name = source.partition(":")
    if family == "ase":
        return _of_ase(name)
    if family == "sevenn":
        return _of_sevenn(name, device)
    module, kind, more = _METHODS[family]
    try:
        calculator = getattr(import_module(module), kind)
    except ImportError as error:
        raise InputError(f"{source!r} needs the package {family}, which is not installed here") from error
    return calculator(method=name, **more)


def _of_ase(name: str) -> Any:
    """Return a calculator of a module of ``ase.calculators``: of ``emt``, ``EMT``, ``lj`` or ``lj.LennardJones``."""
    module_name, _, class_name = name.partition(".")
    module_name = _ASE_MODULES.get(module_name.lower(), module_name.lower())
    names = {info.name for info in pkgutil.iter_modules(import_module("ase.calculators").__path__)}
    if module_name not in names:
        raise InputError(
            f"'ase:{name}' is not a known calculator, expected ase:emt, ase:lj, ase:morse or another module "
            "of ase.calculators; give others as module:callable or FILE.py:FUNCTION"
        )
    module = import_module(f"ase.calculators.{module_name}")
    classes = dict(
        getmembers(
            module,
            lambda value: (
                isclass(value)
                and issubclass(value, GetPropertiesMixin)
                and value.__module__.startswith(module.__name__)
                and not value.__name__.startswith(("_", "Base", "Mixing"))
            ),
        )
    )
    wanted = (
        {class_name.lower()} if class_name else {module_name, name.lower(), "lennardjones", "morsepotential"}
    )
    fitting = [kind for kind in classes if kind.lower() in wanted]
    if not fitting and not class_name and len(classes) == 1:
        fitting = list(classes)
    if not fitting:
        listing = ", ".join(f"ase:{module_name}.{kind}" for kind in classes)
        raise InputError(
            f"'ase:{name}' is not a calculator; "
            + (f"the module has {listing}" if listing else f"ase.calculators.{module_name} has none")
        )
    return _made(classes[fitting[0]], f"ase:{name}")


def _made(kind: Callable[[], Any], source: str) -> Any:
    needed = needed_arguments(kind)
    advice = "make it in a function of your own and give FILE.py:FUNCTION"
    if needed:
        raise InputError(f"'{source}' takes {', '.join(needed)}; {advice}")
    try:
        return kind()
    except (
        Exception
    ) as error:  # a constructor that looks for a program, a file or a parameter fails in its own way
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"'{source}' cannot be made without arguments ({reason}); {advice}") from error


def _of_sevenn(name: str, device: str) -> Any:
    """Return sevenn's own calculator, float32, of weights that it ships or fetches: ``NAME`` or ``NAME:MODAL``."""
    model, _, modal = name.partition(":")
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # that TorchScript is deprecated, and that no accelerator is installed
        try:
            from sevenn.calculator import SevenNetCalculator
        except ImportError as error:
            raise InputError(
                f"'sevenn:{name}' needs the package sevenn; install the extra 'sevennet'"
            ) from error
        try:
            calculator = SevenNetCalculator(model, modal=modal or None, device=device)
        except ValueError as error:
            reason = " ".join(str(error).split())[:300]
            raise InputError(f"'sevenn:{name}': {reason}; sevenn ships {_SEVENN_SHIPPED}") from error
        except OSError as error:  # requests raises its own kind of it
            raise InputError(
                f"'sevenn:{name}': its weights do not ship with sevenn and could not be fetched; shipped are {_SEVENN_SHIPPED}"
            ) from error
    if modal and getattr(calculator, "modal", None) is None:
        raise InputError(f"'sevenn:{name}': {model} has no modals; give sevenn:{model}")
    return calculator
