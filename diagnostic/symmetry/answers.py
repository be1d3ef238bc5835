"""What a user's calculator answers, held against what an ASE calculator has to give: real, finite numbers of the right shape."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from ...theory.errors import InputError


def numbers_of(
    value: Any, shape: tuple[int, ...], what: str, meaning: str, *, finite: bool = True
) -> NDArray[np.float64]:
    """Return finite float64 numbers of a shape; arrays of PyTorch are taken off their graph and their device.

    Parameters
    ----------
    what
        How the sentence of an error begins, such as ``EMT gave an energy``.
    meaning
        What was expected, such as ``eV``.
    finite
        Whether numbers that are not finite are an error.

    Raises
    ------
    InputError
        It is None, text, complex, of another shape or not finite.
    """
    if value is None:
        raise InputError(f"{what} that {_is(shape)} None, expected {meaning}")
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    try:
        given = np.asarray(value)
        if given.dtype.kind not in "iuf":
            kind = {"c": "complex", "b": "true or false", "U": "text", "S": "text"}.get(
                given.dtype.kind, "no number"
            )
            raise InputError(f"{what} that {_is(shape)} {kind}, expected real numbers: {meaning}")
        numbers = np.array(given, dtype=np.float64)
    except (TypeError, ValueError, RuntimeError) as error:
        if isinstance(error, InputError):
            raise
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{what} that cannot be read as numbers ({reason}); give NumPy arrays") from error
    if numbers.shape != shape:
        raise InputError(f"{what} of shape {numbers.shape}, expected {shape or 'a plain number'}: {meaning}")
    if finite and not np.isfinite(numbers).all():
        raise InputError(f"{what} that {_is(shape)} not finite; check the structure")
    return numbers


def _is(shape: tuple[int, ...]) -> str:
    return "is" if shape == () else "are"


def check_untouched(kind: str, given: Atoms, after: Atoms) -> None:
    """Raise InputError where a calculator changed the structure that it was given: energy and forces may be of two."""
    moved = (
        float(np.abs(after.positions - given.positions).max(initial=0.0))
        if len(after) == len(given)
        else np.inf
    )
    if moved > 0.0:
        how = f"moves atoms by up to {moved:.2g} Å" if np.isfinite(moved) else "adds or removes atoms"
    elif (after.numbers != given.numbers).any():
        how = "changes elements"
    elif (np.asarray(after.cell) != np.asarray(given.cell)).any():
        how = "changes the cell"
    else:
        return
    raise InputError(
        f"{kind} changes the structure that it is given ({how}), so that its energy and its forces may be of different "
        "structures; let it work on a copy"
    )
