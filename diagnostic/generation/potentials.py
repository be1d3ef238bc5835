"""Classical potentials by name: ``matscipy:stillinger-weber``, ``matscipy:tersoff``, ``ase:tersoff:FILE``."""

from __future__ import annotations

import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

from ...theory.errors import InputError

#: Name, module of matscipy's explicit forms, class, and published parameters.
_MATSCIPY = {
    "stillinger-weber": ("stillinger_weber", "StillingerWeber", "Stillinger_Weber_PRB_31_5262_Si"),
    "tersoff": ("tersoff_brenner", "TersoffBrenner", "Tersoff_PRB_39_5566_Si_C"),
    "kumagai": ("kumagai", "Kumagai", "Kumagai_Comp_Mat_Sci_39_Si"),
}


def is_potential(source: str) -> bool:
    """Whether a name is one of those that :func:`potential` knows how to make."""
    return source.startswith(("matscipy:", "ase:tersoff:"))


def potential(source: str) -> Any:
    """Return a fresh ASE calculator of a classical potential.

    Parameters
    ----------
    source
        ``matscipy:stillinger-weber`` (silicon, Phys. Rev. B 31, 5262), ``matscipy:tersoff`` (silicon and carbon, Phys. Rev. B
        39, 5566), ``matscipy:kumagai`` (silicon, Comput. Mater. Sci. 39, 457), or ``ase:tersoff:FILE`` with a parameter file
        in the format of LAMMPS.

    Raises
    ------
    InputError
        No such potential, an absent package, or a parameter file that is absent or cannot be read.
    """
    family, _, name = source.partition(":")
    if family == "ase":
        return _tersoff_of(Path(name.partition(":")[2]))
    if name not in _MATSCIPY:
        raise InputError(f"{source!r} is no potential, expected matscipy:{', matscipy:'.join(_MATSCIPY)}")
    module_name, kind, parameters = _MATSCIPY[name]
    base = "matscipy.calculators.manybody"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = import_module(f"{base}.explicit_forms.{module_name}")
            manybody: Any = import_module(base)
    except ImportError as error:
        raise InputError(f"{source!r} needs the package matscipy, which is not installed here") from error
    return manybody.Manybody(**getattr(module, kind)(getattr(module, parameters)))


def _tersoff_of(path: Path) -> Any:
    from ase.calculators.tersoff import Tersoff

    if not path.is_file():
        raise InputError(f"no file {path.name or '(none)'} of Tersoff parameters; expected ase:tersoff:FILE")
    try:
        return Tersoff.from_lammps(path)
    except Exception as error:  # the reader raises what the file leads it to
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(
            f"{path.name} is no file of Tersoff parameters in the format of LAMMPS ({reason})"
        ) from error
